package session

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/telemetry"
)

// Of lists the living sessions of a person, the latest first.
func (s *Store) Of(ctx context.Context, person string) ([]Session, error) {
	const living = `
		select ` + columns + `
		  from signin_sessions
		 where person = $1 and ended_at is null and expires_at > $2 and seen_at > $3
		 order by created_at desc, id`
	now := s.options.Now()
	rows, err := s.pool.Query(ctx, living, person, now, now.Add(-s.options.Idle))
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Session, err error) {
		err = row.Scan(n.fields()...)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return all, nil
}

// Revoke ends one session by its id. It tells whether there was one.
func (s *Store) Revoke(ctx context.Context, session string) (bool, error) {
	id, err := uuid.Parse(session)
	if err != nil {
		return false, nil //nolint:nilerr // what is no id is no session's
	}
	done, err := s.pool.Exec(ctx, `update signin_sessions set ended_at = $2 where id = $1 and ended_at is null`, id, s.options.Now())
	if err != nil {
		return false, fmt.Errorf("revoke session: %w", err)
	}
	return done.RowsAffected() > 0, nil
}

// RevokePerson ends all sessions of a person or machine, and refuses the tokens that were given to them until now.
// Whether they get new ones is the provider's to decide.
func (s *Store) RevokePerson(ctx context.Context, person string) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		now := s.options.Now()
		const end = `update signin_sessions set ended_at = $2, refresh = null where person = $1 and ended_at is null`
		if _, err := tx.Exec(ctx, end, person, now); err != nil {
			return fmt.Errorf("revoke sessions: %w", err)
		}
		const cut = `
			insert into signin_cutoffs (person, until) values ($1, $2)
			on conflict (person) do update set until = greatest(signin_cutoffs.until, excluded.until)`
		if _, err := tx.Exec(ctx, cut, person, now); err != nil {
			return fmt.Errorf("revoke tokens: %w", err)
		}
		return nil
	})
}

const (
	sweepEvery = time.Hour
	keepEnded  = 90 * 24 * time.Hour // for questions about who was signed in when
)

// Sweep forgets what is long over, until ctx ends. It is a service.Runner's.
func (s *Store) Sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.SweepOnce(ctx); err != nil && ctx.Err() == nil {
			s.options.Log.Warn("old sessions were not swept; tried again later", telemetry.Err(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// SweepOnce forgets what is long over.
func (s *Store) SweepOnce(ctx context.Context) error {
	before := s.options.Now().Add(-keepEnded)
	if _, err := s.pool.Exec(ctx, `delete from signin_sessions where expires_at < $1`, before); err != nil {
		return fmt.Errorf("delete old sessions: %w", err)
	}
	return nil
}

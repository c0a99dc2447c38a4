package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/telemetry"
)

// recheck asks the provider about a session's person, if nobody else does right now.
func (s *Store) recheck(ctx context.Context, n Session) (Session, error) {
	mine, err := s.take(ctx, n)
	if err != nil {
		return Session{}, err
	}
	if !mine {
		return s.goOn(n, waits())
	}
	// The caller's end must not lose an answer: a provider may have used up the refresh token for it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lease)
	defer cancel()
	who, refresh, err := s.options.Ask(ctx, n)
	p, refused := problem.Of(err)
	switch {
	case err == nil:
	case refused && p.Kind != problem.Unavailable:
		return Session{}, s.dismiss(ctx, n, err)
	default:
		s.options.Log.Warn("the provider could not be asked about a session", zap.String("session", n.ID), telemetry.Err(err))
		return s.postpone(ctx, n, err)
	}
	const keep = `
		update signin_sessions
		   set role = $2, facility = $3, unit = $4, bank = $5, scopes = $6, refresh = $7, checked_at = $8, checking_at = null
		 where id = $1 and ended_at is null`
	now := s.options.Now()
	done, err := s.pool.Exec(ctx, keep, n.ID, string(who.Role), who.Facility, who.Unit, who.Bank, string(who.Scopes),
		s.sealed(n.ID, refresh), now)
	if err != nil {
		return Session{}, fmt.Errorf("keep what the provider says: %w", err)
	}
	if done.RowsAffected() == 0 {
		return Session{}, Ended()
	}
	if who != n.Who {
		s.options.Log.Info("what a session may do has changed at the provider", zap.String("session", n.ID),
			zap.String("actor", who.Actor()), zap.String("role", string(who.Role)))
	}
	n.Who, n.Refresh, n.Checked = who, refresh, now
	return n, nil
}

// take takes the lease to ask.
func (s *Store) take(ctx context.Context, n Session) (bool, error) {
	const take = `
		update signin_sessions set checking_at = $2
		 where id = $1 and checked_at = $3 and (checking_at is null or checking_at < $4)
		returning true`
	now := s.options.Now()
	var mine bool
	err := s.pool.QueryRow(ctx, take, n.ID, now, n.Checked, now.Add(-lease)).Scan(&mine)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("take the lease to ask about a session: %w", err)
	}
	return mine, nil
}

// postpone gives the lease back some seconds later, so that not every request waits for a provider that is away.
func (s *Store) postpone(ctx context.Context, n Session, why error) (Session, error) {
	const later = `update signin_sessions set checking_at = $2 where id = $1`
	if _, err := s.pool.Exec(ctx, later, n.ID, s.options.Now().Add(askLater-lease)); err != nil {
		return Session{}, fmt.Errorf("ask about a session later: %w", err)
	}
	return s.goOn(n, why)
}

const askLater = 10 * time.Second

// goOn lets a session go on about which the provider was not asked in time, for as long as is allowed.
func (s *Store) goOn(n Session, otherwise error) (Session, error) {
	if s.options.Now().Sub(n.Checked) >= s.options.Recheck+s.options.Grace {
		return Session{}, otherwise
	}
	return n, nil
}

// dismiss ends the session of somebody whom the provider does not know any more, or not well enough.
func (s *Store) dismiss(ctx context.Context, n Session, why error) error {
	const end = `update signin_sessions set ended_at = $2, refresh = null where id = $1 and ended_at is null`
	if _, err := s.pool.Exec(ctx, end, n.ID, s.options.Now()); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	s.options.Log.Info("the provider ended a session", zap.String("session", n.ID), zap.String("actor", n.Who.Actor()),
		zap.String("code", problem.CodeOf(why)))
	return Ended()
}

func waits() error {
	const again = 2 * time.Second
	return &problem.Problem{
		Kind: problem.Unavailable, Code: "sign_in_away", RetryAfter: again,
		Detail:   "the provider by which people and machines are known does not answer; try again",
		DetailVI: "hệ thống đăng nhập tạm gián đoạn; xin thử lại",
	}
}

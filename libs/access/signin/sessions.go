package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/problem"
)

const (
	mostSessions = 10               // of one person; the oldest ends
	touchEvery   = 15 * time.Second // how exactly the last use is known, at most
	touchesIdle  = 20               // and relative to the idle time
)

// Session is one browser in which somebody is signed in.
type Session struct {
	ID  string
	Who access.Principal
	// Strong says that a second factor was shown, to the provider or to us.
	Strong  bool
	Created time.Time
	Seen    time.Time
	Expires time.Time
}

// begin makes a session and returns its token. The session of the token that the browser had before, if any, ends:
// nobody keeps one that was planted, or from before a step up. A step up (n has the ID of what it replaces) needs that
// to live still.
func (s *Signin) begin(ctx context.Context, before string, n Session) (token string, _ Session, err error) {
	token = newToken()
	stepUp := n.ID != ""
	n.ID, n.Created, n.Seen = uuid.NewString(), s.now(), s.now()
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		ended, err := tx.Exec(ctx, `update signin_sessions set ended_at = $2 where token = $1 and ended_at is null`,
			digest(before), n.Created)
		if err != nil {
			return fmt.Errorf("end the session before: %w", err)
		}
		if stepUp && ended.RowsAffected() == 0 {
			return sessionEnded()
		}
		const insert = `
			insert into signin_sessions
			       (token, id, person, role, facility, unit, bank, strong, created_at, seen_at, expires_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)`
		if _, err := tx.Exec(ctx, insert, digest(token), n.ID, n.Who.ID, string(n.Who.Role), n.Who.Facility, n.Who.Unit,
			n.Who.Bank, n.Strong, n.Created, n.Expires); err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		const trim = `
			update signin_sessions set ended_at = $2
			 where token in (select token from signin_sessions where person = $1 and ended_at is null
			                  order by created_at desc, id offset $3)`
		if _, err := tx.Exec(ctx, trim, n.Who.ID, n.Created, mostSessions); err != nil {
			return fmt.Errorf("end the oldest: %w", err)
		}
		return nil
	})
	if err != nil {
		return "", Session{}, fmt.Errorf("begin session: %w", err)
	}
	return token, n, nil
}

// lookup returns a living session, and notes that it is used.
func (s *Signin) lookup(ctx context.Context, token string) (Session, error) {
	const living = `
		select id::text, person, role, facility, unit, bank, strong, created_at, seen_at, expires_at
		  from signin_sessions
		 where token = $1 and ended_at is null and expires_at > $2 and seen_at > $3`
	var n Session
	var role string
	now := s.now()
	err := s.pool.QueryRow(ctx, living, digest(token), now, now.Add(-s.options.Idle)).Scan(
		&n.ID, &n.Who.ID, &role, &n.Who.Facility, &n.Who.Unit, &n.Who.Bank, &n.Strong, &n.Created, &n.Seen, &n.Expires)
	if errors.Is(err, pgx.ErrNoRows) {
		return Session{}, sessionEnded()
	}
	if err != nil {
		return Session{}, fmt.Errorf("look up session: %w", err)
	}
	n.Who.Role = access.Role(role)
	if now.Sub(n.Seen) < min(touchEvery, s.options.Idle/touchesIdle) {
		return n, nil
	}
	const touch = `update signin_sessions set seen_at = $2 where token = $1 and seen_at < $2`
	if _, err := s.pool.Exec(ctx, touch, digest(token), now); err != nil {
		return Session{}, fmt.Errorf("note the use of a session: %w", err)
	}
	n.Seen = now
	return n, nil
}

// end ends the session of a token.
func (s *Signin) end(ctx context.Context, token string) error {
	const end = `update signin_sessions set ended_at = $2 where token = $1 and ended_at is null`
	if _, err := s.pool.Exec(ctx, end, digest(token), s.now()); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// Sessions lists the living sessions of a person, the latest first.
func (s *Signin) Sessions(ctx context.Context, person string) ([]Session, error) {
	const living = `
		select id::text, person, role, facility, unit, bank, strong, created_at, seen_at, expires_at
		  from signin_sessions
		 where person = $1 and ended_at is null and expires_at > $2 and seen_at > $3
		 order by created_at desc, id`
	now := s.now()
	rows, err := s.pool.Query(ctx, living, person, now, now.Add(-s.options.Idle))
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Session, err error) {
		err = row.Scan(&n.ID, &n.Who.ID, &n.Who.Role, &n.Who.Facility, &n.Who.Unit, &n.Who.Bank, &n.Strong, &n.Created, &n.Seen, &n.Expires)
		return n, err
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return all, nil
}

// Revoke ends one session by its id. It tells whether there was one.
func (s *Signin) Revoke(ctx context.Context, session string) (bool, error) {
	id, err := uuid.Parse(session)
	if err != nil {
		return false, nil //nolint:nilerr // what is no id is no session's
	}
	done, err := s.pool.Exec(ctx, `update signin_sessions set ended_at = $2 where id = $1 and ended_at is null`, id, s.now())
	if err != nil {
		return false, fmt.Errorf("revoke session: %w", err)
	}
	return done.RowsAffected() > 0, nil
}

// RevokePerson ends all sessions of a person or machine, and refuses the tokens that were given to them until now.
// Whether they get new ones is the provider's to decide.
func (s *Signin) RevokePerson(ctx context.Context, person string) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		now := s.now()
		const end = `update signin_sessions set ended_at = $2 where person = $1 and ended_at is null`
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
func (s *Signin) Sweep(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("old sessions were not swept; tried again later", errField(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Signin) sweep(ctx context.Context) error {
	now := s.now()
	if _, err := s.pool.Exec(ctx, `delete from signin_sessions where expires_at < $1`, now.Add(-keepEnded)); err != nil {
		return fmt.Errorf("delete old sessions: %w", err)
	}
	if _, err := s.pool.Exec(ctx, `delete from signin_spent where expires_at < $1`, now); err != nil {
		return fmt.Errorf("delete used tokens: %w", err)
	}
	return nil
}

// cookieProof takes sessions.
type cookieProof struct{ *Signin }

// Credential returns the session's token, of requests that do not say by another way who they are.
func (p cookieProof) Credential(r *http.Request) string {
	if r.Header.Get("Authorization") != "" {
		return ""
	}
	return p.cookie(r, sessionCookie)
}

// Prove looks the session up.
func (p cookieProof) Prove(ctx context.Context, r *http.Request, token string) (access.Principal, error) {
	n, err := p.admit(ctx, r, token)
	if err != nil {
		return access.Principal{}, err
	}
	if needsSecondFactor(n.Who.Role) && !n.Strong {
		return access.Principal{}, secondFactorRequired()
	}
	n.Who.SecondFactor = n.Strong
	return n.Who, nil
}

// admit returns the session of a token, if the request may use it.
func (s *Signin) admit(ctx context.Context, r *http.Request, token string) (Session, error) {
	n, err := s.lookup(ctx, token)
	if err != nil {
		return Session{}, err
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return n, nil
	}
	if s.origin.Check(r) != nil || !same(s.secrets.csrfOf(token), r.Header.Get(CSRFHeader)) {
		return Session{}, problem.New(problem.Forbidden, "csrf_token_required",
			"a change needs the session's CSRF token in the header Songan-CSRF, and has to come from our own pages",
			"thao tác cần mã chống giả mạo của phiên trong tiêu đề Songan-CSRF và phải gửi từ trang của hệ thống")
	}
	return n, nil
}

func sessionEnded() error {
	return problem.New(problem.Unauthenticated, "session_ended",
		"you are not signed in any more; sign in again", "phiên đăng nhập đã kết thúc; xin đăng nhập lại")
}

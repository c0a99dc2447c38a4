// Package session is who is signed in, in the database: a row for each browser.
//
//  1. Of a session's token there is the SHA-256 only. A session ends when nobody uses it, at the latest at its end, when it
//     is revoked, and when its person has too many.
//  2. What the provider said at the sign-in is asked again every [Options.Recheck] while the session is used, by the refresh
//     token, which is sealed. A role that changed reaches the session then; somebody whom the provider does not know any
//     more is signed out. One request at a time asks, and waits for it.
//  3. While the provider is away sessions go on for [Options.Grace] more, and are refused after that: an outage must not
//     make a dismissal ineffective for longer than is said here.
//  4. A provider that gives no refresh token cannot be asked. Its sessions end after [unchecked].
package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
	"github.com/songan-vn/songan/libs/problem"
)

const (
	mostSessions = 10               // of one person; the oldest ends
	touchEvery   = 15 * time.Second // how exactly the last use is known, at most
	touchesIdle  = 20               // and relative to the idle time
	unchecked    = time.Hour        // that a session lives about which the provider cannot be asked
	lease        = 30 * time.Second // that one request has to ask the provider
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
	// Subject is the person at the provider, and Refresh asks about them; both are empty in lists.
	Subject, Refresh string
	// Checked is when the provider was last asked.
	Checked time.Time
}

// Options says how long things last.
type Options struct {
	Idle, Recheck, Grace time.Duration
	Secrets              seal.Secrets
	Now                  func() time.Time
	Log                  *zap.Logger
	// Ask returns what the provider says about a session's person now: who they are, and the next refresh token. The
	// error is a *problem.Problem; one of kind Unavailable says nothing about the person.
	Ask func(ctx context.Context, n Session) (who access.Principal, refresh string, err error)
}

// Store holds sessions.
type Store struct {
	pool    *pgxpool.Pool
	options Options
}

// New returns the sessions of a database.
func New(pool *pgxpool.Pool, o Options) *Store { return &Store{pool: pool, options: o} }

// Begin makes a session and returns its token. The session of the token that the browser had before, if any, ends:
// nobody keeps one that was planted, or from before a step up. A step up (n has the ID of what it replaces) needs that
// to live still, and is no new word of the provider.
func (s *Store) Begin(ctx context.Context, before string, n Session) (token string, _ Session, err error) {
	token = seal.NewToken()
	stepUp, now := n.ID != "", s.options.Now()
	n.ID, n.Created, n.Seen = uuid.NewString(), now, now
	if !stepUp {
		n.Checked = now
	}
	if end := n.Created.Add(unchecked); n.Refresh == "" && n.Expires.After(end) && !stepUp {
		n.Expires = end
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		ended, err := tx.Exec(ctx, `update signin_sessions set ended_at = $2 where token = $1 and ended_at is null`,
			seal.Digest(before), n.Created)
		if err != nil {
			return fmt.Errorf("end the session before: %w", err)
		}
		if stepUp && ended.RowsAffected() == 0 {
			return Ended()
		}
		return s.insert(ctx, tx, token, n)
	})
	if err != nil {
		return "", Session{}, fmt.Errorf("begin session: %w", err)
	}
	return token, n, nil
}

func (s *Store) insert(ctx context.Context, tx pgx.Tx, token string, n Session) error {
	const insert = `
		insert into signin_sessions
		       (token, id, person, role, facility, unit, bank, scopes, strong, created_at, seen_at, expires_at, subject, refresh, checked_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14)`
	if _, err := tx.Exec(ctx, insert, seal.Digest(token), n.ID, n.Who.ID, string(n.Who.Role), n.Who.Facility, n.Who.Unit,
		n.Who.Bank, string(n.Who.Scopes), n.Strong, n.Created, n.Expires, n.Subject, s.sealed(n.ID, n.Refresh), n.Checked); err != nil {
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
}

func use(id string) string { return "refresh " + id }

func (s *Store) sealed(id, refresh string) []byte {
	if refresh == "" {
		return nil
	}
	return s.options.Secrets.Seal(use(id), []byte(refresh))
}

const columns = `id::text, person, role, facility, unit, bank, scopes, strong, created_at, seen_at, expires_at`

func (n *Session) fields() []any {
	return []any{
		&n.ID, &n.Who.ID, &n.Who.Role, &n.Who.Facility, &n.Who.Unit, &n.Who.Bank, &n.Who.Scopes, &n.Strong,
		&n.Created, &n.Seen, &n.Expires,
	}
}

// Lookup returns a living session, notes that it is used, and asks the provider about its person if it is time.
func (s *Store) Lookup(ctx context.Context, token string) (Session, error) {
	const living = `
		select ` + columns + `, subject, coalesce(refresh, ''), checked_at
		  from signin_sessions
		 where token = $1 and ended_at is null and expires_at > $2 and seen_at > $3`
	var n Session
	var sealed []byte
	now := s.options.Now()
	err := s.pool.QueryRow(ctx, living, seal.Digest(token), now, now.Add(-s.options.Idle)).Scan(
		append(n.fields(), &n.Subject, &sealed, &n.Checked)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return Session{}, Ended()
	}
	if err != nil {
		return Session{}, fmt.Errorf("look up session: %w", err)
	}
	if len(sealed) > 0 {
		refresh, err := s.options.Secrets.Open(use(n.ID), sealed)
		if err != nil {
			return Session{}, fmt.Errorf("open what refreshes a session: %w", err)
		}
		n.Refresh = string(refresh)
	}
	if n.Refresh != "" && now.Sub(n.Checked) >= s.options.Recheck {
		if n, err = s.recheck(ctx, n); err != nil {
			return Session{}, err
		}
	}
	return s.touch(ctx, token, n)
}

func (s *Store) touch(ctx context.Context, token string, n Session) (Session, error) {
	now := s.options.Now()
	if now.Sub(n.Seen) < min(touchEvery, s.options.Idle/touchesIdle) {
		return n, nil
	}
	const touch = `update signin_sessions set seen_at = $2 where token = $1 and seen_at < $2`
	if _, err := s.pool.Exec(ctx, touch, seal.Digest(token), now); err != nil {
		return Session{}, fmt.Errorf("note the use of a session: %w", err)
	}
	n.Seen = now
	return n, nil
}

// End ends the session of a token.
func (s *Store) End(ctx context.Context, token string) error {
	const end = `update signin_sessions set ended_at = $2, refresh = null where token = $1 and ended_at is null`
	if _, err := s.pool.Exec(ctx, end, seal.Digest(token), s.options.Now()); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// Ended is the answer to who is not signed in any more.
func Ended() error {
	return problem.New(problem.Unauthenticated, "session_ended",
		"you are not signed in any more; sign in again", "phiên đăng nhập đã kết thúc; xin đăng nhập lại")
}

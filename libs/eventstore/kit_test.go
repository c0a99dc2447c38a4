package eventstore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
)

// The domain of these tests: a till into which coins are put, and which is closed at some time.
type (
	put struct {
		Coins int `json:"coins"`
	}
	noted struct {
		Text string `json:"text"`
	}
	raw struct {
		JSON json.RawMessage `json:"json"`
	}
	closed struct{}
	// foreign is in no catalog.
	foreign struct{}
)

func (put) EventName() string     { return "till.put.v1" }
func (noted) EventName() string   { return "till.noted.v1" }
func (raw) EventName() string     { return "till.raw.v1" }
func (closed) EventName() string  { return "till.closed.v1" }
func (foreign) EventName() string { return "till.foreign.v1" }

func catalog() events.Catalog {
	return events.NewCatalog([]events.Event{put{}, noted{}, raw{}, closed{}})
}

type till struct {
	Coins, Facts int
	Closed       bool
}

func (s till) Evolve(e events.Event) till {
	s.Facts++
	switch e := e.(type) {
	case put:
		s.Coins += e.Coins
	case closed:
		s.Closed = true
	case noted, raw:
	default:
		panic(decider.Unknown(e))
	}
	return s
}

// insert puts coins, one fact for each hand.
type insert struct{ Hands []int }

func (c insert) Decide(s till, _ decider.Meta) ([]events.Event, error) {
	if s.Closed {
		return nil, problem.Reject("till_closed", "the till is closed", "quầy đã đóng")
	}
	var facts []events.Event
	for _, coins := range c.Hands {
		facts = append(facts, put{coins})
	}
	return facts, nil
}

// shut closes the till, once.
type shut struct{}

func (shut) Decide(s till, _ decider.Meta) ([]events.Event, error) {
	if s.Closed {
		return nil, nil
	}
	return []events.Event{closed{}}, nil
}

// write notes a text, whatever it is.
type write struct{ Text string }

func (c write) Decide(till, decider.Meta) ([]events.Event, error) {
	return []events.Event{noted(c)}, nil
}

func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.UTC) }

func meta(cause string) decider.Meta {
	return decider.Meta{At: noon(), Actor: "officer:7", Cause: cause, Correlation: "start", Trace: "00-1-2-01", Fingerprint: "f-" + cause}
}

// fresh returns a pool on an empty log, with a vault beside it.
func fresh(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool := testkit.Postgres(t)
	migrate(t, pool)
	return pool
}

func migrate(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	if err := vault.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if err := eventstore.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
}

// open returns a store on the pool, as a process of its own would have it.
func open(t testing.TB, pool *pgxpool.Pool) *eventstore.Store {
	t.Helper()
	s, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: catalog(), Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func of(stream string, expected int, facts ...events.Event) eventstore.Append {
	return eventstore.Append{Stream: stream, Expected: expected, Facts: facts, Meta: events.Meta{Cause: "c", OccurredAt: noon()}}
}

func mustAppend(t testing.TB, s *eventstore.Store, a eventstore.Append) []events.Recorded {
	t.Helper()
	recorded, err := s.Append(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return recorded
}

func mustLoad(t testing.TB, s *eventstore.Store, stream string) []events.Recorded {
	t.Helper()
	history, err := s.Load(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	return history
}

// everything reads the whole log, which also proves that it has no hole.
func everything(t testing.TB, s *eventstore.Store) []events.Recorded {
	t.Helper()
	var all []events.Recorded
	for {
		page, err := s.Read(t.Context(), int64(len(all)), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

// said returns the facts alone.
func said(recorded []events.Recorded) []events.Event {
	facts := make([]events.Event, len(recorded))
	for i, r := range recorded {
		facts[i] = r.Event
	}
	return facts
}

func same(t testing.TB, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// count asks the database for a number.
func count(t testing.TB, pool *pgxpool.Pool, query string, args ...any) int {
	t.Helper()
	var n int
	if err := pool.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// execute runs a command from outside the test's goroutine.
func execute(ctx context.Context, s *eventstore.Store, stream string, cmd decider.Command[till], cause string) error {
	if _, err := eventstore.Execute(ctx, s, stream, cmd, meta(cause)); err != nil {
		return fmt.Errorf("%s: %w", cause, err)
	}
	return nil
}

func isConflict(err error) bool { return errors.Is(err, eventstore.ErrConflict) }

func nothing(context.Context, eventstore.Piece) error { return nil }

func containsNUL(s string) bool { return strings.ContainsRune(s, 0) }

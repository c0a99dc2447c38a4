package eventstore_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
)

func TestAConnectionThatEndsBeforeABatchWasSentLeavesNothingUnknown(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	l := newLine(t, pool)
	s := open(t, l.pool(t, pool))
	l.coward.Store(true)
	_, err := s.Append(t.Context(), of("till", 0, put{1}))
	storedNothing(t, err)
	if l.hungUp.Load() < 2 {
		t.Errorf("the line hung up %d times: the test has tested nothing", l.hungUp.Load())
	}
	l.coward.Store(false)
	mustAppend(t, s, of("till", 0, put{2}))
	same(t, "stream", []events.Event{put{2}}, said(mustLoad(t, s, "till")))
}

func TestABatchThatTheServerGaveUpLeavesNothingUnknown(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, hasty(t, pool))
	release := hold(t, pool)
	_, err := s.Append(t.Context(), of("till", 0, put{1}))
	storedNothing(t, err)
	release()
	mustAppend(t, s, of("till", 0, put{2}))
	same(t, "stream", []events.Event{put{2}}, said(mustLoad(t, s, "till")))
}

// A disk that is full, or a server without memory, has room again later: nobody's command is at fault.
func TestADatabaseWithoutRoomIsAway(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	if err := execute(t.Context(), s, "till", insert{[]int{1}}, "a"); err != nil {
		t.Fatal(err)
	}
	const full = `
create function refuse() returns trigger language plpgsql as $$ begin raise 'could not extend file' using errcode = 'disk_full'; end $$;
create trigger refuse before insert on events for each statement execute function refuse()`
	if _, err := pool.Exec(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	storedNothing(t, execute(t.Context(), s, "till", insert{[]int{2}}, "b"))
	asked := make(chan error, 1)
	go func() { asked <- execute(t.Context(), s, "till", insert{[]int{3}}, "c") }()
	if _, err := pool.Exec(t.Context(), `drop trigger refuse on events`); err != nil {
		t.Fatal(err)
	}
	if err := <-asked; err != nil {
		t.Errorf("there is room again: %v", err)
	}
	same(t, "stream", []events.Event{put{1}, put{3}}, said(mustLoad(t, s, "till")))
}

// hasty returns a pool on the same log that waits for no lock.
func hasty(t *testing.T, pool *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	config := pool.Config()
	config.ConnConfig.RuntimeParams["lock_timeout"] = "20ms"
	p, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// storedNothing checks that an append may be tried again as something new.
func storedNothing(t *testing.T, err error) {
	t.Helper()
	if p, ok := problem.Of(err); !ok || p.Kind != problem.Unavailable || errors.Is(err, eventstore.ErrUnknown) {
		t.Errorf("got %v, want unavailable, and nothing unknown", err)
	}
}

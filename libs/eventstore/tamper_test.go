package eventstore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/problem"
)

func TestTheTableRefusesToForget(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	mustAppend(t, s, of("till", 0, put{1}))
	for _, query := range []string{
		`update events set data = '{"coins": 2}'`, `delete from events`, `truncate events`,
	} {
		if _, err := pool.Exec(t.Context(), query); pg.Code(err) != "23001" || !strings.Contains(err.Error(), "never changed") {
			t.Errorf("%s: got %v, want a refusal", query, err)
		}
	}
}

// tamper does what the table refuses, as its owner can.
func tamper(t *testing.T, pool *pgxpool.Pool, query string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), `alter table events disable trigger all; `+query+`; alter table events enable trigger all`); err != nil {
		t.Fatal(err)
	}
}

func TestAMissingFactIsNoticedByEveryReader(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	mustAppend(t, s, of("till", 0, put{1}, put{2}, put{3}))
	mustAppend(t, s, of("other", 0, put{4}))
	tamper(t, pool, `delete from events where position = 2`)

	_, loading := s.Load(t.Context(), "till")
	_, reading := s.Read(t.Context(), 0, 10)
	following := open(t, pool).Follow(t.Context(), 0, 10, nil, nothing) // the writer's own followers had it before it was deleted
	for who, err := range map[string]error{"load": loading, "read": reading, "follow": following} {
		if !errors.Is(err, eventstore.ErrHole) {
			t.Errorf("%s: got %v, want a hole", who, err)
		}
	}
	if page, err := s.Read(t.Context(), 2, 10); err != nil || len(page) != 2 {
		t.Errorf("reading on behind the hole: %d facts, %v", len(page), err)
	}
}

// A standby that takes over may not have the last facts of the server that fell, although they were answered. What the
// process remembers of streams is then wrong, and nothing is appended behind facts that are not there.
func TestAServerThatForgotFactsGetsNoHole(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, mortal(t, pool))
	for _, cause := range []string{"a", "b", "c"} {
		if err := execute(t.Context(), s, "till", insert{[]int{1}}, cause); err != nil {
			t.Fatal(err)
		}
	}
	tamper(t, pool, `delete from events where version = 3`)
	failOver(t, pool)
	for _, stream := range []string{"other", "till"} { // the first of them finds out, and connects again
		if err := execute(t.Context(), s, stream, insert{[]int{2}}, "d"); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "stream", []events.Event{put{1}, put{1}, put{2}}, said(mustLoad(t, open(t, pool), "till")))
}

// failOver ends all mortal connections and returns when they are gone.
func failOver(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	const end = `select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where application_name = $1 and pid <> pg_backend_pid()`
	if n := count(t, pool, end, victim(pool)); n == 0 {
		t.Fatal("nobody was connected")
	}
}

// watched tells of each decision on which state it was made.
type watched struct {
	insert

	on chan till
}

func (c watched) Decide(s till, m decider.Meta) ([]events.Event, error) {
	c.on <- s
	return c.insert.Decide(s, m)
}

// As above, and another process has given the version that was lost to another fact: the numbers are right, and what the command
// was decided on is not. It may wait for its turn or have been sent when the server falls.
func TestWhatWasDecidedOnALostFactIsDecidedAgain(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"while it waits for its turn": true, "when it was sent": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := fresh(t)
			s := open(t, mortal(t, pool))
			for _, cause := range []string{"a", "b", "c"} {
				if err := execute(t.Context(), s, "till", insert{[]int{1}}, cause); err != nil {
					t.Fatal(err)
				}
			}
			keep := hold
			if busy {
				keep = func(t testing.TB, pool *pgxpool.Pool) func() { return occupy(t, pool, s) }
			}
			release := keep(t, pool)
			cmd, answer := watched{insert{[]int{2}}, make(chan till, 10)}, make(chan error, 1)
			go func() { answer <- execute(t.Context(), s, "till", cmd, "") }()
			same(t, "first decided on", till{Coins: 3, Facts: 3}, <-cmd.on)
			if !busy {
				waitFor(t, pool)
			}
			tamper(t, pool, `update events set type = 'till.closed.v1', data = '{}', append = 0 where stream = 'till' and version = 3`)
			failOver(t, pool)
			release()
			if p, ok := problem.Of(<-answer); !ok || p.Code != "till_closed" {
				t.Fatalf("got %+v, want a refusal", p)
			}
			same(t, "then decided on", till{Coins: 2, Facts: 3, Closed: true}, <-cmd.on)
			same(t, "stream", []events.Event{put{1}, put{1}, closed{}}, said(mustLoad(t, open(t, pool), "till")))
		})
	}
}

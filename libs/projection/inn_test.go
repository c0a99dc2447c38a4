package projection_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m, testkit.Roles{"projector": projector}) }

// The facts of an inn.
type (
	arrived struct {
		Room  string            `json:"room"`
		At    time.Time         `json:"at"`
		Until string            `json:"until,omitempty"`
		Tags  []string          `json:"tags,omitempty"`
		Extra map[string]string `json:"extra,omitempty"`
	}
	moved struct {
		Room string `json:"room"`
	}
	left struct {
		At time.Time `json:"at"`
	}
	repainted struct{} // concerns no stay
)

func (arrived) EventName() string   { return "inn.arrived.v1" }
func (moved) EventName() string     { return "inn.moved.v1" }
func (left) EventName() string      { return "inn.left.v1" }
func (repainted) EventName() string { return "inn.repainted.v1" }

func catalog() events.Catalog {
	return events.NewCatalog([]events.Event{arrived{}, moved{}, left{}, repainted{}})
}

// stay is a row with a column of every kind.
type stay struct {
	ID      string            `db:"id,key"`
	Room    string            `db:"room"`
	Moves   int64             `db:"moves"`
	Present bool              `db:"present"`
	Arrived time.Time         `db:"arrived_at"`
	Left    time.Time         `db:"left_at,null"`
	Until   string            `db:"until,null"`
	Tags    []string          `db:"tags"`
	Seal    []byte            `db:"seal,null"`
	Extra   map[string]string `db:"extra,json,null"`
	Seconds int               `db:"seconds"`
}

func stayDDL(table string) string {
	return strings.ReplaceAll(`
create table if not exists TABLE (
    id text primary key, room text not null, moves bigint not null, present boolean not null,
    arrived_at timestamptz not null, left_at timestamptz, until date, tags text[] not null,
    seal bytea, extra jsonb, seconds int not null
);
create index if not exists TABLE_room on TABLE (room) where present`, "TABLE", table)
}

// fold is the pure heart of the read model.
func fold(s stay, r events.Recorded) stay {
	switch e := r.Event.(type) {
	case arrived:
		s.Room, s.Present, s.Arrived, s.Until = e.Room, true, e.At, e.Until
		s.Tags, s.Extra, s.Seal = e.Tags, e.Extra, []byte(e.Room)
	case moved:
		s.Room, s.Moves, s.Seal = e.Room, s.Moves+1, nil
		s.Tags = append(s.Tags[:len(s.Tags):len(s.Tags)], "moved to "+e.Room)
	case left:
		s.Present, s.Left = false, e.At
		s.Seconds += int(s.Left.Sub(s.Arrived) / time.Second)
	}
	return s
}

func stayKey(r events.Recorded) (string, bool) {
	_, other := r.Event.(repainted)
	return strings.TrimPrefix(r.Stream, "stay-"), !other
}

func stays(name string) projection.Table[stay] {
	return projection.Table[stay]{Name: name, DDL: stayDDL(name), Key: stayKey, Apply: fold}
}

// inn is a service with a log and read models.
type inn struct {
	pool  *pgxpool.Pool
	store *eventstore.Store
}

func newInn(t testing.TB) *inn {
	t.Helper()
	return openInn(t, testkit.Postgres(t))
}

func openInn(t testing.TB, pool *pgxpool.Pool) *inn {
	t.Helper()
	for _, migrate := range []func(context.Context, *pgxpool.Pool) error{eventstore.Migrate, projection.Migrate} {
		if err := migrate(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
	}
	store, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: catalog()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return &inn{pool, store}
}

func at(second int) time.Time {
	return time.Date(2026, 11, 21, 14, 0, second, 123_456_789, time.FixedZone("ICT", 7*3600))
}

// lodge records a history of stays from first to last: everyone arrives and moves, and every second leaves.
func (i *inn) lodge(t testing.TB, first, last int) (position int64) {
	t.Helper()
	var batch []eventstore.Append
	for n := first; n <= last; n++ {
		facts := []events.Event{
			arrived{
				Room: fmt.Sprint(n % 100), At: at(n), Until: "2026-11-23", Tags: []string{`a "quoted" one`, `back\slash`, "một"},
				Extra: map[string]string{"floor": fmt.Sprint(n % 7)},
			},
			moved{Room: fmt.Sprint(n%100 + 1)},
			repainted{},
		}
		if n%2 == 0 {
			facts = append(facts, left{At: at(n + 3600)})
		}
		batch = append(batch, eventstore.Append{Stream: fmt.Sprintf("stay-%06d", n), Facts: facts})
	}
	results, err := i.store.AppendAll(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		position = max(position, r.Recorded[len(r.Recorded)-1].Position)
	}
	return position
}

func (i *inn) runner(o projection.Options) *projection.Runner {
	return projection.NewRunner(i.pool, o)
}

func (i *inn) add(t testing.TB, r *projection.Runner, p *projection.Projection) *projection.Model {
	t.Helper()
	m, err := r.Add(t.Context(), p, projection.FromLog(i.store))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// start runs projections until the test ends, or until stop is called, which waits for their end.
func start(t testing.TB, r *projection.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("the projections do not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

// wait waits until a model shows a position.
func wait(t testing.TB, m *projection.Model, position int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := m.WaitFor(ctx, position); err != nil {
		t.Fatal(err)
	}
}

// dump is all rows of a table or view as text, in order.
func (i *inn) dump(t testing.TB, table string) string {
	t.Helper()
	var text string
	err := i.pool.QueryRow(t.Context(),
		`select coalesce(string_agg(r::text, e'\n' order by r::text), '') from `+table+` r`).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

package witness_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/note"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/witness"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// coined is the only fact here.
type coined struct {
	Coins int `json:"coins"`
}

func (coined) EventName() string { return "till.coined.v1" }

// bench is a log with somebody who keeps it.
type bench struct {
	pool      *pgxpool.Pool
	log       *eventstore.Store
	signer    note.Signer
	verifiers note.Verifiers
	file      string
	keeper    *witness.Keeper
}

const origin = "songan/till"

func open(t testing.TB) *bench {
	t.Helper()
	b := &bench{pool: testkit.Postgres(t), file: filepath.Join(t.TempDir(), "checkpoints.jsonl")}
	for _, migrate := range []func(context.Context, *pgxpool.Pool) error{vault.Migrate, eventstore.Migrate, witness.Migrate} {
		if err := migrate(t.Context(), b.pool); err != nil {
			t.Fatal(err)
		}
	}
	log, err := eventstore.Open(t.Context(), b.pool, eventstore.Options{Catalog: events.NewCatalog([]events.Event{coined{}})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	key := filepath.Join(t.TempDir(), "witness.key")
	if err := witness.CreateKey(key, "till.example"); err != nil {
		t.Fatal(err)
	}
	if b.signer, err = witness.LoadKey(key); err != nil {
		t.Fatal(err)
	}
	if b.verifiers, err = witness.LoadVerifier(key + ".pub"); err != nil {
		t.Fatal(err)
	}
	b.log, b.keeper = log, b.another()
	return b
}

// another is a keeper of the same log, as a second process has it.
func (b *bench) another(publish ...func(context.Context, []byte) error) *witness.Keeper {
	return witness.NewKeeper(b.pool, witness.Options{
		Origin: origin, Signer: b.signer, Now: time.Now, Every: time.Millisecond,
		Publish: append(publish, witness.ToFile(b.file)),
	})
}

// coin appends n facts in streams of their own.
func (b *bench) coin(t testing.TB, n int) {
	t.Helper()
	head, err := b.log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := make([]eventstore.Append, n)
	for i := range all {
		all[i] = eventstore.Append{Stream: fmt.Sprintf("till-%d", int(head)+i), Facts: []events.Event{coined{i}}}
	}
	results, err := b.log.AppendAll(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

func (b *bench) sign(t testing.TB) witness.Checkpoint {
	t.Helper()
	c, err := b.keeper.Sign(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (b *bench) verify(t testing.TB, db pg.Querier) witness.Report {
	t.Helper()
	checkpoints, err := witness.ReadFile(b.file, b.verifiers)
	if err != nil {
		t.Fatal(err)
	}
	report, err := witness.Verify(t.Context(), db, origin, checkpoints)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// do changes the database as its superuser does.
func (b *bench) do(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := b.pool.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

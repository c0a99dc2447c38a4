package eventstore_test

import (
	"fmt"
	"testing"

	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
)

func ExampleExecute() {
	t, done := testkit.Example()
	defer done()
	ctx, log := t.Context(), openTill(t)

	key := decider.Meta{Actor: "officer:7", Cause: "key-1", Fingerprint: "of the body"}
	for range 2 { // the second is a repeat
		out, err := eventstore.Execute(ctx, log, "till-1", insert{[]int{2, 3}}, key)
		fmt.Printf("%d coins at position %d, replayed: %v, %v\n", out.State.Coins, out.Position, out.Replayed, err)
	}
	_, err := eventstore.Execute(ctx, log, "till-1", shut{}, decider.Meta{Cause: "key-2"})
	fmt.Println("closed:", err)
	_, err = eventstore.Execute(ctx, log, "till-1", insert{[]int{1}}, decider.Meta{Cause: "key-3"})
	fmt.Println(err)
	// Output:
	// 5 coins at position 2, replayed: false, <nil>
	// 5 coins at position 2, replayed: true, <nil>
	// closed: <nil>
	// till_closed: the till is closed
}

func ExampleState() {
	t, done := testkit.Example()
	defer done()
	log := openTill(t)
	meta := decider.Meta{Actor: "officer:7", Cause: "key-1"}
	if _, err := eventstore.Execute(t.Context(), log, "till-1", insert{[]int{2, 3}}, meta); err != nil {
		fmt.Println(err)
	}
	full, err := eventstore.State[till](t.Context(), log, "till-1")
	fmt.Println(full.Coins, err)
	none, err := eventstore.State[till](t.Context(), log, "till-2")
	fmt.Println(none.Coins, err)
	// Output:
	// 5 <nil>
	// 0 <nil>
}

// openTill opens a log on a database of its own.
func openTill(t testing.TB) *eventstore.Store {
	pool := testkit.Postgres(t) // in earnest: pg.Open
	if err := eventstore.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	log, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: catalog()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

package eventstore_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
)

func ExampleExecute() {
	pool, done := examplePool() // in earnest: pg.Open
	defer done()
	ctx := context.Background()
	if err := eventstore.Migrate(ctx, pool); err != nil {
		fmt.Println(err)
		return
	}
	log, err := eventstore.Open(ctx, pool, eventstore.Options{Catalog: catalog()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer log.Close()

	key := decider.Meta{Actor: "officer:7", Cause: "key-1", Fingerprint: "of the body"}
	for range 2 { // the second is a repeat
		out, err := eventstore.Execute(ctx, log, "till-1", insert{[]int{2, 3}}, key)
		fmt.Printf("%d coins at position %d, replayed: %v, %v\n", out.State.Coins, out.Position, out.Replayed, err)
	}
	_, err = eventstore.Execute(ctx, log, "till-1", shut{}, decider.Meta{Cause: "key-2"})
	fmt.Println("closed:", err)
	_, err = eventstore.Execute(ctx, log, "till-1", insert{[]int{1}}, decider.Meta{Cause: "key-3"})
	fmt.Println(err)
	// Output:
	// 5 coins at position 2, replayed: false, <nil>
	// 5 coins at position 2, replayed: true, <nil>
	// closed: <nil>
	// till_closed: the till is closed
}

// examplePool is the pool of a test, for an example, which is given no testing.TB.
func examplePool() (*pgxpool.Pool, func()) {
	t := &exampleTest{}
	return testkit.Postgres(t), func() {
		for i := range t.cleanups {
			t.cleanups[len(t.cleanups)-1-i]()
		}
	}
}

type exampleTest struct {
	testing.TB

	cleanups []func()
}

func (t *exampleTest) Helper()                   {}
func (t *exampleTest) Name() string              { return "example" }
func (t *exampleTest) Cleanup(f func())          { t.cleanups = append(t.cleanups, f) }
func (t *exampleTest) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (t *exampleTest) Errorf(f string, a ...any) { fmt.Printf(f, a...) }

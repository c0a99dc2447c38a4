package bank

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/songan-vn/songan/services/simulators/bank/internal/desk"
	"github.com/songan-vn/songan/services/simulators/bank/internal/ledger"
)

// The other partitions are waited for if the first one brought much.
func TestPortionsOfSeveralPartitionsAreGathered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first      int           // records of the first portion
		after      time.Duration // until the second one comes
		portions   int
		took       time.Duration
		partitions int
	}{
		"much, and the other one comes":     {many, gather / 2, 2, gather / 2, 2},
		"much, and the other one is late":   {many, 2 * gather, 1, gather, 2},
		"little, and nobody waits":          {many - 1, gather / 2, 1, 0, 2},
		"much, and there is no other one":   {many, gather / 2, 1, 0, 1},
		"much, and only two of three bring": {many, gather / 2, 2, gather, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				portions := make(chan portion)
				bring := func(wait time.Duration, records int) {
					select {
					case <-time.After(wait):
					case <-ctx.Done():
						return
					}
					select {
					case portions <- portion{records: make([]desk.Received, records)}:
					case <-ctx.Done():
					}
				}
				var bringing sync.WaitGroup
				bringing.Go(func() { bring(0, c.first) })
				bringing.Go(func() { bring(c.after, 1) })
				began := time.Now()
				if got := gathered(ctx, portions, c.partitions); len(got) != c.portions || time.Since(began) != c.took {
					t.Errorf("%d portions after %s instead of %d after %s", len(got), time.Since(began), c.portions, c.took)
				}
				stop()
				bringing.Wait()
			})
		})
	}
}

// What was taken and not decided about yet comes again at the next start. Decided about now, it could not be reported, and would be
// reported then as a repetition is, whatever the scenario says.
func TestABankThatIsDownOrEndsDecidesAboutNothing(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]bool{"it ends while it gathers": false, "it is down when all have come": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, err := New(Options{BIC: "ICBVVNVX", Brokers: []string{"127.0.0.1:1"}, Dir: t.TempDir(), Scenario: Scenario{Down: down}})
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := s.Close(context.Background()); err != nil {
						t.Error(err)
					}
				}()
				ctx, stop := context.WithCancel(t.Context())
				portions, done := make(chan portion), make(chan bool, 1)
				var booking sync.WaitGroup
				booking.Go(func() { s.book(ctx, portions, 2) })
				portions <- portion{records: make([]desk.Received, many), done: done}
				wait := gather / 2
				if down {
					wait = 2 * gather
				}
				time.AfterFunc(wait, stop)
				if <-done {
					t.Error("it decided and went on")
				}
				booking.Wait()
				s.desk.Ledger.View(func(v ledger.View) {
					if v.Handled(0, 0) {
						t.Error("it decided")
					}
				})
			})
		})
	}
}

func TestNothingIsGatheredAfterTheEnd(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if got := gathered(ctx, make(chan portion), 2); len(got) > 0 {
		t.Errorf("%d portions", len(got))
	}
}

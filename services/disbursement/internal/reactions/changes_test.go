package reactions

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// Accounts tells of a death that a bank reported, twice with a dismissal in between. As long as the read model of payments has not come
// to the second report, nothing was found and nothing is done: the fact has to come again, however long that takes.
func TestAReportOfADeathIsNotDoneBeforePaymentsSeeIt(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if err := projection.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if err := eventstore.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	log, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: events.NewCatalog(accounts.Catalog())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	runner := projection.NewRunner(pool, projection.Options{})
	model, err := runner.Add(t.Context(), projections.Beneficiaries(), projection.FromLog(log))
	if err != nil {
		t.Fatal(err)
	}
	report := accounts.DeathReported{Beneficiary: "b0", Account: "b0-1", Bank: "ICBVVNVX", Of: "beneficiary"}
	tell := func(after int, facts ...events.Event) (last events.Recorded) {
		t.Helper()
		done, err := log.Append(t.Context(), eventstore.Append{Stream: "beneficiary-b0", Expected: after, Facts: facts, Meta: events.Meta{OccurredAt: time.Unix(0, 0)}})
		if err != nil {
			t.Fatal(err)
		}
		return done[len(done)-1]
	}
	shown := func() {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = runner.Run(ctx) })
		defer running.Wait()
		defer stop()
		head, err := log.Head(ctx)
		if err != nil {
			t.Fatal(err)
		}
		waiting, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		if err := model.WaitFor(waiting, head); err != nil {
			t.Fatal(err)
		}
	}
	c := Changes{Pool: pool}
	look := func(r events.Recorded) (projections.Beneficiary, error) {
		waiting, cancel := context.WithTimeout(t.Context(), 10*lookEvery)
		defer cancel()
		return c.seen(waiting, r, "b0")
	}
	first := tell(0, accounts.BeneficiaryRegistered{Beneficiary: "b0", Mark: "m0"}, report)
	if _, err := look(first); !breaker.IsDown(err) {
		t.Fatalf("the first report, which nobody sees: %v", err)
	}
	shown()
	if row, err := look(first); err != nil || !row.Reported {
		t.Fatalf("the first report: %+v, %v", row, err)
	}
	second := tell(2, accounts.DeathReportDismissed{Beneficiary: "b0"}, report)
	if _, err := look(second); !breaker.IsDown(err) {
		t.Fatalf("the second report, while the first is seen: %v", err)
	}
	shown()
	if row, err := look(second); err != nil || !row.Reported || len(row.Heard) != 2 {
		t.Fatalf("the second report: %+v, %v", row, err)
	}
}

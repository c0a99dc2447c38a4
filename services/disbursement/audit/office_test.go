package audit

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/contester"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/releaser"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/stops"
)

// office is what decides between approval and payment, and about what banks say, as it is in the service: read models, reactions, the
// releaser and the contester, over a log of people, one of banks and one of money.
type office struct {
	people, banks, money *eventstore.Store

	pool          *pgxpool.Pool
	beneficiaries *projection.Model
	own           []*projection.Model
	changes       reactions.Changes
	releaser      *releaser.Releaser
	contester     *contester.Contester
	at            time.Time
	cases         int
}

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{pool: testkit.Postgres(t)}
	o.people = openLog(t, testkit.Postgres(t), accounts.Catalog())
	o.banks = openLog(t, testkit.Postgres(t), bankgateway.InstructionFacts())
	o.money = openLog(t, o.pool, disbursement.Catalog(), payroll.PrivateFacts())
	if err := projection.Migrate(t.Context(), o.pool); err != nil {
		t.Fatal(err)
	}
	runner := projection.NewRunner(o.pool, projection.Options{})
	add := func(p *projection.Projection, from *eventstore.Store) *projection.Model {
		model, err := runner.Add(t.Context(), p, projection.FromLog(from))
		if err != nil {
			t.Fatal(err)
		}
		return model
	}
	o.beneficiaries = add(projections.Beneficiaries(), o.people)
	for _, p := range []*projection.Projection{projections.Enrolments(), projections.Payrolls(), projections.Lines(), projections.Payments()} {
		o.own = append(o.own, add(p, o.money))
	}
	gate, now := stops.New(o.pool), func() time.Time { return o.at }
	o.changes = reactions.Changes{
		Log: o.money, Pool: o.pool, Stops: gate, Enrolments: o.own[0], Payrolls: o.own[1], Lines: o.own[2], Payments: o.own[3], Now: now,
	}
	o.releaser = releaser.New(releaser.Deps{
		Pool: o.pool, Log: o.money, Payments: o.own[3], Enrolments: o.own[0], Stops: gate, Now: now, Logger: zap.NewNop(),
	})
	o.contester = contester.New(contester.Deps{Pool: o.pool, Log: o.money, Payments: o.own[3], Now: now, Logger: zap.NewNop()})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = runner.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return o
}

func openLog(t *testing.T, pool *pgxpool.Pool, facts ...[]events.Event) *eventstore.Store {
	t.Helper()
	if err := eventstore.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	log, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: events.NewCatalog(facts...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

// seen waits until the read models show everything.
func (a *autumn) seen() {
	if err := a.beneficiaries.WaitFor(a.ctx, a.must(a.people.Head(a.ctx))); err != nil {
		a.t.Fatal(err)
	}
	for _, m := range a.own {
		if err := m.WaitFor(a.ctx, a.must(a.money.Head(a.ctx))); err != nil {
			a.t.Fatal(err)
		}
	}
}

// reacts hands everything to the reactions that they have not heard of yet, and what follows from it.
func (a *autumn) reacts() {
	order := []events.Event{
		accounts.BeneficiaryDied{},
		accounts.DeathReported{},
		disbursement.EnrolmentStopped{},
		disbursement.EnrolmentSuspended{},
		accounts.AccountOpened{},
		accounts.AccountSuspended{},
		accounts.AccountBlocked{},
		accounts.AccountClosed{},
	}
	a.seen()
	for log, store := range []*eventstore.Store{a.people, a.money} {
		for _, r := range a.read(store, &a.heard[log]) {
			n := slices.IndexFunc(order, func(e events.Event) bool { return e.EventName() == r.Event.EventName() })
			if n < 0 {
				continue
			}
			if err := reaction.Try(a.ctx, a.changes.Handlers()[n], r); err != nil {
				a.t.Fatalf("%s: %v", r.ID(), err)
			}
		}
	}
}

// read returns what a log has after a position, and moves it.
func (a *autumn) read(log *eventstore.Store, after *int64) []events.Recorded {
	facts, err := log.Read(a.ctx, *after, readAtATime)
	if err != nil {
		a.t.Fatal(err)
	}
	if len(facts) > 0 {
		*after = facts[len(facts)-1].Position
	}
	return facts
}

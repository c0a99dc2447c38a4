package reactions

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/internal/enrolment"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/stops"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// logOf is the log of accounts and of this service, as one.
func logOf(t *testing.T) (*pgxpool.Pool, *eventstore.Store) {
	t.Helper()
	pool := testkit.Postgres(t)
	if err := errors.Join(projection.Migrate(t.Context(), pool), eventstore.Migrate(t.Context(), pool)); err != nil {
		t.Fatal(err)
	}
	log, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: events.NewCatalog(accounts.Catalog(), disbursement.Catalog())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return pool, log
}

// A death is recorded on a wrong day, revoked, and recorded again, before anybody here hears of the first. The right ends by the second
// one, whichever comes first.
func TestADeathThatWasRevokedMeanwhileStopsNothing(t *testing.T) {
	t.Parallel()
	pool, log := logOf(t)
	runner := projection.NewRunner(pool, projection.Options{})
	add := func(p *projection.Projection) *projection.Model {
		model, err := runner.Add(t.Context(), p, projection.FromLog(log))
		if err != nil {
			t.Fatal(err)
		}
		return model
	}
	people := add(projections.Beneficiaries())
	c := Changes{
		Log: log, Pool: pool, Stops: stops.New(pool), Now: func() time.Time { return time.Unix(0, 0) }, Enrolments: add(projections.Enrolments()),
		Payrolls: add(projections.Payrolls()), Lines: add(projections.Lines()), Payments: add(projections.Payments()),
	}
	running, stop := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() { _ = runner.Run(running) })
	t.Cleanup(func() { stop(); ended.Wait() })
	grant := disbursement.Enrolled{Enrolment: "e0", Beneficiary: "b0", Mark: "m0", Programme: "social_assistance", SignedOn: "2026-01-05"}
	wrong := accounts.BeneficiaryDied{Beneficiary: "b0", DiedOn: "2026-08-20"}
	right := accounts.BeneficiaryDied{Beneficiary: "b0", DiedOn: "2026-11-20"}
	tell := func(stream string, facts ...events.Event) []events.Recorded {
		t.Helper()
		done, err := log.Append(t.Context(), eventstore.Append{Stream: stream, Facts: facts, Meta: events.Meta{OccurredAt: time.Unix(0, 0)}})
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	tell(enrolment.Stream("e0"), grant)
	told := tell("beneficiary-b0", accounts.BeneficiaryRegistered{Beneficiary: "b0", Mark: "m0"}, wrong, accounts.BeneficiaryDeathRevoked{Beneficiary: "b0"}, right)
	if err := people.WaitFor(t.Context(), told[3].Position); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		fact accounts.BeneficiaryDied
		at   events.Recorded
		from month.Month
	}{{wrong, told[1], month.Month{}}, {right, told[3], month.Must("2026-12")}, {wrong, told[1], month.Must("2026-12")}} {
		if err := c.died(t.Context(), step.at, step.fact); err != nil {
			t.Fatal(err)
		}
		e0, err := eventstore.State[enrolment.Enrolment](t.Context(), log, enrolment.Stream("e0"))
		if err != nil || e0.StoppedFrom != step.from {
			t.Fatalf("after the death of %s the right is stopped from %v: %v", step.fact.DiedOn, e0.StoppedFrom, err)
		}
	}
}

// hook runs something once, before the first query with a text that is asked with it in the context.
type hook struct {
	text string
	once sync.Once
	run  func()
}

// TraceQueryStart is where pgx tells of a query.
func (h *hook) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if ctx.Value(h) != nil && strings.Contains(q.SQL, h.text) {
		h.once.Do(h.run)
	}
	return ctx
}

// TraceQueryEnd is not needed.
func (*hook) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// While the read models catch up with a death, it is revoked, and a new decision is entered.
func TestADeathThatIsRevokedWhileModelsCatchUpStopsNoNewRight(t *testing.T) {
	t.Parallel()
	pool, log := logOf(t)
	runner := projection.NewRunner(pool, projection.Options{})
	add := func(p *projection.Projection) *projection.Model {
		model, err := runner.Add(t.Context(), p, projection.FromLog(log))
		if err != nil {
			t.Fatal(err)
		}
		return model
	}
	people, rights := add(projections.Beneficiaries()), add(projections.Enrolments())
	models := Changes{Payrolls: add(projections.Payrolls()), Lines: add(projections.Lines()), Payments: add(projections.Payments())}
	running, stop := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() { _ = runner.Run(running) })
	t.Cleanup(func() { stop(); ended.Wait() })
	tell := func(stream string, after int, facts ...events.Event) events.Recorded {
		done, err := log.Append(t.Context(), eventstore.Append{Stream: stream, Expected: after, Facts: facts, Meta: events.Meta{OccurredAt: time.Unix(0, 0)}})
		if err != nil {
			t.Error(err)
			return events.Recorded{}
		}
		last := done[len(done)-1]
		if err := errors.Join(people.WaitFor(t.Context(), last.Position), rights.WaitFor(t.Context(), last.Position)); err != nil {
			t.Error(err)
		}
		return last
	}
	died := accounts.BeneficiaryDied{Beneficiary: "b0", DiedOn: "2026-08-20"}
	told := tell("beneficiary-b0", 0, accounts.BeneficiaryRegistered{Beneficiary: "b0", Mark: "m0"}, died)

	config := pool.Config()
	catchesUp := &hook{text: "max(position)", run: func() {
		tell("beneficiary-b0", 2, accounts.BeneficiaryDeathRevoked{Beneficiary: "b0"})
		tell(enrolment.Stream("e0"), 0, disbursement.Enrolled{
			Enrolment: "e0", Beneficiary: "b0", Mark: "m0", Programme: "social_assistance", SignedOn: "2026-01-05",
		})
	}}
	config.ConnConfig.Tracer = catchesUp
	slow, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(slow.Close)
	catching, err := eventstore.Open(t.Context(), slow, eventstore.Options{Catalog: log.Catalog()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(catching.Close)
	models.Log, models.Pool, models.Enrolments, models.Stops = catching, pool, rights, stops.New(pool)
	models.Now = func() time.Time { return time.Unix(0, 0) }
	if err := models.died(context.WithValue(t.Context(), catchesUp, true), told, died); err != nil {
		t.Fatal(err)
	}
	e0, err := eventstore.State[enrolment.Enrolment](t.Context(), log, enrolment.Stream("e0"))
	if err != nil || !e0.Exists() || e0.StoppedFrom != (month.Month{}) {
		t.Fatalf("the new right is stopped from %v: %v", e0.StoppedFrom, err)
	}
}

// Accounts tells of a death that a bank reported, twice with a dismissal in between. As long as the read model of payments has not come
// to the second report, nothing was found and nothing is done: the fact has to come again, however long that takes.
func TestAReportOfADeathIsNotDoneBeforePaymentsSeeIt(t *testing.T) {
	t.Parallel()
	pool, log := logOf(t)
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
		waiting, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := model.WaitFor(waiting, head); err != nil {
			t.Fatal(err)
		}
	}
	c := Changes{Pool: pool}
	unseen := func(r events.Recorded) error {
		waiting, cancel := context.WithTimeout(t.Context(), 10*lookEvery)
		defer cancel()
		_, err := c.seen(waiting, r, "b0")
		return err
	}
	first := tell(0, accounts.BeneficiaryRegistered{Beneficiary: "b0", Mark: "m0"}, report)
	if err := unseen(first); !breaker.IsDown(err) {
		t.Fatalf("the first report, which nobody sees: %v", err)
	}
	shown()
	if row, err := c.seen(t.Context(), first, "b0"); err != nil || !row.Reported {
		t.Fatalf("the first report: %+v, %v", row, err)
	}
	second := tell(2, accounts.DeathReportDismissed{Beneficiary: "b0"}, report)
	if err := unseen(second); !breaker.IsDown(err) {
		t.Fatalf("the second report, while the first is seen: %v", err)
	}
	shown()
	if row, err := c.seen(t.Context(), second, "b0"); err != nil || !row.Reported || len(row.Heard) != 2 {
		t.Fatalf("the second report: %+v, %v", row, err)
	}
}

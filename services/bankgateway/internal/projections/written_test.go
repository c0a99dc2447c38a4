package projections

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// book is the read model in a database, fed by one log with the facts of all services.
type book struct {
	pool  *pgxpool.Pool
	log   *eventstore.Store
	model *projection.Model
	// chunks counts what was appended.
	chunks int
}

func openBook(t *testing.T) *book {
	t.Helper()
	b := &book{pool: testkit.Postgres(t)}
	for _, migrate := range []func(context.Context, *pgxpool.Pool) error{eventstore.Migrate, projection.Migrate} {
		if err := migrate(t.Context(), b.pool); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	catalog := events.NewCatalog(accounts.Catalog(), disbursement.Catalog(), bankgateway.Catalog())
	if b.log, err = eventstore.Open(t.Context(), b.pool, eventstore.Options{Catalog: catalog}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.log.Close)
	runner := projection.NewRunner(b.pool, projection.Options{})
	if b.model, err = runner.Add(t.Context(), Dispatches(), projection.FromLog(b.log)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return b
}

// write records facts, and waits until the read model, which gets them in one batch, has them.
func (b *book) write(t *rapid.T, facts []events.Event) []events.Recorded {
	t.Helper()
	b.chunks++
	result, err := b.log.AppendAll(t.Context(), []eventstore.Append{{
		Stream: fmt.Sprint("chunk-", b.chunks), Facts: facts, Meta: events.Meta{Correlation: "c", Trace: "t"},
	}})
	if err != nil || result[0].Err != nil {
		t.Fatal(err, result)
	}
	recorded := result[0].Recorded
	if err := b.model.WaitFor(t.Context(), recorded[len(recorded)-1].Position); err != nil {
		t.Fatal(err)
	}
	return recorded
}

// written are the rows about an end-to-end id. A body that is empty is no null.
func (b *book) written(t *rapid.T, id string) map[string]Dispatch {
	t.Helper()
	rows, err := b.pool.Query(t.Context(), `
select work, bank, type, fact, cause, correlation, trace, coalesce(wanted_at, '0001-01-01 00:00:00Z'), done, held, withdraw, unit_code,
       unit_valid_from
  from dispatches where split_part(work, '/', 2) = $1`, id)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Dispatch])
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Dispatch{}
	for _, d := range list {
		d.WantedAt = known(d.WantedAt).UTC()
		found[d.Work] = d
	}
	return found
}

// whatever can be met of one id, also what is not met in practice.
func whatever(id string) []events.Event {
	in, unit := bankgateway.Instruction{EndToEndID: id, Bank: "B"}, events.Unit{Code: "00001", ValidFrom: "2025-07-01"}
	target := disbursement.Target{EndToEndID: id, Bank: "B", Attempt: 1, Number: "n"}
	return []events.Event{
		disbursement.PaymentReleased{Payable: disbursement.Payable{Payment: "p", Unit: unit, Amount: 5}, Target: target},
		disbursement.PaymentReissued{Payable: disbursement.Payable{Payment: "q", Unit: unit, Amount: 6}, Target: target},
		disbursement.WithdrawalRequested{EndToEndID: id, Bank: "B", Reason: "death"},
		disbursement.PaymentUnknown{EndToEndID: id, Bank: "B", Inquiry: 1},
		disbursement.RecallRequested{EndToEndID: id, Bank: "B"},
		accounts.AccountRequested{Account: id, Bank: "B", Unit: unit},
		bankgateway.InstructionSent{Instruction: in},
		bankgateway.InstructionWithdrawn{Instruction: in},
		bankgateway.InstructionHeld{Instruction: in},
		bankgateway.InstructionResumed{Instruction: in},
		bankgateway.InquirySent{Instruction: in, Inquiry: 1},
		bankgateway.RecallSent{Instruction: in},
		bankgateway.OpeningSent{Account: id},
		bankgateway.OpeningHeld{Account: id},
		bankgateway.OpeningResumed{Account: id},
	}
}

func TestTheRowsInTheDatabaseAreThoseOfTheFold(t *testing.T) {
	t.Parallel()
	b, ids := openBook(t), 0
	rapid.Check(t, func(t *rapid.T) {
		ids++
		id := fmt.Sprint("e-", ids)
		facts := rapid.SliceOfN(rapid.SampledFrom(whatever(id)), 1, 12).Draw(t, "facts")
		var history []events.Recorded
		for len(facts) > 0 {
			n := rapid.IntRange(1, len(facts)).Draw(t, "batch")
			history, facts = append(history, b.write(t, facts[:n])...), facts[n:]
		}
		want := projection.Table[Dispatch]{Key: dispatchKey, Apply: newScribe().apply}.Fold(history...)
		for work, d := range want {
			d.WantedAt = known(d.WantedAt)
			want[work] = d
		}
		if diff := cmp.Diff(want, b.written(t, id)); diff != "" {
			t.Fatalf("(-fold +table)\n%s", diff)
		}
	})
	const all = `select coalesce(string_agg(d::text, e'\n' order by work), '') from (select ` + dispatchColumns + ` from dispatches) d`
	var before, after string
	if err := b.pool.QueryRow(t.Context(), all).Scan(&before); err != nil {
		t.Fatal(err)
	}
	if _, err := b.model.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.pool.QueryRow(t.Context(), all).Scan(&after); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" || before == "" {
		t.Errorf("built again (-before +after):\n%s", diff)
	}
}

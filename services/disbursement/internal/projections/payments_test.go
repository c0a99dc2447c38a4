package projections

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

// happenings are what may happen to a payment whose first attempt was released.
func happenings(id string) []events.Event {
	of := disbursement.Payable{Payment: id, Payroll: "november", Amount: 5, Unit: events.Unit{Code: "00004", ValidFrom: "2025-07-01"}}
	next := disbursement.Target{EndToEndID: "SA-P-2", Attempt: 2, Bank: "ICBVVNVX", Account: "a-2"}
	at := time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)
	return []events.Event{
		disbursement.PaymentSent{Payment: id, Attempt: 1},
		disbursement.PaymentAcknowledged{Payment: id, Attempt: 1},
		disbursement.PaymentInFlight{Payment: id, Attempt: 1, Status: "ACSC"},
		disbursement.PaymentUnknown{Payment: id, Attempt: 1, Inquiry: 3},
		disbursement.PaymentCredited{Payment: id, Attempt: 1, BankReference: "FT1", BookedAt: at},
		disbursement.PaymentRejected{Payment: id, Attempt: 1, Reason: "AC04"},
		disbursement.PaymentReturned{Payment: id, Attempt: 1, Reason: "AC07", BankReference: "FT2", BookedAt: at},
		disbursement.PaymentReissued{Payable: of, Target: next, By: "tam"},
		disbursement.MovedToCash{Payment: id},
		disbursement.CashPaid{Payment: id, CollectedOn: "2026-11-20", Receipt: "PC-1"},
		disbursement.PaymentCarriedForward{Payment: id},
		disbursement.PaymentRefunded{Payment: id, From: "recalled", Reason: disbursement.AlreadyPaid, DuplicateOf: "q"},
		disbursement.RecallRequested{Payment: id, Attempt: 1, Reason: "CUST"},
		disbursement.WithdrawalProposed{Payment: id, Attempt: 1, By: "tam"},
		disbursement.WithdrawalRequested{Payment: id, Attempt: 1, Reason: "died"},
		disbursement.PaymentWithdrawn{Payment: id, Attempt: 1, Reason: "died"},
		disbursement.PaymentWithdrawn{Payment: id, Attempt: 1, Reason: payment.Unsendable},
		disbursement.PaymentWithdrawn{Payment: id, Reason: "stopped"},
		disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "RJCT", Why: payment.Uncertain},
		disbursement.CreditContested{Payment: id, Attempt: 1, BankReference: "FT1", Other: "q"},
		disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "ACCC", Why: payment.Contradictory},
		disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "ACCC", BankReference: "FT9", Why: payment.Contradictory},
		disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "RTND", Why: payment.Late},
		disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "RTND", BankReference: "FT2", Why: payment.Contradictory},
		disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "RJCT", Reason: "TM01", Why: payment.Late},
		disbursement.ReportNoted{Payment: id, Attempt: 1, Status: "RJCT", Reason: "AC01", Why: payment.Contradictory},
		disbursement.ReportNoted{Payment: id, Attempt: 2, Status: "RJCT", Why: payment.Contradictory},
	}
}

// A row shows what the decider's state says, and its money lies where the state's does, whatever happened.
func TestARowAgreesWithTheStateOfItsPayment(t *testing.T) {
	t.Parallel()
	first := disbursement.PaymentReleased{
		Payable: disbursement.Payable{Payment: "p", Payroll: "november", Amount: 5, Unit: events.Unit{Code: "00004", ValidFrom: "2025-07-01"}},
		Target:  disbursement.Target{EndToEndID: "SA-P-1", Attempt: 1, Bank: "BFTVVNVX", Account: "a-1"},
	}
	rapid.Check(t, func(t *rapid.T) {
		history := append([]events.Event{first}, rapid.SliceOfN(rapid.SampledFrom(happenings("p")), 0, 12).Draw(t, "history")...)
		var state payment.Payment
		var row Payment
		for _, e := range history {
			if _, again := e.(disbursement.PaymentReissued); again && (state.Current.Attempt == 2 || state.Current.Outcome == payment.Credited) {
				continue // attempts have numbers of their own, and what was credited is not tried again
			}
			if noted, is := e.(disbursement.ReportNoted); is && noted.Attempt > state.Current.Attempt {
				continue // nobody hears of an attempt before it is made
			}
			if paymentOf(e) != "p" {
				t.Fatalf("%T concerns no payment", e)
			}
			state, row = state.Evolve(e), applyToPayment(row, events.Recorded{Event: e})
			if ledger.Where(state) != ledger.Where(row.state()) {
				t.Fatalf("after %T the money lies in %s, or in %s", e, ledger.Where(state), ledger.Where(row.state()))
			}
		}
		if diff := cmp.Diff(summary(state), summaryOfRow(row)); diff != "" {
			t.Fatalf("(-state +row):\n%s", diff)
		}
	})
}

func summary(p payment.Payment) []string {
	c := p.Current
	return []string{
		p.Status, p.Unit.Code, c.EndToEndID, c.Bank, c.Account, c.Outcome, c.Reason, c.Recall, c.Reference, p.CashReason, p.CollectedOn, p.Receipt,
		fmt.Sprint(c.Attempt, c.Inquiries, p.Facts), fmt.Sprint(p.Amount, p.Contested(), p.Back()),
	}
}

func summaryOfRow(p Payment) []string {
	return []string{
		p.Status, p.UnitCode, p.EndToEndID, p.Bank, p.Account, p.Outcome, p.Reason, p.Recall, p.BankReference, p.CashReason, p.CollectedOn, p.Receipt,
		fmt.Sprint(p.Attempt, p.Inquiries, p.Facts), fmt.Sprint(p.Amount, len(p.Contested) > 0, p.state().Back()),
	}
}

func TestEveryFactOfAPaymentConcernsItsRow(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, e := range append(happenings("p"), disbursement.PaymentReleased{Payable: disbursement.Payable{Payment: "p"}}, disbursement.CashReleased{Payable: disbursement.Payable{Payment: "p"}}) {
		seen[e.EventName()] = paymentOf(e) == "p"
	}
	for _, e := range disbursement.PaymentFacts() {
		if !seen[e.EventName()] {
			t.Errorf("%s changes no row", e.EventName())
		}
	}
	for _, e := range disbursement.PayrollFacts() {
		if paymentOf(e) != "" {
			t.Errorf("%s is about a payment", e.EventName())
		}
	}
}

// PostgreSQL rewrites a row alone (a heap-only tuple) as long as no column changes that an index holds or its predicate asks.
func TestAReportAboutAPaymentRewritesNoIndex(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if _, err := pool.Exec(t.Context(), paymentsDDL); err != nil {
		t.Fatal(err)
	}
	rows, err := pool.Query(t.Context(), `
select distinct a.attname
  from pg_index i
  join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = i.indexrelid and d.refobjid = i.indrelid
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = d.refobjsubid
 where i.indrelid = 'payments_v1'::regclass order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	indexed, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"beneficiary", "contested", "mark", "origin", "payment", "payroll", "payroll_month", "refunded", "unit_code"}
	if diff := cmp.Diff(want, indexed); diff != "" {
		t.Errorf("indexed columns; only what seldom changes may be (-want +got):\n%s", diff)
	}
}

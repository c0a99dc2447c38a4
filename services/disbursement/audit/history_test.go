package audit_test

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/audit"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// The three logs.
const (
	people = iota
	banks
	money
)

// entry is a fact that is going to be written.
type entry struct {
	log    int
	stream string
	fact   events.Event
	cause  string
	// later is how much later, or earlier, than its place in the history it occurred.
	later time.Duration
}

// history is what is going to be written into the three logs.
type history struct {
	entries []entry
	// lines are those of the list of November; hash and totals follow from them.
	lines []payroll.Line
}

func (h *history) add(list ...entry) { h.entries = append(h.entries, list...) }

// after puts entries behind the first fact of a stream that is of the kind of like.
func (h *history) after(stream string, like events.Event, list ...entry) {
	at := h.find(stream, like)
	h.entries = slices.Insert(h.entries, at+1, list...)
}

// before puts entries in front of that fact.
func (h *history) before(stream string, like events.Event, list ...entry) {
	h.entries = slices.Insert(h.entries, h.find(stream, like), list...)
}

// handOver says that cash was collected instead of carried forward.
func (h *history) handOver(who string) {
	paid := entry{log: money, stream: "payment-" + who, fact: disbursement.CashPaid{Payment: who, CollectedOn: "2026-11-20", Receipt: "PC-1"}}
	if who != "hoa" {
		h.after("payment-"+who, disbursement.CashReleased{}, paid)
		return
	}
	h.after("payment-hoa", disbursement.PaymentCarriedForward{}, paid)
	h.drop("payment-hoa", disbursement.PaymentCarriedForward{})
	replace(h, func(e *disbursement.PayrollClosed) { e.CarriedForward, e.Carried = 0, 0 })
}

// refund says that hoa's cash was taken back and given to the treasury instead of carried forward.
func (h *history) refund(reason string) {
	own := func(fact events.Event) entry { return entry{log: money, stream: "payment-hoa", fact: fact} }
	h.after("payment-hoa", disbursement.PaymentCarriedForward{}, own(disbursement.PaymentWithdrawn{Payment: "hoa", Reason: "stopped"}),
		own(disbursement.PaymentRefunded{Payment: "hoa", From: payment.Recalled, Reason: reason}))
	h.drop("payment-hoa", disbursement.PaymentCarriedForward{})
	replace(h, func(e *disbursement.PayrollClosed) { e.CarriedForward, e.Carried = 0, 0 })
}

// handedOverTwice has lan's money rejected and handed over, before her bank says that it credited it.
func (h *history) handedOverTwice() {
	own := func(fact events.Event) entry { return entry{log: money, stream: "payment-lan", fact: fact} }
	h.after("payment-lan", disbursement.PaymentCredited{},
		own(disbursement.PaymentRejected{Payment: "lan", Attempt: 1, Reason: "AC04"}), own(disbursement.MovedToCash{Payment: "lan", By: "treasurer"}),
		own(disbursement.CashPaid{Payment: "lan", CollectedOn: "2026-11-20", Receipt: "PC-3"}),
		own(disbursement.ReportNoted{Payment: "lan", Attempt: 1, Status: "ACCC", BankReference: "FT1", Why: payment.Contradictory}))
	h.drop("payment-lan", disbursement.PaymentCredited{})
}

// cash pays one of the people for another month as well, in cash, after hoa's money was carried forward or handed over.
func (h *history) cash(id, who string) { h.cashOf(id, who, "social_assistance", "2026-12") }

// pension pays one of the people for November by another programme as well, in cash, after hoa's money was given back.
func (h *history) pension(who string) { h.cashOf("pension", who, "social_pension", "2026-11") }

func (h *history) cashOf(id, who, programme, month string) {
	line := lineOf(who)
	line.Payment, line.Enrolments, line.Month, line.Method, line.CashReason = id, []string{"e-" + id}, month, payroll.InCash, "no_account"
	line.Account, line.Bank, line.Number, line.Holder = "", "", "", ""
	h.lines = append(h.lines, line)
	of := payableOf(who)
	of.Payment, of.Programme, of.Month = id, programme, month
	h.before("payroll-november", disbursement.PayrollClosed{},
		entry{log: money, stream: "payment-" + id, fact: disbursement.CashReleased{Payable: of, Reason: "no_account"}})
	h.entries = slices.DeleteFunc(h.entries, func(e entry) bool { _, is := e.fact.(disbursement.ReleaseCompleted); return is })
	h.fund(540_000)
}

// line is one of the list, to change it.
func (h *history) line(id string) *payroll.Line {
	return &h.lines[slices.IndexFunc(h.lines, func(l payroll.Line) bool { return l.Payment == id })]
}

func (h *history) drop(stream string, like events.Event) {
	at := h.find(stream, like)
	h.entries = slices.Delete(h.entries, at, at+1)
}

func (h *history) find(stream string, like events.Event) int {
	at := slices.IndexFunc(h.entries, func(e entry) bool {
		return e.stream == stream && reflect.TypeOf(e.fact) == reflect.TypeOf(like)
	})
	if at < 0 {
		panic("no such fact in " + stream)
	}
	return at
}

// fund provides more money.
func (h *history) fund(more int64) {
	replace(h, func(e *disbursement.PayrollFunded) { e.Amount += more })
}

func payableOf(who string) disbursement.Payable {
	return disbursement.Payable{
		Payment: who, Payroll: "november", Unit: events.Unit{Code: "00004", ValidFrom: "2025-07-01"}, Programme: "social_assistance",
		Beneficiary: "b-" + who, Mark: "mark-" + who, Month: "2026-11", Kind: payroll.Regular, Amount: 540_000,
	}
}

func lineOf(who string) payroll.Line {
	of := payableOf(who)
	line := payroll.Line{
		Payment: who, Beneficiary: of.Beneficiary, Mark: of.Mark, Enrolments: []string{"e-" + who}, Unit: of.Unit, Month: of.Month, Kind: of.Kind,
		Amount: 540_000, Granted: 540_000, Method: payroll.ByAccount, Account: "b-" + who + "-1", Bank: "ICBVVNVX", Number: "number-" + who, Holder: "holder-" + who,
	}
	if who == "hoa" {
		line.Method, line.CashReason, line.Account, line.Bank, line.Number, line.Holder = payroll.InCash, "no_account", "", "", "", ""
	}
	return line
}

func released(who string) disbursement.PaymentReleased {
	l := lineOf(who)
	return disbursement.PaymentReleased{Payable: payableOf(who), Target: disbursement.Target{
		EndToEndID: payment.EndToEndID(who, 1), Attempt: 1, Bank: l.Bank, Account: l.Account, Number: l.Number, Holder: l.Holder,
	}}
}

// month is a November in which all is well: two people are paid by account, one of them after a return, and one in cash who
// does not collect it.
func month() *history {
	h := &history{}
	for _, who := range []string{"lan", "minh", "hoa"} {
		h.lines = append(h.lines, lineOf(who))
		h.add(entry{log: people, stream: "beneficiary-b-" + who, fact: accounts.BeneficiaryRegistered{Beneficiary: "b-" + who, Mark: "mark-" + who}})
	}
	list := func(fact events.Event) entry { return entry{log: money, stream: "payroll-november", fact: fact} }
	h.add(
		list(disbursement.PayrollDrafted{Payroll: "november", Draft: 1, Unit: payableOf("lan").Unit, Programme: "social_assistance", Month: "2026-11", AsOf: "2026-11-01", By: "maker"}),
		entry{log: money, stream: payroll.LinesStream("november", 1, 0), fact: payroll.LinesComputed{Payroll: "november", Draft: 1, Programme: "social_assistance", Final: true}},
		list(disbursement.PayrollComputed{Payroll: "november", Draft: 1}), list(disbursement.PayrollSubmitted{Payroll: "november", By: "maker"}),
		list(disbursement.PayrollChecked{Payroll: "november", By: "checker"}), list(disbursement.PayrollApproved{Payroll: "november", By: "approver"}),
		list(disbursement.PayrollFunded{Payroll: "november", Amount: 3 * 540_000, By: "treasurer"}),
		list(disbursement.PayrollReleased{Payroll: "november", By: "treasurer"}),
		entry{log: money, stream: "payment-lan", fact: released("lan")},
		entry{log: money, stream: "payment-minh", fact: released("minh")},
		entry{log: money, stream: "payment-hoa", fact: disbursement.CashReleased{Payable: payableOf("hoa"), Reason: "no_account"}},
		list(disbursement.ReleaseCompleted{Payroll: "november"}),
	)
	h.paid("lan", 1, "FT1")
	h.paid("minh", 1, "FT2")
	returned := disbursement.PaymentReturned{Payment: "minh", Attempt: 1, Reason: "AC04", BankReference: "FT3"}
	again := released("minh").Target
	again.Attempt, again.EndToEndID, again.Account = 2, payment.EndToEndID("minh", 2), "b-minh-2"
	h.add(
		entry{log: money, stream: "payment-minh", fact: returned},
		entry{log: money, stream: "payment-minh", fact: disbursement.PaymentReissued{Payable: payableOf("minh"), Target: again, By: "treasurer"}},
	)
	h.paid("minh", 2, "FT4")
	first := bankgateway.Instruction{EndToEndID: payment.EndToEndID("lan", 1), Payment: "lan", Attempt: 1, Bank: "ICBVVNVX"}
	h.add(
		entry{log: banks, stream: "instruction-" + first.EndToEndID, later: -time.Hour, fact: bankgateway.ReportSetAside{Instruction: first, Report: bankgateway.Report{Status: "ACSP"}, Why: payment.Late}},
		entry{log: money, stream: "payment-lan", fact: disbursement.ReportNoted{Payment: "lan", Attempt: 1, Status: "ACSP", Why: payment.Late}},
		entry{log: money, stream: "payment-hoa", fact: disbursement.PaymentCarriedForward{Payment: "hoa", From: payment.CashPending}},
		list(disbursement.PayrollClosed{Payroll: "november", CarriedForward: 1, Carried: 540_000, By: "treasurer"}),
	)
	return h
}

// paid is how an attempt goes that goes well, in the gateway's log and in that of disbursement.
func (h *history) paid(who string, attempt int, reference string) {
	i := bankgateway.Instruction{EndToEndID: payment.EndToEndID(who, attempt), Payment: who, Attempt: attempt, Bank: "ICBVVNVX"}
	gateway := func(fact events.Event) entry {
		return entry{log: banks, stream: "instruction-" + i.EndToEndID, fact: fact}
	}
	own := func(fact events.Event) entry { return entry{log: money, stream: "payment-" + who, fact: fact} }
	h.add(
		gateway(bankgateway.InstructionSent{Instruction: i, Amount: 540_000}),
		own(disbursement.PaymentSent{Payment: who, Attempt: attempt}),
		own(disbursement.PaymentInFlight{Payment: who, Attempt: attempt, Status: "ACSC"}),
		gateway(bankgateway.PaymentReported{Instruction: i, Report: bankgateway.Report{Status: "ACCC", BankReference: reference}}),
		own(disbursement.PaymentCredited{Payment: who, Attempt: attempt, BankReference: reference}),
	)
}

// settle fills in what follows from the lines: hash and totals.
func (h *history) settle() {
	var tally payroll.Tally
	if err := tally.Add(h.lines...); err != nil {
		panic(err)
	}
	replace(h, func(e *payroll.LinesComputed) {
		if e.Payroll == "november" {
			e.Lines = h.lines
		}
	})
	replace(h, func(e *disbursement.PayrollApproved) {
		if e.Payroll == "november" {
			e.Hash, e.Total = tally.Hash(), int64(tally.Total)
		}
	})
	replace(h, func(e *disbursement.PayrollReleased) {
		if e.Payroll == "november" {
			e.Hash = tally.Hash()
		}
	})
	replace(h, func(e *disbursement.ReleaseCompleted) {
		if e.Payroll == "november" {
			e.Payments, e.Total = tally.Lines, int64(tally.Total)
		}
	})
}

// logs are three databases.
type logs struct {
	people, banks, money *pgxpool.Pool
	store                *eventstore.Store
}

// write puts the history into logs of its own.
func (h *history) write(t *testing.T) *logs {
	t.Helper()
	h.settle()
	l := &logs{people: testkit.Postgres(t), banks: testkit.Postgres(t), money: testkit.Postgres(t)}
	catalogs := []events.Catalog{
		events.NewCatalog(accounts.Catalog()), events.NewCatalog(bankgateway.Catalog()),
		events.NewCatalog(disbursement.Catalog(), payroll.PrivateFacts()),
	}
	for log, pool := range []*pgxpool.Pool{l.people, l.banks, l.money} {
		if err := eventstore.Migrate(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
		store, err := eventstore.Open(t.Context(), pool, eventstore.Options{Catalog: catalogs[log]})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(store.Close)
		if log == money {
			l.store = store
		}
		h.writeLog(t, store, log)
	}
	return l
}

func (h *history) writeLog(t *testing.T, store *eventstore.Store, log int) {
	t.Helper()
	began := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	versions := map[string]int{}
	var appends []eventstore.Append
	for n, e := range h.entries {
		if e.log != log {
			continue
		}
		appends = append(appends, eventstore.Append{
			Stream: e.stream, Expected: versions[e.stream], Facts: []events.Event{e.fact},
			Meta: events.Meta{Cause: e.cause, OccurredAt: began.Add(time.Duration(n)*time.Second + e.later)},
		})
		versions[e.stream]++
	}
	results, err := store.AppendAll(t.Context(), appends)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

func (l *logs) audit(t *testing.T) audit.Report {
	t.Helper()
	return l.auditBy(t, "")
}

// auditBy audits by the rules of a file.
func (l *logs) auditBy(t *testing.T, rules string) audit.Report {
	t.Helper()
	report, err := audit.Run(t.Context(), audit.Sources{Accounts: l.people, Gateway: l.banks, Disbursement: l.money, Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// project runs the read model of payments until it has seen everything.
func (l *logs) project(t *testing.T) {
	t.Helper()
	if err := projection.Migrate(t.Context(), l.money); err != nil {
		t.Fatal(err)
	}
	runner := projection.NewRunner(l.money, projection.Options{})
	model, err := runner.Add(t.Context(), projections.Payments(), projection.FromLog(l.store))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = runner.Run(ctx) })
	defer running.Wait()
	defer stop()
	head, err := l.store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waiting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := model.WaitFor(waiting, head); err != nil {
		t.Fatal(err)
	}
}

package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

func TestMoneyGoesTheWayOfItsPayment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, to payment.Payment
		want     string
	}{
		"released":              {standing(""), standing(payment.Released), "available->reserved"},
		"released in cash":      {standing(""), standing(payment.CashPending), "available->cash"},
		"sent":                  {standing(payment.Released), standing(payment.Sent), "reserved->in_flight"},
		"acknowledged":          {standing(payment.Sent), standing(payment.Acknowledged), ""},
		"unknown":               {standing(payment.InFlight), standing(payment.Unknown), ""},
		"credited":              {standing(payment.Unknown), standing(payment.Credited), "in_flight->credited"},
		"rejected":              {standing(payment.InFlight), standing(payment.Rejected), "in_flight->available"},
		"returned":              {standing(payment.Credited), standing(payment.Returned), "credited->returned"},
		"reissued after reject": {standing(payment.Rejected), standing(payment.Reissued), "available->reserved"},
		"reissued after return": {standing(payment.Returned), standing(payment.Reissued), "returned->reserved"},
		"moved to cash":         {standing(payment.Returned), standing(payment.CashPending), "returned->cash"},
		"cash handed over":      {standing(payment.CashPending), standing(payment.CashPaid), ""},
		"carried, uncollected":  {standing(payment.CashPending), standing(payment.CarriedForward), "cash->available"},
		"carried, returned":     {standing(payment.Returned), standing(payment.CarriedForward), "returned->available"},
		"recalled and returned": {standing(payment.Credited), recalled(payment.Returned), "credited->returned"},
		"recalled and rejected": {standing(payment.InFlight), recalled(payment.Rejected), "in_flight->returned"},
		"refunded":              {recalled(payment.Rejected), standing(payment.Refunded), "returned->treasury"},
		"rejected once more":    {standing(payment.InFlight), again(payment.Rejected), "in_flight->returned"},
		"and reissued":          {again(payment.Rejected), again(payment.Reissued), "returned->reserved"},
		"or carried":            {again(payment.Rejected), again(payment.CarriedForward), "returned->available"},
		"or refunded":           {again(payment.Rejected), again(payment.Refunded), "returned->treasury"},
	} {
		got := ""
		if p, moved := ledger.Move(c.from, c.to); moved {
			got = fmt.Sprintf("%s->%s", p.From, p.To)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func standing(status string) payment.Payment { return payment.Payment{Status: status} }

// again is what was tried again with money that had come back.
func again(status string) payment.Payment { return payment.Payment{Status: status, FromList: true} }

func recalled(outcome string) payment.Payment {
	return payment.Payment{Status: payment.Recalled, Current: payment.Attempt{Outcome: outcome}}
}

func TestNothingIsMovedThatIsNotThere(t *testing.T) {
	t.Parallel()
	b := ledger.Balances{}
	if err := b.Post(ledger.Fund(100)); err != nil {
		t.Fatal(err)
	}
	if err := b.Post(ledger.Posting{From: ledger.Available, To: ledger.Reserved, Amount: 101}); !errors.Is(err, ledger.ErrOverdrawn) {
		t.Fatalf("it was moved: %v", err)
	}
	if err := b.Post(ledger.Posting{From: ledger.Treasury, To: ledger.Available, Amount: money.Max}); err == nil {
		t.Fatal("an overflow was posted")
	}
	want := ledger.Balances{ledger.Treasury: -100, ledger.Available: 100}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Fatal(diff)
	}
	closing, left := ledger.Close(b)
	if !left {
		t.Fatal("nothing goes back")
	}
	if err := b.Post(closing); err != nil || b.Budget() != 0 {
		t.Fatalf("the budget is %d, %v", b.Budget(), err)
	}
	if _, left := ledger.Close(b); left {
		t.Fatal("it goes back twice")
	}
	late, _ := ledger.Move(standing(payment.InFlight), standing(payment.Rejected))
	if got := late.BehindClosure(); got.From != ledger.InFlight || got.To != ledger.Treasury {
		t.Fatalf("behind the closure a rejection moves %v", got)
	}
}

// world is a payroll of some payments, and everything that ever happened to it.
type world struct {
	t        *rapid.T
	payments []payment.Payment
	causes   []map[string]bool
	books    ledger.Balances
	released money.Amount
	credits  map[string]int // bank references of credits, and how often each was recorded
	facts    []events.Event
	told     []told
}

// told is something that came from the bank, and may come again.
type told struct {
	n     int
	cause string
	cmd   payment.Command
}

// TestWhateverBanksReportTheBooksAgree says that the books agree, to the dong, after any history: reports in any order, repeated,
// contradictory, about attempts of long ago; reissues, cash, recalls, inquiries and closures in between.
func TestWhateverBanksReportTheBooksAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := open(t)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			w.step()
			w.repeatLast()
			w.check()
		}
		w.repeatEverything()
		w.carryEverything()
		w.check()
	})
}

func open(t *rapid.T) *world {
	w := &world{t: t, books: ledger.Balances{}, credits: map[string]int{}}
	n := rapid.IntRange(1, 4).Draw(t, "payments")
	w.post(ledger.Fund(money.Amount(n) * 1_000))
	for i := range n {
		amount := rapid.Int64Range(1, 1_000).Draw(t, "amount")
		payable := disbursement.Payable{Payment: fmt.Sprint("p", i), Payroll: "november", Amount: amount}
		w.payments, w.causes = append(w.payments, payment.Payment{}), append(w.causes, map[string]bool{})
		if rapid.Bool().Draw(t, "cash") {
			w.record(i, disbursement.CashReleased{Payable: payable, Reason: "no_account"})
		} else {
			w.record(i, disbursement.PaymentReleased{Payable: payable, Target: disbursement.Target{
				EndToEndID: payment.EndToEndID(payable.Payment, 1), Attempt: 1, Bank: "ICBVVNVX", Account: "a", Number: "n",
			}})
		}
		w.released += money.Amount(amount)
	}
	return w
}

func (w *world) post(p ledger.Posting) {
	if entries := p.Entries(); entries[0].Amount+entries[1].Amount != 0 {
		w.t.Fatalf("a posting does not sum to zero: %v", entries)
	}
	if err := w.books.Post(p); err != nil {
		w.t.Fatalf("%v: %v", p, err)
	}
}

func (w *world) record(i int, fact events.Event) {
	before := w.payments[i]
	after := before.Evolve(fact)
	if p, moved := ledger.Move(before, after); moved {
		w.post(p)
	}
	if e, ok := fact.(disbursement.PaymentCredited); ok {
		w.credits[e.BankReference]++
	}
	w.payments[i], w.facts = after, append(w.facts, fact)
}

// tell gives a command as the log would: a cause that is there already changes nothing.
func (w *world) tell(c told) {
	if w.causes[c.n][c.cause] {
		return
	}
	facts, err := c.cmd.Decide(w.payments[c.n], decider.Meta{At: decidertest.Noon()})
	if err != nil {
		return
	}
	for _, fact := range facts {
		w.record(c.n, fact)
	}
	if len(facts) > 0 {
		w.causes[c.n][c.cause] = true
	}
	w.told = append(w.told, c)
}

func (w *world) step() {
	i := rapid.IntRange(0, len(w.payments)-1).Draw(w.t, "payment")
	p, cause := w.payments[i], fmt.Sprint("cause", len(w.told))
	attempt := rapid.IntRange(1, max(1, p.Current.Attempt)).Draw(w.t, "attempt")
	e2e := payment.EndToEndID(p.Payment, attempt)
	var cmd payment.Command
	switch rapid.IntRange(0, 10).Draw(w.t, "what") {
	case 0:
		cmd = payment.MarkSent{EndToEndID: e2e, Attempt: attempt, Amount: p.Amount}
	case 1:
		cmd = payment.Inquire{Facts: p.Facts}
	case 2:
		cmd = payment.Reissue{Target: disbursement.Target{Bank: "ICBVVNVX", Account: "b", Number: "m"}}
	case 3:
		cmd = payment.Cash{CollectedOn: "2026-11-20", Receipt: "R"}
	case 4:
		cmd = payment.Recall{Reason: "CUST"}
	case 5:
		cmd = payment.CarryForward{}
	case 6:
		cmd = payment.Refund{Reason: rapid.SampledFrom([]string{"", payment.RightEnded}).Draw(w.t, "why")}
	default:
		cmd = w.report(e2e, attempt)
	}
	w.tell(told{i, cause, cmd})
}

func (w *world) report(e2e string, attempt int) payment.Command {
	status := rapid.SampledFrom([]string{
		"RCVD", "ACTC", "ACCP", "ACSP", "PDNG", "BLCK", "ACSC", "ACCC", "RJCT", "RTND",
	}).Draw(w.t, "status")
	r := bankgateway.Report{Status: status, BankReference: e2e + rapid.SampledFrom([]string{"/1", "/2"}).Draw(w.t, "reference")}
	if status == "RJCT" || status == "RTND" {
		r.Reason = rapid.SampledFrom([]string{"AC04", "AM05", "TM01", "MD07"}).Draw(w.t, "reason")
	}
	report := payment.Report{EndToEndID: e2e, Attempt: attempt, Report: r}
	if rapid.IntRange(0, 9).Draw(w.t, "set aside") == 0 {
		return payment.NoteReport{Report: report, Why: rapid.SampledFrom([]string{payment.Late, payment.Backward, payment.Contradictory}).Draw(w.t, "why")}
	}
	return report
}

// check is I1, I2, I3 and I14 at every moment.
func (w *world) check() {
	held, err := w.books.Held()
	if err != nil || held != w.books.Budget() {
		w.t.Fatalf("I1: the treasury provided %d, and %d is there", w.books.Budget(), held)
	}
	lying := ledger.Balances{}
	for _, p := range w.payments {
		lying[ledger.Where(p)] += money.Amount(p.Amount)
	}
	for _, account := range []ledger.Account{ledger.Reserved, ledger.InFlight, ledger.Credited, ledger.Returned, ledger.Cash} {
		if lying[account] != w.books[account] {
			w.t.Fatalf("I1: payments in %s come to %d, the books say %d", account, lying[account], w.books[account])
		}
	}
	for reference, n := range w.credits {
		if n != 1 || reference == "" {
			w.t.Fatalf("I3: %d credits have the reference %q", n, reference)
		}
	}
	w.checkReturns()
}

// checkReturns is I14: what comes back was out before, and once.
func (w *world) checkReturns() {
	out := map[string]int{}
	for _, fact := range w.facts {
		switch e := fact.(type) {
		case disbursement.PaymentCredited:
			out[fmt.Sprint(e.Payment, e.Attempt)] = 1
		case disbursement.PaymentInFlight:
			if e.Status == "ACSC" {
				out[fmt.Sprint(e.Payment, e.Attempt)] = 1
			}
		case disbursement.PaymentReturned:
			if out[fmt.Sprint(e.Payment, e.Attempt)]--; out[fmt.Sprint(e.Payment, e.Attempt)] < 0 {
				w.t.Fatalf("I14: %s came back and was not out", e.Payment)
			}
		}
	}
}

// said tells whether something came from the bank, or from the gateway about it: that may be told again. A button that is pressed
// again is another thing.
func (c told) said() bool {
	switch c.cmd.(type) {
	case payment.Report, payment.NoteReport, payment.MarkSent:
		return true
	default:
		return false
	}
}

// stands is how everything stands, whatever was noted besides.
func (w *world) stands() string {
	payments := slices.Clone(w.payments)
	for i := range payments {
		payments[i].Facts = 0
	}
	return fmt.Sprint(payments, w.books)
}

// news counts facts. A bank that does not know may say so any number of times, and each is noted.
func (w *world) news() (n int) {
	for _, fact := range w.facts {
		if noted, is := fact.(disbursement.ReportNoted); !is || noted.Status != "RJCT" || !payment.TimedOut(noted.Reason) {
			n++
		}
	}
	return n
}

// again tells all of it once more under causes that nobody has heard of, as a bank does that repeats itself: that it is a repetition
// can only be told from what it says.
func (w *world) again(all []told) {
	for _, c := range slices.Clone(all) {
		if c.said() {
			c.cause = fmt.Sprint("again", len(w.told))
			w.tell(c)
		}
	}
}

// repeatLast is I7 at every moment: what the bank has just said and says once more changes nothing.
func (w *world) repeatLast() {
	if len(w.told) == 0 {
		return
	}
	before, news := w.stands(), w.news()
	w.again(w.told[len(w.told)-1:])
	if after := w.stands(); after != before || w.news() != news {
		w.t.Fatalf("I7: a repetition changed something:\n%s\n%s", before, after)
	}
}

// repeatEverything is I7 for all of it in the same order. The first round may be an answer: a bank that is asked says again what it
// said, and money that came back before it was out is back when that is said again. After that everything stays as it is.
func (w *world) repeatEverything() {
	all := slices.Clone(w.told)
	w.again(all)
	before := w.stands()
	w.again(all)
	if after := w.stands(); after != before {
		w.t.Fatalf("I7: a repetition changed something:\n%s\n%s", before, after)
	}
}

// carryEverything is I11: each payment is carried forward once, however often one closes.
func (w *world) carryEverything() {
	for round := range 3 {
		for i := range w.payments {
			w.tell(told{i, fmt.Sprint("closure", round), payment.CarryForward{}})
		}
	}
	carried := map[string]int{}
	for _, fact := range w.facts {
		if e, ok := fact.(disbursement.PaymentCarriedForward); ok {
			if carried[e.Payment]++; carried[e.Payment] > 1 {
				w.t.Fatalf("I11: %s is carried forward twice", e.Payment)
			}
		}
	}
}

// TestALateOrBackwardReportChangesNothing is I13: after any history, a report that is recorded as not fitting leaves state
// and money as they were.
func TestALateOrBackwardReportChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := open(t)
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			w.step()
		}
		for i, p := range w.payments {
			attempt := rapid.IntRange(1, max(1, p.Current.Attempt)).Draw(t, "attempt")
			facts, err := w.report(payment.EndToEndID(p.Payment, attempt), attempt).Decide(p, decider.Meta{})
			if err != nil || len(facts) != 1 {
				continue
			}
			if _, noted := facts[0].(disbursement.ReportNoted); !noted {
				continue
			}
			after := p.Evolve(facts[0])
			if _, moved := ledger.Move(p, after); moved || after.Status != p.Status || after.Current.Outcome != p.Current.Outcome {
				t.Fatalf("payment %d went from %s to %s by a report that was only noted", i, p.Status, after.Status)
			}
		}
	})
}

// TestTheOutcomeDoesNotDependOnTheOrderOfIntermediateReports holds for an honest bank, each of whose reports comes once or
// more, in any order.
func TestTheOutcomeDoesNotDependOnTheOrderOfIntermediateReports(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		said := rapid.Permutation([]string{"RCVD", "ACTC", "ACSP", "ACSC", "ACCC", "RCVD", "ACCC"}).Draw(t, "order")
		p := decider.Fold(payment.Payment{}, disbursement.PaymentReleased{
			Payable: disbursement.Payable{Payment: "p", Amount: 5},
			Target:  disbursement.Target{EndToEndID: "SA-P-1", Attempt: 1},
		})
		for _, status := range said {
			facts, err := payment.Report{
				EndToEndID: "SA-P-1", Attempt: 1, Report: bankgateway.Report{Status: status, BankReference: "R1"},
			}.Decide(p, decider.Meta{})
			if err != nil {
				t.Fatal(err)
			}
			p = decider.Fold(p, facts...)
		}
		if p.Status != payment.Credited || p.Contested() {
			t.Fatalf("%v leads to %s, contested %t", said, p.Status, p.Contested())
		}
	})
}

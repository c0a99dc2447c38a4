package audit

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// The three logs.
const (
	ofPeople = iota
	ofBanks
	ofMoney
)

// payday is a whole list and everybody who has a hand in it: deciders as they are, officers who press any button at any time, a
// gateway that sends or withdraws, and a bank that says anything about any payment: true or not, twice, late, the opposite, about
// payments of others, or nothing. It is held in memory; what is served from tables is looked at by the tests of the service.
type payday struct {
	t        *rapid.T
	logs     [3][]events.Recorded
	versions map[string]int
	causes   map[string]bool
	list     payroll.Payroll
	payments []payment.Payment
	// sent are the end-to-end ids that the bank has, kept those that the gateway withdrew.
	sent, kept map[string]bool
	said       []message
	// unheard are the reports, by their places in the log of banks, that are still on their way.
	unheard map[int]bool
	// heard counts what was delivered.
	heard int
	at    time.Time
}

const novemberList = "november"

// begin releases a list of some payments by account and some in cash.
func begin(t *rapid.T) *payday {
	d := &payday{
		t: t, versions: map[string]int{}, causes: map[string]bool{}, sent: map[string]bool{}, kept: map[string]bool{}, unheard: map[int]bool{},
		at: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC),
	}
	lines, tally := d.lines(rapid.IntRange(1, 12).Draw(t, "payments"))
	of := "payroll-" + novemberList
	hash, total := tally.Hash(), int64(tally.Total)
	d.record(ofMoney, of, "",
		disbursement.PayrollDrafted{Payroll: novemberList, Draft: 1, Unit: unitOf(), Programme: "social_assistance", Month: "2026-11", AsOf: "2026-11-01", By: "maker"})
	d.record(ofMoney, payroll.LinesStream(novemberList, 1, 0), "",
		payroll.LinesComputed{Payroll: novemberList, Draft: 1, Programme: "social_assistance", Lines: lines, Final: true})
	d.record(ofMoney, of, "", disbursement.PayrollComputed{Payroll: novemberList, Draft: 1, Lines: tally.Lines, Total: total, Hash: hash})
	for _, cmd := range []payroll.Command{
		payroll.Submit{By: "maker"},
		payroll.Check{By: "checker"},
		payroll.Approve{By: "approver"},
		payroll.Fund{Amount: tally.Total, Reference: "KB-1", By: "cashier"},
		payroll.Release{Hash: hash, By: "treasurer", TwoTreasurers: true},
	} {
		d.decide(cmd)
	}
	for _, line := range lines {
		d.release(line)
	}
	d.decide(payroll.Complete{Payments: tally.Lines, Total: tally.Total})
	return d
}

func unitOf() events.Unit { return events.Unit{Code: "00004", ValidFrom: "2025-07-01"} }

func (d *payday) lines(n int) (lines []payroll.Line, tally payroll.Tally) {
	for i := range n {
		id := fmt.Sprint("p", i)
		amount := money.Amount(rapid.SampledFrom([]int64{540_000, 810_000, 1_080_000}).Draw(d.t, "amount"))
		line := payroll.Line{
			Payment: id, Beneficiary: "b" + id, Mark: "m" + id, Enrolments: []string{"e" + id}, Unit: unitOf(), Month: "2026-11", Kind: payroll.Regular,
			Amount: amount, Granted: amount, Method: payroll.ByAccount, Account: "b" + id + "-1", Bank: "ICBVVNVX", Number: "n" + id, Holder: "h" + id,
		}
		if rapid.IntRange(0, 4).Draw(d.t, "in cash") == 0 {
			line.Method, line.CashReason, line.Account, line.Bank, line.Number, line.Holder = payroll.InCash, "no_account", "", "", "", ""
		}
		d.record(ofPeople, "beneficiary-b"+id, "", accounts.BeneficiaryRegistered{Beneficiary: "b" + id, Mark: "m" + id})
		lines = append(lines, line)
	}
	if err := tally.Add(lines...); err != nil {
		d.t.Fatal(err)
	}
	return lines, tally
}

func (d *payday) release(l payroll.Line) {
	of := disbursement.Payable{
		Payment: l.Payment, Payroll: novemberList, Unit: l.Unit, Programme: "social_assistance", Beneficiary: l.Beneficiary, Mark: l.Mark,
		Month: l.Month, Kind: l.Kind, Amount: int64(l.Amount),
	}
	var first events.Event = disbursement.CashReleased{Payable: of, Reason: l.CashReason}
	if l.Method == payroll.ByAccount {
		first = disbursement.PaymentReleased{Payable: of, Target: disbursement.Target{
			EndToEndID: payment.EndToEndID(l.Payment, 1), Attempt: 1, Bank: l.Bank, Account: l.Account, Number: l.Number, Holder: l.Holder,
		}}
	}
	d.payments = append(d.payments, payment.Payment{}.Evolve(first))
	d.record(ofMoney, "payment-"+l.Payment, "", first)
}

// record appends the facts of one command.
func (d *payday) record(log int, stream, cause string, facts ...events.Event) {
	d.at = d.at.Add(time.Second)
	for _, e := range facts {
		d.versions[stream]++
		d.logs[log] = append(d.logs[log], events.Recorded{
			Stream: stream, Version: d.versions[stream], Event: e, Meta: events.Meta{Cause: cause, OccurredAt: d.at},
		})
		if stream == "payroll-"+novemberList {
			d.list = d.list.Evolve(e)
		}
	}
}

func (d *payday) decide(cmd payroll.Command) {
	facts, err := cmd.Decide(d.list, decider.Meta{At: d.at})
	if err != nil {
		d.t.Fatalf("%T: %v", cmd, err)
	}
	d.record(ofMoney, "payroll-"+novemberList, "", facts...)
}

// do runs a command on a payment as the log does: a cause that is there changes nothing. Refusing is always allowed.
func (d *payday) do(i int, cause string, cmd payment.Command) {
	stream := "payment-" + d.payments[i].Payment
	if d.causes[stream+"/"+cause] {
		return
	}
	facts, err := cmd.Decide(d.payments[i], decider.Meta{At: d.at})
	if err != nil || len(facts) == 0 {
		return
	}
	d.causes[stream+"/"+cause] = true
	d.payments[i] = decider.Fold(d.payments[i], facts...)
	d.record(ofMoney, stream, cause, facts...)
}

// later keeps a message for delivery.
func (d *payday) later(i int, cmd payment.Command) {
	d.said = append(d.said, message{i, cmd, none})
}

// reported keeps the report that the gateway recorded last.
func (d *payday) reported(i int, cmd payment.Command) {
	fact := len(d.logs[ofBanks]) - 1
	d.unheard[fact] = true
	d.said = append(d.said, message{i, cmd, fact})
}

// gateway sends what waits, or withdraws what it was asked to: one of the two, for ever.
func (d *payday) gateway(i int) {
	p := d.payments[i]
	at := p.Current
	if at.Attempt == 0 || d.sent[at.EndToEndID] || d.kept[at.EndToEndID] {
		return
	}
	in := bankgateway.Instruction{EndToEndID: at.EndToEndID, Payment: p.Payment, Attempt: at.Attempt, Bank: at.Bank}
	if at.Withdrawal != "" {
		d.kept[at.EndToEndID] = true
		d.record(ofBanks, "instruction-"+at.EndToEndID, "", bankgateway.InstructionWithdrawn{Instruction: in, Reason: at.Withdrawal})
		d.do(i, "withdrawn/"+at.EndToEndID, payment.MarkWithdrawn{EndToEndID: at.EndToEndID, Attempt: at.Attempt, Reason: at.Withdrawal})
		return
	}
	d.sent[at.EndToEndID] = true
	d.record(ofBanks, "instruction-"+at.EndToEndID, "", bankgateway.InstructionSent{Instruction: in, Amount: p.Amount})
	d.later(i, payment.MarkSent{EndToEndID: at.EndToEndID, Attempt: at.Attempt, Amount: p.Amount})
}

// bank says something about an attempt that it has. The gateway believes it or sets it aside, as the lot falls.
func (d *payday) bank(i int) {
	p := d.payments[i]
	attempt := rapid.IntRange(1, max(1, p.Current.Attempt)).Draw(d.t, "attempt")
	e2e := payment.EndToEndID(p.Payment, attempt)
	if !d.sent[e2e] {
		return
	}
	r := bankgateway.Report{Status: rapid.SampledFrom([]string{
		"RCVD", "ACTC", "ACCP", "ACSP", "PDNG", "BLCK", "ACSC", "ACCC", "ACCC", "RJCT", "RTND",
	}).Draw(d.t, "status")}
	switch r.Status {
	case "ACSC", "ACCC", "RTND":
		r.BankReference = e2e + rapid.SampledFrom([]string{"/1", "/2", "/3"}).Draw(d.t, "reference")
	}
	if r.Status == "RJCT" || r.Status == "RTND" {
		r.Reason = rapid.SampledFrom([]string{"AC04", "AM05", "TM01", "MD07", "NARR"}).Draw(d.t, "reason")
		r.Answers = rapid.IntRange(0, p.Current.Inquiries).Draw(d.t, "answers")
	}
	in := bankgateway.Instruction{EndToEndID: e2e, Payment: p.Payment, Attempt: attempt, Bank: "ICBVVNVX"}
	report := payment.Report{EndToEndID: e2e, Attempt: attempt, Report: r}
	if rapid.IntRange(0, 5).Draw(d.t, "set aside") == 0 {
		why := rapid.SampledFrom([]string{payment.Late, payment.Backward, payment.Contradictory}).Draw(d.t, "why")
		d.record(ofBanks, "instruction-"+e2e, "", bankgateway.ReportSetAside{Instruction: in, Report: r, Why: why})
		d.reported(i, payment.NoteReport{Report: report, Why: why})
		return
	}
	d.record(ofBanks, "instruction-"+e2e, "", bankgateway.PaymentReported{Instruction: in, Report: r})
	d.reported(i, report)
}

// foreign is a report about somebody else's payment, or about an attempt that nobody made.
func (d *payday) foreign(i int) {
	stray := payment.EndToEndID("of-another-bank", 1)
	r := bankgateway.Report{Status: rapid.SampledFrom([]string{"ACCC", "RJCT", "RTND"}).Draw(d.t, "status"), Reason: "AC04", BankReference: "FOREIGN"}
	d.later(i, payment.Report{EndToEndID: stray, Attempt: 1, Report: r})
	d.later(i, payment.Report{EndToEndID: payment.EndToEndID(d.payments[i].Payment, 98), Attempt: 98, Report: r})
}

// officer presses a button. What a closed list gave back to the treasury is not paid from it any more; the service sees to that.
func (d *payday) officer(i int) {
	p := d.payments[i]
	if d.list.Status == payroll.Closed && ledger.Where(p) == ledger.Available {
		return
	}
	who := rapid.SampledFrom([]string{"treasurer", "cashier"}).Draw(d.t, "who")
	again := disbursement.Target{Bank: "ICBVVNVX", Account: p.Beneficiary + "-2", Number: "other", Holder: "h" + p.Payment}
	cmd := rapid.SampledFrom([]payment.Command{
		payment.Reissue{Target: again, By: who},
		payment.Cash{By: who},
		payment.Cash{CollectedOn: "2026-11-20", Receipt: "PC-" + p.Payment, By: who},
		payment.Recall{Reason: "CUST", By: who},
		payment.Ask{},
		payment.Inquire{Facts: p.Facts},
		payment.Withdraw{Reason: "account_changed", By: "service"},
		payment.ProposeWithdrawal{By: who},
		payment.ApproveWithdrawal{By: "approver"},
		payment.Refund{By: who},
		payment.Refund{Reason: payment.RightEnded, By: who},
	}).Draw(d.t, "command")
	if refund, is := cmd.(payment.Refund); is && refund.Reason == payment.RightEnded {
		d.ends(p, refund)
	}
	d.do(i, fmt.Sprint("officer-", d.at.Unix()), cmd)
}

// ends stops the right of a payment that is going to be refunded for that.
func (d *payday) ends(p payment.Payment, refund payment.Refund) {
	if facts, err := refund.Decide(p, decider.Meta{}); err == nil && len(facts) > 0 {
		right := "e" + p.Payment
		d.record(ofMoney, "enrolment-"+right, "", disbursement.EnrolmentStopped{Enrolment: right, FromMonth: p.Month})
	}
}

// closes ends the list, if nobody owes an answer.
func (d *payday) closes() {
	open := func(p payment.Payment) bool { return slices.Contains(payment.Open(), p.Status) }
	if d.list.Status != payroll.Released || slices.ContainsFunc(d.payments, open) {
		return
	}
	var count int
	var sum money.Amount
	for i := range d.payments {
		d.do(i, "closure", payment.CarryForward{})
		if d.payments[i].Status == payment.CarriedForward {
			count, sum = count+1, sum+money.Amount(d.payments[i].Amount)
		}
	}
	d.decide(payroll.Close{CarriedForward: count, Carried: sum, By: "treasurer"})
}

func (d *payday) step() {
	i := rapid.IntRange(0, len(d.payments)-1).Draw(d.t, "payment")
	switch rapid.IntRange(0, 11).Draw(d.t, "what") {
	case 0, 1, 2:
		d.gateway(i)
	case 3, 4, 5:
		d.bank(i)
	case 6, 7, 8:
		if len(d.said) > 0 {
			d.hears(rapid.SampledFrom(d.said).Draw(d.t, "message"))
		}
	case 9:
		d.foreign(i)
	case 10:
		d.officer(i)
	default:
		d.closes()
	}
}

// check audits the logs as far as they go, and makes the closing statement of them.
func (d *payday) check() {
	a := newAuditor(entitlement.National())
	for _, r := range d.logs[ofPeople] {
		a.person(r)
	}
	for n, r := range d.logs[ofBanks] {
		if !d.unheard[n] {
			a.bank(r)
		}
	}
	for _, r := range d.logs[ofMoney] {
		a.money(r)
	}
	for n, r := range d.logs[ofBanks] {
		if d.unheard[n] {
			a.lateBank(r)
		}
	}
	l := a.listOf(novemberList)
	d.statement(l)
	a.finish()
	for _, f := range a.findings() {
		if f.OK == (f.ID == "I11" && slices.ContainsFunc(d.payments, madeAgain)) {
			d.t.Fatalf("%s: %v", f.ID, f.Violations)
		}
	}
}

// statement is the sentence of the closing statement, once by how payments stand and once by the books, which are kept apart.
func (d *payday) statement(l *list) {
	by := map[ledger.Account]money.Amount{}
	var refunded, carried, rejected money.Amount
	for _, p := range d.payments {
		amount := money.Amount(p.Amount)
		switch p.Status {
		case payment.Credited:
			by[ledger.Credited] += amount
		case payment.Rejected:
			if p.FromList {
				by[ledger.Returned] += amount
				continue
			}
			rejected += amount
		case payment.Returned, payment.Recalled:
			by[ledger.Returned] += amount
		case payment.Refunded:
			refunded += amount
		case payment.Released, payment.Reissued:
			by[ledger.Reserved] += amount
		case payment.Sent, payment.Acknowledged, payment.InFlight, payment.Unknown:
			by[ledger.InFlight] += amount
		case payment.CashPending, payment.CashPaid:
			by[ledger.Cash] += amount
		case payment.CarriedForward:
			carried += amount
		default:
			d.t.Fatalf("a payment is %q", p.Status)
		}
	}
	stand := rejected + refunded + carried
	for _, account := range []ledger.Account{ledger.Credited, ledger.Returned, ledger.Reserved, ledger.InFlight, ledger.Cash} {
		stand += by[account]
		if l.books[account] != by[account] {
			d.t.Fatalf("the books have %d in %s, payments that stand so come to %d", l.books[account], account, by[account])
		}
	}
	if stand != l.total {
		d.t.Fatalf("instructed %d, credited + rejected + returned + in flight + unknown + cash + carried = %d", l.total, stand)
	}
	if back := refunded; l.Status != payroll.Closed && l.books.Budget() != l.tally.Total-back {
		d.t.Fatalf("the treasury gave %d for a list of %d, of which it has %d back", l.books.Budget(), l.tally.Total, back)
	}
}

// Whatever a bank says about whichever payments, and whatever officers press in between: at every moment the closing statement of the
// list adds up to what was instructed, to the dong, and no invariant is broken, but by a bank that says it credited what was then made again.
func TestTheStatementAddsUpWhateverABankSays(t *testing.T) {
	t.Parallel()
	var again int
	rapid.Check(t, func(t *rapid.T) {
		d := begin(t)
		d.check()
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			d.step()
			d.check()
		}
		if d.regrets() {
			again++
		}
		d.check()
		// Everything arrives again and again, until nothing is news any more: a message counts once.
		for round := 0; d.arriveAll(); round++ {
			if round > len(d.said) {
				t.Fatal("a message counts more than once")
			}
			d.check()
		}
	})
	if again == 0 {
		t.Error("nothing that was made again was credited before")
	}
}

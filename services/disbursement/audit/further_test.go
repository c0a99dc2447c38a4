package audit_test

import (
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	dong "github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	months "github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// further is the list of another month, or of another programme, whose lines are paid in cash.
type further struct {
	id, programme, month string
	lines                []payroll.Line
	overpaid             map[string]dong.Amount // mark-hoa's, by month
}

func (l further) tally() (tally payroll.Tally) {
	if err := tally.Add(l.lines...); err != nil {
		panic(err)
	}
	return tally
}

func (l further) fact(fact events.Event) entry {
	return entry{log: money, stream: "payroll-" + l.id, fact: fact}
}

// drafts computes a list.
func (h *history) drafts(l further) {
	lines := payroll.LinesComputed{Payroll: l.id, Draft: 1, Programme: l.programme, Lines: l.lines, Final: true}
	for month, amount := range l.overpaid {
		lines.Findings = append(lines.Findings, payroll.Finding{Mark: "mark-hoa", Month: month, Code: payroll.Overpaid, Amount: amount})
	}
	h.add(
		l.fact(disbursement.PayrollDrafted{
			Payroll: l.id, Draft: 1, Unit: payableOf("hoa").Unit, Programme: l.programme, Month: l.month, AsOf: l.month + "-01", By: "maker",
		}),
		entry{log: money, stream: payroll.LinesStream(l.id, 1, 0), fact: lines},
		l.fact(disbursement.PayrollComputed{Payroll: l.id, Draft: 1}),
	)
}

// releases pays a list that was drafted.
func (h *history) releases(l further) {
	tally := l.tally()
	h.add(
		l.fact(disbursement.PayrollSubmitted{Payroll: l.id, By: "maker"}),
		l.fact(disbursement.PayrollChecked{Payroll: l.id, By: "checker"}),
		l.fact(disbursement.PayrollApproved{Payroll: l.id, Hash: tally.Hash(), Total: int64(tally.Total), By: "approver"}),
		l.fact(disbursement.PayrollFunded{Payroll: l.id, Amount: int64(tally.Total), Reference: "KB-" + l.id, By: "treasurer"}),
		l.fact(disbursement.PayrollReleased{Payroll: l.id, Hash: tally.Hash(), By: "treasurer"}),
	)
	for _, line := range l.lines {
		if !line.Held {
			h.add(entry{log: money, stream: "payment-" + line.Payment, fact: disbursement.CashReleased{Reason: "no_account", Payable: disbursement.Payable{
				Payment: line.Payment, Payroll: l.id, Unit: line.Unit, Programme: l.programme, Beneficiary: line.Beneficiary, Mark: line.Mark,
				Month: line.Month, Kind: line.Kind, Origin: line.Origin, Amount: int64(line.Amount),
			}}})
		}
	}
	h.add(l.fact(disbursement.ReleaseCompleted{Payroll: l.id, Payments: tally.Lines, Total: int64(tally.Total)}))
}

// assistance is a list of the programme of November's.
func assistance(id, month string, lines ...payroll.Line) further {
	return further{id: id, programme: "social_assistance", month: month, lines: lines}
}

func (h *history) pays(l further) { h.drafts(l); h.releases(l) }

// arrears is a line of hoa's, in cash and by another right than November's.
func arrears(id, month string, granted, covered dong.Amount) payroll.Line {
	line := lineOf("hoa")
	line.Payment, line.Enrolments, line.Month, line.Kind = id, []string{"e-again"}, month, payroll.Arrears
	line.Granted, line.Covered, line.Amount = granted, covered, granted-covered
	return line
}

func of(who string, fact events.Event) entry {
	return entry{log: money, stream: "payment-" + who, fact: fact}
}

// says is something that befalls a right, or who enters one.
func (h *history) says(fact events.Event) {
	var right string
	switch e := fact.(type) {
	case disbursement.Enrolled:
		right = e.Enrolment
	case disbursement.EnrolmentStopped:
		right = e.Enrolment
	case disbursement.EnrolmentSuspended:
		right = e.Enrolment
	case disbursement.EnrolmentResumed:
		right = e.Enrolment
	}
	h.add(entry{log: money, stream: "enrolment-" + right, fact: fact})
}

func stopped(right, from string) disbursement.EnrolmentStopped {
	return disbursement.EnrolmentStopped{Enrolment: right, FromMonth: from, Note: "note"}
}

// paidUntilOctober is a right of hoa's since July, that another system paid.
func paidUntilOctober(right string) disbursement.Enrolled {
	return disbursement.Enrolled{
		Enrolment: right, Mark: "mark-hoa", Unit: payableOf("hoa").Unit, Programme: "social_assistance", SignedOn: "2026-07-05", PaidUntil: "2026-10",
	}
}

// comesBack returns lan's money after the list was closed.
func (h *history) comesBack() {
	in := bankgateway.Instruction{EndToEndID: payment.EndToEndID("lan", 1), Payment: "lan", Attempt: 1, Bank: "ICBVVNVX"}
	h.add(
		entry{log: banks, stream: "instruction-" + in.EndToEndID, fact: bankgateway.PaymentReported{Instruction: in, Report: bankgateway.Report{Status: "RTND", BankReference: "FT8"}}},
		of("lan", disbursement.PaymentReturned{Payment: "lan", Attempt: 1, Reason: "AC04", BankReference: "FT8"}),
	)
}

// failsAgain tries that once more, and the bank rejects it.
func (h *history) failsAgain() {
	h.comesBack()
	again := released("lan").Target
	again.Attempt, again.EndToEndID = 2, payment.EndToEndID("lan", 2)
	in := bankgateway.Instruction{EndToEndID: again.EndToEndID, Payment: "lan", Attempt: 2, Bank: "ICBVVNVX"}
	h.add(
		of("lan", disbursement.PaymentReissued{Payable: payableOf("lan"), Target: again, By: "treasurer"}),
		entry{log: banks, stream: "instruction-" + in.EndToEndID, fact: bankgateway.InstructionSent{Instruction: in, Amount: 540_000}},
		of("lan", disbursement.PaymentSent{Payment: "lan", Attempt: 2}),
		of("lan", disbursement.PaymentRejected{Payment: "lan", Attempt: 2, Reason: "AC04"}),
	)
}

// lansDecember is her next month by another right.
func lansDecember() further {
	line := inCash(lineOf("lan"))
	line.Payment, line.Enrolments, line.Month = "lan-december", []string{"e-lan-again"}, "2026-12"
	return assistance("december", "2026-12", line)
}

// duplicate says that a treasurer recalled lan's money because another programme had paid her a month in cash as well, and who gave it to
// the treasury.
func (h *history) duplicate(by, month string) {
	twin := inCash(lineOf("lan"))
	twin.Payment, twin.Enrolments, twin.Month = "twin", []string{"e-twin"}, month
	h.pays(further{id: "pensions", programme: "social_pension", month: month, lines: []payroll.Line{twin}})
	h.add(
		of("twin", disbursement.CashPaid{Payment: "twin", CollectedOn: "2026-11-20", Receipt: "PC-2"}),
		of("lan", disbursement.RecallRequested{Payment: "lan", Attempt: 1, EndToEndID: payment.EndToEndID("lan", 1), Reason: "DUPL", By: "treasurer"}),
	)
	h.comesBack()
	h.add(of("lan", disbursement.PaymentRefunded{Payment: "lan", From: payment.Recalled, Reason: disbursement.AlreadyPaid, DuplicateOf: "twin", By: by}))
}

// inCash pays a line in cash.
func inCash(line payroll.Line) payroll.Line {
	line.Method, line.CashReason, line.Account, line.Bank, line.Number, line.Holder = payroll.InCash, "no_account", "", "", "", ""
	return line
}

// givenUp ends the right behind hoa's carried November.
func (h *history) givenUp() { h.says(stopped("e-hoa", "2026-11")) }

// resumed refunds hoa's November because her right is suspended, resumes it, and pays the month as arrears.
func (h *history) resumed() {
	h.refund(payment.RightEnded)
	h.before("payment-hoa", disbursement.PaymentRefunded{},
		entry{log: money, stream: "enrolment-e-hoa", fact: disbursement.EnrolmentSuspended{Enrolment: "e-hoa", FromMonth: "2026-11"}})
	h.says(disbursement.EnrolmentResumed{Enrolment: "e-hoa", FromMonth: "2026-11"})
	h.pays(assistance("december", "2026-12", arrears("anew", "2026-11", 540_000, 0)))
}

// creditedAfterAll is the bank's word about what reached nobody.
func creditedAfterAll(who string) entry {
	return of(who, disbursement.ReportNoted{Payment: who, Status: "ACCC", BankReference: "FT7", Why: payment.Contradictory})
}

// raisedTwice has the standard of social assistance rise in December from September on, and in February from October on.
func raisedTwice(d *entitlement.Data) {
	raised(d)
	last := len(d.Standards) - 1
	next := d.Standards[last]
	next.Amount, next.From, next.KnownFrom = 720_000, months.Must("2026-10"), vn.MustDate(2027, 2, 1)
	d.Standards[last].To = months.Must("2026-09")
	d.Standards = append(d.Standards, next)
}

// takenOver enters hoa's right as paid until October, pays her what October was raised by, and enters the right once more when that law is
// known: after a death that was none.
func (h *history) takenOver() {
	h.says(paidUntilOctober("e-again"))
	h.pays(assistance("december", "2026-12", arrears("october", "2026-10", 600_000, 540_000)))
	h.says(disbursement.EnrolmentStopped{Enrolment: "e-again", FromMonth: "2026-11"})
	h.add(entry{log: money, stream: "enrolment-e-third", later: 75 * 24 * time.Hour, fact: paidUntilOctober("e-third")})
}

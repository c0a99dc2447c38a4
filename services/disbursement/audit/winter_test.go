package audit

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/services/disbursement/internal/enrolment"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions"
)

// gateway sends or withdraws what waits, and whatever is in its log is heard, perhaps twice.
func (w *winter) gateway(p payment.Payment) {
	at := p.Current
	in := bankgateway.Instruction{EndToEndID: at.EndToEndID, Payment: p.Payment, Attempt: at.Attempt, Bank: at.Bank}
	switch waits := slices.Contains(payment.Unsent(), p.Status); {
	case waits && at.Withdrawal != "":
		w.says(in, bankgateway.InstructionWithdrawn{Instruction: in, Reason: at.Withdrawal})
	case waits:
		w.says(in, bankgateway.InstructionSent{Instruction: in, Amount: p.Amount})
	}
}

// says records what the gateway or a bank says of an attempt, and hands it to the reactions.
func (w *winter) says(in bankgateway.Instruction, fact events.Event) {
	w.tell(w.banks, "instruction-"+in.EndToEndID, fact)
	handlers := reactions.Banks{Log: w.money, Now: w.changes.Now}.Handlers()
	order := []events.Event{bankgateway.InstructionSent{}, bankgateway.InstructionWithdrawn{}, bankgateway.PaymentReported{}, bankgateway.ReportSetAside{}}
	for _, r := range w.read(w.banks, &w.told) {
		n := slices.IndexFunc(order, func(e events.Event) bool { return e.EventName() == r.Event.EventName() })
		for range rapid.IntRange(1, 2).Draw(w.t, "deliveries") {
			if err := reaction.Try(w.ctx, handlers[n], r); err != nil {
				w.t.Fatalf("%s: %v", r.ID(), err)
			}
		}
	}
}

// bank says something of an attempt that it has. Its bookings are the payment's own, or one that it names for any payment.
func (w *winter) bank(p payment.Payment, statuses ...string) {
	attempt := rapid.IntRange(1, max(1, p.Current.Attempt)).Draw(w.t, "attempt")
	if attempt == p.Current.Attempt && !p.Current.Sent {
		return
	}
	in := bankgateway.Instruction{EndToEndID: payment.EndToEndID(p.Payment, attempt), Payment: p.Payment, Attempt: attempt, Bank: "ICBVVNVX"}
	r := bankgateway.Report{Status: rapid.SampledFrom(statuses).Draw(w.t, "status")}
	switch r.Status {
	case "ACSC", "ACCC", "RTND":
		r.BankReference = rapid.SampledFrom([]string{w.monthly[0].Payment + "-FT", w.monthly[0].Payment + "-FT", in.EndToEndID + "/1", in.EndToEndID + "/2"}).Draw(w.t, "booking")
	}
	if r.Status == "RJCT" || r.Status == "RTND" {
		r.Reason = rapid.SampledFrom([]string{"AC04", "AC04", "AM05", "MD07"}).Draw(w.t, "reason")
	}
	if rapid.IntRange(0, 5).Draw(w.t, "set aside") == 5 { // small numbers are drawn more often
		w.says(in, bankgateway.ReportSetAside{Instruction: in, Report: r, Why: payment.Contradictory})
		return
	}
	w.says(in, bankgateway.PaymentReported{Instruction: in, Report: r})
}

// officer presses a button. What the service refuses besides the payment is refused here: money that a closed list gave back, and
// money that somebody may have had before this payment took it over.
func (w *winter) officer(p payment.Payment) {
	if w.closed[p.Payroll] && ledger.Where(p) == ledger.Available || w.had(p.Payment) {
		return
	}
	who := rapid.SampledFrom([]string{"treasurer", "cashier"}).Draw(w.t, "who")
	w.does(p, rapid.SampledFrom([]payment.Command{
		payment.Reissue{Target: disbursement.Target{Bank: "ICBVVNVX", Account: p.Beneficiary + "-2", Number: "other", Holder: "h"}, By: who},
		payment.Cash{By: who},
		payment.Cash{CollectedOn: "2026-11-02", Receipt: "PC-" + p.Payment, By: who},
		payment.Recall{Reason: "CUST", By: who},
		payment.Inquire{Facts: p.Facts},
	}).Draw(w.t, "command"))
}

// does runs a command, which may be refused.
func (w *winter) does(p payment.Payment, cmd payment.Command) {
	w.at = w.at.Add(2 * heardFor)
	_, err := eventstore.Execute(w.ctx, w.money, payment.Stream(p.Payment), cmd, decider.Meta{At: w.at})
	if _, refused := problem.Of(err); err != nil && !refused {
		w.t.Fatal(err)
	}
}

// corrects stops the right of somebody whose money was carried forward, from that month on, and enters another one.
func (w *winter) corrects() {
	for i := range w.monthly {
		line := &w.monthly[i]
		if w.payment(*line).Status != payment.CarriedForward || rapid.Bool().Draw(w.t, "stands") {
			continue
		}
		w.anew["a"+line.Payment] = *line
		w.right(*line, enrolment.Stop{From: month.Must(line.Month), Note: "note", By: "officer"})
		again := line.Enrolments[0] + "again"
		line.Enrolments = []string{again}
		w.tell(w.money, enrolment.Stream(again), disbursement.Enrolled{
			Enrolment: again, Beneficiary: line.Beneficiary, Mark: line.Mark, Unit: unitOf(), Programme: "social_assistance", SignedOn: "2026-01-05",
		})
	}
}

// had tells whether a bank says by now that it paid what a payment takes over, or in whose place it is.
func (w *winter) had(id string) bool {
	for _, lines := range w.lists {
		for _, line := range lines {
			if line.Payment == id && w.doubtful(line) {
				return true
			}
		}
	}
	return false
}

// doubtful is the same of a line.
func (w *winter) doubtful(line payroll.Line) bool {
	return slices.ContainsFunc(append([]string{line.Origin}, line.InsteadOf...), func(id string) bool {
		return id != "" && (w.payment(payroll.Line{Payment: id}).Contested() || w.had(id))
	})
}

// owedAnew are lines for months of which nothing is paid any more, because what was carried forward lost its right.
func (w *winter) owedAnew(covered []projections.Covered) (lines []payroll.Line) {
	for _, line := range w.monthly {
		of, corrected := w.anew["a"+line.Payment]
		if !corrected || slices.ContainsFunc(covered, func(c projections.Covered) bool { return c.Amount > 0 && c.Mark == of.Mark && c.Month == of.Month }) {
			continue
		}
		line.Payment, line.Kind = "a"+line.Payment, payroll.Arrears
		lines = append(lines, line)
	}
	return lines
}

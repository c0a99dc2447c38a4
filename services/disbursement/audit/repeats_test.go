package audit

import (
	"fmt"
	"slices"

	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

// message is something about a payment that is said once or more, in any order, and each time under a cause of its own: that it is a
// repetition can only be told from what it says.
type message struct {
	payment int
	command payment.Command
	// fact is its place in the log of banks; none for what the gateway has not recorded as a report.
	fact int
}

// none is where a message stands that is no report of the gateway's log.
const none = -1

// hears takes a message, at once a second time, and a third time as it is delivered again: only the first can be news (I7).
func (d *payday) hears(m message) {
	d.heard++
	delete(d.unheard, m.fact)
	cause := fmt.Sprint("message-", d.heard)
	d.do(m.payment, cause, m.command)
	before := d.stands(m.payment)
	d.do(m.payment, cause+"-again", m.command)
	d.do(m.payment, cause, m.command)
	if after := d.stands(m.payment); after != before {
		d.t.Fatalf("I7: %T counts twice:\n%s\n%s", m.command, before, after)
	}
}

// stands is how a payment stands, whatever was noted besides.
func (d *payday) stands(i int) string {
	p := d.payments[i]
	p.Facts = 0
	return fmt.Sprint(p)
}

// arriveAll has everybody say everything again, and tells whether any payment stands otherwise after it.
func (d *payday) arriveAll() (news bool) {
	before := make([]string, len(d.payments))
	for i := range d.payments {
		before[i] = d.stands(i)
	}
	for _, m := range d.said {
		d.hears(m)
	}
	for i := range d.payments {
		news = news || d.stands(i) != before[i]
	}
	return news
}

// regrets has the bank reject something that waits, credit what is then made again, and say that it had credited the first attempt after
// all. It tells whether the bank had anything to regret.
func (d *payday) regrets() bool {
	for i, p := range d.payments {
		d.gateway(i)
		if p.Status != payment.Released || !d.sent[p.Current.EndToEndID] {
			continue
		}
		d.says(i, 1, bankgateway.Report{Status: "RJCT", Reason: "AC04"})
		d.do(i, "regrets", payment.Reissue{Target: p.Current.Target, By: "treasurer"})
		d.gateway(i)
		for _, attempt := range []int{2, 1} {
			d.says(i, attempt, bankgateway.Report{Status: "ACCC", BankReference: payment.EndToEndID(p.Payment, attempt) + "/4"})
		}
		return madeAgain(d.payments[i])
	}
	return false
}

// says has the bank report about an attempt, and everybody hear of it.
func (d *payday) says(i, attempt int, r bankgateway.Report) {
	e2e := payment.EndToEndID(d.payments[i].Payment, attempt)
	in := bankgateway.Instruction{EndToEndID: e2e, Payment: d.payments[i].Payment, Attempt: attempt, Bank: "ICBVVNVX"}
	d.record(ofBanks, "instruction-"+e2e, "", bankgateway.PaymentReported{Instruction: in, Report: r})
	d.reported(i, payment.Report{EndToEndID: e2e, Attempt: attempt, Report: r})
	d.hears(d.said[len(d.said)-1])
}

// madeAgain tells whether somebody has the money of a payment twice by the bank's own word, which nothing here can keep it from giving
// after the other money is out.
func madeAgain(p payment.Payment) bool {
	switch p.Status {
	case payment.CashPaid:
		return p.Contested()
	case payment.Credited:
		return slices.ContainsFunc(p.Earlier, func(a payment.Attempt) bool { return a.Contested })
	default:
		return false
	}
}

package payment_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
)

// order is one instruction, as the world outside of the payment knows it.
type order struct {
	disbursement.Target

	// kept tells that the gateway withdrew it, sent that the bank has it; neither while it waits.
	kept, sent bool
	// paid, refused and returned are what the bank did. It decides once, and pays once.
	paid, refused, returned bool
}

// reaches tells whether the person has the money of this order, or may still get it.
func (o order) reaches() bool { return !o.kept && !o.refused && !o.returned }

// world is one payment with everybody who has a hand in it: officers who press any button at any time, a gateway, and a
// bank that keeps its books honestly, and reports late, again and again, and in any order.
type world struct {
	payment payment.Payment
	orders  []*order
	said    []payment.Report
	now     time.Time
}

// begin is money released to an account.
func begin() *world {
	w := &world{now: time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)}
	w.fold(disbursement.PaymentReleased{
		Payable: disbursement.Payable{Payment: "p", Payroll: "november", Amount: 540_000, Month: "2026-11"},
		Target:  disbursement.Target{EndToEndID: payment.EndToEndID("p", 1), Attempt: 1, Bank: "BFTVVNVX", Account: "a", Number: "n", Holder: "h"},
	})
	return w
}

func (w *world) fold(facts ...events.Event) {
	for _, e := range facts {
		switch e := e.(type) {
		case disbursement.PaymentReleased:
			w.orders = append(w.orders, &order{Target: e.Target})
		case disbursement.PaymentReissued:
			w.orders = append(w.orders, &order{Target: e.Target})
		}
		w.payment = w.payment.Evolve(e)
	}
}

// do runs a command. Refusing is always allowed; only harm is not.
func (w *world) do(t *rapid.T, c payment.Command) {
	t.Helper()
	facts, err := c.Decide(w.payment, decider.Meta{At: w.now})
	if p := (*problem.Problem)(nil); err != nil && !errors.As(err, &p) {
		t.Fatalf("%T: %v", c, err)
	}
	w.fold(facts...)
}

// say adds a report to those that will be delivered, or have been.
func (w *world) say(o *order, r bankgateway.Report) {
	w.said = append(w.said, payment.Report{EndToEndID: o.EndToEndID, Attempt: o.Attempt, Report: r})
}

// outcome is how the bank reports what it did.
func (o order) outcome() bankgateway.Report {
	booking := fmt.Sprint("FT", o.Attempt)
	switch {
	case o.returned:
		return bankgateway.Report{Status: "RTND", Reason: "AC07", BankReference: booking + "R"}
	case o.paid:
		return bankgateway.Report{Status: "ACCC", BankReference: booking}
	case o.refused:
		return bankgateway.Report{Status: "RJCT", Reason: "AC04"}
	default:
		return bankgateway.Report{Status: "PDNG"}
	}
}

// gateway sends what waits, or withdraws what it was asked to. It never does both.
func (w *world) gateway(t *rapid.T, o *order) {
	asked := o.Attempt == w.payment.Current.Attempt && w.payment.Current.Withdrawal != ""
	switch {
	case o.sent || o.kept:
	case asked:
		o.kept = true
		w.do(t, payment.MarkWithdrawn{EndToEndID: o.EndToEndID, Attempt: o.Attempt, Reason: w.payment.Current.Withdrawal})
	default:
		o.sent = true // what the gateway says of it comes later, or never
	}
}

// decides makes up the bank's mind about an order it has.
func (w *world) decides(o *order, pay bool) {
	if !o.sent || o.paid || o.refused {
		return
	}
	o.paid, o.refused = pay, !pay
	w.say(o, o.outcome())
}

// answers is the bank's word about an order after an inquiry. One who says no then means it.
func (w *world) answers(o *order, inquiry int) {
	if !o.sent || inquiry == 0 {
		return
	}
	r := o.outcome()
	r.Answers = inquiry
	w.say(o, r)
}

// actions are what may happen next.
func (w *world) actions() map[string]func(*rapid.T) {
	some := func(t *rapid.T) *order { return rapid.SampledFrom(w.orders).Draw(t, "order") }
	person := rapid.SampledFrom([]string{"tam", "chi"})
	do := func(c payment.Command) func(*rapid.T) { return func(t *rapid.T) { w.do(t, c) } }
	return map[string]func(*rapid.T){
		"": func(t *rapid.T) { w.check(t) },

		"gateway": func(t *rapid.T) { w.gateway(t, some(t)) },
		"marks": func(t *rapid.T) {
			if o := some(t); o.sent {
				w.do(t, payment.MarkSent{EndToEndID: o.EndToEndID, Attempt: o.Attempt, Amount: 540_000})
			}
		},
		"bank decides": func(t *rapid.T) { w.decides(some(t), rapid.Bool().Draw(t, "pays")) },
		"bank acknowledges": func(t *rapid.T) {
			if o := some(t); o.sent {
				w.say(o, bankgateway.Report{Status: rapid.SampledFrom([]string{"ACTC", "ACSP", "PDNG", "ACSC"}).Draw(t, "status")})
			}
		},
		"bank has a time-out": func(t *rapid.T) {
			if o := some(t); o.sent && !o.paid {
				w.say(o, bankgateway.Report{Status: "RJCT", Reason: rapid.SampledFrom([]string{"TM01", "AB05", "AB06"}).Draw(t, "reason")})
			}
		},
		"bank answers": func(t *rapid.T) { w.answers(some(t), w.payment.Current.Inquiries) },
		"bank returns": func(t *rapid.T) {
			if o := some(t); o.paid && !o.returned {
				o.returned = true
				w.say(o, o.outcome())
			}
		},
		"delivery": func(t *rapid.T) {
			if len(w.said) > 0 {
				w.do(t, rapid.SampledFrom(w.said).Draw(t, "report"))
			}
		},

		"inquires": func(t *rapid.T) { w.do(t, payment.Inquire{Facts: w.payment.Facts}) },
		"asks":     do(payment.Ask{}),
		"reissues": do(payment.Reissue{Target: disbursement.Target{Bank: "ICBVVNVX", Account: "b", Number: "m", Holder: "h"}, By: "tam"}),
		"cash":     do(payment.Cash{By: "tam"}),
		"collects": do(payment.Cash{CollectedOn: "2026-11-20", Receipt: "PC-1", By: "thu"}),
		"closes":   do(payment.CarryForward{}),
		"recalls":  do(payment.Recall{Reason: "CUST", By: "tam"}),
		"stops":    do(payment.Withdraw{Reason: "died", By: "clerk"}),
		"refunds": func(t *rapid.T) {
			w.do(t, payment.Refund{Reason: rapid.SampledFrom([]string{"", payment.RightEnded, disbursement.AlreadyPaid}).Draw(t, "why"), By: "tam"})
		},
		"proposes": func(t *rapid.T) { w.do(t, payment.ProposeWithdrawal{By: person.Draw(t, "by")}) },
		"approves": func(t *rapid.T) { w.do(t, payment.ApproveWithdrawal{By: person.Draw(t, "by")}) },
	}
}

// check is rule number one: one person's money for one month goes one way. What the person has, what they may still get,
// cash that lies ready, what next month's list will pay and what the treasury has back are together at most one payment.
func (w *world) check(t *rapid.T) {
	t.Helper()
	ways := 0
	for _, o := range w.orders {
		if o.reaches() {
			ways++
		}
	}
	if slices.Contains([]string{payment.CashPending, payment.CashPaid, payment.CarriedForward, payment.Refunded}, w.payment.Status) {
		ways++
	}
	if ways > 1 {
		t.Fatalf("the money goes %d ways: the payment is %s after %d orders", ways, w.payment.Status, len(w.orders))
	}
}

// settle lets everybody finish: nothing waits, the bank has decided, and every question is answered.
func (w *world) settle(t *rapid.T) {
	t.Helper()
	for _, o := range w.orders {
		w.gateway(t, o)
		w.decides(o, true)
	}
	for _, r := range w.said {
		w.do(t, r)
	}
	if slices.Contains(payment.Open(), w.payment.Status) {
		w.do(t, payment.Ask{})
		o := w.orders[len(w.orders)-1]
		w.answers(o, w.payment.Current.Inquiries)
		w.do(t, w.said[len(w.said)-1])
	}
}

// Whatever officers press, however late, often and disordered the bank reports: nobody is paid twice, and in the end the
// books say who was paid (I2, I3, I5, I11).
func TestMoneyGoesOneWay(t *testing.T) {
	t.Parallel()
	const hundreds = 50 // of histories: what harms takes several coincidences
	for range hundreds {
		rapid.Check(t, func(t *rapid.T) {
			w := begin()
			t.Repeat(w.actions())
			w.settle(t)
			w.check(t)
			if slices.Contains(payment.Open(), w.payment.Status) {
				t.Fatalf("everything was said, and the payment is still %s", w.payment.Status)
			}
			last := w.orders[len(w.orders)-1]
			if credited := w.payment.Status == payment.Credited; !w.payment.Contested() && credited != (last.paid && !last.returned) {
				t.Fatalf("the payment is %s, and the order %+v", w.payment.Status, *last)
			}
		})
	}
}

package audit_test

import (
	"strings"
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// december drafts the next list, for hoa alone: the month's line, and further ones.
func (h *history) december(further ...payroll.Line) {
	regular := lineOf("hoa")
	regular.Payment, regular.Month = "hoa-december", "2026-12"
	list := func(fact events.Event) entry { return entry{log: money, stream: "payroll-december", fact: fact} }
	h.add(
		list(disbursement.PayrollDrafted{Payroll: "december", Draft: 1, Unit: payableOf("hoa").Unit, Programme: "social_assistance", Month: "2026-12", AsOf: "2026-12-01", By: "maker"}),
		entry{log: money, stream: payroll.LinesStream("december", 1, 0), fact: payroll.LinesComputed{
			Payroll: "december", Draft: 1, Programme: "social_assistance", Lines: append(further, regular), Final: true,
		}},
		list(disbursement.PayrollComputed{Payroll: "december", Draft: 1}),
	)
}

// january drafts the list after that, for hoa's month alone.
func (h *history) january() {
	began := len(h.entries)
	h.december()
	for i := range h.entries[began:] {
		e := &h.entries[began+i]
		e.stream = strings.Replace(e.stream, "december", "january", 1)
		switch fact := e.fact.(type) {
		case disbursement.PayrollDrafted:
			fact.Payroll, fact.Month = "january", "2027-01"
			e.fact = fact
		case payroll.LinesComputed:
			fact.Payroll = "january"
			e.fact = fact
		case disbursement.PayrollComputed:
			fact.Payroll = "january"
			e.fact = fact
		}
	}
}

// taker is the line by which a list takes over hoa's money.
func taker() payroll.Line {
	line := lineOf("hoa")
	line.Payment, line.Kind, line.Origin, line.Granted = "next", payroll.CarriedForward, "hoa", 0
	return line
}

// What was carried forward comes on the next list (I11), and its lack is found.
func TestWhatWasCarriedForwardComes(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(*history){
		"it does not come": func(h *history) { h.december() },
		"it does not come again after the list that had it was rejected": func(h *history) {
			h.december(taker())
			h.add(entry{log: money, stream: "payroll-december", fact: disbursement.PayrollRejected{Payroll: "december", Draft: 1, By: "checker"}})
			h.january()
		},
		"it does not come again after it was held": func(h *history) {
			held := taker()
			held.Held = true
			h.december(held)
			h.january()
		},
		"it does not come again after it was removed": func(h *history) {
			h.december(taker())
			h.add(entry{log: money, stream: "payroll-december", fact: disbursement.LineRemoved{Payroll: "december", Line: "next", Reason: "already_paid", Amount: 540_000}})
			h.january()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := month()
			plant(h)
			wantFailed(t, h, []string{"I11"})
		})
	}
}

// It need not come, or not there.
func TestWhatWasCarriedForwardMayWait(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(*history){
		"it comes": func(h *history) { h.december(taker()) },
		"it has no right any more": func(h *history) {
			h.add(entry{log: money, stream: "enrolment-e-hoa", fact: disbursement.EnrolmentStopped{Enrolment: "e-hoa", FromMonth: "2026-11"}})
			h.december()
		},
		"it belongs to somebody with rights in two communes, and may come on the list of the other": func(h *history) {
			for _, code := range []string{"00004", "00008"} {
				h.add(entry{log: money, stream: "enrolment-" + code, fact: disbursement.Enrolled{
					Enrolment: code, Mark: "mark-hoa", Unit: events.Unit{Code: code, ValidFrom: "2025-07-01"}, Programme: "social_assistance",
				}})
			}
			h.december()
		},
		"it has its right again while the list is computed": func(h *history) {
			h.add(entry{log: money, stream: "enrolment-e-hoa", fact: disbursement.EnrolmentSuspended{Enrolment: "e-hoa", FromMonth: "2026-11"}})
			h.december()
			h.before("payroll-december", disbursement.PayrollComputed{},
				entry{log: money, stream: "enrolment-e-hoa", fact: disbursement.EnrolmentResumed{Enrolment: "e-hoa", FromMonth: "2026-11"}})
		},
		"it was credited when the draft began": func(h *history) {
			h.add(entry{log: money, stream: "payment-hoa", fact: disbursement.ReportNoted{Payment: "hoa", Status: "ACCC", BankReference: "FT7", Why: payment.Contradictory}})
			h.december()
			h.before("payroll-december", disbursement.PayrollComputed{},
				entry{log: money, stream: "payment-hoa", fact: disbursement.ReportNoted{Payment: "hoa", Status: "RTND", BankReference: "FT8", Why: payment.Late}})
		},
		"another list has it": func(h *history) {
			h.december(taker())
			h.january()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := month()
			plant(h)
			wantFailed(t, h, nil)
		})
	}
}

// Who had hoa's money carried forward and loses that right for good is paid the month by another programme; not while it may come back.
func TestACarriedMonthIsOpenOnceItsRightIsStopped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  events.Event
		want []string
	}{
		"stopped":                    {disbursement.EnrolmentStopped{Enrolment: "e-hoa", FromMonth: "2026-11"}, nil},
		"stopped from a later month": {disbursement.EnrolmentStopped{Enrolment: "e-hoa", FromMonth: "2026-12"}, []string{"I9"}},
		"suspended":                  {disbursement.EnrolmentSuspended{Enrolment: "e-hoa", FromMonth: "2026-11"}, []string{"I9"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := month()
			h.pension("hoa")
			h.after("payment-hoa", disbursement.PaymentCarriedForward{}, entry{log: money, stream: "enrolment-e-hoa", fact: c.end})
			wantFailed(t, h, c.want)
		})
	}
}

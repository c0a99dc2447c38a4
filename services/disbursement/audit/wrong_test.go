package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/songan-vn/songan/events/disbursement"
	dong "github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// Histories of money that went wrong and looked right, and which invariant says so in which words.
func TestWhatLooksRightAndIsNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plant    func(*history)
		rules    func(*entitlement.Data)
		id, says string
	}{
		"money that was rejected in a closed list and whose right was stopped stays there": {
			plant: func(h *history) {
				h.failsAgain()
				h.says(stopped("e-lan", "2026-11"))
				h.pays(lansDecember())
			},
			id: "I1", says: "payment lan: its right was stopped, and its money lies with the closed payroll november still",
		},
		"a closed list has money that nobody waits for": {
			plant: func(h *history) {
				h.add(entry{log: money, stream: "payroll-november", fact: disbursement.PayrollFunded{Payroll: "november", Amount: 5, Reference: "KB-9"}})
			},
			id: "I1", says: "payroll november: it is closed, and holds money that no payment of it waits for",
		},
		"money that came back to a closed list is carried out of it": {
			plant: func(h *history) {
				h.comesBack()
				h.add(of("lan", disbursement.PaymentCarriedForward{Payment: "lan", From: payment.Returned}))
			},
			id: "I11", says: "payment lan was carried out of the closed payroll november, with which its money lay",
		},
		"what was tried again with that money is carried out of it": {
			plant: func(h *history) {
				h.failsAgain()
				h.add(of("lan", disbursement.PaymentCarriedForward{Payment: "lan", From: payment.Rejected}))
			},
			id: "I11", says: "payment lan was carried out of the closed payroll november, with which its money lay",
		},
		"arrears are refunded as a duplicate of what they are the rest of": {
			plant: func(h *history) {
				h.handOver("hoa")
				h.pays(assistance("december", "2026-12", arrears("rest", "2026-11", 810_000, 540_000)))
				h.add(of("rest", disbursement.PaymentWithdrawn{Payment: "rest", Reason: disbursement.AlreadyPaid}),
					of("rest", disbursement.PaymentRefunded{Payment: "rest", From: payment.Recalled, Reason: disbursement.AlreadyPaid, DuplicateOf: "hoa", By: "cashier"}))
			},
			id: "I9", says: "payment rest was refunded as paid, and neither another payment nor a bank says so",
		},
		"somebody refunds alone what they recalled as a duplicate": {
			plant: func(h *history) { h.duplicate("treasurer", "2026-11") },
			id:    "I9", says: "payment lan was recalled and refunded as paid by one person",
		},
		"a duplicate of another month is refunded": {
			plant: func(h *history) { h.duplicate("cashier", "2026-10") },
			id:    "I9", says: "payment lan was refunded as paid, and neither another payment nor a bank says so",
		},
		"a duplicate of what nobody has is refunded": {
			plant: func(h *history) {
				h.duplicate("cashier", "2026-11")
				h.drop("payment-twin", disbursement.CashPaid{})
			},
			id: "I9", says: "payment lan was refunded as paid, and neither another payment nor a bank says so",
		},
		"a duplicate that was refunded holds what the other programme owes": {
			plant: func(h *history) {
				h.duplicate("cashier", "2026-11")
				rest := lineOf("lan")
				rest.Payment, rest.Kind, rest.Granted, rest.Covered, rest.Amount = "rest", payroll.Arrears, 650_000, 540_000, 110_000
				rest.Held, rest.Signals = true, []string{payroll.SignalPaidElsewhere}
				h.drafts(further{id: "next", programme: "social_pension", month: "2026-12", lines: []payroll.Line{rest}})
			},
			id: "I9", says: "payroll next: line rest is held for another programme's payment, and nobody has that",
		},
		"what went back to the treasury is called overpaid": {
			plant: func(h *history) {
				h.refund(payment.RightEnded)
				h.before("payment-hoa", disbursement.PaymentRefunded{}, entry{log: money, stream: "enrolment-e-hoa", fact: stopped("e-hoa", "2026-11")})
				list := assistance("december", "2026-12")
				list.overpaid = map[string]dong.Amount{"2026-11": 540_000}
				h.drafts(list)
			},
			id: "I9", says: "payroll december, month 2026-11: 540000 dong are said to be overpaid that nobody has",
		},
		"a right that was entered twice makes the rise of before overpaid": {
			plant: func(h *history) {
				h.takenOver()
				list := assistance("january", "2027-01")
				list.overpaid = map[string]dong.Amount{"2026-10": 60_000}
				h.drafts(list)
			},
			rules: raised,
			id:    "I9", says: "payroll january, month 2026-10: 60000 dong are said to be overpaid that nobody has",
		},
		"a right that was entered twice takes a part of the next rise": {
			plant: func(h *history) {
				h.takenOver()
				h.pays(assistance("february", "2027-02", arrears("raised", "2026-10", 720_000, 660_000)))
			},
			rules: raisedTwice,
			id:    "I9", says: "payroll february, programme social_assistance, month 2026-10: somebody gets 120000 dong in all, and 720000 are granted",
		},
		"more counts as paid before than the first line counted": {
			plant: func(h *history) {
				h.says(paidUntilOctober("e-again"))
				h.pays(assistance("december", "2026-12", arrears("first", "2026-10", 810_000, 540_000)))
				h.pays(assistance("january", "2027-01", arrears("second", "2026-10", 1_080_000, 900_000)))
			},
			id: "I9", says: "month 2026-10: somebody gets 450000 dong in all, and 1080000 are granted",
		},
		"a death makes a right void, and what was paid by it is paid again": {
			plant: func(h *history) {
				h.says(paidUntilOctober("e-old"))
				h.says(disbursement.EnrolmentStopped{Enrolment: "e-old", FromMonth: "2026-07"})
				h.pays(assistance("december", "2026-12", arrears("october", "2026-10", 540_000, 0)))
			},
			id: "I9", says: "payroll december, programme social_assistance, month 2026-10: what was paid before this system is not counted",
		},
		"what was given back before a list was drafted counts for it": {
			plant: func(h *history) {
				h.givenUp()
				h.pays(assistance("december", "2026-12", arrears("rest", "2026-11", 810_000, 540_000)))
			},
			id: "I9", says: "month 2026-11: somebody gets 270000 dong in all, and 810000 are granted",
		},
		"what was rejected before a list was drafted counts for it": {
			plant: func(h *history) {
				first := assistance("first", "2026-12", arrears("first", "2026-10", 540_000, 0))
				h.drafts(first)
				h.add(first.fact(disbursement.PayrollRejected{Payroll: "first", Draft: 1, By: "checker"}))
				h.pays(assistance("second", "2027-01", arrears("second", "2026-10", 810_000, 540_000)))
			},
			id: "I9", says: "month 2026-10: somebody gets 270000 dong in all, and 810000 are granted",
		},
		"what was refunded is credited after all, and its month was paid anew": {
			plant: func(h *history) {
				h.resumed()
				h.add(creditedAfterAll("hoa"))
			},
			id: "I9", says: "month 2026-11: somebody gets 1080000 dong in all, and 540000 are granted",
		},
		"what was given up is credited after all, and another programme paid its month": {
			plant: func(h *history) {
				h.givenUp()
				h.pays(further{id: "pensions", programme: "social_pension", month: "2026-12", lines: []payroll.Line{arrears("anew", "2026-11", 540_000, 0)}})
				h.add(creditedAfterAll("hoa"))
			},
			id: "I9", says: "payroll pensions, month 2026-11: programmes that exclude each other pay more than is granted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, rules := month(), ""
			c.plant(h)
			if c.rules != nil {
				rules = file(t, c.rules)
			}
			report := h.write(t).auditBy(t, rules)
			for _, f := range report.Findings {
				if f.ID == c.id && slices.ContainsFunc(f.Violations, func(v string) bool { return strings.Contains(v, c.says) }) {
					return
				}
			}
			t.Fatalf("%s does not say %q:\n%s", c.id, c.says, text(t, report))
		})
	}
}

// And what looks like one of them, and is right.
func TestWhatLooksWrongAndIsNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plant func(*history)
		rules func(*entitlement.Data)
	}{
		"money that was rejected in a closed list waits": {plant: func(h *history) { h.failsAgain(); h.pays(lansDecember()) }},
		"its right was stopped after the last list": {plant: func(h *history) {
			h.failsAgain()
			h.pays(lansDecember())
			h.says(stopped("e-lan", "2026-11"))
		}},
		"its right was stopped, and it went back to the treasury": {plant: func(h *history) {
			h.failsAgain()
			h.says(stopped("e-lan", "2026-11"))
			h.add(of("lan", disbursement.PaymentRefunded{Payment: "lan", From: payment.Rejected, Reason: payment.RightEnded, By: "treasurer"}))
			h.pays(lansDecember())
		}},
		"a month that was carried and lost its right is paid anew": {plant: func(h *history) {
			h.givenUp()
			h.pays(assistance("december", "2026-12", arrears("anew", "2026-11", 810_000, 0)))
		}},
		"it was stopped after the list was drafted that counts it": {plant: func(h *history) {
			list := assistance("december", "2026-12", arrears("rest", "2026-11", 810_000, 540_000))
			h.drafts(list)
			h.givenUp()
			h.releases(list)
		}},
		"a list counts another that is rejected then": {plant: func(h *history) {
			first, second := assistance("first", "2026-12", arrears("first", "2026-10", 540_000, 0)), assistance("second", "2027-01", arrears("second", "2026-10", 810_000, 540_000))
			h.drafts(first)
			h.drafts(second)
			h.add(first.fact(disbursement.PayrollRejected{Payroll: "first", Draft: 1, By: "checker"}))
			h.releases(second)
		}},
		"a list counts another that is released after it": {plant: func(h *history) {
			first, second := assistance("first", "2026-12", arrears("first", "2026-10", 540_000, 0)), assistance("second", "2027-01", arrears("second", "2026-10", 810_000, 540_000))
			h.drafts(first)
			h.drafts(second)
			h.releases(second)
			h.releases(first)
		}},
		"an officer takes a wrong paid_until back, and the month is paid": {plant: func(h *history) {
			h.says(paidUntilOctober("e-old"))
			h.pays(assistance("december", "2026-12", arrears("first", "2026-10", 810_000, 540_000)))
			h.says(stopped("e-old", "2026-07"))
			h.pays(assistance("january", "2027-01", arrears("second", "2026-10", 810_000, 270_000)))
		}},
		"the first line of a month that was paid before counts another that is rejected then": {plant: func(h *history) {
			h.says(paidUntilOctober("e-again"))
			rejected, first := assistance("rejected", "2026-12", arrears("rejected", "2026-10", 810_000, 540_000)), assistance("first", "2027-01", arrears("first", "2026-10", 1_080_000, 810_000))
			h.drafts(rejected)
			h.drafts(first)
			h.add(rejected.fact(disbursement.PayrollRejected{Payroll: "rejected", Draft: 1, By: "checker"}))
			h.releases(first)
			h.pays(assistance("next", "2027-02", arrears("next", "2026-10", 1_350_000, 810_000)))
		}},
		"a right that was entered twice changes nothing": {rules: raisedTwice, plant: func(h *history) {
			h.takenOver()
			h.pays(assistance("february", "2027-02", arrears("raised", "2026-10", 720_000, 600_000)))
		}},
		"all of a month is overpaid that was paid before and since": {rules: raised, plant: func(h *history) {
			h.takenOver()
			list := assistance("january", "2027-01")
			list.overpaid = map[string]dong.Amount{"2026-10": 600_000}
			h.drafts(list)
		}},
		"a list is held for what another programme may still pay": {plant: func(h *history) {
			line := arrears("held", "2026-11", 650_000, 0)
			line.Held, line.Signals = true, []string{payroll.SignalPaidElsewhere}
			h.drafts(further{id: "pensions", programme: "social_pension", month: "2026-12", lines: []payroll.Line{line}})
		}},
		"what was refunded is credited after all, and comes back": {plant: func(h *history) {
			h.resumed()
			h.add(creditedAfterAll("hoa"), of("hoa", disbursement.ReportNoted{Payment: "hoa", Status: "RTND", BankReference: "FT8", Why: payment.Late}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, rules := month(), ""
			c.plant(h)
			if c.rules != nil {
				rules = file(t, c.rules)
			}
			if report := h.write(t).auditBy(t, rules); !report.OK() {
				t.Fatal(text(t, report))
			}
		})
	}
}

// A duplicate that goes back is right by itself; what is found is that two programmes had paid.
func TestARefundOfADuplicateByTwoPersonsIsRight(t *testing.T) {
	t.Parallel()
	h := month()
	h.duplicate("cashier", "2026-11")
	report := h.write(t).audit(t)
	for _, f := range report.Findings {
		if slices.ContainsFunc(f.Violations, func(v string) bool { return !strings.Contains(v, "payment twin: programmes that exclude each other") }) {
			t.Fatal(text(t, report))
		}
	}
}

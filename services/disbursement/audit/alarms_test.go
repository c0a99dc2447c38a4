package audit_test

import (
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// What is right is not cried about: a bank's word of a death that an officer decided about before or after, or that is about somebody
// else; a refund for a right that has ended, or that somebody died; and money that is owed once more because it came back.
func TestWhatIsRightIsNoViolation(t *testing.T) {
	t.Parallel()
	of := func(beneficiary, who string) accounts.DeathReported {
		return accounts.DeathReported{Beneficiary: beneficiary, Account: beneficiary + "-1", Of: who}
	}
	told := func(later time.Duration, fact events.Event) entry {
		return entry{log: people, stream: "beneficiary-b-hoa", fact: fact, later: later}
	}
	for name, plant := range map[string]func(*history){
		"a report that was dismissed before": func(h *history) {
			h.handOver("hoa")
			h.add(told(-2*time.Hour, of("b-hoa", "beneficiary")), told(-time.Hour, accounts.DeathReportDismissed{Beneficiary: "b-hoa"}))
		},
		"a report that came afterwards": func(h *history) {
			h.handOver("hoa")
			h.add(told(time.Hour, of("b-hoa", "beneficiary")))
		},
		"a report about a carer": func(h *history) {
			h.handOver("hoa")
			h.add(told(-time.Hour, of("b-hoa", "representative")))
		},
		"a credit that is on its way": func(h *history) {
			in := bankgateway.Instruction{EndToEndID: payment.EndToEndID("lan", 1), Payment: "lan", Attempt: 1, Bank: "ICBVVNVX"}
			h.add(entry{
				log: banks, stream: "instruction-" + in.EndToEndID,
				fact: bankgateway.PaymentReported{Instruction: in, Report: bankgateway.Report{Status: "ACCC", BankReference: "FT9"}},
			})
		},
		"a refund after a stop": func(h *history) {
			h.refund(payment.RightEnded)
			h.before("payment-hoa", disbursement.PaymentRefunded{}, entry{log: money, stream: "enrolment-e-hoa", fact: disbursement.EnrolmentStopped{Enrolment: "e-hoa", FromMonth: "2026-11"}})
		},
		"a refund after a death": func(h *history) {
			h.refund(payment.RightEnded)
			h.add(told(time.Hour, accounts.BeneficiaryDied{Beneficiary: "b-hoa", DiedOn: "2026-10-31"}))
		},
		"a death that was revoked before": func(h *history) {
			h.handOver("hoa")
			h.add(told(-2*time.Hour, accounts.BeneficiaryDied{Beneficiary: "b-hoa", DiedOn: "2026-10-31"}), told(-time.Hour, accounts.BeneficiaryDeathRevoked{Beneficiary: "b-hoa"}))
		},
		"a refund after a death that was revoked since": func(h *history) {
			h.refund(payment.RightEnded)
			h.add(told(time.Hour, accounts.BeneficiaryDied{Beneficiary: "b-hoa", DiedOn: "2026-10-31"}), told(2*time.Hour, accounts.BeneficiaryDeathRevoked{Beneficiary: "b-hoa"}))
		},
		"one receipt for two payments of a person": func(h *history) {
			h.handOver("hoa")
			h.cash("december", "hoa")
			h.handOver("december")
		},
		"arrears for what was refunded as paid, whose credit came back": func(h *history) {
			h.cash("next", "hoa")
			replace(h, func(e *disbursement.CashReleased) {
				if e.Payment == "next" {
					e.Kind, e.Origin, e.Month = payroll.CarriedForward, "hoa", "2026-11"
				}
			})
			h.line("next").Kind, h.line("next").Origin, h.line("next").Granted = payroll.CarriedForward, "hoa", 0
			h.cash("again", "hoa")
			replace(h, func(e *disbursement.CashReleased) {
				if e.Payment == "again" {
					e.Kind, e.Month = payroll.Arrears, "2026-11"
				}
			})
			h.line("again").Kind, h.line("again").Month = payroll.Arrears, "2026-11"
			own := func(who string, fact events.Event) entry {
				return entry{log: money, stream: "payment-" + who, fact: fact}
			}
			h.before("payment-again", disbursement.CashReleased{},
				own("hoa", disbursement.ReportNoted{Payment: "hoa", Status: "ACCC", BankReference: "FT7", Why: payment.Contradictory}),
				own("next", disbursement.PaymentWithdrawn{Payment: "next", Reason: disbursement.AlreadyPaid}),
				own("next", disbursement.PaymentRefunded{Payment: "next", From: payment.Recalled, Reason: disbursement.AlreadyPaid}),
				own("hoa", disbursement.ReportNoted{Payment: "hoa", Status: "RTND", BankReference: "FT8", Why: payment.Late}))
		},
		"an attempt that was credited after all, and came back": func(h *history) {
			h.handedOverTwice()
			h.add(entry{log: money, stream: "payment-lan", fact: disbursement.ReportNoted{Payment: "lan", Attempt: 1, Status: "RTND", BankReference: "FT9", Why: payment.Late}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := month()
			plant(h)
			if report := h.write(t).audit(t); !report.OK() {
				t.Fatal(text(t, report))
			}
		})
	}
}

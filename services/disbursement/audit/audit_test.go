package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/services/disbursement/audit"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

func TestTheLogsOfAMonthHold(t *testing.T) {
	t.Parallel()
	logs := month().write(t)
	logs.project(t)
	report := logs.audit(t)
	if !report.OK() || report.Facts == 0 {
		t.Fatal(text(t, report))
	}
	for _, f := range report.Findings {
		if f.Checked == 0 {
			t.Errorf("%s looked at nothing", f.ID)
		}
	}
}

// What one programme gave back, another one may pay.
func TestAMonthThatAProgrammeGaveBackIsPaidByAnother(t *testing.T) {
	t.Parallel()
	h := month()
	h.refund(payment.RightEnded)
	h.before("payment-hoa", disbursement.PaymentRefunded{}, entry{log: money, stream: "enrolment-e-hoa", fact: disbursement.EnrolmentStopped{Enrolment: "e-hoa", FromMonth: "2026-11"}})
	h.pension("hoa")
	if report := h.write(t).audit(t); !report.OK() {
		t.Fatal(text(t, report))
	}
}

// A part of the month may have been paid before this system.
func TestAMonthThatWasPartlyPaidBeforeThisSystemHolds(t *testing.T) {
	t.Parallel()
	for until, ok := range map[string]bool{"": false, "2026-10": false, "2026-11": true} {
		h := month()
		h.line("hoa").Covered, h.line("hoa").Granted = 270_000, 810_000
		h.before("payroll-november", disbursement.PayrollDrafted{},
			entry{log: money, stream: "enrolment-e-hoa", fact: disbursement.Enrolled{Enrolment: "e-hoa", Mark: "mark-hoa", PaidUntil: until}})
		if report := h.write(t).audit(t); report.OK() != ok {
			t.Fatalf("paid until %q: %s", until, text(t, report))
		}
	}
}

func TestEmptyLogsHold(t *testing.T) {
	t.Parallel()
	if report := new(history).write(t).audit(t); !report.OK() {
		t.Fatal(text(t, report))
	}
}

// TestEveryInvariantCanFail plants a violation of each in the logs, and sees it found where it belongs. What else comes to
// light along with it is named, too.
func TestEveryInvariantCanFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plant func(*history)
		want  []string
	}{
		"I1 more is released than the treasury provided": {
			plant: func(h *history) { replace(h, func(e *disbursement.PayrollFunded) { e.Amount = 500_000 }) },
			want:  []string{"I1"},
		},
		"I1 an order of the treasury counts for two lists": {
			plant: func(h *history) {
				replace(h, func(e *disbursement.PayrollFunded) { e.Reference = "KB-1" })
				h.after("payroll-november", disbursement.PayrollFunded{},
					entry{log: money, stream: "payroll-december", fact: disbursement.PayrollFunded{Payroll: "december", Amount: 5, Reference: "KB-1"}})
			},
			want: []string{"I1"},
		},
		"I2 a person is paid twice for one month": {
			plant: func(h *history) {
				twice := released("lan")
				twice.Payment, twice.EndToEndID = "lan2", "SA-LAN2-1"
				line := lineOf("lan")
				line.Payment = "lan2"
				h.lines = append(h.lines, line)
				h.after("payment-lan", disbursement.PaymentReleased{}, entry{log: money, stream: "payment-lan2", fact: twice})
				h.fund(540_000)
				h.paid("lan2", 1, "FT5")
			},
			want: []string{"I2", "I9"},
		},
		"I2 what went back to the treasury is paid after all": {
			plant: func(h *history) {
				h.refund(payment.RightEnded)
				h.after("payment-hoa", disbursement.PaymentRefunded{},
					entry{log: money, stream: "payment-hoa", fact: disbursement.CashPaid{Payment: "hoa", CollectedOn: "2026-11-20", Receipt: "1"}})
				h.before("payment-hoa", disbursement.PaymentRefunded{}, entry{log: money, stream: "enrolment-e-hoa", fact: disbursement.EnrolmentStopped{Enrolment: "e-hoa", FromMonth: "2026-11"}})
			},
			want: []string{"I2", "I10"},
		},
		"I3 one receipt is for two people": {
			plant: func(h *history) {
				h.handOver("hoa")
				h.cash("minh2", "minh")
				h.handOver("minh2")
			},
			want: []string{"I3"},
		},
		"I3 two credits are one booking": {
			plant: func(h *history) {
				replace(h, func(e *disbursement.PaymentCredited) { e.BankReference = "FT1" })
				replace(h, func(e *bankgateway.PaymentReported) {
					if e.Status == "ACCC" {
						e.BankReference = "FT1"
					}
				})
			},
			want: []string{"I3"},
		},
		"I3 a credit names a booking that no bank reported": {
			plant: func(h *history) {
				replace(h, func(e *disbursement.PaymentCredited) {
					if e.Payment == "lan" {
						e.BankReference = "FT9"
					}
				})
			},
			want: []string{"I3"},
		},
		"I3 a bank reported a credit that no payment has": {
			plant: func(h *history) {
				in := bankgateway.Instruction{EndToEndID: payment.EndToEndID("lan", 1), Payment: "lan", Attempt: 1, Bank: "ICBVVNVX"}
				h.add(entry{
					log: banks, stream: "instruction-" + in.EndToEndID, later: -time.Hour,
					fact: bankgateway.PaymentReported{Instruction: in, Report: bankgateway.Report{Status: "ACCC", BankReference: "FT9"}},
				})
			},
			want: []string{"I3"},
		},
		"I4 the maker checks": {
			plant: func(h *history) { replace(h, func(e *disbursement.PayrollChecked) { e.By = "maker" }) },
			want:  []string{"I4"},
		},
		"I5 a bank is told another amount": {
			plant: func(h *history) {
				replace(h, func(e *bankgateway.InstructionSent) {
					if e.Payment == "lan" {
						e.Amount++
					}
				})
			},
			want: []string{"I5"},
		},
		"I5 a bank has what was withdrawn": {
			plant: func(h *history) {
				h.drop("payment-lan", disbursement.PaymentSent{})
				h.drop("payment-lan", disbursement.PaymentInFlight{})
				h.drop("payment-lan", disbursement.PaymentCredited{})
				h.after("payment-lan", disbursement.PaymentReleased{},
					entry{log: money, stream: "payment-lan", fact: disbursement.PaymentWithdrawn{Payment: "lan", Attempt: 1, Reason: "died"}})
			},
			want: []string{"I5"},
		},
		"I7 a command took effect twice": {
			plant: func(h *history) {
				h.after("payment-hoa", disbursement.CashReleased{},
					entry{log: money, stream: "payment-hoa", cause: "key", fact: disbursement.CashPaid{Payment: "hoa", CollectedOn: "2026-11-20", Receipt: "1"}},
					entry{log: money, stream: "payment-hoa", cause: "key", later: time.Minute, fact: disbursement.CashPaid{Payment: "hoa", CollectedOn: "2026-11-20", Receipt: "1"}})
				h.drop("payment-hoa", disbursement.PaymentCarriedForward{})
				replace(h, func(e *disbursement.PayrollClosed) { e.CarriedForward, e.Carried = 0, 0 })
			},
			want: []string{"I7"},
		},
		"I8 the dead are paid": {
			plant: func(h *history) {
				h.add(entry{log: people, stream: "beneficiary-b-lan", fact: accounts.BeneficiaryDied{Beneficiary: "b-lan", DiedOn: "2026-10-31"}, later: -time.Hour})
			},
			want: []string{"I8"},
		},
		"I8 the dead are paid, of whom it turns out later that they live": {
			plant: func(h *history) {
				lan := entry{log: people, stream: "beneficiary-b-lan"}
				lan.later, lan.fact = -time.Hour, accounts.BeneficiaryDied{Beneficiary: "b-lan", DiedOn: "2026-10-31"}
				h.add(lan)
				lan.later, lan.fact = time.Hour, accounts.BeneficiaryDeathRevoked{Beneficiary: "b-lan"}
				h.add(lan)
			},
			want: []string{"I8"},
		},
		"I8 money is handed over while a bank's word of a death waits": {
			plant: func(h *history) {
				h.handOver("hoa")
				h.add(entry{log: people, stream: "beneficiary-b-hoa", fact: accounts.DeathReported{Beneficiary: "b-hoa", Account: "b-hoa-1", Of: "beneficiary"}, later: -time.Hour})
			},
			want: []string{"I8"},
		},
		"I9 money goes back for a death that was revoked before": {
			plant: func(h *history) {
				h.refund(payment.RightEnded)
				hoa := entry{log: people, stream: "beneficiary-b-hoa"}
				hoa.later, hoa.fact = -2*time.Hour, accounts.BeneficiaryDied{Beneficiary: "b-hoa", DiedOn: "2026-10-31"}
				h.add(hoa)
				hoa.later, hoa.fact = -time.Hour, accounts.BeneficiaryDeathRevoked{Beneficiary: "b-hoa"}
				h.add(hoa)
			},
			want: []string{"I9"},
		},
		"I9 money goes back while its right stands": {
			plant: func(h *history) { h.refund(payment.RightEnded) },
			want:  []string{"I9"},
		},
		"I9 money goes back as paid, and no bank says so": {
			plant: func(h *history) { h.refund(disbursement.AlreadyPaid) },
			want:  []string{"I9"},
		},
		"I9 money that was not back goes back": {
			plant: func(h *history) {
				h.refund(payment.RightEnded)
				h.drop("payment-hoa", disbursement.PaymentWithdrawn{})
				h.before("payment-hoa", disbursement.PaymentRefunded{}, entry{log: money, stream: "enrolment-e-hoa", fact: disbursement.EnrolmentStopped{Enrolment: "e-hoa", FromMonth: "2026-11"}})
			},
			want: []string{"I9"},
		},
		"I9 an amount that no law knows": {
			plant: func(h *history) {
				for i := range h.lines {
					if h.lines[i].Payment == "hoa" {
						h.lines[i].Amount, h.lines[i].Granted = 12_345, 12_345
					}
				}
				replace(h, func(e *disbursement.CashReleased) { e.Amount = 12_345 })
				replace(h, func(e *disbursement.PayrollClosed) { e.Carried = 12_345 })
			},
			want: []string{"I9"},
		},
		"I9 two programmes pay one month": {
			plant: func(h *history) { h.pension("lan") },
			want:  []string{"I9"},
		},
		"I9 more is paid than is granted": {
			plant: func(h *history) {
				for i := range h.lines {
					if h.lines[i].Payment == "hoa" {
						h.lines[i].Covered, h.lines[i].Granted = 270_000, 810_000
					}
				}
			},
			want: []string{"I9"},
		},
		"I11 what was carried forward is credited after all, and paid again": {
			plant: func(h *history) {
				line := lineOf("hoa")
				line.Payment, line.Kind, line.Origin, line.Granted = "next", payroll.CarriedForward, "hoa", 0
				h.lines = append(h.lines, line)
				of := payableOf("hoa")
				of.Payment, of.Kind, of.Origin = "next", payroll.CarriedForward, "hoa"
				next := func(fact events.Event) entry { return entry{log: money, stream: "payment-next", fact: fact} }
				h.after("payment-hoa", disbursement.PaymentCarriedForward{},
					entry{log: money, stream: "payment-hoa", fact: disbursement.ReportNoted{Payment: "hoa", Status: "ACCC", Why: payment.Contradictory}},
					next(disbursement.CashReleased{Payable: of, Reason: "no_account"}),
					next(disbursement.CashPaid{Payment: "next", CollectedOn: "2026-11-20", Receipt: "1"}))
				h.drop("payroll-november", disbursement.ReleaseCompleted{})
				h.fund(540_000)
			},
			want: []string{"I11"},
		},
		"I11 what was carried forward twice is credited after all, and paid again": {
			plant: func(h *history) {
				taker := func(id, origin string) entry {
					line := lineOf("hoa")
					line.Payment, line.Kind, line.Origin, line.Granted = id, payroll.CarriedForward, origin, 0
					h.lines = append(h.lines, line)
					of := payableOf("hoa")
					of.Payment, of.Kind, of.Origin = id, payroll.CarriedForward, origin
					return entry{log: money, stream: "payment-" + id, fact: disbursement.CashReleased{Payable: of, Reason: "no_account"}}
				}
				h.after("payment-hoa", disbursement.PaymentCarriedForward{},
					entry{log: money, stream: "payment-hoa", fact: disbursement.ReportNoted{Payment: "hoa", Status: "ACCC", Why: payment.Contradictory}},
					taker("next", "hoa"),
					entry{log: money, stream: "payment-next", fact: disbursement.PaymentCarriedForward{Payment: "next", From: payment.CashPending}},
					taker("last", "next"),
					entry{log: money, stream: "payment-last", fact: disbursement.CashPaid{Payment: "last", CollectedOn: "2026-11-20", Receipt: "1"}})
				replace(h, func(e *disbursement.PayrollClosed) { e.CarriedForward, e.Carried = 2, 2*540_000 })
				h.drop("payroll-november", disbursement.ReleaseCompleted{})
				h.fund(540_000)
			},
			want: []string{"I11"},
		},
		"I11 an attempt is credited after all, and the next one paid the same": {
			plant: func(h *history) {
				h.add(entry{log: money, stream: "payment-minh", fact: disbursement.ReportNoted{Payment: "minh", Attempt: 1, Status: "ACCC", BankReference: "FT9", Why: payment.Contradictory}})
			},
			want: []string{"I11"},
		},
		"I11 an attempt is credited after all, and its money was handed over": {
			plant: func(h *history) { h.handedOverTwice() },
			want:  []string{"I11"},
		},
		"I10 what was stopped is paid": {
			plant: func(h *history) {
				h.after("payroll-november", disbursement.PayrollApproved{}, entry{
					log: money, stream: "enrolment-e-lan", fact: disbursement.EnrolmentStopped{Enrolment: "e-lan", FromMonth: "2026-11"},
				})
			},
			want: []string{"I10"},
		},
		"I10 what was stopped after the release and before its payment is paid": {
			plant: func(h *history) {
				h.after("payroll-november", disbursement.PayrollReleased{}, entry{
					log: money, stream: "enrolment-e-lan", fact: disbursement.EnrolmentSuspended{Enrolment: "e-lan", FromMonth: "2026-11"},
				})
			},
			want: []string{"I10"},
		},
		"I11 what was carried forward comes twice": {
			plant: func(h *history) {
				for _, id := range []string{"next1", "next2"} {
					line := lineOf("hoa")
					line.Payment, line.Kind, line.Origin, line.Month = id, payroll.CarriedForward, "hoa", "2026-11"
					h.lines = append(h.lines, line)
					of := payableOf("hoa")
					of.Payment, of.Kind, of.Origin = id, payroll.CarriedForward, "hoa"
					h.after("payment-hoa", disbursement.PaymentCarriedForward{}, entry{log: money, stream: "payment-" + id, fact: disbursement.CashReleased{Payable: of, Reason: "no_account"}})
				}
				h.fund(2 * 540_000)
			},
			want: []string{"I2", "I10", "I11"},
		},
		"I12 an account change diverts a payment": {
			plant: func(h *history) {
				replace(h, func(e *disbursement.PaymentReleased) {
					if e.Payment == "lan" {
						e.Account, e.Number = "b-lan-2", "number-lan-2"
					}
				})
			},
			want: []string{"I12"},
		},
		"I13 a backward report is applied": {
			plant: func(h *history) {
				h.after("payment-lan", disbursement.PaymentInFlight{}, entry{log: money, stream: "payment-lan", fact: disbursement.PaymentAcknowledged{Payment: "lan", Attempt: 1}})
			},
			want: []string{"I13"},
		},
		"I13 a late report is dropped": {
			plant: func(h *history) { h.drop("payment-lan", disbursement.ReportNoted{}) },
			want:  []string{"I13"},
		},
		"I14 more comes back than was out": {
			plant: func(h *history) {
				again := disbursement.PaymentReturned{Payment: "lan", Attempt: 1, Reason: "AC04", BankReference: "FT9"}
				h.after("payment-lan", disbursement.PaymentCredited{}, entry{log: money, stream: "payment-lan", fact: again}, entry{log: money, stream: "payment-lan", fact: again})
			},
			want: []string{"I14"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := month()
			c.plant(h)
			wantFailed(t, h, c.want)
		})
	}
}

// wantFailed audits a history, and wants nothing but these invariants violated.
func wantFailed(t *testing.T, h *history, want []string) {
	t.Helper()
	report := h.write(t).audit(t)
	var failed []string
	for _, f := range report.Findings {
		if !f.OK {
			failed = append(failed, f.ID)
		}
	}
	if diff := cmp.Diff(want, failed); diff != "" {
		t.Fatalf("violated (-want +found):\n%s\n%s", diff, text(t, report))
	}
}

func TestI6AReadModelThatWasTouchedIsFound(t *testing.T) {
	t.Parallel()
	logs := month().write(t)
	logs.project(t)
	if report := logs.audit(t); !report.OK() {
		t.Fatal(text(t, report))
	}
	for _, touch := range []string{
		`update payments_v1 set amount = amount + 1 where payment = 'lan'`,
		`delete from ledger_entries_v1 where position = (select max(position) from ledger_entries_v1)`,
		`insert into ledger_balances_v1 values ('nobody', 'cash', 0)`,
	} {
		if _, err := logs.money.Exec(t.Context(), touch); err != nil {
			t.Fatal(err)
		}
	}
	six := logs.audit(t).Findings[5]
	const touched = 4 // a changed row is on both sides
	if six.OK || len(six.Violations) != touched {
		t.Fatalf("found %v", six)
	}
}

func TestAReportIsALinePerInvariantAndNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := month()
	replace(h, func(e *disbursement.PayrollApproved) { e.By = "maker" })
	got := text(t, h.write(t).audit(t))
	for _, want := range []string{
		"I1   ok    budget = available + reserved", "I4   FAIL  no release without approvals", "\n       - payroll november: the maker checked or approved\n", "I14  ok    returns",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
}

func text(t *testing.T, r audit.Report) string {
	t.Helper()
	var b strings.Builder
	if _, err := r.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// replace changes every fact of a kind.
func replace[E events.Event](h *history, change func(*E)) {
	for i := range h.entries {
		if e, ok := h.entries[i].fact.(E); ok {
			change(&e)
			h.entries[i].fact = e
		}
	}
}

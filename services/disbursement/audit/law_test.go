package audit_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	dong "github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	months "github.com/songan-vn/songan/services/disbursement/internal/month"
)

// granted has the list that was made on a day grant everybody an amount.
func (h *history) granted(amount int64, asOf string) {
	for i := range h.lines {
		h.lines[i].Amount, h.lines[i].Granted = dong.Amount(amount), dong.Amount(amount)
	}
	replace(h, func(e *disbursement.PayrollDrafted) { e.AsOf = asOf })
	replace(h, func(e *disbursement.PayrollFunded) { e.Amount = 3 * amount })
	replace(h, func(e *disbursement.PayrollClosed) { e.Carried = amount })
	replace(h, func(e *disbursement.PaymentReleased) { e.Amount = amount })
	replace(h, func(e *disbursement.PaymentReissued) { e.Amount = amount })
	replace(h, func(e *disbursement.CashReleased) { e.Amount = amount })
	replace(h, func(e *bankgateway.InstructionSent) { e.Amount = amount })
}

// file writes rules as an operator gives them to the service.
func file(t *testing.T, change func(*entitlement.Data)) string {
	t.Helper()
	data := entitlement.National().Data()
	change(&data)
	text, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rules.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// raised has the standard of social assistance rise from September, as is known in December.
func raised(d *entitlement.Data) {
	for i, s := range d.Standards {
		if s.Series == "social_assistance" && s.To.IsZero() {
			next := s
			next.Amount, next.From, next.KnownFrom = 600_000, months.Must("2026-09"), vn.MustDate(2026, 12, 1)
			d.Standards[i].To = months.Must("2026-08")
			d.Standards = append(d.Standards, next)
		}
	}
}

// levelled gives a province a level of its own.
func levelled(d *entitlement.Data) {
	d.Levels = append(d.Levels, entitlement.Level{Province: "24", Series: "social_assistance", Amount: 570_000, Validity: entitlement.Validity{
		From: months.Must("2026-07"), KnownFrom: vn.MustDate(2026, 7, 1), LegalBasis: "Nghị quyết 1", Verified: true,
	}})
}

// The audit goes by the same law as the lists: the file that the service was given, and what was known on the day of the list (I9).
func TestTheAuditGoesByTheLawOfTheLists(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules  func(*entitlement.Data)
		amount int64
		asOf   string
		ok     bool
	}{
		"before a decree is in force the old standard goes on": {amount: 500_000, asOf: "2026-10-04", ok: true},
		"and no longer":                                       {amount: 500_000, asOf: "2026-10-05"},
		"nor is the new one there before":                     {amount: 540_000, asOf: "2026-10-04"},
		"the next decree is not known yet":                    {rules: raised, amount: 540_000, asOf: "2026-11-30", ok: true},
		"so that nobody can have its amount":                  {rules: raised, amount: 600_000, asOf: "2026-11-30"},
		"it is known":                                         {rules: raised, amount: 600_000, asOf: "2026-12-01", ok: true},
		"and the amount before it is not the law's any more":  {rules: raised, amount: 540_000, asOf: "2026-12-01"},
		"a province has a level of its own":                   {rules: levelled, amount: 570_000, asOf: "2026-11-01", ok: true},
		"which the program alone does not know":               {amount: 570_000, asOf: "2026-11-01"},
		"a family of twenty-five is larger than most":         {amount: 25 * 540_000, asOf: "2026-11-01", ok: true},
		"and there is none of thirty-four":                    {amount: 34 * 540_000, asOf: "2026-11-01"},
		"and what no sum of categories that combine comes to": {amount: 540_000 + 54_000, asOf: "2026-11-01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := month()
			h.granted(c.amount, c.asOf)
			rules := ""
			if c.rules != nil {
				rules = file(t, c.rules)
			}
			report := h.write(t).auditBy(t, rules)
			for _, f := range report.Findings {
				if f.OK != (c.ok || f.ID != "I9") {
					t.Fatal(text(t, report))
				}
			}
		})
	}
}

package disbursement_test

import (
	"net/http"
	"testing"

	"github.com/songan-vn/songan/events/accounts"
)

// A bank says that somebody died. What is on its way to them waits until an officer has recorded the death, or dismissed the report.
func TestNothingIsPaidToWhomABankReportsDead(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 3)
	o.someone(t, "cash", unit, "")
	o.enrol(t, "lisa", decision("cash", "social_assistance", "c5a", "2026-11-02"))
	o.seen(t, `identity = 'matched' and (account = '' or state = 'open')`)
	november := o.released(t, 4)
	first := o.payments(t, november)
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.approved(t, december, "")
	for _, id := range []string{"b0", "b1", "cash"} {
		o.people.tell(t, id, accounts.DeathReported{Beneficiary: id, Account: id + "-1", Bank: vietcombank, Of: "beneficiary"})
	}
	o.people.tell(t, "b2", accounts.DeathReported{Beneficiary: "b2", Account: "b2-1", Bank: vietcombank, Of: "representative"})
	g.withdraws(t, o, first["b0"], "death_reported")
	g.withdraws(t, o, first["b1"], "death_reported")
	for _, id := range []string{"b0", "b1", "cash"} {
		o.becomes(t, november, id, "recalled")
	}
	o.wantLines(t, "lisa", december, "b0 2026-12 regular 810000 account removed:death_reported", "b1 2026-12 regular 810000 account removed:death_reported",
		"b2 2026-12 regular 810000 account", "cash 2026-12 regular 810000 cash no_account removed:death_reported")
	o.refuse(t, first["b0"], "reissue", object{}, "death_reported")
	o.refuse(t, first["b1"], "refund", object{}, "still_owed")
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2026-12 arrears 810000 account held death_reported", "b0 2027-01 regular 810000 account held death_reported",
		"b1 2026-12 arrears 810000 account held death_reported", "b1 2027-01 regular 810000 account held death_reported",
		"b2 2027-01 regular 810000 account", "cash 2026-12 arrears 810000 cash no_account held death_reported", "cash 2027-01 regular 810000 cash no_account held death_reported")
	o.people.tell(t, "b0", accounts.DeathReportDismissed{Beneficiary: "b0", Note: "n", By: "mai"})
	o.people.tellAt(t, o.Clock.Now(), "b1", accounts.BeneficiaryDied{Beneficiary: "b1", DiedOn: "2026-10-02", Source: "civil_registry", By: "mai"})
	o.seen(t, `beneficiary in ('b2', 'cash') or not death_reported`)
	o.Post(t, "treasurer", "/payments/"+first["b0"].ID+"/reissue", "again", object{}).Want(t, http.StatusOK)
	o.refuse(t, first["b1"], "reissue", object{}, "beneficiary_deceased")
	o.refuse(t, first["cash"], "cash", object{}, "death_reported")
	o.change(t, o.payments(t, november)["b1"], "refund", object{}, "refunded")
	o.audited(t, g)
}

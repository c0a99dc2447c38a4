package disbursement_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/testkit"
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
		o.people.tellAt(t, o.Clock.Now(), id, accounts.DeathReported{Beneficiary: id, Account: id + "-1", Bank: vietcombank, Of: "beneficiary"})
	}
	o.people.tellAt(t, o.Clock.Now(), "b2", accounts.DeathReported{Beneficiary: "b2", Account: "b2-1", Bank: vietcombank, Of: "representative"})
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
	o.people.tellAt(t, o.Clock.Now(), "b0", accounts.DeathReportDismissed{Beneficiary: "b0", Note: "n", By: "mai"})
	o.people.tellAt(t, o.Clock.Now(), "b1", accounts.BeneficiaryDied{Beneficiary: "b1", DiedOn: "2026-10-02", Source: "civil_registry", By: "mai"})
	o.seen(t, `beneficiary in ('b2', 'cash') or not death_reported`)
	o.Post(t, "treasurer", "/payments/"+first["b0"].ID+"/reissue", "again", object{}).Want(t, http.StatusOK)
	o.refuse(t, first["b1"], "reissue", object{}, "beneficiary_deceased")
	o.refuse(t, first["cash"], "cash", object{}, "death_reported")
	o.change(t, o.payments(t, november)["b1"], "refund", object{}, "refunded")
	o.audited(t, g)
}

// suspects lets accounts open the case of a death and suspend the account, as it does for a bank's MD07.
func (o *office) suspects(t *testing.T, id, of, endToEndID string) {
	t.Helper()
	o.people.tellAt(t, o.Clock.Now(), id,
		accounts.DeathReported{Beneficiary: id, Account: id + "-1", Bank: vietcombank, Of: of, EndToEndID: endToEndID},
		accounts.AccountSuspended{Account: id + "-1", Beneficiary: id, Reason: "death_reported", By: "service:accounts"})
}

// pays takes a drafted list to its release, and lets the bank credit what it is told to.
func (o *office) pays(t *testing.T, g *gateway, list string, payments int) {
	t.Helper()
	o.approved(t, list, "")
	o.funded(t, list, "")
	o.step(t, "treasurer", list, "release", object{}).Want(t, http.StatusOK)
	var page struct{ Items []paid }
	testkit.Eventually(t, func() error {
		page.Items = nil
		o.Get(t, "treasurer", "/payments?payroll="+list, "").Into(t, &page)
		return errorUnless(len(page.Items) == payments, "%d payments instead of %d", len(page.Items), payments)
	})
	for n, p := range page.Items {
		if p.EndToEndID != "" {
			g.tell(t, p, "sent", fmt.Sprint("ACCC FT-", list[:6], n))
			o.stands(t, p, "credited")
			continue
		}
		o.Post(t, "cashier", "/payments/"+p.ID+"/cash", "cash-"+p.ID, object{"collected_on": "2026-11-21", "receipt": "PC-" + p.ID[:6]}).Want(t, http.StatusOK)
	}
}

// A bank refuses November for three people because they died. The list is closed; later one of them turns out to live, of another it
// was the carer who died, and the third did die, before November. Each month that is owed is paid once, and no other.
func TestWhoLivesIsPaidWhatABankRefusedForADeath(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 4)
	november := o.released(t, 4)
	first := o.payments(t, november)
	for _, id := range []string{"b0", "b1", "b2"} {
		g.tell(t, first[id], "sent", "RJCT MD07")
		o.becomes(t, november, id, "rejected")
	}
	g.tell(t, first["b3"], "sent", "ACCC FT3")
	o.becomes(t, november, "b3", "credited")
	o.refuse(t, first["b0"], "reissue", object{}, "death_reported") // accounts has not even heard of it
	o.refuse(t, first["b0"], "cash", object{}, "death_reported")
	o.suspects(t, "b0", "beneficiary", first["b0"].EndToEndID)
	o.suspects(t, "b1", "representative", first["b1"].EndToEndID)
	o.suspects(t, "b2", "beneficiary", first["b2"].EndToEndID)
	o.seen(t, `beneficiary = 'b3' or state = 'suspended'`)
	o.refuse(t, first["b0"], "reissue", object{}, "death_reported")
	o.refuse(t, first["b1"], "reissue", object{}, "no_account")
	if diff := cmp.Diff(closure{CarriedForward: 3, Carried: 3 * amount}, o.closed(t, november)); diff != "" {
		t.Fatal(diff)
	}
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december,
		"b0 2026-11 carried_forward 810000 cash account_suspended held death_reported", "b0 2026-12 regular 810000 cash account_suspended held death_reported",
		"b1 2026-11 carried_forward 810000 cash account_suspended", "b1 2026-12 regular 810000 cash account_suspended",
		"b2 2026-11 carried_forward 810000 cash account_suspended held death_reported", "b2 2026-12 regular 810000 cash account_suspended held death_reported",
		"b3 2026-12 regular 810000 account")
	o.pays(t, g, december, 3)
	o.people.tellAt(t, o.Clock.Now(), "b0", accounts.DeathReportDismissed{Beneficiary: "b0", Note: "n", By: "mai"},
		accounts.AccountReinstated{Account: "b0-1", Beneficiary: "b0", Status: "opened", By: "mai"})
	o.people.tellAt(t, o.Clock.Now(), "b2", accounts.BeneficiaryDied{Beneficiary: "b2", DiedOn: "2026-10-02", Source: "civil_registry", By: "mai"},
		accounts.AccountClosed{Account: "b2-1", Beneficiary: "b2", Reason: "died", By: "mai"})
	o.seen(t, `beneficiary in ('b1', 'b3') or state in ('open', 'closed') and not death_reported`)
	testkit.Eventually(t, func() error {
		var ended int
		err := o.Pool.QueryRow(t.Context(), `select count(*) from enrolments where died`).Scan(&ended)
		return errorUnless(err == nil && ended == 1, "%d rights ended (%v)", ended, err)
	})
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2026-11 carried_forward 810000 account", "b0 2026-12 arrears 810000 account", "b0 2027-01 regular 810000 account",
		"b1 2027-01 regular 810000 cash account_suspended", "b3 2027-01 regular 810000 account")
	var signals struct {
		Items []struct{ Code, Beneficiary string }
	}
	o.Get(t, "lisa", "/payrolls/"+january+"/signals?code=overpaid", "").Into(t, &signals)
	if len(signals.Items) != 0 {
		t.Errorf("nobody has money of b2: %+v", signals.Items)
	}
	o.pays(t, g, january, 5)
	if diff := cmp.Diff([]string{}, append([]string{}, o.needs(t, "b0", "b1", "b2", "b3")...)); diff != "" {
		t.Errorf("who is still owed money: %s", diff)
	}
	o.Clock.Advance(31 * 24 * time.Hour)
	february := o.draft(t, "lisa", "00004", "social_assistance", "2027-02").Text(t, "id")
	o.wantLines(t, "lisa", february, "b0 2027-02 regular 810000 account", "b1 2027-02 regular 810000 cash account_suspended", "b3 2027-02 regular 810000 account")
	o.audited(t, g)
}

// A report takes back what no bank has; the list is closed, and the person lives. What the bank then refuses for another reason is
// tried again from the same list, as often as it takes: the closure left the money there.
func TestWhatADismissedReportTookBackIsPaidFromTheClosedList(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 2)
	list := o.released(t, 2)
	first := o.payments(t, list)
	g.tell(t, first["b1"], "sent", "ACCC FT1")
	o.becomes(t, list, "b1", "credited")
	o.suspects(t, "b0", "beneficiary", "SA-ANOTHER")
	g.withdraws(t, o, first["b0"], "death_reported")
	o.becomes(t, list, "b0", "recalled")
	if diff := cmp.Diff(closure{}, o.closed(t, list)); diff != "" {
		t.Fatal(diff)
	}
	o.people.tellAt(t, o.Clock.Now(), "b0", accounts.DeathReportDismissed{Beneficiary: "b0", Note: "n", By: "mai"},
		accounts.AccountReinstated{Account: "b0-1", Beneficiary: "b0", Status: "opened", By: "mai"})
	o.seen(t, `state = 'open' and not death_reported`)
	second := o.reissue(t, o.payments(t, list)["b0"])
	g.tell(t, second, "sent", "RJCT AC01")
	third := o.reissue(t, o.becomes(t, list, "b0", "rejected"))
	g.tell(t, third, "sent", "ACCC FT0")
	o.becomes(t, list, "b0", "credited")
	o.audited(t, g)
}

// A bank once said of somebody that they died, and they live. When it says so again, accounts has to hear of that as well before money
// is paid, by account or in cash, from this list or, once it is closed, from the next.
func TestAReportThatWasDismissedOnceOpensNothingForTheNext(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 3)
	lives := func(id string) accounts.DeathReportDismissed {
		return accounts.DeathReportDismissed{Beneficiary: id, Note: "n", By: "mai"}
	}
	said := func(id, endToEndID string) accounts.DeathReported {
		return accounts.DeathReported{Beneficiary: id, Account: id + "-1", Bank: vietcombank, Of: "beneficiary", EndToEndID: endToEndID}
	}
	for _, id := range []string{"b0", "b1"} {
		o.people.tellAt(t, o.Clock.Now(), id, said(id, "SA-MARCH"), lives(id))
	}
	o.seen(t, `beneficiary = 'b2' or cardinality(death_heard) = 1 and not death_reported`)
	november := o.released(t, 3)
	first := o.payments(t, november)
	for _, id := range []string{"b0", "b1"} {
		g.tell(t, first[id], "sent", "RJCT MD07")
		o.becomes(t, november, id, "rejected")
		o.refuse(t, first[id], "reissue", object{}, "death_reported")
		o.refuse(t, first[id], "cash", object{}, "death_reported")
	}
	o.people.tellAt(t, o.Clock.Now(), "b1", said("b1", "SA-OTHER"), accounts.DeathReportNoted(said("b1", first["b1"].EndToEndID)), lives("b1"))
	o.seen(t, `beneficiary <> 'b1' or cardinality(death_heard) = 3 and not death_reported`)
	g.tell(t, o.reissue(t, first["b1"]), "sent", "ACCC FT1")
	o.becomes(t, november, "b1", "credited")
	g.tell(t, first["b2"], "sent", "ACCC FT2")
	o.becomes(t, november, "b2", "credited")
	if diff := cmp.Diff(closure{CarriedForward: 1, Carried: amount}, o.closed(t, november)); diff != "" {
		t.Fatal(diff)
	}
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-11 carried_forward 810000 account held death_reported", "b0 2026-12 regular 810000 account",
		"b1 2026-12 regular 810000 account", "b2 2026-12 regular 810000 account")
	o.pays(t, g, december, 3)
	o.people.tellAt(t, o.Clock.Now(), "b0", said("b0", first["b0"].EndToEndID), lives("b0"))
	o.seen(t, `beneficiary <> 'b0' or cardinality(death_heard) = 2 and not death_reported`)
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2026-11 carried_forward 810000 account", "b0 2027-01 regular 810000 account",
		"b1 2027-01 regular 810000 account", "b2 2027-01 regular 810000 account")
	o.audited(t, g)
}

package disbursement_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/testkit"
)

// needs asks, as accounts does, whose money is not settled.
func (o *office) needs(t *testing.T, of ...string) []string {
	t.Helper()
	var got struct{ Beneficiaries []string }
	answer := o.Post(t, "accounts", "/needs", "", object{"beneficiaries": of})
	answer.Want(t, http.StatusOK)
	answer.Into(t, &got)
	slices.Sort(got.Beneficiaries)
	return got.Beneficiaries
}

// villagers are everybody of the village.
func villagers() (all []string) {
	for n := range 10 {
		all = append(all, fmt.Sprintf("b%d", n))
	}
	return all
}

// From the submission of a list until the bank or a receipt says that they have it, people are needed.
func TestWhoseMoneyIsNotSettledIsNeeded(t *testing.T) {
	t.Parallel()
	o, g, list := village(t)
	if diff := cmp.Diff(villagers(), o.needs(t, append(villagers(), "nobody")...)); diff != "" {
		t.Fatalf("released (-want +got)\n%s", diff)
	}
	p := o.payments(t, list)
	for b, said := range map[string][]string{
		"b0": {"sent", "ACCC FT0"}, "b1": {"sent", "ACSP"}, "b2": {"sent", "RJCT AC04"}, "b3": {"sent", "ACCC FT3", "RTND AC04"},
		"b4": {"sent", "RJCT AM05"}, "b5": {"sent"}, "b6": {"sent", "ACCC FT6"}, "b7": {"sent", "ACCC FT7", "contradictory RJCT AC04"},
	} {
		g.tell(t, p[b], said...)
	}
	for b, status := range map[string]string{
		"b0": "credited", "b1": "in_flight", "b2": "rejected", "b3": "returned", "b4": "rejected", "b5": "sent", "b6": "credited",
	} {
		o.becomes(t, list, b, status)
	}
	o.Post(t, "treasurer", "/payments/"+p["b6"].ID+"/recall", "recall", object{"reason": "CUST"}).Want(t, http.StatusOK)
	o.paid(t, list, "b8")
	testkit.Eventually(t, func() error {
		want := []string{"b1", "b2", "b3", "b4", "b5", "b6", "b7", "b9"}
		if diff := cmp.Diff(want, o.needs(t, villagers()...)); diff != "" {
			return fmt.Errorf("(-want +got)\n%s", diff)
		}
		return nil
	})
	o.Post(t, "lisa", "/needs", "", object{"beneficiaries": []string{"b1"}}).Want(t, http.StatusForbidden)
}

// What was carried forward is owed until the list of another month pays it; a list that is being made needs its people.
func TestWhoIsOwedMoneyOfAnEarlierMonthIsNeeded(t *testing.T) {
	t.Parallel()
	o := open(t)
	g := newGateway(t, o)
	o.someone(t, "b0", unit, vietcombank)
	o.enrol(t, "lisa", decision("b0", "social_assistance", "c5a", "2026-11-02"))
	o.seen(t, `identity = 'matched' and state = 'open'`)
	draft := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	if got := o.needs(t, "b0"); len(got) > 0 {
		t.Errorf("a draft binds nobody: %v", got)
	}
	o.approved(t, draft, "")
	if diff := cmp.Diff([]string{"b0"}, o.needs(t, "b0")); diff != "" {
		t.Errorf("approved\n%s", diff)
	}
	o.funded(t, draft, "")
	o.step(t, "treasurer", draft, "release", object{}).Want(t, http.StatusOK)
	p := o.becomes(t, draft, "b0", "released")
	g.tell(t, p, "sent", "RJCT AC04")
	o.becomes(t, draft, "b0", "rejected")
	if diff := cmp.Diff(closure{CarriedForward: 1, Carried: p.Amount}, o.closed(t, draft)); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]string{"b0"}, o.needs(t, "b0")); diff != "" {
		t.Errorf("carried forward\n%s", diff)
	}
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.approved(t, december, "")
	o.funded(t, december, "")
	o.step(t, "treasurer", december, "release", object{}).Want(t, http.StatusOK)
	var page struct{ Items []paid }
	testkit.Eventually(t, func() error {
		o.Get(t, "treasurer", "/payments?payroll="+december, "").Into(t, &page)
		if len(page.Items) != 2 {
			return fmt.Errorf("%d payments instead of two", len(page.Items))
		}
		return nil
	})
	for n, p := range page.Items {
		g.tell(t, p, "sent", fmt.Sprint("ACCC FT", n))
	}
	testkit.Eventually(t, func() error {
		if got := o.needs(t, "b0"); len(got) > 0 {
			return fmt.Errorf("paid at last: %v", got)
		}
		return nil
	})
}

package disbursement_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
)

// Between the draft and the release, accounts of the list come to be used by others, too: b0's by a stranger. The account of b1 is held
// by who receives for both of its users, and nobody else uses that of b2.
func TestAnAccountThatBecameOneOfManySinceTheDraftIsNotPaidInto(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 3)
	represented := accounts.BeneficiaryCorrected{Beneficiary: "b1", Person: "pb1", Representative: "pcarer", RepresentativeMark: "mcarer"}
	held := accountOf("b1", vietcombank, 2, "carer")
	for i, fact := range held {
		if opened, is := fact.(accounts.AccountOpened); is {
			opened.Holder = "pcarer"
			held[i] = opened
		}
	}
	o.people.tell(t, "b1", append([]events.Event{
		represented, accounts.BeneficiaryIdentified{Beneficiary: "b1", Person: "pb1", Result: "matched"},
	}, held...)...)
	o.seen(t, `beneficiary <> 'b1' or account_mark = 'carer'`)
	list := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.approved(t, list, "")
	o.funded(t, list, "")
	for id, mark := range map[string]string{"stranger": "kb0", "sibling": "carer"} {
		o.someone(t, id, unit, "")
		o.people.tell(t, id, accountOf(id, vietcombank, 1, mark)...)
	}
	o.seen(t, `state = 'open'`)
	o.step(t, "treasurer", list, "release", object{}).Want(t, http.StatusOK)
	o.wantLines(t, "lisa", list, "b0 2026-11 regular 810000 account removed:account_shared",
		"b1 2026-11 regular 810000 account", "b2 2026-11 regular 810000 account")
	for _, id := range []string{"b1", "b2"} {
		g.tell(t, o.becomes(t, list, id, "released"), "sent", "ACCC FT-"+id)
		o.becomes(t, list, id, "credited")
	}
	if diff := cmp.Diff(closure{}, o.closed(t, list)); diff != "" {
		t.Fatal(diff)
	}
	o.audited(t, g)
}

// Between two attempts, the account that a person has now came to be used by another one, too.
func TestNothingIsTriedAgainIntoAnAccountOfMany(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 1)
	list := o.released(t, 1)
	p := o.payments(t, list)["b0"]
	g.tell(t, p, "sent", "RJCT AC04")
	o.becomes(t, list, "b0", "rejected")
	o.someone(t, "other", unit, "")
	o.people.tell(t, "other", accountOf("other", vietcombank, 1, "kb0")...)
	o.seen(t, `state = 'open'`)
	o.refuse(t, p, "reissue", object{}, "account_shared")
	o.audited(t, g)
}

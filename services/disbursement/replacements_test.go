package disbursement_test

import (
	"net/http"
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
)

// Another process is through the gate and has looked at the account. While it begins the payment, the account is blocked, or
// another one takes its place.
func TestAPaymentThatIsBegunWhileItsAccountChangesIsWithdrawn(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][]events.Event{
		"blocked":  {accounts.AccountBlocked{Account: "b0-1", Beneficiary: "b0", Reason: "authority", By: "mai"}},
		"replaced": accountOf("b0", vietcombank, 2, "knew"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, g, _ := everybody(t, 1)
			list := o.released(t, 1)
			p := o.payments(t, list)["b0"]
			g.tell(t, p, "sent", "RJCT AC04")
			o.becomes(t, list, "b0", "rejected")
			goOn := o.held(t, gateOfStops)
			o.people.tell(t, "b0", change...)
			o.waitsFor(t, gateOfStops)
			p = o.reissuedElsewhere(t, p)
			goOn()
			g.withdraws(t, o, p, "account_changed")
			o.becomes(t, list, "b0", "recalled")
			o.audited(t, g)
		})
	}
}

// reissuedElsewhere is what another process makes of a failed payment: a second attempt into the account of the first.
func (o *office) reissuedElsewhere(t *testing.T, p paid) paid {
	t.Helper()
	log := o.log(t)
	defer log.Close()
	history, err := log.Load(t.Context(), "payment-"+p.ID)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := history[0].Event.(disbursement.PaymentReleased)
	again := first.Target
	again.Attempt, again.EndToEndID = 2, p.EndToEndID[:len(p.EndToEndID)-1]+"2"
	_, err = log.Append(t.Context(), eventstore.Append{
		Stream: "payment-" + p.ID, Expected: len(history), Meta: events.Meta{OccurredAt: noon},
		Facts: []events.Event{disbursement.PaymentReissued{Payable: first.Payable, Target: again, By: "tam"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Attempt, p.EndToEndID = again.Attempt, again.EndToEndID
	return p
}

// Money waits for a bank that is paused when the person is given another account. Nothing goes to the old one, whichever list
// the money stands in.
func TestAnAccountThatReplacesAnotherTakesBackWhatNoBankHas(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 2)
	november := o.released(t, 2)
	first := o.payments(t, november)
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.approved(t, december, "")
	o.people.tell(t, "b0", accountOf("b0", vietcombank, 2, "knew")...)
	g.withdraws(t, o, first["b0"], "account_changed")
	o.becomes(t, november, "b0", "recalled")
	o.wantLines(t, "lisa", december, "b0 2026-12 regular 810000 account removed:account_changed", "b1 2026-12 regular 810000 account")
	o.Post(t, "treasurer", "/payments/"+first["b0"].ID+"/reissue", "again", object{}).Want(t, http.StatusOK)
	if now := o.becomes(t, november, "b0", "reissued"); now.Account != "b0-2" {
		t.Fatalf("%+v", now)
	}
	o.becomes(t, november, "b1", "released")
	o.audited(t, g)
}

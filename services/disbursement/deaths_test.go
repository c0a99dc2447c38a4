package disbursement_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/testkit"
)

// The money of b0 waits for a bank that is paused when the death is entered: on a second file of theirs, in another commune, which
// has no right of its own.
func TestADeathOnAFileWithoutARightStopsWhatTheOtherFileReleased(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 2)
	o.people.tell(t, "second", accounts.BeneficiaryRegistered{Beneficiary: "second", Unit: other, FileNumber: "F/2", Person: "psecond", Mark: "mb0"})
	list := o.released(t, 2)
	first := o.payments(t, list)
	o.people.tellAt(t, o.Clock.Now(), "second", accounts.BeneficiaryDied{Beneficiary: "second", DiedOn: "2026-10-31", Source: "family"})
	g.withdraws(t, o, first["b0"], "died")
	g.tell(t, first["b1"], "sent", "ACCC FT1")
	o.becomes(t, list, "b0", "recalled")
	o.becomes(t, list, "b1", "credited")
	o.audited(t, g)
}

// LISA records a death on the wrong file: it is b0 who lives, whose November waits for a paused bank, and b1, whose bank has it and
// refuses it for another death of that day. Another officer takes both back, and all that they are owed is paid.
func TestADeathThatWasRecordedWronglyIsTakenBack(t *testing.T) {
	t.Parallel()
	o, g, rights := everybody(t, 3)
	o.people.tell(t, "second", accounts.BeneficiaryRegistered{Beneficiary: "second", Unit: unit, FileNumber: "F/2", Person: "psecond", Mark: "mb0"})
	o.people.know(profile{Beneficiary: "second", Unit: unit, Mark: "mb0", BirthDate: "1956-03-10"})
	november := o.released(t, 3)
	first := o.payments(t, november)
	g.tell(t, first["b1"], "sent")
	o.becomes(t, november, "b1", "sent")
	for id, day := range map[string]string{"b0": "2026-10-31", "b1": "2026-11-01"} {
		o.people.tellAt(t, o.Clock.Now(), id, accounts.BeneficiaryDied{Beneficiary: id, DiedOn: day, Source: "officer", By: "mai"})
	}
	g.withdraws(t, o, first["b0"], "died")
	g.tell(t, first["b1"], "RJCT MD07")
	g.tell(t, first["b2"], "sent", "ACCC FT2")
	o.people.tellAt(t, o.Clock.Now(), "b1", accounts.DeathReportNoted{
		Beneficiary: "b1", Account: "b1-1", Bank: vietcombank, Of: "beneficiary", EndToEndID: first["b1"].EndToEndID,
	})
	for id, status := range map[string]string{"b0": "recalled", "b1": "rejected", "b2": "credited"} {
		first[id] = o.becomes(t, november, id, status)
	}
	again := decision("second", "social_assistance", "c5a", "2026-11-02")
	again["decision"] = object{"number": "12/QĐ-UBND-1", "signed_on": "2026-11-02"}
	wrong := o.Post(t, "lisa", "/enrolments", "second", again)
	if diff := cmp.Diff([]string{"/beneficiary beneficiary_died"}, wrong.Faults(t)); diff != "" { // also in a file that does not say so
		t.Fatal(diff)
	}

	for i := range 2 {
		id := fmt.Sprint("b", i)
		o.people.tellAt(t, o.Clock.Now(), id, accounts.AccountClosed{Account: id + "-1", Beneficiary: id, Reason: "died", By: "mai"},
			accounts.BeneficiaryDeathRevoked{Beneficiary: id, Paper: "118/TP-HT", Note: "n", By: "hung"})
		o.people.tellAt(t, o.Clock.Now(), id, accountOf(id, vietcombank, 2, "again"+id)...)
	}
	o.seen(t, `died_on = '' and state in ('open', '') and (beneficiary not in ('b0', 'b1') or opened = 2)`)
	o.refuse(t, first["b0"], "reissue", object{}, "right_ended")
	o.reissue(t, first["b1"])
	again["beneficiary"] = "b0"
	o.Post(t, "lisa", "/enrolments", "again", again).Want(t, http.StatusCreated)
	g.tell(t, o.becomes(t, november, "b1", "reissued"), "sent", "ACCC FT1")
	o.becomes(t, november, "b1", "credited")
	if diff := cmp.Diff(closure{}, o.closed(t, november)); diff != "" {
		t.Fatal(diff)
	}
	o.becomes(t, november, "b0", "refunded")
	o.Post(t, "lisa", "/enrolments/"+rights["b1"]+"/resumption", "resume", object{"from_month": "2026-12"}).Refused(t, http.StatusUnprocessableEntity, "enrolment_stopped")
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-11 arrears 810000 account account_changed", "b0 2026-12 regular 810000 account account_changed", "b2 2026-12 regular 810000 account")
	o.approved(t, december, "")
	o.funded(t, december, "")
	o.step(t, "treasurer", december, "release", object{}).Want(t, http.StatusOK)
	o.becomes(t, december, "b2", "released")
	o.audited(t, g)
}

// The month of the death is owed, whether its list was closed before anybody collected it, or not yet released: the next list pays it in
// cash, shows that they died, and the receipt takes another treasurer.
func TestTheMonthOfTheDeathIsPaidByTheNextList(t *testing.T) {
	t.Parallel()
	o, g, _ := everybody(t, 1)
	o.someone(t, "cash", unit, "")
	o.enrol(t, "lisa", decision("cash", "social_assistance", "c5a", "2026-11-02"))
	o.seen(t, `identity = 'matched' and (account = '' or state = 'open')`)
	november := o.released(t, 2)
	g.tell(t, o.payments(t, november)["b0"], "sent", "ACCC FT0")
	o.becomes(t, november, "b0", "credited")
	o.people.tellAt(t, o.Clock.Now(), "cash", accounts.BeneficiaryDied{Beneficiary: "cash", DiedOn: "2026-11-21", Source: "family"})
	o.seen(t, `beneficiary = 'b0' or died_on <> ''`)
	if diff := cmp.Diff(closure{CarriedForward: 1, Carried: amount}, o.closed(t, november)); diff != "" {
		t.Fatal(diff)
	}
	carried := "cash 2026-11 carried_forward 810000 cash account_closed died"
	december := o.draft(t, "lisa", "00004", "social_assistance", "2026-12").Text(t, "id")
	o.wantLines(t, "lisa", december, "b0 2026-12 regular 810000 account", carried)
	o.approved(t, december, "")
	o.people.tellAt(t, o.Clock.Now(), "b0", accounts.BeneficiaryDied{Beneficiary: "b0", DiedOn: "2026-12-01", Source: "family"},
		accounts.AccountClosed{Account: "b0-1", Beneficiary: "b0", Reason: "died", By: "mai"})
	o.wantLines(t, "lisa", december, "b0 2026-12 regular 810000 account removed:account_changed", carried)
	o.funded(t, december, "")
	o.step(t, "treasurer", december, "release", object{}).Want(t, http.StatusOK)
	taker := o.becomes(t, december, "cash", "cash_pending")
	receipt := object{"collected_on": "2026-11-21", "receipt": "PC-1"}
	if alone := o.Post(t, "treasurer", "/payments/"+taker.ID+"/cash", "alone", receipt); alone.Text(t, "code") != "same_person" {
		t.Errorf("who released it enters the receipt: %s", alone.Body)
	}
	o.change(t, taker, "cash", receipt, "cash_paid")
	january := o.draft(t, "lisa", "00004", "social_assistance", "2027-01").Text(t, "id")
	o.wantLines(t, "lisa", january, "b0 2026-12 arrears 810000 cash account_closed died")
	o.pays(t, g, january, 1)
	if diff := cmp.Diff([]string{}, append([]string{}, o.needs(t, "b0", "cash")...)); diff != "" {
		t.Errorf("who is still owed money: %s", diff)
	}
	o.audited(t, g)
}

// b0 was taken over, as paid until October by a right that began in that month, when a death in September is recorded on their file, with
// a wrong birth date besides. Another officer takes the death back. October was paid, whatever became of its right; until an officer says
// that it was entered by mistake.
func TestADeathFromBeforeAPaidRightDoesNotPayItAgain(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.someone(t, "b0", unit, vietcombank)
	over := decision("b0", "social_assistance", "c5a", "2026-10-05")
	over["paid_until"] = "2026-10"
	right := o.enrol(t, "lisa", over)
	o.people.tellAt(t, o.Clock.Now(), "b0", accounts.BeneficiaryDied{Beneficiary: "b0", DiedOn: "2026-09-12", Source: "officer", By: "mai"})
	testkit.Eventually(t, func() error {
		var all struct {
			Items []struct {
				StoppedFrom string `json:"stopped_from"`
			}
		}
		o.Get(t, "lisa", "/enrolments?beneficiary=b0", "").Into(t, &all)
		return errorUnless(len(all.Items) == 1 && all.Items[0].StoppedFrom == "2026-10", "%+v", all)
	})
	o.people.tellAt(t, o.Clock.Now(), "b0", accounts.BeneficiaryDeathRevoked{Beneficiary: "b0", Paper: "118/TP-HT", Note: "n", By: "hung"})
	o.people.know(profile{Beneficiary: "b0", Unit: unit, Mark: "mb0", BirthDate: "1946-03-10"})
	o.seen(t, `died_on = '' and state = 'open'`)
	again := decision("b0", "social_assistance", "c5a", "2026-10-05")
	again["decision"] = object{"number": "12/QĐ-UBND-1", "signed_on": "2026-10-05"}
	o.Post(t, "lisa", "/enrolments", "again", again).Want(t, http.StatusCreated)
	november := o.draft(t, "lisa", "00004", "social_assistance", "2026-11").Text(t, "id")
	o.wantLines(t, "lisa", november, "b0 2026-11 regular 1080000 account")
	o.wantSignals(t, november)

	o.Post(t, "lisa", "/enrolments/"+right+"/stop", "mistake", object{"from_month": "2026-10", "reason": "x"}).Want(t, http.StatusOK)
	o.step(t, "lisa", november, "rejection", object{"reason": "x"}).Want(t, http.StatusOK)
	o.draft(t, "lisa", "00004", "social_assistance", "2026-11")
	o.wantLines(t, "lisa", november, "b0 2026-10 arrears 1080000 account", "b0 2026-11 regular 1080000 account")
}

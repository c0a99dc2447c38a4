package beneficiary_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
)

// correctedTo is the fact that lan entered somebody else, or nobody, who receives for the person.
func correctedTo(ref, mark string) accounts.BeneficiaryCorrected {
	return accounts.BeneficiaryCorrected{Beneficiary: "B1", Person: "P1", Representative: ref, RepresentativeMark: mark, By: lan}
}

func correct(ref, mark string) beneficiary.Correct {
	asked := correctedTo(ref, mark)
	asked.Beneficiary, asked.By = "", ""
	return beneficiary.Correct{Fact: asked, Mark: "M1"}
}

// A child's money goes to the mother's account, and custody goes to the aunt.
func TestTheAccountOfWhoReceivedBeforeIsNotPaidInto(t *testing.T) {
	t.Parallel()
	const service = "service:accounts"
	child, request, account, confirmed := registered(), requested(), opened(), opened()
	child.Representative, child.RepresentativeMark = "R1", "mother"
	request.Holder, account.Holder, confirmed.Holder = "R1", "R1", "R1"
	confirmed.HolderMatch, confirmed.Note, confirmed.By = "close_match", "V1", hung
	aunt, nobody, mother := correctedTo("R2", "aunt"), correctedTo("", ""), correctedTo("R1b", "mother")
	stopped := func(by string) accounts.AccountSuspended {
		return accounts.AccountSuspended{Account: first, Beneficiary: "B1", Reason: "representative_changed", By: by}
	}
	open := facts{child, request, account}
	changed := append(open[:3:3], aunt, stopped(lan))
	opening := beneficiary.RecordOpening{Account: first, Bank: ICB, Status: "opened", Number: "N1", Mark: "A1", HolderMatch: "match"}
	reinstate := beneficiary.Reinstate{Account: first, Note: "V2"}
	reinstated := accounts.AccountReinstated{Account: first, Beneficiary: "B1", Status: "opened", Note: "V2", By: hung}
	replacement := beneficiary.Request{Issuance: "I2", Bank: BIDV, Replaces: first, By: hung}
	gone, hers := closed("replaced"), request
	gone.By, hers.Account, hers.Issuance, hers.Bank, hers.Holder = hung, "B1-2", "I2", BIDV, "R2"
	dead := accounts.DeathReported{Beneficiary: "B1", Account: first, Bank: ICB, Of: "representative"}
	held := accounts.AccountSuspended{Account: first, Beneficiary: "B1", Reason: "death_reported", By: service}
	dismissed := accounts.DeathReportDismissed{Beneficiary: "B1", Note: "V1", By: hung}
	doubted := accounts.AccountHolderDoubted{Account: first, Beneficiary: "B1", Number: "N1", Mark: "A1"}
	decidertest.Run(t, []kase{
		{Name: "a correction stops the payments", Given: open, When: correct("R2", "aunt"), By: lan, Then: facts{aunt, stopped(lan)}},
		{Name: "so does one by which nobody receives for them", Given: open, When: correct("", ""), By: lan, Then: facts{nobody, stopped(lan)}},
		{Name: "the same person's new data do not", Given: open, When: correct("R1b", "mother"), By: lan, Then: facts{mother}},
		{Name: "nor does it stop somebody's own account", Given: facts{registered(), requested(), opened()}, When: correct("R2", "aunt"), By: lan, Then: facts{aunt}},
		{Name: "what is suspended already stays so", Given: append(open[:3:3], suspended()), When: correct("R2", "aunt"), By: lan, Then: facts{aunt}},
		{Name: "a request at the bank goes on", Given: open[:2], When: correct("R2", "aunt"), By: lan, Then: facts{aunt}},
		{Name: "and what the bank opens is stopped", Given: facts{child, request, aunt}, When: opening, By: service, Then: facts{account, stopped(service)}},
		{
			Name: "also what an officer confirms", Given: facts{child, request, doubted, aunt}, By: hung, Then: facts{confirmed, stopped(hung)},
			When: beneficiary.ConfirmHolder{Account: first, Maker: "mai", Note: "V1"},
		},
		{Name: "nobody reinstates it", Given: changed, When: reinstate, By: hung, Problem: "representative_changed"},
		{
			Name: "nor what was suspended before", Given: append(open[:3:3], suspended(), aunt), When: reinstate, By: hung, Problem: "representative_changed",
		},
		{Name: "nor what was blocked", Given: append(changed[:5:5], blockedBy("mai")), When: reinstate, By: hung, Problem: "representative_changed"},
		{Name: "another officer does when the mother receives again", Given: append(changed[:5:5], mother), When: reinstate, By: hung, Then: facts{reinstated}},
		{Name: "and not who changed it", Given: append(changed[:5:5], mother), When: reinstate, By: lan, Problem: "same_person"},
		{Name: "a new account is in the aunt's name", Given: changed, When: replacement, By: hung, Then: facts{gone, hers}},
		{
			Name:  "the mother is reported dead and lives, and does not receive all the same",
			Given: append(open[:3:3], dead, held, aunt), When: beneficiary.DismissDeath{Note: "V1"}, By: hung, Then: facts{dismissed, stopped(hung)},
		},
	})
}

// Whoever receives for somebody, and whatever officers, banks and corrections do: no account is open in the name of who does not any more.
func TestNoAccountIsOpenForWhoDoesNotReceiveAnyMore(t *testing.T) {
	t.Parallel()
	child := registered()
	child.Representative, child.RepresentativeMark = "R1", "mother"
	rapid.Check(t, func(t *rapid.T) {
		b := decider.Fold(beneficiary.Beneficiary{}, events.Event(child))
		for range rapid.IntRange(0, 30).Draw(t, "length") {
			next, latest := command(t), max(1, len(b.Accounts))
			switch rapid.IntRange(0, 6).Draw(t, "other") {
			case 0:
				bank := ICB
				if a, found := b.Latest(); found {
					bank = a.Bank
				}
				next = beneficiary.RecordOpening{Account: fmt.Sprint("B1-", latest), Bank: bank, Status: "opened", Number: "N", Mark: "A1", HolderMatch: "match"}
			case 1:
				who := rapid.SampledFrom([][2]string{{"R1", "mother"}, {"R2", "aunt"}, {"", ""}}).Draw(t, "who")
				next = correct(who[0], who[1])
			case 2:
				next = beneficiary.ReportDeath{Account: first, Bank: ICB, EndToEndID: "SA-1"}
			case 3:
				next = beneficiary.DismissDeath{}
			case 4:
				next = beneficiary.Request{Issuance: fmt.Sprint("I", latest+1), Bank: ICB, Replaces: fmt.Sprint("B1-", latest), By: hung}
			}
			decided, _ := next.Decide(b, decider.Meta{At: decidertest.Noon(), Actor: rapid.SampledFrom([]string{lan, hung}).Draw(t, "actor")})
			b = decider.Fold(b, decided...)
			a, _ := b.Latest()
			usable := a.Status == beneficiary.Opened || a.Status == beneficiary.Active
			if former := a.Holder != a.Person && a.Holder != b.Representative; usable && former {
				t.Fatalf("%s receives, and the account of %s is open after %T", b.Representative, a.Holder, next)
			}
		}
	})
}

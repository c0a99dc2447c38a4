package beneficiary_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
)

type (
	facts = []events.Event
	kase  = decidertest.Case[beneficiary.Beneficiary]
)

const (
	lan   = "officer:lan"
	hung  = "officer:hung"
	ICB   = "ICBVVNVX"
	BIDV  = "BIDVVNVX"
	first = "B1-1"
)

func unit() events.Unit { return events.Unit{Code: "00004", ValidFrom: "2025-07-01"} }

func registered() accounts.BeneficiaryRegistered {
	return accounts.BeneficiaryRegistered{
		Beneficiary: "B1", Unit: unit(), FileNumber: "F1", Person: "P1", Mark: "M1", DocumentType: "citizen_id", MayHold: true, By: lan,
	}
}

func requested() accounts.AccountRequested {
	return accounts.AccountRequested{
		Account: first, Beneficiary: "B1", Unit: unit(), Issuance: "I1", Bank: ICB, Person: "P1", Holder: "P1",
	}
}

func opened() accounts.AccountOpened {
	return accounts.AccountOpened{Account: first, Beneficiary: "B1", Bank: ICB, Number: "N1", Mark: "A1", Holder: "P1", HolderMatch: "match"}
}

func closed(reason string) accounts.AccountClosed {
	return accounts.AccountClosed{Account: first, Beneficiary: "B1", Reason: reason, By: lan}
}

func activated() accounts.AccountActivated {
	return accounts.AccountActivated{Account: first, Beneficiary: "B1"}
}

func suspended() accounts.AccountSuspended {
	return accounts.AccountSuspended{Account: first, Beneficiary: "B1", Reason: "dispute", Note: "V1", By: lan}
}

func refused() accounts.AccountRefused {
	return accounts.AccountRefused{Account: first, Beneficiary: "B1", Reason: "BE01"}
}

func unclear(reason string) accounts.AccountNeedsInformation {
	return accounts.AccountNeedsInformation{Account: first, Beneficiary: "B1", Reason: reason}
}

func TestEveryFactHasACase(t *testing.T) {
	t.Parallel()
	decidertest.EvolvesAll[beneficiary.Beneficiary](t, accounts.BeneficiaryFacts())
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	asked := registered()
	asked.By = ""
	var known problem.Faults
	known.At("/unit", problem.Fault{Code: "unit_unknown"})
	identified := accounts.BeneficiaryIdentified{Beneficiary: "B1", Person: "P1", Result: "mismatched", Fields: []string{"sex"}}
	answer := beneficiary.RecordIdentity{Person: "P1", Result: "mismatched", Fields: []string{"sex"}}
	decidertest.Run(t, []kase{
		{Name: "a beneficiary is registered by the officer", When: beneficiary.Register{Fact: asked}, By: lan, Then: facts{registered()}},
		{Name: "faults that were found before are said", When: beneficiary.Register{Fact: asked, Known: known}, Problem: "invalid_body"},
		{
			Name: "the same person in the same file is refused", Problem: "beneficiary_exists",
			Given: facts{registered()}, When: beneficiary.Register{Fact: asked}, By: hung,
		},
		{Name: "an identity answer is recorded", Given: facts{registered()}, When: answer, Then: facts{identified}},
		{Name: "the same answer again changes nothing", Given: facts{registered(), identified}, When: answer},
		{Name: "an answer about another reference is dropped", Given: facts{registered()}, When: beneficiary.RecordIdentity{Person: "P2", Result: "matched"}},
		{Name: "an answer about nobody is refused", When: answer, Problem: "beneficiary_unknown"},
	})
}

func TestCorrections(t *testing.T) {
	t.Parallel()
	corrected := accounts.BeneficiaryCorrected{
		Beneficiary: "B1", Person: "P9", DocumentType: "birth_certificate", Representative: "P2", RepresentativeMark: "M2", Note: "V1", By: hung,
	}
	asked := corrected
	asked.Beneficiary, asked.By = "", ""
	forChild := requested()
	forChild.Person, forChild.Holder = "P9", "P2"
	var known problem.Faults
	known.At("/person/birth_date", problem.Fault{Code: "birth_date_in_future"})
	correct := beneficiary.Correct{Fact: asked, Mark: "M1"}
	decidertest.Run(t, []kase{
		{Name: "a person is corrected", Given: facts{registered()}, When: correct, By: hung, Then: facts{corrected}},
		{Name: "nobody becomes another person", Given: facts{registered()}, When: beneficiary.Correct{Fact: asked, Mark: "M9"}, Problem: "another_person"},
		{Name: "faults that were found before are said", Given: facts{registered()}, When: beneficiary.Correct{Known: known}, Problem: "invalid_body"},
		{Name: "nobody unknown is corrected", When: correct, Problem: "beneficiary_unknown"},
		{
			Name: "an answer about the person as they were is dropped", Given: facts{registered(), corrected},
			When: beneficiary.RecordIdentity{Person: "P1", Result: "matched"},
		},
		{Name: "the bank is asked for the person as corrected", Given: facts{registered(), corrected}, When: request(), Then: facts{forChild}},
		{
			Name: "an open account stays in the name in which it was opened", Given: facts{registered(), requested(), corrected},
			When: beneficiary.RecordOpening{Account: first, Bank: ICB, Status: "opened", Number: "N1", Mark: "A1", HolderMatch: "match"},
			Then: facts{opened()},
		},
	})
}

func TestDeath(t *testing.T) {
	t.Parallel()
	on := vn.MustDate(2026, time.October, 31)
	die := beneficiary.Die{On: on, Source: "civil_registry", Born: vn.MustDate(1950, time.January, 15)}
	died := accounts.BeneficiaryDied{Beneficiary: "B1", DiedOn: "2026-10-31", Source: "civil_registry", By: lan}
	decidertest.Run(t, []kase{
		{Name: "a death is recorded", Given: facts{registered()}, When: die, By: lan, Then: facts{died}},
		{
			Name: "a death closes the account", Given: facts{registered(), requested(), opened()}, When: die, By: lan,
			Then: facts{died, closed("died")},
		},
		{
			Name: "a death closes the request", Given: facts{registered(), requested()}, When: die, By: lan,
			Then: facts{died, closed("died")},
		},
		{Name: "what was refused is not closed", Given: facts{registered(), requested(), refused()}, When: die, By: lan, Then: facts{died}},
		{Name: "nobody dies twice", Given: facts{registered(), died}, When: die, Problem: "beneficiary_died"},
		{Name: "nobody dies tomorrow", Given: facts{registered()}, When: beneficiary.Die{On: vn.MustDate(2026, time.November, 22)}, Problem: "invalid_body"},
		{
			Name: "nobody dies before they are born", Given: facts{registered()}, Problem: "invalid_body",
			When: beneficiary.Die{On: on, Born: vn.MustDate(2026, time.November, 1)},
		},
		{Name: "nobody unknown dies", When: die, Problem: "beneficiary_unknown"},
		{Name: "the dead get no account", Given: facts{registered(), died}, When: request(), Problem: "beneficiary_died"},
	})
}

func request() beneficiary.Request {
	return beneficiary.Request{Issuance: "I1", Bank: ICB, MayHold: true, By: hung}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	child := registered()
	child.MayHold = false
	represented := child
	represented.Representative, represented.RepresentativeMark = "P2", "M2"
	forChild := requested()
	forChild.Holder = "P2"
	second := requested()
	second.Account, second.Issuance, second.Bank = "B1-2", "I2", BIDV
	again, cannot, replace := request(), request(), request()
	again.Issuance, again.Bank = "I2", BIDV
	cannot.MayHold = false
	replace.Issuance, replace.Bank, replace.Replaces = "I2", BIDV, first
	byHung := closed("replaced")
	byHung.By = hung
	decidertest.Run(t, []kase{
		{Name: "an account is requested", Given: facts{registered()}, When: request(), Then: facts{requested()}},
		{Name: "a child's account is in the name of the representative", Given: facts{represented}, When: cannot, Then: facts{forChild}},
		{Name: "a child without a representative gets none", Given: facts{child}, When: cannot, Problem: "representative_missing"},
		{Name: "a child who grew up gets one", Given: facts{child}, When: request(), Then: facts{requested()}},
		{Name: "the same batch asks once", Given: facts{registered(), requested()}, When: request()},
		{Name: "the same batch does not ask again after a refusal", Given: facts{registered(), requested(), refused()}, When: request()},
		{Name: "a second request is refused while the first lives", Given: facts{registered(), requested()}, When: again, Problem: "account_exists"},
		{Name: "a second account is refused beside an open one", Given: facts{registered(), requested(), opened()}, When: again, Problem: "account_exists"},
		{
			Name:  "a suspended account still stands in the way",
			Given: facts{registered(), requested(), opened(), suspended()}, When: again, Problem: "account_exists",
		},
		{Name: "after a refusal another bank is asked", Given: facts{registered(), requested(), refused()}, When: again, Then: facts{second}},
		{Name: "after a closure too", Given: facts{registered(), requested(), opened(), closed("closed")}, When: again, Then: facts{second}},
		{
			Name:  "a replacement closes the old account and asks for the new one in one decision",
			Given: facts{registered(), requested(), opened()}, When: replace, Then: facts{byHung, second},
		},
		{
			Name:  "a replacement of an account that was closed meanwhile only asks",
			Given: facts{registered(), requested(), opened(), closed("closed")}, When: replace, Then: facts{second},
		},
		{
			Name:  "a replacement of another account than the one that lives is refused",
			Given: facts{registered(), requested(), refused(), second},
			When:  beneficiary.Request{Issuance: "I3", Bank: ICB, Replaces: first, MayHold: true}, Problem: "account_exists",
		},
		{Name: "nobody unknown is requested for", When: request(), Problem: "beneficiary_unknown"},
	})
}

func TestWhatABankReports(t *testing.T) {
	t.Parallel()
	asked := facts{registered(), requested()}
	open := append(facts{}, append(asked, opened())...)
	report := func(change func(*beneficiary.RecordOpening)) beneficiary.RecordOpening {
		c := beneficiary.RecordOpening{
			Account: first, Bank: ICB, Status: "opened", Number: "N1", Mark: "A1", HolderMatch: "match",
		}
		change(&c)
		return c
	}
	same := func(*beneficiary.RecordOpening) {}
	matching := func(match string) func(*beneficiary.RecordOpening) {
		return func(c *beneficiary.RecordOpening) { c.HolderMatch = match }
	}
	saying := func(status, reason string) func(*beneficiary.RecordOpening) {
		return func(c *beneficiary.RecordOpening) {
			c.Status, c.Reason, c.Number, c.Mark, c.HolderMatch = status, reason, "", "", ""
		}
	}
	biometric := func(c *beneficiary.RecordOpening) { c.Biometric = true }
	decidertest.Run(t, []kase{
		{Name: "it opens", Given: asked, When: report(same), Then: facts{opened()}},
		{Name: "it opens after a question", Given: append(asked[:2:2], unclear("PHOTO")), When: report(same), Then: facts{opened()}},
		{Name: "another name does not open", Given: asked, When: report(matching("no_match")), Then: facts{unclear("name_differs")}},
		{Name: "a match that was not made does not open", Given: asked, When: report(matching("")), Then: facts{unclear("name_differs")}},
		{Name: "another name again says nothing new", Given: append(asked[:2:2], unclear("name_differs")), When: report(matching("no_match"))},
		{Name: "with the biometric check it is active", Given: asked, When: report(biometric), Then: facts{opened(), activated()}},
		{Name: "the biometric check may follow", Given: open, When: report(biometric), Then: facts{activated()}},
		{Name: "the same report again changes nothing", Given: open, When: report(same)},
		{Name: "a check does not wake a suspended account", Given: append(open[:3:3], suspended()), When: report(biometric)},
		{
			Name: "another number for the same account is for an operator", Given: open, Problem: "report_contradictory",
			When: report(func(c *beneficiary.RecordOpening) { c.Mark = "A2" }),
		},
		{
			Name: "an opened account without a number is for an operator", Given: asked, Problem: "report_incomplete",
			When: report(func(c *beneficiary.RecordOpening) { c.Number = "" }),
		},
		{Name: "it asks", Given: asked, When: report(saying("needs_information", "PHOTO")), Then: facts{unclear("PHOTO")}},
		{Name: "it asks the same again", Given: append(asked[:2:2], unclear("PHOTO")), When: report(saying("needs_information", "PHOTO"))},
		{
			Name: "it asks something else", Given: append(asked[:2:2], unclear("PHOTO")),
			When: report(saying("needs_information", "ADDRESS")), Then: facts{unclear("ADDRESS")},
		},
		{Name: "a question that comes after the answer is late", Given: open, When: report(saying("needs_information", "PHOTO"))},
		{Name: "it refuses", Given: asked, When: report(saying("refused", "BE01")), Then: facts{refused()}},
		{Name: "it refuses again", Given: append(asked[:2:2], refused()), When: report(saying("refused", "BE01"))},
		{Name: "a refusal of an open account is for an operator", Given: open, When: report(saying("refused", "BE01")), Problem: "report_contradictory"},
		{Name: "an opening after a refusal is for an operator", Given: append(asked[:2:2], refused()), When: report(same), Problem: "report_contradictory"},
		{Name: "what comes after the end is too late", Given: append(asked[:2:2], closed("died")), When: report(same)},
		{
			Name: "another bank has nothing to say", Given: asked, Problem: "report_of_another_bank",
			When: report(func(c *beneficiary.RecordOpening) { c.Bank = BIDV }),
		},
		{
			Name: "nor is an account known that nobody asked for", Given: asked, Problem: "account_unknown",
			When: report(func(c *beneficiary.RecordOpening) { c.Account = "B1-2" }),
		},
		{Name: "nonsense is for an operator", Given: asked, When: report(saying("perhaps", "")), Problem: "report_unknown"},
	})
}

func TestAHolderWhoseNameOnlyComesCloseWaitsForAnOfficer(t *testing.T) {
	t.Parallel()
	const mai = "mai"
	report := func(match string, biometric bool) beneficiary.RecordOpening {
		return beneficiary.RecordOpening{
			Account: first, Bank: ICB, Status: "opened", Number: "N1", Mark: "A1", HolderMatch: match, Biometric: biometric,
		}
	}
	doubted := func(biometric bool) events.Event {
		return accounts.AccountHolderDoubted{Account: first, Beneficiary: "B1", Number: "N1", Mark: "A1", Biometric: biometric}
	}
	elsewhere := report("close_match", false)
	elsewhere.Mark = "A2"
	asked := facts{registered(), requested()}
	waiting, checked := append(asked[:2:2], doubted(false)), append(asked[:2:2], doubted(true))
	corrected := accounts.BeneficiaryCorrected{Beneficiary: "B1", Person: "P9", By: mai}
	confirm := beneficiary.ConfirmHolder{Account: first, Maker: lan, Note: "V1"}
	confirmed := opened()
	confirmed.HolderMatch, confirmed.Note, confirmed.By = "close_match", "V1", hung
	byMai := confirmed
	byMai.By = mai
	noted := closed("closed")
	noted.Note = "V2"
	dead := accounts.DeathReported{Beneficiary: "B1", Account: first, Bank: ICB, Of: "beneficiary"}
	held := accounts.AccountSuspended{Account: first, Beneficiary: "B1", Reason: "death_reported", By: hung}
	decidertest.Run(t, []kase{
		{Name: "it does not open", Given: asked, When: report("close_match", false), Then: facts{doubted(false)}},
		{Name: "nor with the biometric check", Given: asked, When: report("close_match", true), Then: facts{doubted(true)}},
		{Name: "nor after a question", Given: append(asked[:2:2], unclear("name_differs")), When: report("close_match", false), Then: facts{doubted(false)}},
		{Name: "the same again says nothing new", Given: waiting, When: report("close_match", false)},
		{Name: "the biometric check may follow", Given: waiting, When: report("close_match", true), Then: facts{doubted(true)}},
		{Name: "and is not taken back", Given: checked, When: report("close_match", false)},
		{Name: "the bank mends the name", Given: waiting, When: report("match", false), Then: facts{opened()}},
		{Name: "with the check that it reported before", Given: checked, When: report("match", false), Then: facts{opened(), activated()}},
		{Name: "another name is for an operator", Given: waiting, When: report("no_match", false), Problem: "report_contradictory"},
		{Name: "so is another number", Given: waiting, When: elsewhere, Problem: "report_contradictory"},
		{Name: "and a refusal", Given: waiting, When: beneficiary.RecordOpening{Account: first, Bank: ICB, Status: "refused", Reason: "BE01"}, Problem: "report_contradictory"},
		{Name: "a question is late", Given: waiting, When: beneficiary.RecordOpening{Account: first, Bank: ICB, Status: "needs_information", Reason: "PHOTO"}},
		{Name: "another officer confirms", Given: waiting, When: confirm, By: hung, Then: facts{confirmed}},
		{Name: "which makes it active after the check", Given: checked, When: confirm, By: hung, Then: facts{confirmed, activated()}},
		{Name: "whoever drafted the request does not", Given: waiting, When: confirm, By: lan, Problem: "same_person"},
		{
			Name: "nor who registered the person", Given: waiting, By: lan, Problem: "same_person",
			When: beneficiary.ConfirmHolder{Account: first, Maker: hung, Note: "V1"},
		},
		{Name: "nor who corrected them", Given: append(waiting[:3:3], corrected), When: confirm, By: mai, Problem: "same_person"},
		{
			Name: "nor who registered them, whoever corrected them since", Given: append(waiting[:3:3], corrected), By: lan, Problem: "same_person",
			When: beneficiary.ConfirmHolder{Account: first, Maker: hung, Note: "V1"},
		},
		{Name: "another one does", Given: waiting, When: confirm, By: mai, Then: facts{byMai}},
		{Name: "what is confirmed is not confirmed again", Given: append(waiting[:3:3], confirmed), When: confirm, By: hung, Problem: "holder_not_doubted"},
		{Name: "nor what nobody doubts", Given: append(asked[:2:2], opened()), When: confirm, By: hung, Problem: "holder_not_doubted"},
		{Name: "nor another name", Given: append(asked[:2:2], unclear("name_differs")), When: confirm, By: hung, Problem: "holder_not_doubted"},
		{Name: "nor a bank's own code of that name", Given: append(asked[:2:2], unclear("name_close")), When: confirm, By: hung, Problem: "holder_not_doubted"},
		{Name: "nor what nobody knows", Given: waiting[:1], When: confirm, By: hung, Problem: "account_unknown"},
		{Name: "the holder was reported dead meanwhile", Given: append(waiting[:3:3], dead), When: confirm, By: hung, Then: facts{confirmed, held}},
		{Name: "the officer says no", Given: waiting, When: beneficiary.Close{Account: first, Note: "V2"}, By: lan, Then: facts{noted}},
		{Name: "and that is final", Given: append(waiting[:3:3], noted), When: confirm, By: hung, Problem: "holder_not_doubted"},
		{Name: "it is not suspended: nothing is paid into it", Given: waiting, When: beneficiary.Suspend{Account: first}, By: lan, Problem: "account_not_open"},
	})
}

func blockedBy(officer string) events.Event {
	return accounts.AccountBlocked{Account: first, Beneficiary: "B1", Reason: "authority", Note: "V1", By: officer}
}

func TestOfficersAndAccounts(t *testing.T) {
	t.Parallel()
	open := facts{registered(), requested(), opened()}
	active := append(open[:3:3], activated())
	blocked := accounts.AccountBlocked{Account: first, Beneficiary: "B1", Reason: "authority", Note: "V1", By: lan}
	reinstated := accounts.AccountReinstated{Account: first, Beneficiary: "B1", Status: "opened", Note: "V2", By: hung}
	asActive := reinstated
	asActive.Status = "active"
	noted := closed("closed")
	noted.Note = "V1"
	suspend := beneficiary.Suspend{Account: first, Reason: "dispute", Note: "V1"}
	block := beneficiary.Block{Account: first, Reason: "authority", Note: "V1"}
	reinstate := beneficiary.Reinstate{Account: first, Note: "V2"}
	end := beneficiary.Close{Account: first, Note: "V1"}
	decidertest.Run(t, []kase{
		{Name: "an officer suspends", Given: open, When: suspend, By: lan, Then: facts{suspended()}},
		{Name: "what is suspended is not suspended again", Given: append(open[:3:3], suspended()), When: suspend, By: lan, Problem: "account_not_open"},
		{Name: "a request is not suspended", Given: open[:2], When: suspend, By: lan, Problem: "account_not_open"},
		{Name: "another officer reinstates", Given: append(open[:3:3], suspended()), When: reinstate, By: hung, Then: facts{reinstated}},
		{Name: "an active account is active again", Given: append(active[:4:4], suspended()), When: reinstate, By: hung, Then: facts{asActive}},
		{Name: "nobody reinstates what they suspended", Given: append(open[:3:3], suspended()), When: reinstate, By: lan, Problem: "same_person"},
		{Name: "nobody reinstates what they blocked", Given: append(open[:3:3], blocked), When: reinstate, By: lan, Problem: "same_person"},
		{Name: "nor after another officer's block", Given: append(open[:3:3], suspended(), blockedBy(hung)), When: reinstate, By: lan, Problem: "same_person"},
		{Name: "nor the other one", Given: append(open[:3:3], suspended(), blockedBy(hung)), When: reinstate, By: hung, Problem: "same_person"},
		{Name: "what is open is not reinstated", Given: open, When: reinstate, By: hung, Problem: "account_not_suspended"},
		{Name: "an officer blocks", Given: open, When: block, By: lan, Then: facts{blocked}},
		{Name: "a suspended account is blocked", Given: append(open[:3:3], suspended()), When: block, By: lan, Then: facts{blocked}},
		{Name: "a request is not blocked", Given: open[:2], When: block, By: lan, Problem: "account_not_open"},
		{Name: "an officer closes", Given: open, When: end, By: lan, Then: facts{noted}},
		{Name: "an officer closes a request", Given: open[:2], When: end, By: lan, Then: facts{noted}},
		{Name: "what is closed stays closed", Given: append(open[:3:3], closed("closed")), When: end, By: lan, Problem: "account_closed"},
		{Name: "an unknown account is not changed", Given: open[:1], When: suspend, By: lan, Problem: "account_unknown"},
		{Name: "nor blocked", Given: open[:1], When: block, By: lan, Problem: "account_unknown"},
		{Name: "nor reinstated", Given: open[:1], When: reinstate, By: lan, Problem: "account_unknown"},
		{Name: "nor closed", Given: open[:1], When: end, By: lan, Problem: "account_unknown"},
		{
			Name: "an officer of another unit changes nothing", Given: open, By: lan, Problem: "beneficiary_unknown",
			When: beneficiary.Owned{Sees: func(u events.Unit) bool { return u != unit() }, Command: suspend},
		},
		{
			Name: "one of the same unit does", Given: open, By: lan, Then: facts{suspended()},
			When: beneficiary.Owned{Sees: func(u events.Unit) bool { return u == unit() }, Command: suspend},
		},
	})
}

func TestTheIDOfAnAccountNamesItsBeneficiary(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"abc-1": "abc", "a-b-12": "a-b", "abc": "", "-1": "", "abc-": "", "": ""} {
		if got, ok := beneficiary.OfAccount(id); got != want || ok != (want != "") {
			t.Errorf("%q is of %q, %t", id, got, ok)
		}
	}
}

// Whatever is asked in whatever order: at most one account lives, the dead have none, and an end is an end.
func TestAtMostOneAccountLives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := decider.Fold(beneficiary.Beneficiary{}, registered())
		for range rapid.IntRange(0, 30).Draw(t, "length") {
			before := b
			decided, err := command(t).Decide(b, decider.Meta{
				At: decidertest.Noon(), Actor: rapid.SampledFrom([]string{lan, hung}).Draw(t, "actor"),
			})
			if err != nil && len(decided) > 0 {
				t.Fatal("a refused command decided facts")
			}
			for _, fact := range decided {
				if opened, is := fact.(accounts.AccountOpened); is && (opened.HolderMatch == "close_match") != (opened.By == hung) {
					t.Fatalf("nobody who may confirmed %+v", opened)
				}
			}
			b = decider.Fold(b, decided...)
			alive := 0
			for i, a := range b.Accounts {
				if a.Alive() {
					alive++
				}
				if i < len(before.Accounts) && !before.Accounts[i].Alive() && !cmp.Equal(a, before.Accounts[i]) {
					t.Fatalf("an account that had ended became %+v", a)
				}
				if usable := a.Status == beneficiary.Opened || a.Status == beneficiary.Active; usable && (a.Number == "" || a.HolderMatch == "no_match") {
					t.Fatalf("money can be paid into %+v", a)
				}
			}
			if alive > 1 || b.DiedOn != "" && alive > 0 {
				t.Fatalf("%d accounts live", alive)
			}
		}
	})
}

// command draws anything that anybody may ask, about any account.
func command(t *rapid.T) decider.Command[beneficiary.Beneficiary] {
	account := rapid.SampledFrom([]string{"B1-1", "B1-2", "B1-3"}).Draw(t, "account")
	bank := rapid.SampledFrom([]string{ICB, BIDV}).Draw(t, "bank")
	return rapid.SampledFrom([]decider.Command[beneficiary.Beneficiary]{
		beneficiary.Request{
			Issuance: rapid.SampledFrom([]string{"I1", "I2", "I3", "I4"}).Draw(t, "issuance"), Bank: bank, MayHold: true,
			Replaces: rapid.SampledFrom([]string{"", account}).Draw(t, "replaces"), By: hung,
		},
		beneficiary.RecordOpening{
			Account: account, Bank: bank, Status: rapid.SampledFrom([]string{"opened", "needs_information", "refused"}).Draw(t, "status"),
			Number: "N", Mark: rapid.SampledFrom([]string{"", "A1", "A2"}).Draw(t, "mark"), Reason: "R",
			HolderMatch: rapid.SampledFrom([]string{"match", "close_match", "no_match"}).Draw(t, "match"), Biometric: rapid.Bool().Draw(t, "biometric"),
		},
		beneficiary.ConfirmHolder{Account: account, Maker: lan},
		beneficiary.Suspend{Account: account, Reason: "dispute"},
		beneficiary.Block{Account: account, Reason: "bank"},
		beneficiary.Reinstate{Account: account},
		beneficiary.Close{Account: account},
		beneficiary.Die{On: vn.MustDate(2026, time.November, 1), Source: "family"},
		beneficiary.RevokeDeath{Paper: "118/TP-HT"},
	}).Draw(t, "command")
}

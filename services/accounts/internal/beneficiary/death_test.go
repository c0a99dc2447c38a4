package beneficiary_test

import (
	"slices"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
)

func TestABanksWordThatSomebodyDied(t *testing.T) {
	t.Parallel()
	const service = "service:accounts"
	report := beneficiary.ReportDeath{Account: first, Bank: ICB, EndToEndID: "SA-1"}
	reported := accounts.DeathReported{Beneficiary: "B1", Account: first, Bank: ICB, Of: "beneficiary", EndToEndID: "SA-1"}
	held := accounts.AccountSuspended{Account: first, Beneficiary: "B1", Reason: "death_reported", By: service}
	dismiss := beneficiary.DismissDeath{Note: "V1"}
	dismissed := accounts.DeathReportDismissed{Beneficiary: "B1", Note: "V1", By: lan}
	reinstated := accounts.AccountReinstated{Account: first, Beneficiary: "B1", Status: "active", Note: "V1", By: lan}
	died := accounts.BeneficiaryDied{Beneficiary: "B1", DiedOn: "2026-10-31", Source: "bank", By: lan}
	byRepresentative := requested()
	byRepresentative.Holder = "P2"
	carer := reported
	carer.Of = "representative"
	active := facts{registered(), requested(), opened(), activated()}
	open := append(active[:4:4], reported, held)
	decidertest.Run(t, []kase{
		{Name: "opens a case and stops the payments", Given: active, When: report, By: service, Then: facts{reported, held}},
		{Name: "opens one case", Given: open, When: report, By: service},
		{
			Name: "is noted for each payment", Given: open, When: beneficiary.ReportDeath{Account: first, Bank: ICB, EndToEndID: "SA-2"}, By: service,
			Then: facts{accounts.DeathReportNoted{Beneficiary: "B1", Account: first, Bank: ICB, Of: "beneficiary", EndToEndID: "SA-2"}},
		},
		{Name: "is about the holder, who may be the representative", Given: facts{registered(), byRepresentative, opened()}, When: report, By: service, Then: facts{carer, held}},
		{Name: "leaves an account alone that is suspended anyway", Given: append(active[:4:4], suspended()), When: report, By: service, Then: facts{reported}},
		{Name: "opens a case about a request, too", Given: active[:2], When: report, By: service, Then: facts{reported}},
		{
			Name: "stops what the bank opens meanwhile", Given: append(active[:2:2], reported), By: service, Then: facts{opened(), activated(), held},
			When: beneficiary.RecordOpening{Account: first, Bank: ICB, Status: "opened", Number: "N1", Mark: "A1", HolderMatch: "match", Biometric: true},
		},
		{
			Name: "is no case about the dead", Given: append(active[:4:4], died, closed("died")), When: report, By: service,
			Then: facts{accounts.DeathReportNoted(reported)},
		},
		{Name: "counts for the bank's own accounts", Given: active, When: beneficiary.ReportDeath{Account: first, Bank: BIDV}, Problem: "report_of_another_bank"},
		{Name: "is about an account that there is", Given: active[:1], When: report, Problem: "account_unknown"},
		{Name: "is dismissed by an officer, and payments go on", Given: open, When: dismiss, By: lan, Then: facts{dismissed, reinstated}},
		{Name: "is dismissed once", Given: append(open[:6:6], dismissed, reinstated), When: dismiss, By: lan, Problem: "death_not_reported"},
		{Name: "may be said again after that", Given: append(open[:6:6], dismissed, reinstated), When: report, By: service, Then: facts{reported, held}},
		{Name: "leaves what somebody else suspended to them", Given: append(active[:4:4], suspended(), reported), When: dismiss, By: lan, Then: facts{dismissed}},
		{Name: "keeps the account from being reinstated", Given: open, When: beneficiary.Reinstate{Account: first, Note: "V2"}, By: hung, Problem: "death_reported"},
		{
			Name: "is confirmed by recording the death", Given: open, By: lan, Then: facts{died, closed("died")},
			When: beneficiary.Die{On: vn.MustDate(2026, time.October, 31), Source: "bank"},
		},
		{Name: "is decided then", Given: append(open[:6:6], died, closed("died")), When: dismiss, By: lan, Problem: "death_not_reported"},
		{Name: "nobody unknown is dismissed", When: dismiss, Problem: "beneficiary_unknown"},
	})
}

// The account of a carer is reported, and the carer is corrected, replaced, or gives the money to another bank.
func TestTheReportedDeathOfARepresentative(t *testing.T) {
	t.Parallel()
	const service, second = "service:accounts", "B1-2"
	people := registered()
	people.Representative, people.RepresentativeMark = "R1", "carer"
	again := accounts.BeneficiaryCorrected{Beneficiary: "B1", Person: "P1", Representative: "R1b", RepresentativeMark: "carer", By: lan}
	other := accounts.BeneficiaryCorrected{Beneficiary: "B1", Person: "P1", Representative: "R2", RepresentativeMark: "daughter", By: lan}
	held := func(account, holder string) facts {
		request, open := requested(), opened()
		request.Account, open.Account, request.Holder, open.Holder = account, account, holder, holder
		if account == second {
			request.Issuance, request.Bank, open.Bank, open.Mark = "I2", BIDV, BIDV, "A2"
		}
		return facts{request, open}
	}
	report := beneficiary.ReportDeath{Account: first, Bank: ICB}
	reported := accounts.DeathReported{Beneficiary: "B1", Account: first, Bank: ICB, Of: "representative"}
	suspends := func(account, by string) accounts.AccountSuspended {
		return accounts.AccountSuspended{Account: account, Beneficiary: "B1", Reason: "death_reported", By: by}
	}
	settled := func(by string) accounts.DeathReportSettled {
		return accounts.DeathReportSettled{Beneficiary: "B1", By: by}
	}
	given := func(parts ...facts) facts { return slices.Concat(parts...) }
	moved := given(facts{people}, held(first, "R1"), facts{closed("replaced")}, held(second, "R1"))
	corrected := given(facts{people}, held(first, "R1"), facts{again, closed("replaced")}, held(second, "R1b"))
	daughter := given(facts{people}, held(first, "R1"), facts{other, closed("replaced")}, held(second, "R2"))
	stands := given(facts{people}, held(first, "R1"), facts{reported, suspends(first, service)})
	replace := beneficiary.Request{Issuance: "I2", Bank: BIDV, Replaces: first, By: hung}
	requestIn := func(holder string) accounts.AccountRequested {
		e, _ := held(second, holder)[0].(accounts.AccountRequested)
		return e
	}
	gone := closed("replaced")
	gone.By = hung
	shut := closed("closed")
	open := beneficiary.RecordOpening{Account: second, Bank: BIDV, Status: "opened", Number: "N1", Mark: "A2", HolderMatch: "match"}
	inTheirName, _ := held(second, "R1")[1].(accounts.AccountOpened)
	inHers, _ := held(second, "R2")[1].(accounts.AccountOpened)
	decidertest.Run(t, []kase{
		{Name: "stops the account that they have now", Given: moved, When: report, By: service, Then: facts{reported, suspends(second, service)}},
		{Name: "stops it after a correction, too", Given: corrected, When: report, By: service, Then: facts{reported, suspends(second, service)}},
		{Name: "stops no account of who took their place", Given: daughter, When: report, By: service, Then: facts{accounts.DeathReportNoted(reported)}},
		{
			Name: "is no news about an account that waits already", Given: given(moved, facts{reported, suspends(second, service)}), By: service,
			When: beneficiary.ReportDeath{Account: second, Bank: BIDV},
			Then: facts{accounts.DeathReportNoted{Beneficiary: "B1", Account: second, Bank: BIDV, Of: "representative"}},
		},
		{Name: "ends with the account", Given: stands, When: beneficiary.Close{Account: first}, By: lan, Then: facts{shut, settled(lan)}},
		{Name: "ends when somebody else is to receive", Given: append(stands[:5:5], other), When: replace, By: hung, Then: facts{gone, settled(hung), requestIn("R2")}},
		{Name: "goes on when another bank is asked in the same name", Given: stands, When: replace, By: hung, Then: facts{gone, requestIn("R1")}},
		{
			Name: "stops what that bank opens", Given: append(stands[:5:5], gone, requestIn("R1")), When: open, By: service,
			Then: facts{inTheirName, suspends(second, service)},
		},
		{
			Name: "stops nothing of somebody else's", Given: append(stands[:5:5], other, gone, settled(hung), requestIn("R2")), When: open, By: service,
			Then: facts{inHers},
		},
		{
			Name: "keeps what that bank opened from being reinstated", Given: append(stands[:5:5], gone, requestIn("R1"), inTheirName, suspends(second, service)), By: hung,
			When: beneficiary.Reinstate{Account: second}, Problem: "death_reported",
		},
		{
			Name: "is dismissed, and what it stopped goes on", Given: append(stands[:5:5], gone, requestIn("R1"), inTheirName, suspends(second, service)), By: lan,
			When: beneficiary.DismissDeath{Note: "V1"}, Then: facts{
				accounts.DeathReportDismissed{Beneficiary: "B1", Note: "V1", By: lan},
				accounts.AccountReinstated{Account: second, Beneficiary: "B1", Status: "opened", Note: "V1", By: lan},
			},
		},
	})
}

// Money went into somebody's own account, then to a carer, and banks report both of them dead. One is decided after the other.
func TestReportedDeathsOfABeneficiaryAndOfWhoReceivesForThem(t *testing.T) {
	t.Parallel()
	const service, second = "service:accounts", "B1-2"
	carer := accounts.BeneficiaryCorrected{Beneficiary: "B1", Person: "P1", Representative: "R1", RepresentativeMark: "carer", By: lan}
	request, account := requested(), opened()
	request.Account, request.Issuance, request.Bank, request.Holder = second, "I2", BIDV, "R1"
	account.Account, account.Bank, account.Holder, account.Mark = second, BIDV, "R1", "A2"
	given := func(more ...events.Event) facts {
		return append(facts{registered(), requested(), opened(), carer, closed("replaced"), request, account}, more...)
	}
	person := accounts.DeathReported{Beneficiary: "B1", Account: first, Bank: ICB, Of: "beneficiary", EndToEndID: "SA-1"}
	theirs := accounts.DeathReported{Beneficiary: "B1", Account: second, Bank: BIDV, Of: "representative", EndToEndID: "SA-2"}
	reportPerson := beneficiary.ReportDeath{Account: first, Bank: ICB, EndToEndID: "SA-1"}
	reportCarer := beneficiary.ReportDeath{Account: second, Bank: BIDV, EndToEndID: "SA-2"}
	held := accounts.AccountSuspended{Account: second, Beneficiary: "B1", Reason: "death_reported", By: service}
	noted := accounts.DeathReportNoted(theirs)
	dismiss, lives := beneficiary.DismissDeath{Note: "V1"}, accounts.DeathReportDismissed{Beneficiary: "B1", Note: "V1", By: lan}
	reinstated := accounts.AccountReinstated{Account: second, Beneficiary: "B1", Status: "opened", Note: "V1", By: lan}
	shut := closed("closed")
	shut.Account = second
	decidertest.Run(t, []kase{
		{Name: "the beneficiary's comes before the carer's", Given: given(theirs, held), When: reportPerson, By: service, Then: facts{person}},
		{Name: "the carer's is next", Given: given(theirs, held, person), When: dismiss, By: lan, Then: facts{lives, theirs}},
		{Name: "the carer's does not displace the beneficiary's", Given: given(person, held), When: reportCarer, By: service, Then: facts{noted}},
		{Name: "the carer's is next, too, when it came later", Given: given(person, held, noted), When: dismiss, By: lan, Then: facts{lives, theirs}},
		{Name: "the account waits for the second decision", Given: given(theirs, held, person, lives, theirs), When: beneficiary.Reinstate{Account: second}, By: hung, Problem: "death_reported"},
		{Name: "the account goes on after it", Given: given(theirs, held, person, lives, theirs), When: dismiss, By: lan, Then: facts{lives, reinstated}},
		{Name: "a carer who does not receive any more has no case", Given: given(theirs, held, person, shut), When: dismiss, By: lan, Then: facts{lives}},
		{Name: "only the beneficiary's holds the account up", Given: given(person, held), When: dismiss, By: lan, Then: facts{lives, reinstated}},
	})
}

// A bank speaks of the carer before, while that of now is reported dead as well: the open case is about the latter, and stays.
func TestAFormerCarersReportedDeathLeavesTheOpenCaseAlone(t *testing.T) {
	t.Parallel()
	const service, second = "service:accounts", "B1-2"
	people, request, account := registered(), requested(), opened()
	people.Representative, people.RepresentativeMark, request.Holder, account.Holder = "R1", "carer", "R1", "R1"
	daughter := accounts.BeneficiaryCorrected{Beneficiary: "B1", Person: "P1", Representative: "R2", RepresentativeMark: "daughter", By: lan}
	hers, herAccount := request, account
	hers.Account, hers.Issuance, hers.Bank, hers.Holder = second, "I2", BIDV, "R2"
	herAccount.Account, herAccount.Bank, herAccount.Holder, herAccount.Mark = second, BIDV, "R2", "A2"
	reported := accounts.DeathReported{Beneficiary: "B1", Account: second, Bank: BIDV, Of: "representative", EndToEndID: "SA-2"}
	held := accounts.AccountSuspended{Account: second, Beneficiary: "B1", Reason: "death_reported", By: service}
	noted := accounts.DeathReportNoted{Beneficiary: "B1", Account: first, Bank: ICB, Of: "representative", EndToEndID: "SA-1"}
	open := facts{people, request, account, daughter, closed("replaced"), hers, herAccount, reported, held}
	decidertest.Run(t, []kase{
		{Name: "it is noted", Given: open, When: beneficiary.ReportDeath{Account: first, Bank: ICB, EndToEndID: "SA-1"}, By: service, Then: facts{noted}},
		{Name: "her account waits on", Given: append(open[:9:9], noted), When: beneficiary.Reinstate{Account: second}, By: hung, Problem: "death_reported"},
		{
			Name: "her case is dismissed", Given: append(open[:9:9], noted), When: beneficiary.DismissDeath{Note: "V1"}, By: lan, Then: facts{
				accounts.DeathReportDismissed{Beneficiary: "B1", Note: "V1", By: lan},
				accounts.AccountReinstated{Account: second, Beneficiary: "B1", Status: "opened", Note: "V1", By: lan},
			},
		},
		{
			Name: "behind a case of the beneficiary hers waits, and not the former carer's", By: lan, When: beneficiary.DismissDeath{Note: "V1"},
			Given: append(open[:9:9], accounts.DeathReported{Beneficiary: "B1", Account: first, Of: "beneficiary"}, noted),
			Then:  facts{accounts.DeathReportDismissed{Beneficiary: "B1", Note: "V1", By: lan}, reported},
		},
	})
}

// LISA has two people of one name, and records the death on the wrong file; or takes August for November.
func TestADeathThatWasRecordedWronglyIsRevoked(t *testing.T) {
	t.Parallel()
	died := accounts.BeneficiaryDied{Beneficiary: "B1", DiedOn: "2026-08-20", Source: "officer", By: lan}
	revoke := beneficiary.RevokeDeath{Paper: "118/TP-HT", Note: "V1"}
	revoked := accounts.BeneficiaryDeathRevoked{Beneficiary: "B1", Paper: "118/TP-HT", Note: "V1", By: hung}
	dead := facts{registered(), requested(), opened(), died, closed("died")}
	alive := append(dead[:5:5], revoked)
	request := beneficiary.Request{Issuance: "I2", Bank: BIDV, MayHold: true, By: hung}
	anew := requested()
	anew.Account, anew.Issuance, anew.Bank = "B1-2", "I2", BIDV
	report := beneficiary.ReportDeath{Account: first, Bank: ICB, EndToEndID: "SA-1"}
	reported := accounts.DeathReported{Beneficiary: "B1", Account: first, Bank: ICB, Of: "beneficiary", EndToEndID: "SA-1"}
	corrected := accounts.BeneficiaryDied{Beneficiary: "B1", DiedOn: "2026-11-20", Source: "civil_registry", By: lan}
	die := beneficiary.Die{On: vn.MustDate(2026, time.November, 20), Source: "civil_registry"}
	decidertest.Run(t, []kase{
		{Name: "another officer revokes it", Given: dead, When: revoke, By: hung, Then: facts{revoked}},
		{Name: "whoever recorded it does not", Given: dead, When: revoke, By: lan, Problem: "same_person"},
		{Name: "it is revoked once", Given: alive, When: revoke, By: "mai", Problem: "death_not_recorded"},
		{Name: "the living have none", Given: dead[:3], When: revoke, By: hung, Problem: "death_not_recorded"},
		{Name: "nor has whom only a bank reported dead", Given: append(dead[:3:3], reported), When: revoke, By: hung, Problem: "death_not_recorded"},
		{Name: "nobody unknown is revoked", When: revoke, By: hung, Problem: "beneficiary_unknown"},
		{Name: "the account stays closed", Given: alive, When: beneficiary.Reinstate{Account: first}, By: hung, Problem: "account_not_suspended"},
		{Name: "another one is asked for", Given: alive, When: request, Then: facts{anew}},
		{Name: "a bank's word counts again", Given: alive, When: report, By: "service:accounts", Then: facts{reported}},
		{Name: "a wrong day is recorded again", Given: alive, When: die, By: lan, Then: facts{corrected}},
		{Name: "and that is revoked by another one again", Given: append(alive[:6:6], corrected), When: revoke, By: lan, Problem: "same_person"},
	})
}

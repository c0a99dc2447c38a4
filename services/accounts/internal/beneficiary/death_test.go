package beneficiary_test

import (
	"testing"
	"time"

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
		{Name: "is about the holder, who may be the representative", Given: facts{registered(), byRepresentative, opened()}, When: report, By: service, Then: facts{carer, held}},
		{Name: "leaves an account alone that is suspended anyway", Given: append(active[:4:4], suspended()), When: report, By: service, Then: facts{reported}},
		{Name: "opens a case about a request, too", Given: active[:2], When: report, By: service, Then: facts{reported}},
		{Name: "is no news about the dead", Given: append(active[:4:4], died, closed("died")), When: report, By: service},
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

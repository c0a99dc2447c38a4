package projections

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
	"github.com/songan-vn/songan/services/accounts/internal/issuance"
)

func unit() events.Unit { return events.Unit{Code: "00004", ValidFrom: "2025-07-01"} }

// A row shows what the decider's state says, whatever happened to the beneficiary.
func TestARowAgreesWithTheStateOfItsBeneficiary(t *testing.T) {
	t.Parallel()
	registered := accounts.BeneficiaryRegistered{
		Beneficiary: "B1", Unit: unit(), FileNumber: "F1", Person: "P1", DocumentType: "citizen_id", Representative: "P2", MayHold: true, By: "officer:lan",
	}
	requested := accounts.AccountRequested{Account: "B1-1", Beneficiary: "B1", Issuance: "I1", Bank: "ICBVVNVX"}
	later := accounts.AccountRequested{Account: "B1-2", Beneficiary: "B1", Issuance: "I2", Bank: "BIDVVNVX"}
	facts := []events.Event{
		accounts.BeneficiaryIdentified{Beneficiary: "B1", Result: "mismatched", Fields: []string{"sex"}},
		accounts.BeneficiaryDied{Beneficiary: "B1", DiedOn: "2026-10-31"},
		accounts.BeneficiaryDeathRevoked{Beneficiary: "B1"},
		accounts.DeathReported{Beneficiary: "B1", Account: "B1-1", Bank: "ICBVVNVX", Of: "representative"},
		accounts.DeathReportDismissed{Beneficiary: "B1"},
		accounts.DeathReportSettled{Beneficiary: "B1", By: "officer:lan"},
		accounts.BeneficiaryCorrected{Beneficiary: "B1", Person: "P9", DocumentType: "birth_certificate"},
		accounts.AccountNeedsInformation{Account: "B1-1", Reason: "PHOTO"},
		accounts.AccountHolderDoubted{Account: "B1-1", Number: "N1", Mark: "A1"},
		accounts.AccountRefused{Account: "B1-1", Reason: "BE01"},
		accounts.AccountOpened{Account: "B1-1", HolderMatch: "match"},
		accounts.AccountActivated{Account: "B1-1"},
		accounts.AccountSuspended{Account: "B1-1", Reason: "dispute"},
		accounts.AccountBlocked{Account: "B1-1", Reason: "bank"},
		accounts.AccountReinstated{Account: "B1-1", Status: "active"},
		accounts.AccountClosed{Account: "B1-1", Reason: "replaced"},
	}
	rapid.Check(t, func(t *rapid.T) {
		history := append([]events.Event{registered, requested}, rapid.SliceOfN(rapid.SampledFrom(facts), 0, 8).Draw(t, "history")...)
		if rapid.Bool().Draw(t, "second account") {
			history = append(history, later, rapid.SampledFrom(facts).Draw(t, "late"))
		}
		b := decider.Fold(beneficiary.Beneficiary{}, history...)
		var row Beneficiary
		for _, e := range history {
			recorded := events.Recorded{Event: e}
			if key, ok := beneficiaryKey(recorded); !ok || key != "B1" {
				t.Fatalf("%T concerns row %q", e, key)
			}
			row = applyToBeneficiary(row, recorded)
		}
		last, _ := b.Latest()
		want := Beneficiary{
			Beneficiary: "B1", Unit: "00004@2025-07-01", FileNumber: "F1", Person: b.Person, DocumentType: b.DocumentType,
			Representative: b.Representative, MayHold: b.MayHold, By: "officer:lan", Identity: b.Identity, IdentityFields: b.IdentityFields, DiedOn: b.DiedOn,
			ReportedAccount: b.Reported.Account, ReportedOf: b.Reported.Of,
			Account: last.Account, AccountBank: last.Bank, AccountStatus: last.Status, AccountReason: last.Reason,
		}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestARowAgreesWithTheStateOfItsIssuance(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)
	drafted := accounts.IssuanceDrafted{Issuance: "I1", Unit: unit(), Bank: "ICBVVNVX", Beneficiaries: []string{"B1", "B2"}, Replaces: "B1-1", By: "officer:lan"}
	history := []events.Event{
		drafted,
		accounts.IssuanceSubmitted{Issuance: "I1"},
		accounts.IssuanceApproved{Issuance: "I1", By: "officer:hung"},
		accounts.IssuanceRequested{Issuance: "I1", Requested: 1, LeftOut: 1},
	}
	for n := range history {
		var row Issuance
		i := decider.Fold(issuance.Issuance{}, history[:n+1]...)
		for _, e := range history[:n+1] {
			row = applyToIssuance(row, events.Recorded{Event: e, Meta: events.Meta{OccurredAt: at}})
		}
		want := Issuance{
			Unit: "00004@2025-07-01", Bank: "ICBVVNVX", Status: i.Status, Members: 2, Replaces: "B1-1", By: "officer:lan",
			DecidedBy: i.DecidedBy, Requested: int64(i.Requested), LeftOut: int64(i.LeftOut), DraftedAt: at,
		}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Fatalf("after %d facts: %s", n+1, diff)
		}
	}
	rejected := applyToIssuance(Issuance{}, events.Recorded{Event: accounts.IssuanceRejected{Issuance: "I1", By: "officer:hung"}})
	if rejected.Status != issuance.Rejected || rejected.DecidedBy != "officer:hung" {
		t.Fatalf("%+v", rejected)
	}
}

func TestEveryFactConcernsItsRow(t *testing.T) {
	t.Parallel()
	for _, e := range accounts.IssuanceFacts() {
		if _, ok := issuanceKey(events.Recorded{Event: e}); !ok {
			t.Errorf("%s changes no row", e.EventName())
		}
		if _, ok := beneficiaryKey(events.Recorded{Event: e}); ok {
			t.Errorf("%s is about no beneficiary", e.EventName())
		}
	}
	for _, e := range accounts.BeneficiaryFacts() {
		_, account := beneficiary.AccountOf(e)
		switch e.(type) {
		case accounts.BeneficiaryRegistered, accounts.BeneficiaryCorrected, accounts.BeneficiaryIdentified, accounts.BeneficiaryDied, accounts.BeneficiaryDeathRevoked,
			accounts.DeathReported, accounts.DeathReportDismissed, accounts.DeathReportSettled:
			account = !account
		case accounts.DeathReportNoted:
			account = true // it changes none: who is reported stays who it was
		}
		if !account {
			t.Errorf("%s changes no row", e.EventName())
		}
		if _, ok := issuanceKey(events.Recorded{Event: e}); ok {
			t.Errorf("%s is about no issuance", e.EventName())
		}
	}
}

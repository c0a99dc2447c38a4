package issuance_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/services/accounts/internal/issuance"
)

type (
	facts = []events.Event
	kase  = decidertest.Case[issuance.Issuance]
)

const (
	lan  = "officer:lan"
	hung = "officer:hung"
)

func drafted() accounts.IssuanceDrafted {
	return accounts.IssuanceDrafted{
		Issuance: "I1", Unit: events.Unit{Code: "00004", ValidFrom: "2025-07-01"}, Bank: "ICBVVNVX", Beneficiaries: []string{"B1"}, By: lan,
	}
}

func submitted() accounts.IssuanceSubmitted {
	return accounts.IssuanceSubmitted{Issuance: "I1", By: lan}
}

func approved() accounts.IssuanceApproved { return accounts.IssuanceApproved{Issuance: "I1", By: hung} }

func TestEveryFactHasACase(t *testing.T) {
	t.Parallel()
	decidertest.EvolvesAll[issuance.Issuance](t, accounts.IssuanceFacts())
}

func TestDrafts(t *testing.T) {
	t.Parallel()
	asked, empty, huge := drafted(), drafted(), drafted()
	asked.By, empty.Beneficiaries = "", nil
	huge.Beneficiaries = slices.Repeat([]string{"B1"}, issuance.MaxMembers+1)
	var known problem.Faults
	known.At("/bank", problem.Fault{Code: "bank_unknown"})
	decidertest.Run(t, []kase{
		{Name: "an officer drafts", When: issuance.Draft{Fact: asked}, By: lan, Then: facts{drafted()}},
		{Name: "a batch of nobody is refused", When: issuance.Draft{Fact: empty}, Problem: "issuance_empty"},
		{Name: "a batch of too many is refused", When: issuance.Draft{Fact: huge}, Problem: "issuance_too_large"},
		{Name: "faults that were found before are said", When: issuance.Draft{Fact: asked, Known: known}, Problem: "invalid_body"},
		{Name: "so are refusals", When: issuance.Draft{Fact: asked, Refused: problem.Reject("account_closed", "", "")}, Problem: "account_closed"},
		{Name: "a batch is drafted once", Given: facts{drafted()}, When: issuance.Draft{Fact: asked}, Problem: "issuance_exists"},
	})
}

func TestFourEyes(t *testing.T) {
	t.Parallel()
	rejected := accounts.IssuanceRejected{Issuance: "I1", Note: "V1", By: hung}
	withdrawn := rejected
	withdrawn.By = lan
	requested := accounts.IssuanceRequested{Issuance: "I1", Requested: 1, LeftOut: 2}
	waiting := facts{drafted(), submitted()}
	reject := issuance.Reject{Note: "V1"}
	decidertest.Run(t, []kase{
		{Name: "the maker submits", Given: facts{drafted()}, When: issuance.Submit{}, By: lan, Then: facts{submitted()}},
		{Name: "nobody submits for the maker", Given: facts{drafted()}, When: issuance.Submit{}, By: hung, Problem: "not_the_maker"},
		{Name: "nobody submits twice", Given: waiting, When: issuance.Submit{}, By: lan, Problem: "issuance_not_drafted"},
		{Name: "nobody submits nothing", When: issuance.Submit{}, By: lan, Problem: "issuance_unknown"},
		{Name: "another person approves", Given: waiting, When: issuance.Approve{}, By: hung, Then: facts{approved()}},
		{Name: "the maker does not", Given: waiting, When: issuance.Approve{}, By: lan, Problem: "same_person"},
		{Name: "a draft is not approved", Given: facts{drafted()}, When: issuance.Approve{}, By: hung, Problem: "issuance_not_submitted"},
		{Name: "nobody approves twice", Given: append(waiting[:2:2], approved()), When: issuance.Approve{}, By: hung, Problem: "issuance_approved"},
		{Name: "nobody approves what was rejected", Given: append(waiting[:2:2], rejected), When: issuance.Approve{}, By: hung, Problem: "issuance_rejected"},
		{Name: "nobody approves nothing", When: issuance.Approve{}, By: hung, Problem: "issuance_unknown"},
		{Name: "another person rejects", Given: waiting, When: reject, By: hung, Then: facts{rejected}},
		{Name: "the maker takes back a draft", Given: facts{drafted()}, When: reject, By: lan, Then: facts{withdrawn}},
		{Name: "the maker takes back what was submitted", Given: waiting, When: reject, By: lan, Then: facts{withdrawn}},
		{Name: "nobody else rejects a draft", Given: facts{drafted()}, When: reject, By: hung, Problem: "issuance_not_submitted"},
		{Name: "nobody rejects what was approved", Given: append(waiting[:2:2], approved()), When: reject, By: hung, Problem: "issuance_approved"},
		{
			Name: "the end is recorded", Given: append(waiting[:2:2], approved()), Then: facts{requested},
			When: issuance.Finish{Requested: 1, LeftOut: 2},
		},
		{Name: "the end is recorded once", Given: append(waiting[:2:2], approved(), requested), When: issuance.Finish{Requested: 3}},
		{Name: "what was not approved does not end", Given: waiting, When: issuance.Finish{Requested: 3}},
		{
			Name: "an officer of another unit changes nothing", Given: waiting, By: hung, Problem: "issuance_unknown",
			When: issuance.Owned{Sees: func(events.Unit) bool { return false }, Command: issuance.Approve{}},
		},
		{
			Name: "one of the same unit does", Given: waiting, By: hung, Then: facts{approved()},
			When: issuance.Owned{Sees: func(events.Unit) bool { return true }, Command: issuance.Approve{}},
		},
	})
}

// Whatever three people press in whatever order: what is requested was approved by somebody else than its maker.
func TestNothingIsRequestedWithoutASecondPerson(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var i issuance.Issuance
		var maker string
		for range rapid.IntRange(0, 20).Draw(t, "length") {
			c := rapid.SampledFrom([]decider.Command[issuance.Issuance]{
				issuance.Draft{Fact: drafted()}, issuance.Submit{}, issuance.Approve{}, issuance.Reject{}, issuance.Finish{Requested: 1},
			}).Draw(t, "command")
			m := decider.Meta{Actor: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "actor")}
			decided, err := c.Decide(i, m)
			if err != nil && len(decided) > 0 {
				t.Fatal("a refused command decided facts")
			}
			if i = decider.Fold(i, decided...); maker == "" {
				maker = i.By
			}
			done := i.Status == issuance.Approved || i.Status == issuance.Requested
			if i.By != maker || done && (i.DecidedBy == "" || i.DecidedBy == maker) {
				t.Fatalf("%s is %s by %q", i.Status, i.By, i.DecidedBy)
			}
		}
	})
}

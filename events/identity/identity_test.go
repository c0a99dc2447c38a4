package identity_test

import (
	"testing"

	"github.com/songan-vn/songan/events/eventstest"
	"github.com/songan-vn/songan/events/identity"
)

func TestFactsOfIdentityCanBeReadForEver(t *testing.T) {
	t.Parallel()
	eventstest.Goldens(t, "testdata", identity.Catalog())
}

func TestEveryFactIsAnAnswerOfItsOwn(t *testing.T) {
	t.Parallel()
	answered := map[string]bool{}
	for _, e := range identity.Catalog() {
		a, ok := identity.AnswerOf(e)
		if !ok || a.Result == "" || answered[a.Result] {
			t.Errorf("%s is %+v, %t", e.EventName(), a, ok)
		}
		answered[a.Result] = true
	}
	subject := identity.Subject{Person: "P1", Service: "accounts", Stream: "beneficiary-B1"}
	a, _ := identity.AnswerOf(identity.Mismatched{Subject: subject, Fields: []string{"sex"}})
	if a.Subject != subject || len(a.Fields) != 1 {
		t.Errorf("the answer to a mismatch is %+v", a)
	}
}

package access_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/testkit"
)

// badge is a proof in a header of its own: "good", "away", or a guess.
type badge struct{ header string }

// Credential is the header.
func (b badge) Credential(r *http.Request) string { return r.Header.Get(b.header) }

var errAway = errors.New("away")

// Prove takes what begins well.
func (b badge) Prove(_ context.Context, _ *http.Request, credential string) (access.Principal, error) {
	switch credential {
	case "good", "other":
		return access.Principal{ID: b.header, Role: access.Auditor}, nil
	case "away":
		return access.Principal{}, errAway
	case "weak":
		return access.Principal{}, problem.New(problem.Forbidden, "second_factor_required", "", "")
	}
	return access.Principal{}, problem.New(problem.Unauthenticated, "invalid_token", "", "")
}

func requestWith(t *testing.T, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func TestProofsAreAskedInOrderAndKeysIfThereIsNone(t *testing.T) {
	t.Parallel()
	token, key := access.Generate(hotel())
	a := access.New(access.Options{Now: evening, Proofs: []access.Proof{badge{"First"}, badge{"Second"}}}, access.Static(key))
	for _, c := range []struct {
		headers []string
		id      string
	}{
		{[]string{"First", "good", "Second", "good"}, "First"},
		{[]string{"Second", "good", "Authorization", "Bearer " + token}, "Second"},
		{[]string{"Authorization", "Bearer " + token}, key.ID},
	} {
		if who, err := a.Identify(t.Context(), requestWith(t, c.headers...), "office"); err != nil || who.ID != c.id {
			t.Errorf("%v: %+v, %v", c.headers, who, err)
		}
	}
	// A wrong proof is not helped by a good one, or a good key.
	if _, err := a.Identify(t.Context(), requestWith(t, "First", "x", "Second", "good", "Authorization", "Bearer "+token), "office"); problem.CodeOf(err) != "invalid_token" {
		t.Error(err)
	}
	if _, err := a.Identify(t.Context(), requestWith(t), "office"); problem.CodeOf(err) != "no_credentials" {
		t.Error(err)
	}
	if _, err := a.Identify(t.Context(), requestWith(t, "First", "away"), "office"); !errors.Is(err, errAway) {
		t.Error(err)
	}
}

func TestGuessesAtProofsMakeAnAddressWaitButNotWhatJustWorked(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(evening())
	a := access.New(access.Options{Now: clock.Now, Proofs: []access.Proof{badge{"First"}}})
	try := func(credential, address string) string {
		_, err := a.Identify(t.Context(), requestWith(t, "First", credential), address)
		if err == nil {
			return ""
		}
		return problem.CodeOf(err)
	}
	if code := try("good", "office"); code != "" {
		t.Fatal(code)
	}
	for range 40 { // refusals that are no guesses
		if code := try("weak", "office"); code != "second_factor_required" {
			t.Fatal(code)
		}
	}
	for range 20 {
		if code := try("guess", "office"); code != "invalid_token" {
			t.Fatal(code)
		}
	}
	for credential, want := range map[string]string{"guess": "too_many_failures", "other": "too_many_failures", "good": ""} {
		if code := try(credential, "office"); code != want {
			t.Errorf("%s: %s, want %s", credential, code, want)
		}
	}
	if code := try("other", "elsewhere"); code != "" {
		t.Error("another address has to wait too:", code)
	}
	clock.Advance(time.Minute)
	if code := try("guess", "office"); code != "invalid_token" {
		t.Error(code)
	}
}

func TestWhoIsRefusedIsNotLetInByWhateverTheyShow(t *testing.T) {
	t.Parallel()
	token, key := access.Generate(hotel())
	other, second := access.Generate(access.Principal{ID: "other", Role: access.Auditor})
	plain := access.New(access.Options{Now: evening, Proofs: []access.Proof{badge{"First"}}}, access.Static(key, second))
	var asked []string
	strict := plain.Unless(func(_ context.Context, who access.Principal) error {
		asked = append(asked, who.ID)
		switch who.ID {
		case "First":
			return problem.New(problem.Forbidden, "suspended", "", "")
		case key.ID:
			return errAway
		}
		return nil
	})
	for _, headers := range [][]string{{"First", "good"}, {"Authorization", "Bearer " + token}, {"Authorization", "Bearer " + other}, {"First", "bad"}} {
		_, err := plain.Identify(t.Context(), requestWith(t, headers...), "office")
		if _, got := strict.Identify(t.Context(), requestWith(t, headers...), "office"); (got != nil) != (headers[1] != "Bearer "+other) || (err != nil) != (headers[1] == "bad") {
			t.Errorf("%s: %v, and without the refusal %v", headers[0], got, err)
		}
	}
	if want := []string{"First", key.ID, "other"}; !slices.Equal(asked, want) {
		t.Errorf("asked about %v, want %v", asked, want)
	}
}

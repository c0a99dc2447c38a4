package signin_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin"
)

const (
	recheck = 5 * time.Minute
	grace   = 15 * time.Minute
)

// asked is an office that asks a forger again, and somebody who signed in there.
func asked(t *testing.T) (*office, *forger, *browser) {
	t.Helper()
	var o *office
	f := forge(t, func() time.Time { return o.clock.Now() })
	o = open(t, func(s *signin.Options) {
		s.Issuer, s.Client, s.Recheck, s.Grace = f.server.URL, f.server.Client(), recheck, grace
	})
	b := o.browser()
	at, err := url.Parse(b.get("/auth/v1/login").location())
	if err != nil {
		t.Fatal(err)
	}
	f.say(map[string]any{"nonce": at.Query().Get("nonce")}, "")
	if a := b.get("/auth/v1/callback?code=c&state=" + url.QueryEscape(at.Query().Get("state"))); a.status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return o, f, b
}

// say decides what the provider says about somebody from now on, or with which error it refuses.
func (f *forger) say(changes map[string]any, refusal string) {
	all := map[string]any{"aud": "console", "sub": "somebody", "songan_role": "auditor", "songan_unit": "*"}
	maps.Copy(all, changes)
	raw := f.token(all)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idToken, f.refusal = raw, refusal
}

func (f *forger) refreshes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refreshed
}

func TestARoleThatChangedAtTheProviderReachesTheSession(t *testing.T) {
	t.Parallel()
	o, f, b := asked(t)
	who := func() access.Principal {
		t.Helper()
		return read[access.Principal](t, b.get("/work/v1/things"))
	}
	f.say(map[string]any{"songan_role": "commune_police", "songan_unit": "00004"}, "")
	if p := who(); p.Role != access.Auditor || f.refreshes() != 0 {
		t.Errorf("%+v after %d questions", p, f.refreshes())
	}
	o.clock.Advance(recheck)
	f.say(map[string]any{"songan_role": "commune_police", "songan_unit": "00004"}, "")
	for range 3 { // asked once
		if p := who(); p.Role != access.CommunePolice || p.Unit != "00004" || f.refreshes() != 1 {
			t.Errorf("%+v after %d questions", p, f.refreshes())
		}
	}
	o.clock.Advance(recheck)
	f.say(map[string]any{"songan_role": "treasurer", "songan_unit": "01"}, "")
	refused(t, b.get("/work/v1/things"), http.StatusForbidden, "second_factor_required")
}

func TestAPersonsScopesNarrowTheirSession(t *testing.T) {
	t.Parallel()
	o, f, b := asked(t)
	b.csrf = b.me().CSRF
	for _, c := range []struct {
		scopes string
		want   int
	}{{"work:read", http.StatusForbidden}, {"work", http.StatusOK}, {"accounts", http.StatusForbidden}} {
		o.clock.Advance(recheck)
		f.say(map[string]any{"songan_scopes": c.scopes}, "")
		for range 2 { // from the provider, and from what was kept
			if a := b.post("/work/v1/things", ""); a.status != c.want {
				t.Errorf("%s: %d %s", c.scopes, a.status, a.body)
			}
		}
	}
}

func TestWhoIsNobodyAtTheProviderAnyMoreIsSignedOut(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*forger){
		"dismissed":       func(f *forger) { f.say(nil, "invalid_grant") },
		"without a role":  func(f *forger) { f.say(map[string]any{"songan_role": nil}, "") },
		"without a unit":  func(f *forger) { f.say(map[string]any{"songan_role": "approver"}, "") },
		"a program's":     func(f *forger) { f.say(map[string]any{"songan_role": "service"}, "") },
		"somebody else":   func(f *forger) { f.say(map[string]any{"sub": "other"}, "") },
		"another party's": func(f *forger) { f.say(map[string]any{"azp": "other"}, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, f, b := asked(t)
			o.clock.Advance(recheck)
			leave(f)
			refused(t, b.get("/work/v1/things"), http.StatusUnauthorized, "session_ended")
			f.say(nil, "")
			refused(t, b.get("/work/v1/things"), http.StatusUnauthorized, "session_ended")
		})
	}
}

func TestSessionsOutliveAProviderThatIsAwayForAWhileAndNoLonger(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]string{"it is broken": "server_error", "it does not know us": "invalid_client"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, f, b := asked(t)
			o.clock.Advance(recheck)
			f.say(nil, away)
			for range 5 {
				if a := b.get("/work/v1/things"); a.status != http.StatusOK {
					t.Fatalf("%d %s", a.status, a.body)
				}
			}
			if n := f.refreshes(); n != 1 {
				t.Errorf("five requests asked a provider that is away %d times", n)
			}
			o.clock.Advance(grace)
			refused(t, b.get("/work/v1/things"), http.StatusServiceUnavailable, "sign_in_away")
			o.clock.Advance(time.Minute)
			f.say(nil, "")
			if a := b.get("/work/v1/things"); a.status != http.StatusOK {
				t.Errorf("it is back: %d %s", a.status, a.body)
			}
		})
	}
}

func TestASessionThatCannotBeAskedAboutEndsWithinTheHour(t *testing.T) {
	t.Parallel()
	o := open(t, func(s *signin.Options) { s.Scopes = []string{"songan"}; s.Idle = 2 * time.Hour })
	b := o.browser()
	b.signIn("police")
	o.clock.Advance(time.Hour - time.Second)
	if a := b.get("/work/v1/things"); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	o.clock.Advance(time.Second)
	refused(t, b.get("/work/v1/things"), http.StatusUnauthorized, "session_ended")
}

func TestWhatASignInLeavesInABrowserIsNoMachinesToken(t *testing.T) {
	t.Parallel()
	o, f := forged(t)
	b := o.browser()
	for name, token := range map[string]string{
		"an ID token for the API as well":      f.token(map[string]any{"aud": []string{"console", audience}, "nonce": "x"}),
		"one that goes with an access token":   f.token(map[string]any{"at_hash": "x"}),
		"the console's access token":           f.token(map[string]any{"azp": "console"}),
		"the console's, in another's words":    f.token(map[string]any{"client_id": "console"}),
		"with scopes that cannot be read":      f.token(map[string]any{"songan_scopes": "Accounts!"}),
		"bound to a certificate that is not":   f.token(map[string]any{"cnf": map[string]any{"x5t#S256": "AAAA"}}),
		"bound to a key of DPoP's":             f.token(map[string]any{"cnf": map[string]any{"jkt": "AAAA"}}),
		"bound, it is not said to what":        f.token(map[string]any{"cnf": "AAAA"}),
		"bound to nothing":                     f.token(map[string]any{"cnf": map[string]any{}}),
		"bound to nothing that can be checked": f.token(map[string]any{"cnf": map[string]any{"x5t#S256": 7}}),
	} {
		if a := b.with(http.MethodGet, token); a.status != http.StatusUnauthorized && a.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	narrow := f.token(map[string]any{"songan_scopes": []string{"work:read"}})
	if a := b.with(http.MethodGet, narrow); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	refused(t, b.with(http.MethodPost, narrow), http.StatusForbidden, "scope_not_allowed")
}

func TestKeysThatTheProviderWithdrewStopWorkingAndNewOnesWork(t *testing.T) {
	t.Parallel()
	var o *office
	f := forge(t, func() time.Time { return o.clock.Now() })
	o = open(t, func(s *signin.Options) { s.Issuer, s.Client = f.server.URL, f.server.Client() })
	b := o.browser()
	if a := b.with(http.MethodGet, f.token(nil)); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	old := f.key
	f.rotate("2")
	o.clock.Advance(time.Minute) // a key id that nobody knows is looked for
	if a := b.with(http.MethodGet, f.token(nil)); a.status != http.StatusOK {
		t.Errorf("the new key: %d %s", a.status, a.body)
	}
	stolen := f.signWith(old, "1", f.claims(nil))
	refused(t, b.with(http.MethodGet, stolen), http.StatusUnauthorized, "invalid_token")
	before := f.fetches()
	for i := range 15 { // guesses from one address have a limit of their own
		refused(t, o.browser().with(http.MethodGet, f.signWith(old, fmt.Sprint("made-up-", i), f.claims(nil))), http.StatusUnauthorized, "invalid_token")
	}
	if n := f.fetches() - before; n > 1 {
		t.Errorf("fifteen made-up key ids made us ask %d times", n)
	}
}

func TestTokensAreVerifiedWithTheKeysThatAreThereWhileTheProviderIsAway(t *testing.T) {
	t.Parallel()
	var o *office
	f := forge(t, func() time.Time { return o.clock.Now() })
	o = open(t, func(s *signin.Options) { s.Issuer, s.Client = f.server.URL, f.server.Client() })
	b := o.browser()
	if a := b.with(http.MethodGet, f.token(nil)); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	f.fail(true)
	o.clock.Advance(59 * time.Minute)
	before := f.fetches()
	for range 20 {
		if a := b.with(http.MethodGet, f.token(nil)); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if n := f.fetches() - before; n > 2 { // net/http asks twice when a connection breaks
		t.Errorf("asked %d times", n)
	}
	o.clock.Advance(2 * time.Minute)
	refused(t, b.with(http.MethodGet, f.token(nil)), http.StatusServiceUnavailable, "sign_in_away")
	f.fail(false)
	o.clock.Advance(3 * time.Second)
	if a := b.with(http.MethodGet, f.token(nil)); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

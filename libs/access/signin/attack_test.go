package signin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access/signin"
)

func TestFixationASessionFromBeforeTheSignInIsNobodys(t *testing.T) {
	t.Parallel()
	o := open(t)
	attacker, victim := o.browser(), o.browser()
	attacker.signIn("auditor")
	planted := attacker.cookie("__Host-songan").Value
	victim.plant("__Host-songan", planted)
	victim.signIn("police")
	if victim.cookie("__Host-songan").Value == planted {
		t.Fatal("the token was kept")
	}
	if m := victim.me(); m.ID != "person-police" {
		t.Errorf("%+v", m)
	}
	refused(t, attacker.get("/auth/v1/me"), http.StatusUnauthorized, "session_ended")
	victim.plant("__Host-songan", "made-up-before")
	refused(t, victim.get("/work/v1/things"), http.StatusUnauthorized, "session_ended")
}

func TestFixationTwoCookiesOfTheNameAreNone(t *testing.T) {
	t.Parallel()
	o := open(t)
	attacker := o.browser()
	attacker.signIn("auditor")
	plain := o.browser()
	r := plain.request(http.MethodGet, "/work/v1/things", "")
	value := attacker.cookie("__Host-songan").Value
	r.Header.Set("Cookie", "__Host-songan="+value+"; __Host-songan="+value)
	refused(t, plain.do(r), http.StatusUnauthorized, "no_credentials")
}

func TestCSRFAChangeWithACookieNeedsTheTokenAndOurOwnPages(t *testing.T) {
	t.Parallel()
	o := open(t)
	b, other := o.browser(), o.browser()
	b.signIn("police")
	other.signIn("auditor")
	good := b.csrf
	if a := b.post("/work/v1/things", ""); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, token := range []string{"", "x", other.csrf, b.cookie("__Host-songan").Value} {
		b.csrf = token
		refused(t, b.post("/work/v1/things", ""), http.StatusForbidden, "csrf_token_required")
		refused(t, b.post("/auth/v1/logout", ""), http.StatusForbidden, "csrf_token_required")
	}
	for name, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
		r := b.request(http.MethodPost, "/work/v1/things", "")
		r.Header.Set(signin.CSRFHeader, good)
		r.Header.Set(name, value)
		refused(t, b.do(r), http.StatusForbidden, "csrf_token_required")
	}
	if a := b.get("/work/v1/things"); a.status != http.StatusOK {
		t.Error("looking needs no token")
	}
}

func TestAnAuthorizationHeaderIsNeverHelpedByACookie(t *testing.T) {
	t.Parallel()
	b := open(t).browser()
	b.signIn("police")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, token := range []string{"nonsense", "a.b.c", "sa_a_b"} {
			if a := b.with(method, token); a.status != http.StatusUnauthorized {
				t.Errorf("%s %s: %d %s", method, token, a.status, a.body)
			}
		}
	}
}

func TestTheBrowserIsNeverSentToAnotherSite(t *testing.T) {
	t.Parallel()
	b := open(t).browser()
	for _, back := range []string{
		"https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "evil.example", "javascript:alert(1)",
		"/\t/evil.example", "/x\r\nSet-Cookie: a=b", "///evil.example", "https:/evil.example", "/%zz", " /x",
		"/auth/v1/callback?code=x", "/" + strings.Repeat("x", 600), "http:evil.example", "/ü",
	} {
		a := b.get("/auth/v1/login?return=" + url.QueryEscape(back))
		refused(t, a, http.StatusBadRequest, "invalid_return")
	}
	for _, back := range []string{"", "/", "/console", "/a//b?x=https://evil.example#y", "/%2F%2Fevil.example"} {
		if a := b.get("/auth/v1/login?return=" + url.QueryEscape(back)); a.status != http.StatusFound || !strings.HasPrefix(a.location(), b.url+"/idp/") {
			t.Errorf("%q: %d %s", back, a.status, a.body)
		}
	}
}

func TestEverySignInHasItsOwnStateNonceAndProofKey(t *testing.T) {
	t.Parallel()
	b := open(t).browser()
	seen := map[string]bool{}
	for range 3 {
		at, err := url.Parse(b.get("/auth/v1/login").location())
		if err != nil {
			t.Fatal(err)
		}
		q := at.Query()
		if q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" {
			t.Error(q)
		}
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			if value := q.Get(name); len(value) < 43 || seen[value] {
				t.Errorf("%s is %q", name, value)
			}
			seen[q.Get(name)] = true
		}
	}
}

func TestAnAnswerOfTheProviderIsTakenOnceAndFromTheBrowserThatBegan(t *testing.T) {
	t.Parallel()
	o := open(t)
	b, other := o.browser(), o.browser()
	callback := b.toCallback("police")
	refused(t, other.get(callback), http.StatusUnauthorized, "sign_in_not_begun")
	other.toPage("/") // has begun a sign-in of its own: somebody else's answer is still not its
	refused(t, other.get(callback), http.StatusUnauthorized, "sign_in_not_begun")
	refused(t, b.get(strings.Replace(callback, "state=", "state=x", 1)), http.StatusUnauthorized, "sign_in_not_begun")
	sealed := b.cookie("__Host-songan-login").Value
	if a := b.get(callback); a.status != http.StatusSeeOther {
		t.Fatalf("%d %s", a.status, a.body)
	}
	refused(t, b.get(callback), http.StatusUnauthorized, "sign_in_not_begun")
	b.plant("__Host-songan-login", sealed)
	refused(t, b.get(callback), http.StatusUnauthorized, "sign_in_refused") // the code was used
}

func TestACodeOfAnotherSignInDoesNotFit(t *testing.T) {
	t.Parallel()
	o := open(t)
	thief, b := o.browser(), o.browser()
	stolen, err := url.Parse(b.toCallback("police"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := url.Parse(thief.toCallback("auditor"))
	if err != nil {
		t.Fatal(err)
	}
	q := own.Query()
	q.Set("code", stolen.Query().Get("code")) // with the thief's own state: the proof key does not fit
	own.RawQuery = q.Encode()
	refused(t, thief.get(own.String()), http.StatusUnauthorized, "sign_in_refused")
}

func TestASignInThatTookTooLongOrWasTamperedWithIsNone(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser()
	callback := b.toCallback("police")
	sealed := b.cookie("__Host-songan-login").Value
	flipped := []byte(sealed)
	flipped[len(flipped)/2] ^= 1
	for _, value := range []string{"", "x", string(flipped), strings.Repeat("A", 200)} {
		b.plant("__Host-songan-login", value)
		refused(t, b.get(callback), http.StatusUnauthorized, "sign_in_not_begun")
	}
	b.plant("__Host-songan-login", sealed)
	o.clock.Advance(11 * time.Minute)
	refused(t, b.get(callback), http.StatusUnauthorized, "sign_in_not_begun")
}

func TestAnAnswerThatIsAnErrorOrOfAnotherIssuerIsRefused(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, change := range []func(url.Values){
		func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") },
		func(q url.Values) { q.Set("iss", "https://evil.example") },
	} {
		b := o.browser()
		at, err := url.Parse(b.toCallback("police"))
		if err != nil {
			t.Fatal(err)
		}
		q := at.Query()
		change(q)
		at.RawQuery = q.Encode()
		refused(t, b.get(at.String()), http.StatusUnauthorized, "sign_in_refused")
	}
}

func TestAProviderThatIsAwayIsNobodysFault(t *testing.T) {
	t.Parallel()
	o := open(t, func(s *signin.Options) { s.Issuer += "-not-there" })
	b := o.browser()
	a := b.get("/auth/v1/login")
	refused(t, a, http.StatusServiceUnavailable, "sign_in_away")
	if a.header.Get("Retry-After") == "" {
		t.Error("nobody says when to come again")
	}
}

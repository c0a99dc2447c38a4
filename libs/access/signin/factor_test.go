package signin_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/embedded/oidc"
)

// enrolment is what an authenticator is set up with.
type enrolment struct {
	URI    string `json:"uri"`
	Secret string `json:"secret"`
}

// code is what the authenticator shows, on the clock of the office.
func (o *office) code(secret string) string {
	o.t.Helper()
	code, err := oidc.TOTPCode(secret, o.clock.Now())
	if err != nil {
		o.t.Fatal(err)
	}
	return code
}

// show sends a code.
func (b *browser) show(path, code string) answer {
	b.t.Helper()
	return b.post("/auth/v1/factor"+path, fmt.Sprintf(`{"code":%q}`, code))
}

// enrol sets an authenticator up, and waits until its code was used.
func (b *browser) enrol() (secret string, recovery []string) {
	b.t.Helper()
	e := read[enrolment](b.t, b.post("/auth/v1/factor/enrol", ""))
	m := read[me](b.t, b.show("/confirm", b.code(e.Secret)))
	b.csrf = m.CSRF
	b.clock.Advance(time.Minute)
	return e.Secret, m.RecoveryCodes
}

func TestWhoHandlesMoneyNeedsASecondFactor(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser()
	b.signIn("treasurer") // whom the provider asked for a password only
	refused(t, b.get("/work/v1/things"), http.StatusForbidden, "second_factor_required")
	refused(t, b.post("/work/v1/things", ""), http.StatusForbidden, "second_factor_required")
	if got := b.me().SecondFactor; got != "to_set_up" {
		t.Error(got)
	}
	before := b.cookie("__Host-songan").Value
	e := read[enrolment](t, b.post("/auth/v1/factor/enrol", ""))
	uri, err := url.Parse(e.URI)
	if err != nil || uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Query().Get("secret") != e.Secret || !strings.Contains(uri.Path, "person-treasurer") {
		t.Error(e.URI, err)
	}
	refused(t, b.show("/confirm", "000000"), http.StatusUnprocessableEntity, "wrong_code")
	refused(t, b.get("/work/v1/things"), http.StatusForbidden, "second_factor_required")
	m := read[me](t, b.show("/confirm", o.code(e.Secret)))
	if m.SecondFactor != "given" || len(m.RecoveryCodes) != 10 {
		t.Errorf("%+v", m)
	}
	if b.cookie("__Host-songan").Value == before || m.CSRF == b.csrf {
		t.Error("the session was not replaced")
	}
	b.csrf = m.CSRF
	if a := b.post("/work/v1/things", ""); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	old := o.browser()
	old.plant("__Host-songan", before)
	refused(t, old.get("/auth/v1/me"), http.StatusUnauthorized, "session_ended")
}

func TestAFactorThatTheProviderAskedForIsEnough(t *testing.T) {
	t.Parallel()
	b := open(t).browser()
	b.signIn("chairman")
	if got := b.me().SecondFactor; got != "given" {
		t.Error(got)
	}
	if a := b.post("/work/v1/things", ""); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestACodeOfTheProvidersAuthenticatorWorksOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	first, second := o.browser(), o.browser()
	code, err := oidc.TOTPCode(o.totp["chairman"], time.Now())
	if err != nil {
		t.Fatal(err)
	}
	enter := func(b *browser) answer {
		page := b.fill(b.toPage("/"), map[string]string{"name": "chairman", "password": password})
		return b.fill(page, map[string]string{"code": code})
	}
	if a := enter(first); a.status != http.StatusFound {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := enter(second); a.status != http.StatusUnauthorized {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestACodeOfOurAuthenticatorWorksOnceAndForASessionOnly(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser()
	b.signIn("treasurer")
	secret, _ := b.enrol()
	one, two := o.browser(), o.browser()
	one.signIn("treasurer")
	two.signIn("treasurer")
	if got := one.me().SecondFactor; got != "needed" {
		t.Error(got)
	}
	code := o.code(secret)
	if a := one.show("", code); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	refused(t, two.show("", code), http.StatusUnprocessableEntity, "wrong_code")
	refused(t, two.get("/work/v1/things"), http.StatusForbidden, "second_factor_required")
	o.clock.Advance(-30 * time.Second)
	refused(t, two.show("", o.code(secret)), http.StatusUnprocessableEntity, "wrong_code") // older than the last one
	o.clock.Advance(90 * time.Second)
	ahead, err := oidc.TOTPCode(secret, o.clock.Now().Add(30*time.Second)) // a telephone that is fast
	if err != nil {
		t.Fatal(err)
	}
	if a := two.show("", ahead); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestGuessingCodesTakesLongerAndLongerAndARecoveryCodeStillWorks(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser()
	b.signIn("treasurer")
	secret, recovery := b.enrol()
	b.signIn("treasurer")
	for range 5 {
		refused(t, b.show("", "000000"), http.StatusUnprocessableEntity, "wrong_code")
	}
	for _, wait := range []string{"30", "60", "120"} {
		a := b.show("", o.code(secret))
		refused(t, a, http.StatusTooManyRequests, "too_many_codes")
		if got := a.header.Get("Retry-After"); got != wait {
			t.Errorf("has to wait %q s, want %s", got, wait)
		}
		seconds, err := time.ParseDuration(wait + "s")
		if err != nil {
			t.Fatal(err)
		}
		o.clock.Advance(seconds)
		refused(t, b.show("", "000000"), http.StatusUnprocessableEntity, "wrong_code")
	}
	refused(t, b.show("", "aaaa-bbbb-cccc-dddd"), http.StatusUnprocessableEntity, "wrong_code")
	if m := read[me](t, b.show("", strings.ToUpper(recovery[3]))); m.SecondFactor != "given" {
		t.Errorf("%+v", m)
	}
	b.signIn("treasurer")
	refused(t, b.show("", recovery[3]), http.StatusUnprocessableEntity, "wrong_code") // it was used
	if m := read[me](t, b.show("", recovery[4])); m.SecondFactor != "given" {
		t.Errorf("%+v", m)
	}
}

func TestAPasswordAloneDoesNotReplaceAnAuthenticator(t *testing.T) {
	t.Parallel()
	o := open(t)
	owner, thief := o.browser(), o.browser()
	owner.signIn("treasurer")
	first, _ := owner.enrol()
	thief.signIn("treasurer")
	refused(t, thief.post("/auth/v1/factor/enrol", ""), http.StatusForbidden, "second_factor_required")
	// Nor does a session with a second factor that somebody left open: the code is asked for again.
	refused(t, owner.post("/auth/v1/factor/enrol", ""), http.StatusForbidden, "second_factor_required")
	refused(t, owner.show("/enrol", "000000"), http.StatusUnprocessableEntity, "wrong_code")
	refused(t, thief.show("/enrol", o.code(first)), http.StatusForbidden, "second_factor_required")
	second := read[enrolment](t, owner.show("/enrol", o.code(first)))
	refused(t, owner.show("/enrol", o.code(first)), http.StatusUnprocessableEntity, "wrong_code") // worked once
	refused(t, thief.show("/confirm", o.code(second.Secret)), http.StatusForbidden, "second_factor_required")
	if a := owner.show("/confirm", o.code(second.Secret)); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	o.clock.Advance(time.Minute)
	refused(t, thief.show("", o.code(first)), http.StatusUnprocessableEntity, "wrong_code")
	if a := thief.show("", o.code(second.Secret)); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAFirstAuthenticatorIsSetUpRightAfterSigningIn(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser()
	b.signIn("treasurer")
	refused(t, b.show("", "123456"), http.StatusUnprocessableEntity, "no_second_factor")
	refused(t, b.show("/confirm", "123456"), http.StatusUnprocessableEntity, "no_second_factor")
	o.clock.Advance(11 * time.Minute)
	refused(t, b.post("/auth/v1/factor/enrol", ""), http.StatusForbidden, "sign_in_again")
}

func TestALostAuthenticatorIsResetByAnOperator(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser()
	b.signIn("treasurer")
	_, recovery := b.enrol()
	if err := o.signin.ResetFactor(t.Context(), "person-treasurer"); err != nil {
		t.Fatal(err)
	}
	refused(t, b.get("/work/v1/things"), http.StatusUnauthorized, "session_ended")
	b.signIn("treasurer")
	if got := b.me().SecondFactor; got != "to_set_up" {
		t.Error(got)
	}
	refused(t, b.show("", recovery[0]), http.StatusUnprocessableEntity, "no_second_factor")
}

func TestACodeIsReadStrictlyAndNeverRepeated(t *testing.T) {
	t.Parallel()
	b := open(t).browser()
	b.signIn("treasurer")
	for _, body := range []string{`{"code":1}`, `{"kode":"1"}`, `{`, ``, `{"code":"` + strings.Repeat("x", 5000) + `"}`} {
		if a := b.post("/auth/v1/factor", body); a.status < 400 || a.status >= 500 {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	if a := b.show("", "notanumber"); strings.Contains(a.body+b.log.String(), "notanumber") {
		t.Error("the code stands in the answer or the log")
	}
}

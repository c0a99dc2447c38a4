package signin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin"
)

func TestAPersonSignsInAndTheSessionIsAPrincipal(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser()
	refused(t, b.get("/auth/v1/me"), http.StatusUnauthorized, "not_signed_in")
	refused(t, b.get("/work/v1/things"), http.StatusUnauthorized, "no_credentials")
	done := b.get(b.fill(b.toPage("/console/?tab=1#x"), map[string]string{"name": "police", "password": password}).location())
	if done.status != http.StatusSeeOther || done.location() != "/console/?tab=1#x" {
		t.Fatalf("%d %s", done.status, done.location())
	}
	m := b.me()
	if want := (me{ID: "person-police", Role: "commune_police", Unit: "00004", SecondFactor: "not_needed", CSRF: m.CSRF}); !cmp.Equal(m, want) {
		t.Error(cmp.Diff(want, m))
	}
	want := access.Principal{ID: "person-police", Role: access.CommunePolice, Unit: "00004"}
	if got := read[access.Principal](t, b.get("/work/v1/things")); got != want {
		t.Errorf("%+v", got)
	}
	if log := o.log.String(); strings.Contains(log, m.CSRF) || strings.Contains(log, b.cookie("__Host-songan").Value) {
		t.Error("a secret stands in the log")
	}
}

func TestTheSessionCookieIsOutOfReachOfScriptsAndOtherSites(t *testing.T) {
	t.Parallel()
	b := open(t).browser()
	done := b.get(b.toCallback("police"))
	var found *http.Cookie
	for _, line := range done.header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		if c.Name == "__Host-songan" {
			found = c
		}
	}
	if found == nil || !found.Secure || !found.HttpOnly || found.SameSite != http.SameSiteLaxMode || found.Path != "/" || found.Domain != "" || len(found.Value) != 43 {
		t.Errorf("%+v", found)
	}
	if b.cookie("__Host-songan-login") != nil {
		t.Error("what was remembered during sign-in is still there")
	}
}

func TestASessionEndsWhenNobodyUsesItAndAtTheLatestAfterItsLife(t *testing.T) {
	t.Parallel()
	o := open(t)
	idle, busy := o.browser(), o.browser()
	idle.signIn("police")
	busy.signIn("auditor")
	for range 29 { // of 20 minutes: used all the time
		o.clock.Advance(20 * time.Minute)
		if a := busy.get("/work/v1/things"); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	refused(t, idle.get("/work/v1/things"), http.StatusUnauthorized, "session_ended")
	o.clock.Advance(20 * time.Minute)
	refused(t, busy.get("/work/v1/things"), http.StatusUnauthorized, "session_ended")
}

func TestSigningOutEndsTheSessionWhereverTheCookieIs(t *testing.T) {
	t.Parallel()
	o := open(t)
	b, thief := o.browser(), o.browser()
	b.signIn("police")
	thief.plant("__Host-songan", b.cookie("__Host-songan").Value)
	out := read[map[string]string](t, b.post("/auth/v1/logout", ""))
	if b.cookie("__Host-songan") != nil {
		t.Error("the cookie is still there")
	}
	refused(t, thief.get("/work/v1/things"), http.StatusUnauthorized, "session_ended")
	end := b.get(out["next"])
	if end.status != http.StatusFound || end.location() != o.url+"/" {
		t.Errorf("the provider answered %d %q to %s", end.status, end.location(), out["next"])
	}
}

func TestSessionsAreRevokedOneByOneOrAllOfAPersonAtOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	one, two, other := o.browser(), o.browser(), o.browser()
	one.signIn("police")
	o.clock.Advance(time.Second)
	two.signIn("police")
	other.signIn("auditor")
	sessions, err := o.signin.Sessions(t.Context(), "person-police")
	if err != nil || len(sessions) != 2 {
		t.Fatal(sessions, err)
	}
	if ok, err := o.signin.Revoke(t.Context(), sessions[1].ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	refused(t, one.get("/work/v1/things"), http.StatusUnauthorized, "session_ended")
	if a := two.get("/work/v1/things"); a.status != http.StatusOK {
		t.Error(a)
	}
	if err := o.signin.RevokePerson(t.Context(), "person-police"); err != nil {
		t.Fatal(err)
	}
	refused(t, two.get("/work/v1/things"), http.StatusUnauthorized, "session_ended")
	if a := other.get("/work/v1/things"); a.status != http.StatusOK {
		t.Error(a)
	}
	if ok, err := o.signin.Revoke(t.Context(), "no id"); ok || err != nil {
		t.Error(ok, err)
	}
}

func TestSigningOutEverywhereEndsAllOfOnesSessions(t *testing.T) {
	t.Parallel()
	o := open(t)
	one, two := o.browser(), o.browser()
	one.signIn("police")
	two.signIn("police")
	if a := one.post("/auth/v1/logout", `{"everywhere":true}`); a.status != http.StatusOK {
		t.Fatal(a)
	}
	refused(t, two.get("/work/v1/things"), http.StatusUnauthorized, "session_ended")
}

func TestOnlySoManySessionsOfAPersonLive(t *testing.T) {
	t.Parallel()
	o := open(t)
	first := o.browser()
	first.signIn("police")
	for range 10 {
		o.clock.Advance(time.Second)
		o.browser().signIn("police")
	}
	refused(t, first.get("/work/v1/things"), http.StatusUnauthorized, "session_ended")
}

func TestAnAccountWithoutAClearRoleOrItsBoundsIsRefused(t *testing.T) {
	t.Parallel()
	o := open(t)
	for name, code := range map[string]string{"nobody": "no_single_role", "unitless": "claims_incomplete", "robot": "role_not_allowed"} {
		b := o.browser()
		refused(t, b.get(b.toCallback(name)), http.StatusForbidden, code)
		if b.cookie("__Host-songan") != nil {
			t.Error(name, "has a session")
		}
	}
}

func TestBrowsersSeeARefusalAsAPageInVietnamese(t *testing.T) {
	t.Parallel()
	b := open(t).browser()
	r := b.request(http.MethodGet, "/auth/v1/callback?state=x&code=y", "")
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	a := b.do(r)
	if a.status != http.StatusUnauthorized || !strings.Contains(a.body, "Đăng nhập lại") || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAnAPIKeyATokenAndACookieLiveSideBySide(t *testing.T) {
	t.Parallel()
	o := open(t)
	b := o.browser()
	b.signIn("police")
	for token, want := range map[string]access.Principal{
		apiKey:             {ID: "key", Role: access.Auditor},
		o.token("machine"): {ID: "machine", Role: access.Bank, Bank: "ICBVVNVX"},
	} {
		if got := read[access.Principal](t, b.with(http.MethodGet, token)); got != want {
			t.Errorf("%+v", got)
		}
		if got := read[access.Principal](t, b.with(http.MethodPost, token)); got != want {
			t.Errorf("%+v", got)
		}
	}
	refused(t, b.with(http.MethodGet, "sa_key_wrong"), http.StatusUnauthorized, "invalid_key")
}

// An administrator who cuts somebody off cuts off their keys, too.
func TestWhoIsCutOffIsNamedToTheKeeperOfKeys(t *testing.T) {
	t.Parallel()
	var got []string
	o := open(t, func(s *signin.Options) {
		s.AlsoRevoke = func(_ context.Context, person, by string) error {
			got = append(got, person, by)
			return nil
		}
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/v1/people/person-police/revocation", nil)
	r.Header.Set("Authorization", "Bearer "+o.boss)
	w := httptest.NewRecorder()
	o.server.Config.Handler.ServeHTTP(w, r)
	if want := []string{"person-police", "officer:boss"}; w.Code != http.StatusOK || !cmp.Equal(got, want) {
		t.Errorf("%d %s: %v", w.Code, w.Body, got)
	}
}

// Whoever cuts somebody off names them by the id that facts have. A number in its place is refused, and a name does not stand in
// the log; an id that only reads like a name is cut off all the same.
func TestAPersonsNameOrNumberIsNobodysID(t *testing.T) {
	t.Parallel()
	var got []string
	o := open(t, func(s *signin.Options) {
		s.AlsoRevoke = func(_ context.Context, person, _ string) error { got = append(got, person); return nil }
	})
	post := func(path string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/v1/people/"+path, nil)
		r.Header.Set("Authorization", "Bearer "+o.boss)
		w := httptest.NewRecorder()
		o.server.Config.Handler.ServeHTTP(w, r)
		return w.Code
	}
	for _, number := range []string{"001090123456", "0912345678", "001.090.123.456"} {
		for _, what := range []string{"/revocation", "/factor-reset"} {
			if status := post(number + what); status != http.StatusUnprocessableEntity {
				t.Errorf("%s%s: %d", number, what, status)
			}
		}
	}
	ids := []string{"person-police", "163840776835432705", "550e8400-e29b-41d4-a716-446655440000", "mo5xlk3a2ty4d4qec7hpmbage4"}
	names := []string{"ha-noi-desk", "nguyen-van-an", "nguyen.thi.minh.khai.1990", "C1234567"}
	for _, id := range append(ids, names...) {
		for _, what := range []string{"/revocation", "/factor-reset"} {
			if status := post(id + what); status != http.StatusOK {
				t.Errorf("%s%s: %d", id, what, status)
			}
		}
	}
	text := o.log.String()
	for _, id := range ids {
		if strings.Count(text, id) < 2 {
			t.Errorf("who was cut off, %s, is missing in\n%s", id, text)
		}
	}
	for _, id := range append(names, "001090123456", "0912345678", "001.090.123.456") {
		if strings.Contains(text, id) {
			t.Errorf("the log names %s:\n%s", id, text)
		}
	}
	if want := append(ids, names...); !cmp.Equal(got, want) {
		t.Error(got)
	}
}

package keybook_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/access"
)

func TestAKeyActsInNobodysName(t *testing.T) {
	t.Parallel()
	d := open(t)
	for i, holder := range []string{"demo-lisa", "key-demo-lisa"} {
		_, token := d.issue(fmt.Sprint(i), object{"holder": holder, "role": "steering"})
		who, err := d.auth.Authenticate(t.Context(), "Bearer "+token, "192.0.2.1")
		if want := (access.Principal{ID: "key-demo-lisa", Role: access.Steering}); err != nil || who != want {
			t.Errorf("%s: %+v %v", holder, who, err)
		}
		_, list := d.call(access.Auditor, http.MethodGet, "/keys?holder="+holder, "", nil)
		if items := list["items"].([]any); len(items) != i+1 || items[0].(object)["holder"] != "key-demo-lisa" {
			t.Errorf("%s: %v", holder, list)
		}
	}
}

// scoped makes the administrator of the test one with a key of some scopes.
func (d *desk) scoped(scopes string) {
	d.t.Helper()
	_, d.tokens[access.Admin] = d.issue("scoped", object{"holder": "scoped", "role": "admin", "scopes": scopes})
}

func TestWhoHasScopesGivesOutNoneThatAreWider(t *testing.T) {
	t.Parallel()
	d := open(t)
	wide, _ := d.issue("wide", object{"holder": "wide", "role": "admin", "scopes": "access accounts"})
	narrow, _ := d.issue("narrow", object{"holder": "narrow", "role": "admin", "scopes": "access:read"})
	d.scoped("access disbursement:read")
	attempts := 0
	for scopes, want := range map[string]int{
		"access": http.StatusCreated, "access:read disbursement:read": http.StatusCreated,
		"accounts": http.StatusForbidden, "access disbursement": http.StatusForbidden, "*:read": http.StatusForbidden,
	} {
		attempts++
		if status, answer := d.call(access.Admin, http.MethodPost, "/keys", fmt.Sprint("attempt-", attempts), object{"holder": "x", "role": "admin", "scopes": scopes}); status != want {
			t.Errorf("%s: %d %v", scopes, status, answer)
		}
	}
	if status, answer := d.call(access.Admin, http.MethodPost, "/keys", "all", object{"holder": "x", "role": "auditor"}); answer["code"] != "scope_not_allowed" {
		t.Errorf("an auditor of everything: %d %v", status, answer)
	}
	for id, want := range map[string]int{wide: http.StatusForbidden, narrow: http.StatusCreated} {
		if status, answer := d.call(access.Admin, http.MethodPost, "/keys/"+id+"/rotation", "r", object{}); status != want {
			t.Errorf("rotation: %d %v, want %d", status, answer, want)
		}
	}
}

func TestAnotherRequestWithTheSameIdempotencyKeyIsRefused(t *testing.T) {
	t.Parallel()
	d := open(t)
	a, token := d.issue("one", robot())
	b, _ := d.issue("two", robot())
	later := robot()
	later["expires_at"] = d.clock.Now().AddDate(0, 1, 0)
	status, answer := d.call(access.Admin, http.MethodPost, "/keys", "one", later)
	got := []any{status, answer["code"]}
	rotate := func(id string, body object) (int, object) {
		return d.call(access.Admin, http.MethodPost, "/keys/"+id+"/rotation", "one", body)
	}
	status, first := rotate(a, object{}) // another route: another key
	got = append(got, status, first["token"] != token)
	status, answer = rotate(a, object{"old_until": d.clock.Now().AddDate(0, 1, 0)})
	got = append(got, status, answer["code"])
	status, second := rotate(b, object{}) // another key's successor
	got = append(got, status, second["token"] != first["token"] && second["key"] != first["key"])
	status, again := rotate(a, object{})
	got = append(got, status, again["token"] == first["token"])
	want := []any{422, "idempotency_key_reused", 201, true, 422, "idempotency_key_reused", 201, true, 201, true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// An administrator who is cut off leaves nothing behind that opens: no key of theirs, none that they gave out, no successor of
// one of those that somebody else made, and nothing that was given out with one.
func TestWhoIsCutOffLosesTheKeysThatCameOfThem(t *testing.T) {
	t.Parallel()
	d := open(t)
	boss := "boss-admin"
	admin := d.tokens[access.Admin]
	given, givenToken := d.issue("given", object{"holder": "helper", "role": "admin", "scopes": "access"})
	other := d.as("other-admin")
	_, answer := d.call(access.Admin, http.MethodPost, "/keys/"+given+"/rotation", "successor", object{})
	successor := answer["token"].(string)
	d.tokens[access.Admin] = successor
	_, grandchild := d.issue("grandchild", object{"holder": "x", "role": "auditor", "scopes": "access:read"})
	d.tokens[access.Admin] = other
	_, unrelated := d.issue("unrelated", robot())
	d.tokens[access.Admin] = admin
	check := func() (codes []string) {
		for _, token := range []string{givenToken, successor, grandchild, unrelated} {
			codes = append(codes, opens(t, d.auth, token))
		}
		return codes
	}
	before := check()
	if err := d.book.RevokePerson(t.Context(), boss, "officer:other-admin"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"", "", "", ""}, {"key_revoked", "key_revoked", "key_revoked", ""}}, [][]string{before, check()}); diff != "" {
		t.Error(diff)
	}
	now := d.clock.Now()
	for _, c := range []struct {
		since  time.Time
		people []string
		want   bool
	}{
		{now, []string{"nobody", boss}, true},
		{now.Add(-time.Hour), []string{boss}, true},
		{now.Add(time.Second), []string{boss}, false},
		{now, []string{"key-helper"}, true},
		{now, []string{"other-admin", "key-robot"}, false},
		{now, nil, false},
	} {
		if is, err := d.book.CutOff(t.Context(), c.since, c.people...); err != nil || is != c.want {
			t.Errorf("%v cut off since %s: %t %v", c.people, c.since, is, err)
		}
	}
	if err := d.book.RevokePerson(t.Context(), "key-robot", "officer:other-admin"); err != nil { // by the holder
		t.Fatal(err)
	}
	if got := opens(t, d.auth, unrelated); got != "key_revoked" {
		t.Error(got)
	}
}

// as makes the administrator of the test another one.
func (d *desk) as(id string) (token string) {
	d.t.Helper()
	token, key := access.Generate(access.Principal{ID: id, Role: access.Admin})
	d.ring[key.ID], d.tokens[access.Admin] = key, token
	return token
}

// A facility's key shows guests whom administrators see masked.
func TestAnAdministratorGivesOutNoKeyOfAFacility(t *testing.T) {
	t.Parallel()
	d := open(t)
	status, answer := d.call(access.Admin, http.MethodPost, "/keys", "one", object{"holder": "x", "role": "facility"})
	if status != http.StatusUnprocessableEntity || !strings.Contains(fmt.Sprint(answer["errors"]), "role_without_keys") {
		t.Errorf("%d %v", status, answer)
	}
}

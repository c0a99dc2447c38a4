package access_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/problem"
)

func TestScopesNarrowWhatARoleMayCall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scopes         access.Scopes
		service        string
		reads, changes bool
	}{
		{"", "accounts", true, true},
		{"accounts", "accounts", true, true},
		{"accounts:read", "accounts", true, false},
		{"accounts:read disbursement", "disbursement", true, true},
		{"accounts:read disbursement", "accounts", true, false},
		{"accounts", "accommodation", false, false},
		{"accounts", "account", false, false},
		{"*:read", "accounts", true, false},
		{"*", "accounts", true, true},
		{" ", "accounts", false, false},
	} {
		if r, w := c.scopes.Allow(c.service, access.Reading), c.scopes.Allow(c.service, access.Changing); r != c.reads || w != c.changes {
			t.Errorf("%q at %s: reading %v, changing %v", c.scopes, c.service, r, w)
		}
	}
	for _, bad := range []access.Scopes{" ", "Accounts", "accounts:write", ":read", "a,b", access.Scopes(strings.Repeat("a ", 300))} {
		if bad.Check() == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestAKeyIsReplacedAndBothWorkForAWhile(t *testing.T) {
	t.Parallel()
	now, until := evening(), evening().Add(24*time.Hour)
	_, key := access.Generate(access.Principal{ID: "robot", Role: access.Service, Scopes: "accounts:read"})
	key.ExpiresAt = evening().Add(30 * 24 * time.Hour)
	token, next, old, err := key.Rotate(now, until, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := key
	want.Replaced, want.ExpiresAt = true, until
	if d := cmp.Diff(want, old); d != "" {
		t.Error(d)
	}
	if next.Principal != key.Principal || next.ExpiresAt != key.ExpiresAt || next.ID == key.ID {
		t.Errorf("%+v", next)
	}
	ring := access.Static(next, old)
	for at, code := range map[time.Time]string{until.Add(-time.Second): "", until: "key_replaced"} {
		a := access.New(access.Options{Now: func() time.Time { return at }}, ring)
		if _, err := a.Authenticate(t.Context(), "Bearer "+token, "192.0.2.1"); err != nil {
			t.Error(err)
		}
		oldToken, known := access.Token(key.ID, []byte("x"), key.Principal)
		old.Hash = known.Hash
		a = access.New(access.Options{Now: func() time.Time { return at }}, access.Static(old))
		if _, err := a.Authenticate(t.Context(), "Bearer "+oldToken, "192.0.2.1"); err == nil != (code == "") || err != nil && problem.CodeOf(err) != code {
			t.Errorf("at %s: %v", at, err)
		}
	}
	for name, err := range map[string]error{
		"in the past": rotate(key, now, now.Add(-time.Second)), "too late": rotate(key, now, now.Add(access.MostOverlap+time.Second)),
	} {
		if !errors.Is(err, access.ErrOverlap) {
			t.Error(name, err)
		}
	}
	revoked := key
	revoked.Revoked = true
	for name, k := range map[string]access.Key{"replaced": old, "revoked": revoked} {
		if err := rotate(k, now, until); !errors.Is(err, access.ErrNotRotated) {
			t.Error(name, err)
		}
	}
	if err := rotate(key, key.ExpiresAt, key.ExpiresAt); !errors.Is(err, access.ErrNotRotated) {
		t.Error("expired", err)
	}
}

func rotate(k access.Key, now, until time.Time) error {
	_, _, _, err := k.Rotate(now, until, 0)
	return err
}

package oidc

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// refreshed asks for new tokens.
func (h *house) refreshed(client, token string) answer {
	h.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	return h.do(http.MethodPost, "/token", form.Encode(), h.as(client))
}

// stays signs an in, and asks to be able to ask again.
func (h *house) stays() tokenAnswer {
	h.t.Helper()
	page := h.get(h.get(asking(map[string]string{"scope": "openid songan offline_access"})).location())
	back, err := url.Parse(h.fill(page, map[string]string{"name": "an", "password": right}, from("1")).location())
	if err != nil {
		h.t.Fatal(err)
	}
	return tokensOf(h.t, h.exchange("console", back.Query().Get("code"), nil))
}

func TestARefreshTokenTellsWhatAUserMayDoNow(t *testing.T) {
	t.Parallel()
	h := open(t)
	first := h.stays()
	if first.Refresh == "" {
		t.Fatal("no refresh token")
	}
	if plain := tokensOf(t, h.exchange("console", h.code(), nil)); plain.Refresh != "" {
		t.Error("who did not ask for offline access got it")
	}
	h.restart(func(o *Options) { o.Users[0].Claims = map[string]any{"songan_role": "auditor"} })
	next := tokensOf(t, h.refreshed("console", first.Refresh))
	if c := claimsOf(t, next.ID); c["songan_role"] != "auditor" || c["sub"] != "person-an" || c["songan_unit"] != nil {
		t.Errorf("%v", c)
	}
	h.advance(refreshLife)
	for name, token := range map[string]string{"old": first.Refresh, "renewed, and as old": next.Refresh} {
		if a := h.refreshed("console", token); a.fault() != "invalid_grant" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestARefreshTokenIsOfNoUseToOthers(t *testing.T) {
	t.Parallel()
	h := open(t)
	token := h.stays().Refresh
	for name, a := range map[string]answer{
		"another client": h.refreshed("other", token), "a machine": h.refreshed("machine", token),
		"tampered with": h.refreshed("console", token[:len(token)-2]+"AA"), "made up": h.refreshed("console", "x"), "none": h.refreshed("console", ""),
	} {
		if a.status < http.StatusBadRequest || a.status >= http.StatusInternalServerError {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	h.restart(func(o *Options) { o.Users = o.Users[1:] })
	if a := h.refreshed("console", token); a.fault() != "invalid_grant" {
		t.Errorf("of somebody who has left: %d %s", a.status, a.body)
	}
	path := filepath.Join(h.options.Dir, refreshKeyFile)
	if err := os.Chmod(path, 0o644); err != nil { //nolint:gosec // that is the test
		t.Fatal(err)
	}
	if _, err := New(h.options); err == nil {
		t.Error("a key that others read was taken")
	}
}

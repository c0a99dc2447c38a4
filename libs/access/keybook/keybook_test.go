package keybook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/keybook"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/testkit/policytest"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// desk is an administrator's, with another process beside it that takes the same keys.
type desk struct {
	t       *testing.T
	pool    *pgxpool.Pool
	clock   *testkit.Clock
	book    *keybook.Book
	auth    *access.Authenticator
	other   *access.Authenticator
	handler http.Handler
	tokens  map[access.Role]string
	ring    access.StaticKeyring
}

func open(t *testing.T) *desk {
	t.Helper()
	pool := testkit.Postgres(t)
	if err := keybook.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, pool: pool, clock: testkit.NewClock(time.Now().Truncate(time.Second).UTC()), tokens: map[access.Role]string{}}
	ring := access.StaticKeyring{}
	d.ring = ring
	for _, role := range access.Roles() {
		token, key := access.Generate(access.Principal{Role: role, ID: "boss-" + strings.ReplaceAll(string(role), "_", "-")})
		d.tokens[role], ring[key.ID] = token, key
	}
	var other *keybook.Book
	d.book, other = d.open(), d.open()
	d.auth = access.New(access.Options{Now: d.clock.Now, Used: d.book.Uses.Note}, ring, d.book.Keyring())
	d.other = access.New(access.Options{Now: d.clock.Now}, other.Keyring())
	d.handler = d.book.Handler(httpapi.Options{
		Policy: policytest.Load(t, time.Now),
		Auth:   d.auth, Now: d.clock.Now, Log: zap.NewNop(), Metrics: prometheus.NewRegistry(), Limits: httpapi.DefaultLimits(),
	})
	return d
}

func (d *desk) open() *keybook.Book {
	d.t.Helper()
	b, err := keybook.Open(d.pool, keybook.Options{Secret: bytes.Repeat([]byte{3}, 32), Now: d.clock.Now, Log: zap.NewNop()})
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

type object = map[string]any

// call sends a request with an Idempotency-Key.
func (d *desk) call(role access.Role, method, path, key string, body any) (int, object) {
	d.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	if body == nil {
		data = nil
	}
	r := httptest.NewRequestWithContext(d.t.Context(), method, "/access/v1"+path, bytes.NewReader(data))
	r.Header.Set("Authorization", "Bearer "+d.tokens[role])
	r.Header.Set("Content-Type", "application/json")
	if method == http.MethodPost {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	var answer object
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		d.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Code, answer
}

// issue makes a key and returns its id and token.
func (d *desk) issue(key string, body object) (id, token string) {
	d.t.Helper()
	status, answer := d.call(access.Admin, http.MethodPost, "/keys", key, body)
	if status != http.StatusCreated {
		d.t.Fatalf("%d %v", status, answer)
	}
	return answer["key"].(string), answer["token"].(string)
}

func robot() object {
	return object{"holder": "robot", "role": "auditor", "scopes": "accounts:read"}
}

// opens returns "" when a token lets in, or the code of the refusal.
func opens(t *testing.T, at *access.Authenticator, token string) string {
	t.Helper()
	_, err := at.Authenticate(t.Context(), "Bearer "+token, "192.0.2.1")
	if err == nil {
		return ""
	}
	return problem.CodeOf(err)
}

func TestAKeyIsGivenOutOnceAndOnlyItsHashIsKept(t *testing.T) {
	t.Parallel()
	d := open(t)
	id, token := d.issue("one", robot())
	again, same := d.issue("one", robot())
	if again != id || same != token {
		t.Error("the same request made another key")
	}
	who, err := d.other.Authenticate(t.Context(), "Bearer "+token, "192.0.2.1")
	if want := (access.Principal{ID: "key-robot", Role: access.Auditor, Scopes: "accounts:read"}); err != nil || who != want {
		t.Errorf("%+v %v", who, err)
	}
	var row string
	if err := d.pool.QueryRow(t.Context(), `select k::text from keybook_keys k`).Scan(&row); err != nil {
		t.Fatal(err)
	}
	_, secret, _ := access.Parse(token)
	if strings.Contains(row, secret) || strings.Contains(row, fmt.Sprintf("%x", secret)) {
		t.Error("the secret is kept")
	}
	_, list := d.call(access.Auditor, http.MethodGet, "/keys", "", nil)
	text := fmt.Sprint(list)
	if strings.Contains(text, secret) || !strings.Contains(text, id) || !strings.Contains(text, "boss-admin") {
		t.Error(text)
	}
	status, answer := d.call(access.Admin, http.MethodPost, "/keys", "one", object{"holder": "thief", "role": "bank", "bank": "ICBVVNVX"})
	if status != http.StatusUnprocessableEntity || answer["code"] != "idempotency_key_reused" || fmt.Sprint(answer) == token {
		t.Errorf("%d %v", status, answer)
	}
}

func TestARotatedKeyGoesOnUntilItsTimeAndItsSuccessorAfterwards(t *testing.T) {
	t.Parallel()
	d := open(t)
	id, token := d.issue("one", robot())
	until := d.clock.Now().Add(24 * time.Hour)
	var next string
	for range 2 { // the second time is a repeat
		status, answer := d.call(access.Admin, http.MethodPost, "/keys/"+id+"/rotation", "two", object{"old_until": until})
		if status != http.StatusCreated || answer["scopes"] != "accounts:read" || next != "" && answer["token"] != next {
			t.Fatalf("%d %v", status, answer)
		}
		next = answer["token"].(string)
	}
	for _, at := range []*access.Authenticator{d.auth, d.other} {
		if got := []string{opens(t, at, token), opens(t, at, next)}; !cmp.Equal(got, []string{"", ""}) {
			t.Error("both should work", got)
		}
	}
	d.clock.Advance(24 * time.Hour)
	if got := []string{opens(t, d.auth, token), opens(t, d.auth, next)}; !cmp.Equal(got, []string{"key_replaced", ""}) {
		t.Error(got)
	}
	if status, answer := d.call(access.Admin, http.MethodPost, "/keys/"+id+"/rotation", "three", object{}); answer["code"] != "key_not_rotated" {
		t.Errorf("%d %v", status, answer)
	}
	fresh, _ := d.issue("four", robot())
	for _, end := range []time.Time{d.clock.Now().Add(-time.Minute), d.clock.Now().Add(91 * 24 * time.Hour)} {
		if status, answer := d.call(access.Admin, http.MethodPost, "/keys/"+fresh+"/rotation", end.Format(time.RFC3339), object{"old_until": end}); answer["code"] != "invalid_body" {
			t.Errorf("%d %v", status, answer)
		}
	}
}

// What is wrong with the form and with both ends is one answer.
func TestEveryFaultOfAKeyIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	d := open(t)
	id, _ := d.issue("one", robot())
	past := d.clock.Now().Add(-time.Minute)
	for _, c := range []struct {
		path string
		body object
		want []string
	}{
		{"/keys", object{"role": "king", "expires_at": past}, []string{"/expires_at out_of_range", "/holder required", "/role role_without_keys"}},
		{"/keys/" + id + "/rotation", object{"old_until": past, "expires_at": past}, []string{"/expires_at out_of_range", "/old_until out_of_range"}},
		{"/keys/" + id + "/rotation", object{"old_until": past, "expires_at": "soon"}, []string{"/expires_at invalid_date_time", "/old_until out_of_range"}},
	} {
		_, answer := d.call(access.Admin, http.MethodPost, c.path, "bad", c.body)
		var got []string
		for _, f := range answer["errors"].([]any) {
			got = append(got, fmt.Sprint(f.(object)["pointer"], " ", f.(object)["code"]))
		}
		slices.Sort(got)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %v: %s", c.path, c.body, diff)
		}
	}
}

func TestARevokedKeyIsRefusedHereAtOnceAndElsewhereSoon(t *testing.T) {
	t.Parallel()
	d := open(t)
	id, token := d.issue("one", robot())
	if got := []string{opens(t, d.auth, token), opens(t, d.other, token)}; !cmp.Equal(got, []string{"", ""}) {
		t.Fatal(got)
	}
	for range 2 {
		if status, answer := d.call(access.Admin, http.MethodDelete, "/keys/"+id, "", nil); status != http.StatusOK || answer["revoked_by"] != "officer:boss-admin" {
			t.Fatalf("%d %v", status, answer)
		}
	}
	if got := []string{opens(t, d.auth, token), opens(t, d.other, token)}; !cmp.Equal(got, []string{"key_revoked", ""}) {
		t.Error(got)
	}
	d.clock.Advance(5 * time.Second)
	if got := opens(t, d.other, token); got != "key_revoked" {
		t.Error(got)
	}
	wrong := token[:len(token)-4] + "aaaa"
	if got := opens(t, d.other, wrong); got != "invalid_key" {
		t.Errorf("who has not the secret hears %q", got)
	}
	if status, answer := d.call(access.Admin, http.MethodDelete, "/keys/nobodys", "", nil); status != http.StatusNotFound || answer["code"] != "key_unknown" {
		t.Errorf("%d %v", status, answer)
	}
}

func TestAKeyThatExpiredSaysSo(t *testing.T) {
	t.Parallel()
	d := open(t)
	body := robot()
	body["expires_at"] = d.clock.Now().Add(time.Hour)
	_, token := d.issue("one", body)
	d.clock.Advance(time.Hour)
	if got := opens(t, d.other, token); got != "key_expired" {
		t.Error(got)
	}
}

func TestTheLastUseIsKnownWithoutAWritePerRequest(t *testing.T) {
	t.Parallel()
	d := open(t)
	id, token := d.issue("one", robot())
	d.clock.Advance(time.Hour)
	for range 100 {
		if got := opens(t, d.auth, token); got != "" {
			t.Fatal(got)
		}
	}
	var rows int
	if err := d.pool.QueryRow(t.Context(), `select count(*) from keybook_uses`).Scan(&rows); err != nil || rows != 0 {
		t.Fatal(rows, err)
	}
	if err := d.book.Uses.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := d.clock.Now().Format(time.RFC3339)
	if _, use := d.call(access.Auditor, http.MethodGet, "/keys/"+id+"/use", "", nil); !sameTime(use["last_used_at"], want) {
		t.Error(use, want)
	}
	_, list := d.call(access.Admin, http.MethodGet, "/keys?holder=robot", "", nil)
	if items := list["items"].([]any); len(items) != 1 || !sameTime(items[0].(object)["last_used_at"], want) {
		t.Error(list)
	}
	d.clock.Advance(time.Minute)
	wrong := token[:len(token)-4] + "aaaa"
	if got := opens(t, d.auth, wrong); got != "invalid_key" {
		t.Fatal(got)
	}
	if err := d.book.Uses.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at, err := d.book.Uses.Last(t.Context(), id); err != nil || at.UTC().Format(time.RFC3339) != want {
		t.Error("a guess counts as a use", at, err)
	}
}

func sameTime(got any, want string) bool {
	text, _ := got.(string)
	a, errA := time.Parse(time.RFC3339, text)
	b, errB := time.Parse(time.RFC3339, want)
	return errA == nil && errB == nil && a.Equal(b)
}

func TestWhatAKeyMustNotBeIsRefused(t *testing.T) {
	t.Parallel()
	d := open(t)
	for i, body := range []object{
		{"holder": "x", "role": "approver", "unit": "01"},
		{"holder": "x", "role": "treasurer", "unit": "01"},
		{"holder": "demo-lisa", "role": "lisa_officer", "unit": "00004"},
		{"holder": "x", "role": "accountant", "unit": "00004"},
		{"holder": "x", "role": "commune_police", "unit": "00004"},
		{"holder": "x", "role": "facility_manager", "facility": "f"},
		{"holder": "x", "role": "service"},
		{"holder": "x", "role": "admin"},
		{"holder": "x", "role": "admin", "scopes": "*"},
		{"holder": "x", "role": "king"},
		{"holder": "x", "role": "bank"},
		{"holder": "x", "role": "facility"},
		{"holder": "nguyen-van-an", "role": "auditor"},
		{"holder": "key-NguyenVanAn", "role": "auditor"},
		{"holder": "001090123456", "role": "auditor"},
		{"holder": "x", "role": "bank", "bank": "0912345678"},
		{"holder": "x", "role": "commune_police"},
		{"holder": "Nguyễn Văn An", "role": "auditor"},
		{"holder": "x", "role": "auditor", "scopes": "accounts:write"},
		{"holder": "x", "role": "auditor", "expires_at": d.clock.Now()},
		{"holder": "x", "role": "auditor", "expires_at": d.clock.Now().Add(3 * 365 * 24 * time.Hour)},
	} {
		status, answer := d.call(access.Admin, http.MethodPost, "/keys", fmt.Sprint(i), body)
		if status != http.StatusUnprocessableEntity || answer["code"] != "invalid_body" || strings.Contains(fmt.Sprint(answer), "Nguyễn") {
			t.Errorf("%v: %d %v", body, status, answer)
		}
	}
}

func TestKeysAreForAdministratorsToGive(t *testing.T) {
	t.Parallel()
	d := open(t)
	for _, role := range access.Roles() {
		if role == access.Admin {
			continue
		}
		if status, _ := d.call(role, http.MethodPost, "/keys", "x", robot()); status != http.StatusForbidden {
			t.Errorf("%s gives out keys: %d", role, status)
		}
		if status, _ := d.call(role, http.MethodGet, "/keys", "", nil); (status == http.StatusOK) != (role == access.Auditor) {
			t.Errorf("%s lists keys: %d", role, status)
		}
	}
}

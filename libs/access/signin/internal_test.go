package signin

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/testkit/policytest"
)

func TestClaimsAreTranslatedByConfiguration(t *testing.T) {
	t.Parallel()
	keycloak := Claims{Role: "realm_access.roles", Unit: "https://songan.vn/unit", Roles: map[string]access.Role{"duyet": access.Approver, "kiem-toan": access.Auditor}}
	roles := func(names ...any) map[string]any {
		return map[string]any{"realm_access": map[string]any{"roles": names}, "https://songan.vn/unit": "00004"}
	}
	got, err := keycloak.principal("id", roles("offline_access", "duyet", "duyet"))
	if want := (access.Principal{ID: "id", Role: access.Approver, Unit: "00004"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for name, c := range map[string]struct {
		claims Claims
		said   map[string]any
		code   string
	}{
		"two roles":          {keycloak, roles("duyet", "kiem-toan"), "no_single_role"},
		"no role of ours":    {keycloak, roles("approver", "admin"), "no_single_role"},
		"nothing":            {keycloak, nil, "no_single_role"},
		"a role of no text":  {keycloak, roles(1, nil), "no_single_role"},
		"a unit that is odd": {DefaultClaims(), map[string]any{"songan_role": "approver", "songan_unit": "00004 or 1=1"}, "claims_incomplete"},
		"no facility":        {DefaultClaims(), map[string]any{"songan_role": "facility_manager"}, "claims_incomplete"},
		"two facilities":     {DefaultClaims(), map[string]any{"songan_role": "facility", "songan_facility": "*"}, "claims_incomplete"},
		"every bank":         {DefaultClaims(), map[string]any{"songan_role": "bank", "songan_bank": "*"}, "claims_incomplete"},
		"every commune":      {DefaultClaims(), map[string]any{"songan_role": "approver", "songan_unit": "*"}, "claims_incomplete"},
		"auditors of what":   {DefaultClaims(), map[string]any{"songan_role": "auditor", "songan_unit": ""}, "claims_incomplete"},
		"no bank":            {DefaultClaims(), map[string]any{"songan_role": "bank", "songan_bank": ""}, "claims_incomplete"},
	} {
		if _, err := c.claims.principal("id", c.said); problem.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryRoleThatIsBoundNeedsItsBound(t *testing.T) {
	t.Parallel()
	var unbound []access.Role
	for _, role := range access.Roles() {
		if _, err := DefaultClaims().principal("id", map[string]any{"songan_role": string(role)}); err == nil {
			unbound = append(unbound, role)
		}
	}
	if want := []access.Role{access.Admin, access.Service}; !cmp.Equal(unbound, want) {
		t.Error(cmp.Diff(want, unbound))
	}
	for claim, unit := range map[string]string{"*": "", "01": "01", "00004": "00004"} {
		for _, role := range []access.Role{access.Steering, access.Auditor} {
			got, err := DefaultClaims().principal("id", map[string]any{"songan_role": string(role), "songan_unit": claim})
			if want := (access.Principal{ID: "id", Role: role, Unit: unit}); err != nil || got != want {
				t.Errorf("%q: %+v, %v", claim, got, err)
			}
		}
	}
}

func TestOneFactorIsNotTwo(t *testing.T) {
	t.Parallel()
	s := &Signin{options: Options{StrongACR: []string{"2"}}}
	for _, c := range []struct {
		claims map[string]any
		want   bool
	}{
		{nil, false},
		{map[string]any{"amr": []any{"pwd"}}, false},
		{map[string]any{"amr": []any{"otp"}}, false},
		{map[string]any{"amr": "hwk"}, false},
		{map[string]any{"amr": []any{"hwk", "hwk"}}, false},
		{map[string]any{"amr": []any{"pwd", "otp"}}, true},
		{map[string]any{"amr": []any{"pwd", "hwk"}}, true},
		{map[string]any{"amr": []any{"otp", "hwk"}}, true},
		{map[string]any{"amr": []any{"mfa"}}, true},
		{map[string]any{"acr": "2", "amr": []any{"pwd"}}, true},
	} {
		if got := s.strong(c.claims); got != c.want {
			t.Errorf("%v: %t", c.claims, got)
		}
	}
}

func TestTheKeyIsMadeOnceAndForTheOwnerAlone(t *testing.T) {
	t.Parallel()
	c := Config{Data: t.TempDir(), Issuer: "https://id", ClientID: "c"}
	first, err := c.Options()
	if err != nil || len(first.Key) != 32 || first.Claims.Role != "songan_role" {
		t.Fatal(first, err)
	}
	if again, err := c.Options(); err != nil || !bytes.Equal(again.Key, first.Key) {
		t.Error(err)
	}
	path := filepath.Join(c.Data, "session.key")
	if err := seal.CreateKey(path); err == nil {
		t.Error("the key was replaced")
	}
	if err := os.Chmod(path, 0o644); err != nil { //nolint:gosec // that is the test
		t.Fatal(err)
	}
	if _, err := c.Options(); err == nil || !strings.Contains(err.Error(), "open to others") {
		t.Error(err)
	}
	c.Key = filepath.Join(c.Data, "none")
	if _, err := c.Options(); err == nil {
		t.Error("a key that was named and is not there was made up")
	}
	bad := Config{Data: t.TempDir(), Claims: `{"role":"r","roles":{"x":"king"}}`}
	if _, err := bad.Options(); err == nil || strings.Contains(err.Error(), "king") {
		t.Error(err)
	}
}

func TestSessionsAreOpenedByConfiguration(t *testing.T) {
	t.Parallel()
	c := Config{
		Issuer: "https://id", ClientID: "c", ClientSecret: "s", Audience: "a", BaseURL: "http://127.0.0.1:8080/",
		Data: t.TempDir(), DatabaseURL: testkit.PostgresURL(t),
	}
	api := httpapi.Options{Now: time.Now, Log: zap.NewNop(), Metrics: prometheus.NewRegistry(), Policy: policytest.Load(t, time.Now)}
	s, closing, err := Open(t.Context(), c, With{API: api})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil || s.options.BaseURL != "http://127.0.0.1:8080" || s.secure || len(s.Proofs()) != 2 {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Sweep(ctx); err != nil {
		t.Error(err)
	}
	closing()
	if err := s.Ready(t.Context()); err == nil {
		t.Error("ready without a database")
	}
	for _, change := range []func(*Config){
		func(c *Config) { c.Issuer = "" }, func(c *Config) { c.DatabaseURL = "postgres://127.0.0.1:1/x" }, func(c *Config) { c.Claims = "{" },
	} {
		bad := c
		change(&bad)
		if _, _, err := Open(t.Context(), bad, With{API: api}); err == nil {
			t.Error("opened")
		}
	}
}

func TestOptionsThatCannotWorkAreRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	good := Options{Issuer: "i", ClientID: "c", ClientSecret: "s", Audience: "a", BaseURL: "https://songan.vn", Claims: DefaultClaims()}
	if err := good.complete(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"no base":             func(o *Options) { o.BaseURL = "" },
		"a base with a path":  func(o *Options) { o.BaseURL = "https://songan.vn/x" },
		"a base of no web":    func(o *Options) { o.BaseURL = "ftp://songan.vn" },
		"no issuer":           func(o *Options) { o.Issuer = "" },
		"no secret":           func(o *Options) { o.ClientSecret = "" },
		"ID tokens as tokens": func(o *Options) { o.Audience = "c" },
		"no role":             func(o *Options) { o.Claims = Claims{} },
	} {
		o := good
		change(&o)
		if err := o.complete(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if plain := (&Signin{}).cookieName("songan"); plain != "songan" {
		t.Error("browsers do not take the prefix without HTTPS:", plain)
	}
}

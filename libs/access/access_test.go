package access_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func evening() time.Time { return time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC) }

func hotel() access.Principal { return access.Principal{Role: access.Facility, Facility: "F1"} }

func TestAKeyIsKnownByItsTokenOnly(t *testing.T) {
	t.Parallel()
	token, key := access.Generate(hotel())
	id, secret, ok := access.Parse(token)
	if !ok || id != key.ID || len(secret) != 52 || key.Principal.ID != key.ID {
		t.Fatalf("%s %s %v %+v", id, secret, ok, key)
	}
	if !key.Matches(secret) || key.Matches(secret[1:]) || key.Matches("") {
		t.Error("another secret matches, or its own does not")
	}
	if strings.Contains(fmt.Sprintf("%+v %s", key, key.Hash), secret) {
		t.Error("the key holds its secret")
	}
	if other, _ := access.Generate(hotel()); other == token {
		t.Error("the same token twice")
	}
}

func TestWhatIsNoTokenIsNotTakenForOne(t *testing.T) {
	t.Parallel()
	for _, token := range []string{
		"", "sa_", "sa_a", "sa_a_", "sa__b", "sb_a_b", "SA_a_b", "sa_A_b", "sa_a_B", "sa_a_b_c", "sa_a_b c", "sa_ă_b",
		"sa_" + strings.Repeat("a", 65) + "_b", "sa_a_" + strings.Repeat("b", 129),
	} {
		if id, secret, ok := access.Parse(token); ok {
			t.Errorf("%q: %q, %q", token, id, secret)
		}
	}
}

func TestARepeatedRequestForAKeyDerivesTheSameToken(t *testing.T) {
	t.Parallel()
	a, first := access.Token("facility-7", []byte("derived from the request"), hotel())
	b, second := access.Token("facility-7", []byte("derived from the request"), hotel())
	if d := cmp.Diff(first, second); d != "" || a != b {
		t.Error(a, b, d)
	}
	if id, secret, ok := access.Parse(a); !ok || id != "facility-7" || !first.Matches(secret) {
		t.Error(a)
	}
}

func TestATokenThatExistsAlreadyBecomesAKey(t *testing.T) {
	t.Parallel()
	token, want := access.Generate(hotel())
	got, err := access.KeyOf(token, want.Principal)
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if _, err := access.KeyOf("nonsense", hotel()); err == nil || strings.Contains(err.Error(), "nonsense") {
		t.Error(err)
	}
}

func TestAPrincipalIsNamedByWhatItIs(t *testing.T) {
	t.Parallel()
	for role, want := range map[access.Role]string{
		access.Facility: "facility:p", access.FacilityManager: "facility:p", access.Bank: "bank:p", access.Service: "service:p",
		access.CommunePolice: "officer:p", access.LISAOfficer: "officer:p", access.Admin: "officer:p",
	} {
		if got := (access.Principal{ID: "p", Role: role}).Actor(); got != want || !role.Known() {
			t.Errorf("%s: %s", role, got)
		}
	}
	if access.Role("root").Known() || len(access.Roles()) != 12 {
		t.Error("roles")
	}
	if s := (access.Principal{ID: "p", Facility: "F1"}).Scope(); s != "F1" {
		t.Error(s)
	}
	if s := (access.Principal{ID: "p", Unit: "00004"}).Scope(); s != "p" {
		t.Error(s)
	}
	for want, p := range map[string]access.Principal{
		"F1": {ID: "p", Facility: "F1", Unit: "00004"}, "B1": {ID: "p", Bank: "B1"}, "p": {ID: "p", Unit: "00004"},
		"m": {ID: "m", Role: access.FacilityManager, Facility: "F1"},
	} {
		if got := p.ActsFor(); got != want {
			t.Errorf("%+v acts for %s", p, got)
		}
	}
	if p, ok := access.From(access.With(t.Context(), hotel())); !ok || p != hotel() {
		t.Error(p)
	}
	if _, ok := access.From(t.Context()); ok {
		t.Error("somebody calls where nobody does")
	}
}

func TestWhoIsLetInAndWhatTheOthersAreTold(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(evening())
	token, key := access.Generate(hotel())
	id, _, _ := access.Parse(token)
	wrong := "sa_" + id + "_" + strings.Repeat("a", 52)
	strange, _ := access.Generate(hotel())
	expired, suspended, revoked := key, key, key
	expired.ExpiresAt = evening()
	suspended.Suspended = true
	revoked.Revoked, revoked.Suspended, revoked.ExpiresAt = true, true, evening()
	valid := key
	valid.ExpiresAt = evening().Add(time.Second)
	for _, test := range []struct {
		name, header string
		key          access.Key
		want         string
	}{
		{"a key", "Bearer " + token, key, ""},
		{"a key that will expire", "bearer  " + token, valid, ""},
		{"nothing", "", key, "no_credentials"},
		{"another scheme", "Basic " + token, key, "invalid_key"},
		{"no token", "Bearer", key, "invalid_key"},
		{"nonsense", "Bearer x", key, "invalid_key"},
		{"an endless header", "Bearer " + strings.Repeat("a", 5000), key, "invalid_key"},
		{"an unknown key", "Bearer " + strange, key, "invalid_key"},
		{"a wrong secret", "Bearer " + wrong, key, "invalid_key"},
		{"an expired key", "Bearer " + token, expired, "key_expired"},
		{"a suspended key", "Bearer " + token, suspended, "key_suspended"},
		{"a revoked key", "Bearer " + token, revoked, "key_revoked"},
		{"a wrong secret of a revoked key", "Bearer " + wrong, revoked, "invalid_key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := access.New(access.Options{Now: clock.Now}, access.Static(), access.Static(test.key))
			p, err := a.Authenticate(t.Context(), test.header, "192.0.2.1")
			if test.want == "" {
				if err != nil || p != key.Principal {
					t.Error(p, err)
				}
				return
			}
			refused, ok := problem.Of(err)
			if !ok || refused.Code != test.want || refused.Kind != problem.Unauthenticated || p != (access.Principal{}) {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestWhoFailsTooOftenWaitsButAGoodKeyDoesNot(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(evening())
	token, key := access.Generate(hotel())
	_, newcomer := access.Generate(hotel())
	newToken, newcomer := access.Token(newcomer.ID, []byte("secret of the newcomer"), hotel())
	a := access.New(access.Options{Now: clock.Now}, access.Static(key, newcomer))
	const here, elsewhere = "192.0.2.1", "198.51.100.1"
	try := func(token, address, want string) (wait time.Duration) {
		t.Helper()
		_, err := a.Authenticate(t.Context(), "Bearer "+token, address)
		p, _ := problem.Of(err)
		if err != nil && p.Code != want || err == nil && want != "" {
			t.Errorf("%v, want %q", err, want)
		}
		if p != nil && p.Code == "too_many_failures" && p.Kind == problem.TooMany {
			wait = p.RetryAfter
		}
		return wait
	}
	try(token, here, "")
	for range 20 {
		try("sa_x_y", here, "invalid_key")
	}
	if wait := try("sa_x_y", here, "too_many_failures"); wait <= 0 || wait > 3*time.Second {
		t.Error(wait)
	}
	try(token, here, "")                     // works as ever
	try(newToken, here, "too_many_failures") // has not worked yet
	try(newToken, elsewhere, "")
	try(newToken, here, "")
	clock.Advance(3 * time.Second)
	try("sa_x_y", here, "invalid_key")
	try("sa_x_y", here, "too_many_failures")
}

// slow is a keyring whose answers the test decides about.
type slow struct {
	asked  atomic.Int64
	answer func() (access.Key, error)
}

func (s *slow) Lookup(context.Context, string) (access.Key, error) {
	s.asked.Add(1)
	return s.answer()
}

func TestAKeyringThatCannotBeAskedIsAnErrorAndNotAnAnswer(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	token, _ := access.Generate(hotel())
	ring := &slow{answer: func() (access.Key, error) { return access.Key{}, away }}
	_, err := access.New(access.Options{Now: time.Now}, ring).Authenticate(t.Context(), "Bearer "+token, "192.0.2.1")
	if !errors.Is(err, away) {
		t.Error(err)
	}
	if _, ok := problem.Of(err); ok {
		t.Error("told as if it were the caller's fault")
	}
}

func TestACacheAsksOncePerTTL(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(evening())
	_, key := access.Generate(hotel())
	ring := &slow{answer: func() (access.Key, error) { return key, nil }}
	c := access.Cached(ring, access.CacheOptions{TTL: time.Second, Now: clock.Now})
	asked := func(want int64) {
		t.Helper()
		got, err := c.Lookup(t.Context(), key.ID)
		if err != nil || got.ID != key.ID || ring.asked.Load() != want {
			t.Errorf("%v, asked %d times", err, ring.asked.Load())
		}
	}
	asked(1)
	asked(1)
	clock.Advance(time.Second)
	asked(2)
	c.Forget(key.ID)
	asked(3)
	asked(3)
}

func TestACacheDoesNotRememberWhatIsNotThere(t *testing.T) {
	t.Parallel()
	_, key := access.Generate(hotel())
	exists := false
	ring := &slow{answer: func() (access.Key, error) {
		if exists {
			return key, nil
		}
		return access.Key{}, access.ErrUnknownKey
	}}
	c := access.Cached(ring, access.CacheOptions{Now: time.Now})
	if _, err := c.Lookup(t.Context(), key.ID); !errors.Is(err, access.ErrUnknownKey) {
		t.Error(err)
	}
	exists = true
	if _, err := c.Lookup(t.Context(), key.ID); err != nil {
		t.Error(err)
	}
}

func TestManyCallersAskOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, key := access.Generate(hotel())
		release := make(chan struct{})
		ring := &slow{answer: func() (access.Key, error) { <-release; return key, nil }}
		c := access.Cached(ring, access.CacheOptions{Now: time.Now})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := c.Lookup(t.Context(), key.ID); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if n := ring.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestAnAnswerFromBeforeAChangeIsNotRemembered(t *testing.T) {
	t.Parallel()
	_, key := access.Generate(hotel())
	var c *access.Cache
	ring := &slow{answer: func() (access.Key, error) {
		if !key.Revoked { // the key is revoked while the first answer is on its way
			old := key
			key.Revoked = true
			c.Forget(key.ID)
			return old, nil
		}
		return key, nil
	}}
	c = access.Cached(ring, access.CacheOptions{TTL: time.Hour, Now: time.Now})
	if k, err := c.Lookup(t.Context(), key.ID); err != nil || k.Revoked {
		t.Fatal(k, err)
	}
	if k, err := c.Lookup(t.Context(), key.ID); err != nil || !k.Revoked {
		t.Error("the old answer was remembered", err)
	}
}

func TestAKeyFileIsWrittenAndReadBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	if _, err := access.ReadKeys(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	_, a := access.Generate(hotel())
	_, b := access.Generate(access.Principal{Role: access.Bank, Bank: "ICBVVNVX"})
	b.ExpiresAt = evening()
	for range 2 { // over itself, too
		if err := access.WriteKeys(path, []access.Key{a, b}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := access.ReadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(access.Static(a, b), got); d != "" {
		t.Error(d)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".keys-*")); len(left) > 0 {
		t.Error(left)
	}
}

func TestAKeyFileThatIsNotAsItShouldBeIsRefused(t *testing.T) {
	t.Parallel()
	_, key := access.Generate(hotel())
	for name, test := range map[string]struct {
		change func(*access.Key)
		mode   os.FileMode
		text   string
		want   string
	}{
		"open to others":   {mode: 0o640, want: "open to others"},
		"no JSON":          {text: "[", want: "read key file"},
		"an unknown field": {text: `[{"secret":"x"}]`, want: "unknown field"},
		"no id":            {change: func(k *access.Key) { k.ID = "" }, want: "key 0"},
		"a short hash":     {change: func(k *access.Key) { k.Hash = k.Hash[1:] }, want: "SHA-256"},
		"another role":     {change: func(k *access.Key) { k.Principal.Role = "root" }, want: "no such role"},
		"nobody":           {change: func(k *access.Key) { k.Principal.ID = "" }, want: "no id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys.json")
			k := key
			if test.change != nil {
				test.change(&k)
			}
			if err := access.WriteKeys(path, []access.Key{k}); err != nil {
				t.Fatal(err)
			}
			if test.text != "" {
				if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if test.mode != 0 {
				if err := os.Chmod(path, test.mode); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := access.ReadKeys(path); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Error(err)
			}
		})
	}
}

// FuzzParse: what is taken for a token is written exactly so.
func FuzzParse(f *testing.F) {
	token, _ := access.Generate(hotel())
	f.Add(token)
	f.Add("sa__")
	f.Fuzz(func(t *testing.T, token string) {
		if id, secret, ok := access.Parse(token); ok && "sa_"+id+"_"+secret != token {
			t.Errorf("%q: %q, %q", token, id, secret)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	token, key := access.Generate(hotel())
	a := access.New(access.Options{Now: time.Now}, access.Cached(access.Static(key), access.CacheOptions{Now: time.Now}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Authenticate(b.Context(), "Bearer "+token, "192.0.2.1"); err != nil {
			b.Fatal(err)
		}
	}
}

func Example() {
	token, key := access.Generate(access.Principal{Role: access.Facility, Facility: "F1"})
	auth := access.New(access.Options{Now: time.Now}, access.Static(key))

	who, err := auth.Authenticate(context.Background(), "Bearer "+token, "192.0.2.1")
	fmt.Println(who.Facility, who.Is(access.Facility, access.Admin), err)

	_, err = auth.Authenticate(context.Background(), "Bearer "+token+"x", "192.0.2.1")
	fmt.Println(problem.CodeOf(err))
	// Output:
	// F1 true <nil>
	// invalid_key
}

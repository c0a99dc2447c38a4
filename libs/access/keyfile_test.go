package access_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestWhatIsChangedInTheKeyFileCountsWithoutARestart(t *testing.T) {
	t.Parallel()
	clock := testkit.NewClock(evening())
	path := filepath.Join(t.TempDir(), "keys.json")
	_, one := access.Generate(access.Principal{ID: "one", Role: access.Admin})
	_, two := access.Generate(access.Principal{ID: "two", Role: access.Admin})
	write := func(keys ...access.Key) {
		t.Helper()
		if err := access.WriteKeys(path, keys); err != nil {
			t.Fatal(err)
		}
	}
	write(one)
	var wrong []error
	f, err := access.OpenKeyFile(path, clock.Now, func(err error) { wrong = append(wrong, err) })
	if err != nil {
		t.Fatal(err)
	}
	revoked := one
	revoked.Revoked = true
	write(revoked, two)
	clock.Advance(time.Second)
	if k, err := f.Lookup(t.Context(), one.ID); err != nil || !k.Revoked {
		t.Errorf("%+v %v", k, err)
	}
	if _, err := f.Lookup(t.Context(), two.ID); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second)
	for range 2 { // within a second it is looked at once
		if _, err := f.Lookup(t.Context(), two.ID); err != nil || len(wrong) != 1 {
			t.Error(err, wrong)
		}
	}
	// A file that is gone, or open to others, has no keys any more; they come back with it.
	for i, spoil := range []func() error{
		func() error { return os.Remove(path) }, func() error { return os.Chmod(path, 0o644) },
	} {
		write(two)
		clock.Advance(time.Second)
		if _, err := f.Lookup(t.Context(), two.ID); err != nil || len(wrong) != 1+i {
			t.Error(i, err, wrong)
		}
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Second)
		if _, err := f.Lookup(t.Context(), two.ID); !errors.Is(err, access.ErrUnknownKey) || len(wrong) != 2+i {
			t.Error(i, err, wrong)
		}
	}
	if _, err := access.OpenKeyFile(path, clock.Now, nil); err == nil {
		t.Error("a file that is not there is no empty one")
	}
}

package factor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

const right = "mật khẩu đúng"

func TestAPasswordIsComparedWithItsHash(t *testing.T) {
	t.Parallel()
	hash := HashPassword(right)
	if !IsHash(hash) || hash == HashPassword(right) || !IsHash(Decoy) {
		t.Error(hash)
	}
	h := NewHasher()
	for password, want := range map[string]bool{right: true, right + " ": false, "": false} {
		if got, err := h.Matches(t.Context(), hash, password); got != want || err != nil {
			t.Errorf("%q: %v, %v", password, got, err)
		}
	}
	if _, err := h.Matches(t.Context(), "nonsense", right); err == nil {
		t.Error("compared with nonsense")
	}
}

func TestFewPasswordsAreComputedAtATimeAndTheOthersAreToldSo(t *testing.T) {
	t.Parallel()
	h := NewHasher()
	hash := HashWith(right, 64, 1)
	for range hashing {
		h.places <- struct{}{} // computing
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	errs := make(chan error, hashing+waiting)
	for range hashing + waiting {
		wg.Go(func() {
			_, err := h.Matches(ctx, hash, right)
			errs <- err
		})
	}
	for len(h.queue) < hashing+waiting { // all have come
		select {
		case <-t.Context().Done():
			t.Fatal("they did not come")
		case <-time.After(time.Millisecond):
		}
	}
	if _, err := h.Matches(t.Context(), hash, right); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	cancel()
	wg.Wait()
	for range hashing + waiting {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func TestCodesAreThoseOfRFC6238(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		if got := code(secret, at/stepSeconds); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}

func TestAUsedCodeStaysUsedOverARestart(t *testing.T) {
	t.Parallel()
	dir, totp := t.TempDir(), NewTOTP()
	code, err := TOTPCode(totp, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		s, err := OpenSteps(dir)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := s.Take("thu", totp, code, time.Now()); ok != want || err != nil {
			t.Error(ok, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "steps.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSteps(dir); err == nil {
		t.Error("a broken file was taken for an empty one")
	}
}

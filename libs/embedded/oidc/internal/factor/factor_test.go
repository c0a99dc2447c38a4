package factor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
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

// Each takes 64 MiB for some tenths of a second: two at a time and sixteen in line are what a small machine bears.
func TestFewPasswordsAreComputedAtATimeAndTheOthersAreToldSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const atATime, inLine = 2, 16
		h, hash := NewHasher(), HashWith(right, 64, 1)
		for range atATime {
			h.places <- struct{}{} // computing
		}
		ctx, cancel := context.WithCancel(t.Context())
		answers := make(chan error, atATime+inLine)
		for range atATime + inLine {
			go func() {
				_, err := h.Matches(ctx, hash, right)
				answers <- err
			}()
		}
		synctest.Wait()
		if len(answers) > 0 {
			t.Fatalf("%d did not wait for their turn, the first heard %v", len(answers), <-answers)
		}
		if _, err := h.Matches(t.Context(), hash, right); !errors.Is(err, ErrBusy) {
			t.Error("one more than may wait:", err)
		}
		cancel()
		for range atATime + inLine {
			if err := <-answers; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		if _, err := h.Matches(t.Context(), hash, right); !errors.Is(err, ErrBusy) {
			t.Error("somebody for whom there is no place in time:", err)
		}
		<-h.places
		if ok, err := h.Matches(t.Context(), hash, right); !ok || err != nil {
			t.Error("when there is one:", ok, err)
		}
	})
}

// A hash says itself what it costs. What guesses and wrong lines can cost is bounded, and what passwords cost whoever stole
// their hashes is not less than was decided, nobody's included: else the time of an answer would tell who has an account.
func TestAPasswordCostsNeitherLessNorMoreThanWasDecided(t *testing.T) {
	t.Parallel()
	const cost = "$argon2id$v=19$m=65536,t=3,p=1$"
	for _, hash := range []string{HashPassword(right), Decoy} {
		if !strings.HasPrefix(hash, cost) {
			t.Error(hash)
		}
	}
	long := strings.Repeat("x", 257)
	if ok, err := NewHasher().Matches(t.Context(), HashWith(long, 64, 1), long); ok || err != nil {
		t.Error("a password of 257 bytes is computed:", ok, err)
	}
	good := HashWith(right, 64, 1)
	for _, dear := range []string{"m=262145,t=1", "m=0,t=1", "m=64,t=11", "m=64,t=0"} {
		if IsHash(strings.Replace(good, "m=64,t=1", dear, 1)) {
			t.Error("a hash may ask for", dear)
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

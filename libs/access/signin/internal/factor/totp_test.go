package factor

import (
	"testing"
	"time"
)

func TestCodesAreThoseOfRFC6238(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{ // appendix B, the last six of eight digits
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got := codeAt(secret, at/stepSeconds); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
	now := time.Unix(1_700_000_000, 0)
	current := now.Unix() / stepSeconds
	for offset, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		if _, ok := stepOf(secret, codeAt(secret, current+offset), 0, now); ok != want {
			t.Errorf("a code of %+d steps: %v", offset, ok)
		}
	}
	if _, ok := stepOf(secret, codeAt(secret, current), current, now); ok {
		t.Error("the same step twice")
	}
}

package vault_test

import (
	"testing"

	"github.com/songan-vn/songan/libs/vault"
)

func TestOnlyAReferenceIsTakenForOne(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"0192f0c1-d2e3-7abc-8def-0123456789ab":   true,
		"":                                       false,
		"0192f0c1-d2e3-4abc-8def-0123456789ab":   false, // another version
		"0192F0C1-d2e3-7abc-8def-0123456789ab":   false,
		"0192f0c1-d2e3-7abc-8def-0123456789ag":   false,
		"0192f0c1_d2e3-7abc-8def-0123456789ab":   false,
		"0192f0c1-d2e3-7abc-8def-0123456789ab-":  false,
		"0192f0c1d2e37abc8def0123456789ab":       false,
		"x192f0c1-d2e3-7abc-8def-0123456789ab":   false,
		"0192f0c1-d2e3-7abc-8def-0123456789abcd": false,
	} {
		if got := vault.IsRef(text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

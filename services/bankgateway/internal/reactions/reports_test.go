package reactions_test

import (
	"testing"

	"github.com/songan-vn/songan/services/bankgateway/internal/reactions"
)

// An operator has to find the payment that a report in quarantine is about.
func TestOurOwnIDsAreShownAsTheyAre(t *testing.T) {
	t.Parallel()
	show := reactions.Reports{}.Foreign().Show // without a vault: it could name nothing else
	for _, id := range []string{"SA-ABCDEFGHIJKLMNOPQRSTUVWX23-1", "abcdefghijklmnopqrstuvwx23-2", "abcdefghijklmnopqrstuvwx23"} {
		if got := show(id); got != id {
			t.Errorf("%s is shown as %s", id, got)
		}
	}
}

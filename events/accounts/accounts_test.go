package accounts_test

import (
	"testing"

	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/eventstest"
)

func TestFactsOfAccountsCanBeReadForEver(t *testing.T) {
	t.Parallel()
	eventstest.Goldens(t, "testdata", accounts.Catalog())
}

package identity_test

import (
	"testing"

	"github.com/songan-vn/songan/events/eventstest"
	"github.com/songan-vn/songan/events/identity"
)

func TestFactsOfIdentityCanBeReadForEver(t *testing.T) {
	t.Parallel()
	eventstest.Goldens(t, "testdata", identity.Catalog())
}

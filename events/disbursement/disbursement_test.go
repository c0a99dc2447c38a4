package disbursement_test

import (
	"testing"

	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/events/eventstest"
)

func TestFactsOfDisbursementCanBeReadForEver(t *testing.T) {
	t.Parallel()
	eventstest.Goldens(t, "testdata", disbursement.Catalog())
}

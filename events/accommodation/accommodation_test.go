package accommodation_test

import (
	"testing"

	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/events/eventstest"
)

func TestFactsOfAccommodationCanBeReadForEver(t *testing.T) {
	t.Parallel()
	eventstest.Goldens(t, "testdata", accommodation.Catalog())
}

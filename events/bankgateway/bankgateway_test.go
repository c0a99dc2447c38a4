package bankgateway_test

import (
	"testing"

	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/eventstest"
)

func TestFactsOfTheBankGatewayCanBeReadForEver(t *testing.T) {
	t.Parallel()
	eventstest.Goldens(t, "testdata", bankgateway.Catalog())
}

package voucher_test

import (
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/eventstest"
	"github.com/songan-vn/songan/libs/decider/decidertest"
	"github.com/songan-vn/songan/services/disbursement/internal/voucher"
)

func TestTheGolden(t *testing.T) {
	t.Parallel()
	eventstest.Goldens(t, "testdata", voucher.PrivateFacts())
}

func TestAPaperCountsOnce(t *testing.T) {
	t.Parallel()
	used := []events.Event{voucher.Used{Paper: "p", For: "november"}}
	decidertest.Run(t, []decidertest.Case[voucher.Voucher]{
		{Name: "whoever is first has it", When: voucher.Use{Paper: "p", For: "november"}, Then: used},
		{Name: "the same one again", Given: used, When: voucher.Use{Paper: "p", For: "november"}},
		{Name: "nobody else", Given: used, When: voucher.Use{Paper: "p", For: "december", Pointer: "/reference"}, Problem: "invalid_body"},
	})
}

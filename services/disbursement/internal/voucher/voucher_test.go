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
	used := func(use string) voucher.Used { return voucher.Used{Paper: "p", For: "november", Use: use} }
	undone := voucher.Undone{Paper: "p", Use: "1"}
	use := func(by, use string) voucher.Use {
		return voucher.Use{Paper: "p", For: by, Use: use, Pointer: "/reference"}
	}
	type facts = []events.Event
	decidertest.EvolvesAll[voucher.Voucher](t, voucher.PrivateFacts())
	decidertest.Run(t, []decidertest.Case[voucher.Voucher]{
		{Name: "whoever is first has it", When: use("november", "1"), Then: facts{used("1")}},
		{Name: "the same one again", Given: facts{used("1")}, When: use("november", "2"), Then: facts{used("2")}},
		{Name: "nobody else", Given: facts{used("1")}, When: use("december", "2"), Problem: "invalid_body"},
		{Name: "a use is undone", Given: facts{used("1")}, When: voucher.Undo{Paper: "p", Use: "1"}, Then: facts{undone}},
		{Name: "once", Given: facts{used("1"), undone}, When: voucher.Undo{Paper: "p", Use: "1"}},
		{
			Name: "and then it is anybody's", Given: facts{used("1"), undone}, When: use("december", "2"),
			Then: facts{voucher.Used{Paper: "p", For: "december", Use: "2"}},
		},
		{Name: "unless another use is left", Given: facts{used("1"), used("2"), undone}, When: use("december", "3"), Problem: "invalid_body"},
	})
}

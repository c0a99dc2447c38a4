package voucher_test

import (
	"testing"
	"time"

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
	now := decidertest.Noon()
	used := func(use string) voucher.Used { return voucher.Used{Paper: "p", For: "november", Use: use, At: now} }
	undone := voucher.Undone{Paper: "p", Use: "1"}
	use := func(by, use string) voucher.Use {
		return voucher.Use{Paper: "p", For: by, Use: use, Pointer: "/reference"}
	}
	void, late := use("december", "3"), now.Add(voucher.Patience)
	void.Void = "november"
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
			Then: facts{voucher.Used{Paper: "p", For: "december", Use: "2", At: now}},
		},
		{Name: "unless another use is left", Given: facts{used("1"), used("2"), undone}, When: use("december", "3"), Problem: "invalid_body"},
		{
			Name: "a use that proved nothing ends after a while", Given: facts{used("1"), used("2")}, When: void, At: late,
			Then: facts{undone, voucher.Undone{Paper: "p", Use: "2"}, voucher.Used{Paper: "p", For: "december", Use: "3", At: late}},
		},
		{Name: "not before", Given: facts{used("1")}, When: void, At: late.Add(-time.Second), Problem: "invalid_body"},
		{Name: "nor if a later one began since", Given: facts{used("1"), voucher.Used{Paper: "p", For: "november", Use: "2", At: late}}, When: void, At: late, Problem: "invalid_body"},
		{Name: "nor if nobody looked", Given: facts{used("1")}, When: use("december", "3"), At: late, Problem: "invalid_body"},
		{
			Name: "nor if it belongs to somebody else by now", When: void, At: late, Problem: "invalid_body",
			Given: facts{used("1"), undone, voucher.Used{Paper: "p", For: "january", Use: "4", At: now}},
		},
	})
}

package bankgateway_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

// In a rush the read model does not show what was sent. Sweeps go on from where they were all the same, and what they had to leave
// behind is not forgotten.
func TestInARushEachSweepGoesOnWhereTheLastOneEnded(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	first, next, middle, last := id("first"), id("next"), id("middle"), id("last")
	calm := g.pace.Rush()
	t.Cleanup(calm)

	servicetest.Say(t, g.disbursement, "payment-p1", released(first, icb, number))
	g.become(t, "instruction-"+first, "instruction_sent")
	g.sees(t, 1, `not done`)
	servicetest.Say(t, g.disbursement, "payment-p2", released(next, icb, number))
	g.become(t, "instruction-"+next, "instruction_sent")
	g.sees(t, 2, `not done`)
	// Of one payment, all that follows waits, also what comes when the questions before it were passed over already: or the third
	// question would go out, and the second would never be due again.
	servicetest.Say(t, g.disbursement, "payment-p1", inquiry(first, 1), inquiry(first, 2))
	g.sees(t, 2, `work like 'inquire/%'`)
	servicetest.Say(t, g.disbursement, "payment-p3", released(middle, icb, number))
	g.become(t, "instruction-"+middle, "instruction_sent")
	servicetest.Say(t, g.disbursement, "payment-p1", inquiry(first, 3))
	g.sees(t, 3, `work like 'inquire/%'`)
	servicetest.Say(t, g.disbursement, "payment-p4", released(last, icb, number))
	g.become(t, "instruction-"+last, "instruction_sent")
	if got := g.types(t, "instruction-"+first); got != "instruction_sent" {
		t.Errorf("in the round in which it was sent: %s", got)
	}

	calm()
	g.become(t, "instruction-"+first, "instruction_sent inquiry_sent inquiry_sent inquiry_sent")
	g.sees(t, 0, `not done`)
	for _, e2e := range []string{first, next, middle, last} {
		if got := len(g.banks[icb].received(instructed, e2e)); got != 1 {
			t.Errorf("the bank got %s %d times", e2e, got)
		}
	}
}

// What other services hear of a rush they hear afterwards: they would do nothing about it before.
func TestInARushOtherServicesHearLater(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	ask := func(query string) (n int) {
		t.Helper()
		if err := g.Pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	published := func() int { return ask(`select coalesce(max(position), 0) from relay_positions`) }
	all := func() error {
		if n, head := published(), ask(`select max(position) from events`); n != head {
			return fmt.Errorf("%d of %d facts are published", n, head)
		}
		return nil
	}
	testkit.Eventually(t, all)
	before := published()
	calm := g.pace.Rush()
	t.Cleanup(calm)
	for _, e2e := range []string{id("first"), id("next"), id("last")} { // the time of two sweeps is enough to publish something
		servicetest.Say(t, g.disbursement, "payment-"+e2e, released(e2e, icb, number))
		g.become(t, "instruction-"+e2e, "instruction_sent")
	}
	if n := published(); n != before {
		t.Errorf("%d facts were published in a rush", n-before)
	}
	calm()
	testkit.Eventually(t, all)
}

// What was taken and not sent is not done: it does not wait until the rush is over.
func TestInARushWhatFailedIsSentInTheNextSweep(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	first, next := id("first"), id("next")
	t.Cleanup(g.pace.Rush())

	servicetest.Say(t, g.disbursement, "payment-p1", released(first, icb, number))
	g.become(t, "instruction-"+first, "instruction_sent")
	g.people.away.Store(true)
	asked := g.people.asked.Load()
	servicetest.Say(t, g.disbursement, "payment-p2", released(next, icb, number))
	testkit.Eventually(t, func() error {
		if g.people.asked.Load() == asked {
			return errors.New("nobody asks for the holder")
		}
		return nil
	})
	g.people.away.Store(false)
	g.become(t, "instruction-"+next, "instruction_sent")
	g.sees(t, 2, `not done`)
}

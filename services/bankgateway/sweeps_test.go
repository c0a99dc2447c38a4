package bankgateway_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

// sees waits until so many dispatches fulfil a condition.
func (g *gate) sees(t *testing.T, n int, condition string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		var got int
		if err := g.Pool.QueryRow(t.Context(), `select count(*) from dispatches where `+condition).Scan(&got); err != nil || got != n {
			return fmt.Errorf("%d dispatches instead of %d: %s (%w)", got, n, condition, err)
		}
		return nil
	})
}

// busy releases a payment, and returns when the outbox has begun with it and nothing else. It goes on when it is told to.
func (g *gate) busy(t *testing.T, e2e, number string) (goOn func()) {
	t.Helper()
	asked := g.people.asked.Load()
	goOn = g.people.hold()
	t.Cleanup(goOn)
	servicetest.Say(t, g.disbursement, "payment-"+e2e, released(e2e, icb, number))
	testkit.Eventually(t, func() error {
		if g.people.asked.Load() == asked {
			return fmt.Errorf("nobody asks for the holder of %s", e2e)
		}
		return nil
	})
	return goOn
}

// inquiry is what disbursement says when nothing was heard.
func inquiry(e2e string, n int) events.Event {
	return disbursement.PaymentUnknown{Payment: "p1", Attempt: 1, EndToEndID: e2e, Bank: icb, Inquiry: n}
}

// A sweep of many thousands takes minutes. Who dies meanwhile is not paid.
func TestWhatIsWithdrawnDuringASweepIsNotSent(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	first, dead := id("first"), id("dead")
	goOn := g.busy(t, first, number)
	servicetest.Say(t, g.disbursement, "payment-p2", released(dead, icb, number), withdrawal(released(dead, icb, number), "died"))
	g.sees(t, 1, `withdraw = 'died' and wanted_at is not null`)
	goOn()
	g.become(t, "instruction-"+first, "instruction_sent")
	g.become(t, "instruction-"+dead, "instruction_withdrawn")
}

// The process that takes a bank over may have a read model that is behind the log. The log says what was sent.
func TestWhatWasSentIsNotSaidAgainThoughItStillWaitsInTheReadModel(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	sent, next := id("first"), id("next")
	goOn := g.busy(t, sent, number)
	execute := func(statement string) {
		if _, err := g.Pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	execute(`create table behind as select work, fact from dispatches where not done`)
	goOn()
	g.become(t, "instruction-"+sent, "instruction_sent")
	g.sees(t, 0, `not done`)
	execute(`update dispatches_v3 d set done = false, fact = b.fact from behind b where b.work = d.work`)
	servicetest.Say(t, g.disbursement, "payment-p2", released(next, icb, number)) // it comes after the one that waits already
	g.banks[icb].waitFor(t, instructed, next, 1)
	g.sees(t, 1, `not done`)
	if got := len(g.banks[icb].received(instructed, sent)); got != 1 {
		t.Errorf("the bank got it %d times", got)
	}
	if got := g.types(t, "instruction-"+sent); got != "instruction_sent" {
		t.Error(got)
	}
}

// The first question comes while the payment is on its way to the bank, and is not due yet; the second one is, by then.
func TestNoQuestionOvertakesTheOneBeforeIt(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	e2e := id("first")
	goOn := g.busy(t, e2e, number)
	servicetest.Say(t, g.disbursement, "payment-"+e2e, inquiry(e2e, 1))
	g.sees(t, 1, `work like 'inquire/%'`)
	tx, err := g.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `lock table instruction_claims in share mode`); err != nil { // nothing can be claimed
		t.Fatal(err)
	}
	goOn()
	testkit.Eventually(t, func() error {
		var waiting int
		err := g.Pool.QueryRow(t.Context(), `select count(*) from pg_locks where relation = 'instruction_claims'::regclass and not granted`).Scan(&waiting)
		if err != nil || waiting == 0 {
			return fmt.Errorf("the payment is not on its way (%w)", err)
		}
		return nil
	})
	servicetest.Say(t, g.disbursement, "payment-"+e2e, inquiry(e2e, 2))
	g.sees(t, 2, `work like 'inquire/%'`)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.banks[icb].waitFor(t, inquired, e2e, 2)
	g.become(t, "instruction-"+e2e, "instruction_sent inquiry_sent inquiry_sent")
}

// The bank had the question, and our process ended before it wrote that down. The answer waits until it did.
func TestAnAnswerIsHeardThoughTheQuestionIsNotRecordedYet(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	e2e := id("first")
	servicetest.Say(t, g.disbursement, "payment-p1", released(e2e, icb, number))
	g.become(t, "instruction-"+e2e, "instruction_sent")
	if status, answer := g.call(t, http.MethodPost, "admin", "/banks/"+icb+"/pause", object{"reason": "bảo trì"}); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	servicetest.Say(t, g.disbursement, "payment-p1", inquiry(e2e, 1))
	g.sees(t, 1, `work like 'inquire/%'`)
	answer := status(e2e, "RJCT")
	answer.Inquiry = 1
	forged := status(id("other"), "RJCT")
	servicetest.Say(t, g.disbursement, "payment-p2", released(forged.EndToEndID, bidv, number))
	g.become(t, "instruction-"+forged.EndToEndID, "instruction_sent")
	forged.Inquiry = 7
	g.banks[icb].says(t, report(t, e2e, answer))
	g.banks[bidv].says(t, report(t, forged.EndToEndID, forged))
	testkit.Eventually(t, func() error {
		if lines := g.quarantined(t); len(lines) == 0 {
			return fmt.Errorf("the forged answer is not in quarantine")
		}
		return nil
	})
	if status, answer := g.call(t, http.MethodPost, "admin", "/banks/"+icb+"/resumption", object{}); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	g.become(t, "instruction-"+e2e, "instruction_sent inquiry_sent payment_reported")
	if lines := g.quarantined(t); len(lines) != 1 {
		t.Fatalf("in quarantine: %v", lines)
	}
}

// A bank speaks of what it was never told.
func TestAReportAboutWhatWasWithdrawnIsLookedAtByPeople(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	g.people.erase(ref(1), true)
	e2e := id("held")
	servicetest.Say(t, g.disbursement, "payment-p1", released(e2e, icb, number), withdrawal(released(e2e, icb, number), "died"))
	testkit.Eventually(t, func() error {
		if got := g.recorded(t, "instruction-"+e2e); len(got) == 0 || g.types(t, "instruction-"+e2e) == "instruction_held" {
			return fmt.Errorf("recorded %v", got)
		}
		return nil
	})
	g.banks[icb].says(t, report(t, e2e, status(e2e, "ACCC")))
	want := "bankgateway.reports." + icb + " bank.payment_status_reported.v1 instruction_withdrawn"
	testkit.Eventually(t, func() error {
		for _, line := range g.quarantined(t) {
			if line == want {
				return nil
			}
		}
		return fmt.Errorf("in quarantine: %v", g.quarantined(t))
	})
}

// What was claimed for being sent, and cannot be, stays. There may be as many of these as one look brings.
func TestWhatCannotBeWithdrawnHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	const claimed = 500
	g := open(t)
	number := g.account(t)
	if status, answer := g.call(t, http.MethodPost, "admin", "/banks/"+icb+"/pause", object{"reason": "bảo trì"}); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	var facts []events.Event
	for n := range claimed {
		e2e := id(fmt.Sprintf("claimed%c%c%c", 'b'+n/100, 'b'+n/10%10, 'b'+n%10))
		facts = append(facts, released(e2e, icb, number), withdrawal(released(e2e, icb, number), "died"))
		if _, err := g.Pool.Exec(t.Context(), `insert into instruction_claims (end_to_end_id, withdrawn) values ($1, false)`, e2e); err != nil {
			t.Fatal(err)
		}
	}
	servicetest.Say(t, g.disbursement, "payment-p1", facts...)
	g.sees(t, claimed, `withdraw = 'died' and wanted_at is not null`)
	last := id("last")
	servicetest.Say(t, g.disbursement, "payment-p2", released(last, icb, number), withdrawal(released(last, icb, number), "died"))
	g.become(t, "instruction-"+last, "instruction_withdrawn")
}

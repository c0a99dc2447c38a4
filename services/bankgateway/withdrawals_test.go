package bankgateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

// withdrawal is what disbursement says when an instruction is not to be sent any more.
func withdrawal(r disbursement.PaymentReleased, reason string) events.Event {
	return disbursement.WithdrawalRequested{
		Payment: r.Payment, Attempt: r.Attempt, EndToEndID: r.EndToEndID, Bank: r.Bank, Reason: reason, By: "service:disbursement",
	}
}

// Somebody dies while their money waits for a bank that is paused.
func TestWhatIsWithdrawnWhileABankIsPausedIsNeverSent(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	if status, answer := g.call(t, http.MethodPost, "admin", "/banks/"+icb+"/pause", object{"reason": "bảo trì"}); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	dead, alive := id("dead"), id("alive")
	servicetest.Say(t, g.disbursement, "payment-p1", released(dead, icb, number), withdrawal(released(dead, icb, number), "died"))
	servicetest.Say(t, g.disbursement, "payment-p2", released(alive, icb, number))
	g.become(t, "instruction-"+dead, "instruction_withdrawn")
	if status, answer := g.call(t, http.MethodPost, "admin", "/banks/"+icb+"/resumption", object{}); status != http.StatusOK {
		t.Fatal(status, answer)
	}
	g.become(t, "instruction-"+alive, "instruction_sent")
	if got := g.types(t, "instruction-"+dead); got != "instruction_withdrawn" {
		t.Fatalf("recorded %s", got)
	}
	testkit.Eventually(t, func() error {
		if b := g.bank(t, icb); b["waiting"] != 0.0 || b["held"] != 0.0 {
			return fmt.Errorf("%v", b)
		}
		return nil
	})
	if told := g.banks[icb].received("bank.payment_instructed.v1", dead); len(told) > 0 {
		t.Fatal("the bank was told to pay somebody who died")
	}
}

// What cannot be said any more has a way out, and what a bank has stays with it.
func TestAHeldInstructionIsWithdrawnAndASentOneIsNot(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	g.people.erase(ref(1), true)
	held, sent := id("held"), id("sent")
	other := released(sent, icb, number)
	other.Holder = ref(2)
	servicetest.Say(t, g.disbursement, "payment-p1", released(held, icb, number))
	servicetest.Say(t, g.disbursement, "payment-p2", other)
	g.become(t, "instruction-"+held, "instruction_held")
	g.become(t, "instruction-"+sent, "instruction_sent")
	servicetest.Say(t, g.disbursement, "payment-p1", withdrawal(released(held, icb, number), "unsendable"))
	servicetest.Say(t, g.disbursement, "payment-p2", withdrawal(other, "stopped"))
	g.become(t, "instruction-"+held, "instruction_held instruction_withdrawn")
	if got := g.types(t, "instruction-"+sent); got != "instruction_sent" {
		t.Fatalf("recorded %s", got)
	}
}

// Somebody began to send it, and Kafka went away; nobody knows whether it got there. Then the person was erased, so that it cannot be
// said again. Two persons take it back: it is not, but the bank is asked, and does not know it.
func TestWhatMayBeAtTheBankAndCannotBeWrittenAgainIsAskedAbout(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	g.people.erase(ref(1), true)
	e2e := id("begun")
	if _, err := g.Pool.Exec(t.Context(), `insert into instruction_claims (end_to_end_id, withdrawn) values ($1, false)`, e2e); err != nil {
		t.Fatal(err)
	}
	p := released(e2e, icb, number)
	servicetest.Say(t, g.disbursement, "payment-p1", p)
	g.become(t, "instruction-"+e2e, "instruction_held")
	servicetest.Say(t, g.disbursement, "payment-p1", withdrawal(p, "unsendable"))
	g.become(t, "instruction-"+e2e, "instruction_held instruction_sent")
	if last := strings.ReplaceAll(g.recorded(t, "instruction-"+e2e)[1], " ", ""); !strings.Contains(last, `"assumed":true`) {
		t.Errorf("recorded %s", last)
	}
	servicetest.Say(t, g.disbursement, "payment-p1", disbursement.PaymentUnknown{Payment: "p1", Attempt: 1, EndToEndID: e2e, Bank: icb, Inquiry: 1})
	g.become(t, "instruction-"+e2e, "instruction_held instruction_sent inquiry_sent")
	unknown := status(e2e, "RJCT")
	unknown.Reason, unknown.Inquiry = "NARR", 1
	g.banks[icb].says(t, report(t, e2e, unknown))
	g.become(t, "instruction-"+e2e, "instruction_held instruction_sent inquiry_sent payment_reported")
	if told := g.banks[icb].received("bank.payment_instructed.v1", e2e); len(told) > 0 {
		t.Fatal("the bank was told to pay somebody who was erased")
	}
}

// A bank that had a time-out does not know what became of the money. Asked, it does.
func TestATimeOutIsBelievedInAnswerToAnInquiry(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	e2e := id("doubt")
	servicetest.Say(t, g.disbursement, "payment-p1", released(e2e, icb, number))
	g.become(t, "instruction-"+e2e, "instruction_sent")
	doubt := status(e2e, "RJCT")
	doubt.Reason = "TM01"
	early := doubt
	early.Inquiry = 1 // nobody has asked
	g.banks[icb].says(t, report(t, e2e, doubt), report(t, e2e, doubt), report(t, e2e, early))
	g.become(t, "instruction-"+e2e, "instruction_sent payment_reported")
	testkit.Eventually(t, func() error {
		if lines := g.quarantined(t); len(lines) != 1 {
			return fmt.Errorf("in quarantine: %v", lines)
		}
		return nil
	})
	servicetest.Say(t, g.disbursement, "payment-p1", disbursement.PaymentUnknown{Payment: "p1", Attempt: 1, EndToEndID: e2e, Bank: icb, Inquiry: 1})
	g.become(t, "instruction-"+e2e, "instruction_sent payment_reported inquiry_sent")
	g.banks[icb].says(t, report(t, e2e, doubt), report(t, e2e, status(e2e, "ACCC")))
	g.become(t, "instruction-"+e2e, "instruction_sent payment_reported inquiry_sent payment_reported")
}

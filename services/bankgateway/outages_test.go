package bankgateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestWhatCannotBeReadAnyMoreIsHeldAndMayBeReleased(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	g.people.erase(ref(1), true)
	first, second, third := id("first"), id("second"), id("third")
	other := released(second, icb, number)
	other.Holder = ref(2)
	nowhere := released(third, icb, "no reference at all")
	nowhere.Holder = ref(2)
	servicetest.Say(t, g.disbursement, "payment-p1", released(first, icb, number))
	servicetest.Say(t, g.disbursement, "payment-p2", other)
	servicetest.Say(t, g.disbursement, "payment-p3", nowhere)
	g.become(t, "instruction-"+second, "instruction_sent") // the others go on
	testkit.Eventually(t, func() error {
		lines := strings.Join(g.quarantined(t), "; ")
		if !strings.Contains(lines, "instruction_held.v1 holder_erased") || !strings.Contains(lines, "instruction_held.v1 number_erased") || g.bank(t, icb)["held"] != 2.0 {
			return fmt.Errorf("in quarantine: %s; bank %v", lines, g.bank(t, icb))
		}
		return nil
	})
	g.people.erase(ref(1), false)
	_, list := g.call(t, http.MethodGet, "admin", "/quarantine", nil)
	for _, item := range list["items"].([]any) {
		if i := item.(object); i["error_code"] == "holder_erased" {
			if status, answer := g.call(t, http.MethodPost, "admin", fmt.Sprint("/quarantine/", i["id"], "/release"), object{"reason": "restored"}); status != http.StatusOK {
				t.Fatal(status, answer)
			}
		}
	}
	g.become(t, "instruction-"+first, "instruction_held instruction_resumed instruction_sent")
	g.become(t, "instruction-"+third, "instruction_held")
}

func TestAPausedBankHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	reason := object{"reason": "bảo trì theo yêu cầu của bà Lan"}
	for _, c := range []struct {
		actor, path string
		body        any
		status      int
	}{
		{"hotel", "/banks/" + icb + "/pause", reason, http.StatusForbidden},
		{"admin", "/banks/NOBKVNVX/pause", reason, http.StatusNotFound},
		{"admin", "/banks/NOBKVNVX/resumption", object{}, http.StatusNotFound},
		{"admin", "/banks/" + icb + "/pause", object{"reason": ""}, http.StatusUnprocessableEntity},
		{"admin", "/banks/" + icb + "/pause", reason, http.StatusOK},
		{"admin", "/banks/" + icb + "/pause", reason, http.StatusOK},
	} {
		if status, answer := g.call(t, http.MethodPost, c.actor, c.path, c.body); status != c.status {
			t.Errorf("%s %s: %d %v", c.actor, c.path, status, answer)
		}
	}
	stuck, free, stray := id("stuck"), id("free"), id("stray")
	servicetest.Say(t, g.disbursement, "payment-p1", released(stuck, icb, number))
	servicetest.Say(t, g.disbursement, "payment-p2", released(free, bidv, number))
	servicetest.Say(t, g.disbursement, "payment-p3", released(stray, "NOBKVNVX", number))
	g.become(t, "instruction-"+free, "instruction_sent")
	account := id("stuck") + "-1"
	servicetest.Say(t, g.accounts, "beneficiary-"+id("stuck"), requested(account, icb))
	g.waits(t, "open/"+account)
	g.waits(t, "instruct/"+stuck) // a report of what nobody wants to say yet would be nonsense
	// The bank got it before the gateway crashed, say: what it reports waits, and is not taken for nonsense.
	g.banks[icb].says(t, report(t, stuck, status(stuck, "ACCC")))
	testkit.Eventually(t, func() error {
		b, none := g.bank(t, icb), g.bank(t, "NOBKVNVX")
		if b["state"] != "paused" || b["waiting"] != 2.0 || b["reason"] != reason["reason"] || b["paused_by"] != "officer:admin" || b["breaker"] != "closed" {
			return fmt.Errorf("paused: %v", b)
		}
		if none["state"] != "unconfigured" || none["waiting"] != 1.0 || g.bank(t, bidv)["state"] != "running" {
			return fmt.Errorf("unconfigured: %v", none)
		}
		return nil
	})
	if status, answer := g.call(t, http.MethodPost, "admin", "/banks/"+icb+"/resumption", object{}); status != http.StatusOK || answer["state"] != "running" {
		t.Fatal(status, answer)
	}
	g.become(t, "instruction-"+stuck, "instruction_sent payment_reported")
	// Both were in one batch: a payment needs a name, and opening an account all of a person.
	var asked bank.AccountOpeningRequested
	letter := g.banks[icb].waitFor(t, opening, account, 1)[0]
	if err := json.Unmarshal(letter.Value, &asked); err != nil || asked.Holder.DocumentNumber != "001050123456" {
		t.Errorf("asked with %s: %v", letter.Value, err)
	}
	if lines := g.quarantined(t); len(lines) > 0 {
		t.Errorf("in quarantine: %v", lines)
	}
	g.keepsSilent(t, "bà Lan")
}

func TestATopicThatRefusesHoldsUpNoOtherBank(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	broker, topic := testkit.Kafka(t), g.Config.Topics+".bank."+icb+".instructions.v1"
	testkit.DeleteTopic(t, broker, topic)
	stuck, free := id("stuck"), id("free")
	servicetest.Say(t, g.disbursement, "payment-p1", released(stuck, icb, number))
	servicetest.Say(t, g.disbursement, "payment-p2", released(free, bidv, number))
	g.become(t, "instruction-"+free, "instruction_sent")
	if got := g.types(t, "instruction-"+stuck); got != "" {
		t.Fatalf("recorded %s although nobody has it", got)
	}
	g.breaker(t, icb, "open")
	g.breaker(t, bidv, "closed")
	made, err := broker.Client().CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 6, ReplicationFactor: -1}}})
	if err != nil || made.Errors[topic] != nil {
		t.Fatal(err, made)
	}
	g.become(t, "instruction-"+stuck, "instruction_sent")
	g.breaker(t, icb, "closed")
}

// breaker waits until that around a bank's topic is in a state. To open takes half a minute of failures.
func (g *gate) breaker(t *testing.T, bic, state string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if b := g.bank(t, bic); b["breaker"] != state {
			return fmt.Errorf("the breaker of %s is not %s: %v", bic, state, b)
		}
		return nil
	})
}

// A stop in the middle of the work may say things twice, but never otherwise, and forgets nothing.
func TestAStopInTheMiddleForgetsNothingAndSaysNothingDifferently(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	const payments = 2_000
	for n := range payments {
		e2e := id(fmt.Sprintf("n%04d", n))
		e2e = strings.NewReplacer("0", "b", "1", "c", "8", "d", "9", "e").Replace(e2e)
		servicetest.Say(t, g.disbursement, fmt.Sprint("payment-", n), released(e2e, icb, number))
		if n == payments/2 {
			g.stop()
			g.start(t)
		}
		if n == payments-200 {
			g.stop()
		}
	}
	g.start(t)
	bodies := map[string]string{}
	testkit.Eventually(t, func() error {
		var sent int
		const count = `select count(*) from events where type = 'bankgateway.instruction_sent.v1'`
		if err := g.Pool.QueryRow(t.Context(), count).Scan(&sent); err != nil || sent != payments {
			return fmt.Errorf("%d sent: %w", sent, err)
		}
		clear(bodies)
		for _, m := range g.banks[icb].received(instructed, "") {
			body := string(m.Value) + header(m, "ce_id") + header(m, "ce_time")
			if was, again := bodies[string(m.Key)]; again && was != body {
				t.Errorf("said differently:\n%s\n%s", was, body)
			}
			bodies[string(m.Key)] = body
		}
		if len(bodies) != payments {
			return fmt.Errorf("the bank has %d of %d", len(bodies), payments)
		}
		return nil
	})
}

func TestABankMayUseItsOwnTopicsAndNothingElse(t *testing.T) {
	t.Parallel()
	g := open(t)
	g.account(t) // it may read, with its own group, and write
	for _, topic := range []string{
		g.Config.Topics + ".bank." + bidv + ".reports.v1", g.Config.Topics + ".bank." + icb + ".instructions.v1", g.Config.Topics + ".bankgateway.v1",
	} {
		w := &kafka.Writer{Addr: g.banks[icb].writer.Addr, Transport: g.banks[icb].writer.Transport, Topic: topic, MaxAttempts: 1, BatchTimeout: time.Millisecond, RequiredAcks: kafka.RequireAll}
		if err := w.WriteMessages(t.Context(), report(t, "x", status("x", "ACCC"))); err == nil {
			t.Errorf("it may write to %s", topic)
		}
		_ = w.Close()
	}
	for _, topic := range []string{g.Config.Topics + ".bank." + bidv + ".instructions.v1", g.Config.Topics + ".bank." + icb + ".reports.v1", g.Config.Topics + ".disbursement.v1"} {
		answer, err := g.banks[icb].client.Fetch(t.Context(), &kafka.FetchRequest{Topic: topic, Partition: 0, MaxBytes: 1000, MaxWait: time.Second})
		if err == nil && answer.Error == nil {
			t.Errorf("it may read %s", topic)
		}
	}
}

// What the bank has and the log does not know yet is said again, the same to the byte, and what the bank reports of it
// meanwhile waits.
func TestAnInstructionThatCouldNotBeRecordedIsSaidAgainAndItsReportsWait(t *testing.T) {
	t.Parallel()
	g := open(t)
	number := g.account(t)
	const refuse, accept = `alter table events add constraint no_record check (type <> 'bankgateway.instruction_sent.v1') not valid`,
		`alter table events drop constraint no_record`
	if _, err := g.Pool.Exec(t.Context(), refuse); err != nil {
		t.Fatal(err)
	}
	e2e := id("first")
	servicetest.Say(t, g.disbursement, "payment-p1", released(e2e, icb, number))
	testkit.Eventually(t, func() error {
		if got := len(g.banks[icb].received(instructed, e2e)); got < 2 {
			return fmt.Errorf("the bank has it %d times", got)
		}
		return nil
	})
	g.banks[icb].says(t, report(t, e2e, status(e2e, "ACCC")))
	if _, err := g.Pool.Exec(t.Context(), accept); err != nil {
		t.Fatal(err)
	}
	g.become(t, "instruction-"+e2e, "instruction_sent payment_reported")
	letters := g.banks[icb].received(instructed, e2e)
	for _, m := range letters[1:] {
		if string(m.Value) != string(letters[0].Value) || header(m, "ce_id") != header(letters[0], "ce_id") {
			t.Errorf("said differently:\n%s\n%s", letters[0].Value, m.Value)
		}
	}
	if lines := g.quarantined(t); len(lines) > 0 {
		t.Errorf("in quarantine: %v", lines)
	}
}

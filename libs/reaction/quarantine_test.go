package reaction_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/reaction/quarantine"
)

var errBroken = errors.New("the drawer is jammed")

// failOn fails one step of desk a.
func failOn(step int) func(noted) error {
	return func(e noted) error {
		if e.Desk == "a" && e.Step == step {
			return errBroken
		}
		return nil
	}
}

func decision() quarantine.Decision {
	return quarantine.Decision{Actor: "admin:1", Reason: "drawer repaired"}
}

func TestAPoisonMessageDoesNotStopTheOthersAndCanBeReleased(t *testing.T) {
	t.Parallel()
	d, j := newDesk(t), newJournal()
	j.failing(failOn(1))
	r := reactor(t, d.deps(), reaction.On(j.note))
	start(t, r)
	for step := 1; step <= 3; step++ {
		d.publish(t, "desk-a", noted{Desk: "a", Step: step})
		d.publish(t, "desk-b", noted{Desk: "b", Step: step})
	}
	j.did(t, "b", 1, 2, 3)
	items := d.waiting(t, "desk/desk-a/1 error", "desk/desk-a/2 behind", "desk/desk-a/3 behind")
	j.did(t, "a")

	got := items[0]
	got.Headers, got.Place.Partition, got.Place.Offset = nil, 0, 0
	want := quarantine.Item{
		ID: got.ID, Consumer: "desk.test", Place: kafkabus.Place{Topic: d.topic}, Key: "desk-a", Fact: "desk/desk-a/1",
		Stream: "desk-a", Type: "desk.noted.v1", Payload: []byte(`{"desk":"a","step":1}`),
		ErrorCode: "error", ErrorText: "the drawer is jammed", Attempts: 3, QuarantinedAt: now(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the item in quarantine (-want +got):\n%s", diff)
	}

	j.failing(func(noted) error { return nil })
	released, err := r.Release(t.Context(), items[2].ID, decision())
	if err != nil || released != (reaction.Released{Handled: 3}) {
		t.Fatalf("release: %+v, %v", released, err)
	}
	d.publish(t, "desk-a", noted{Desk: "a", Step: 4})
	j.did(t, "a", 1, 2, 3, 4)
	d.waiting(t)
	item, err := quarantine.New(d.pool, now).Item(t.Context(), items[1].ID)
	if err != nil || item.Open() || item.Actor != "admin:1" || item.Reason != "drawer repaired" || !item.ReleasedAt.Equal(now()) {
		t.Errorf("the released item does not say who and why: %+v, %v", item, err)
	}
}

func TestAReleaseThatFailsAgainKeepsTheOrder(t *testing.T) {
	t.Parallel()
	d, j := newDesk(t), newJournal()
	j.failing(failOn(1))
	r := reactor(t, d.deps(), reaction.On(j.note))
	start(t, r)
	for step := 1; step <= 3; step++ {
		d.publish(t, "desk-a", noted{Desk: "a", Step: step})
	}
	items := d.waiting(t, "desk/desk-a/1 error", "desk/desk-a/2 behind", "desk/desk-a/3 behind")

	j.failing(failOn(2))
	released, err := r.Release(t.Context(), items[0].ID, decision())
	if !errors.Is(err, errBroken) || released != (reaction.Released{Handled: 1, Left: 2}) {
		t.Fatalf("release: %+v, %v", released, err)
	}
	j.did(t, "a", 1)
	d.publish(t, "desk-a", noted{Desk: "a", Step: 4})
	left := d.waiting(t, "desk/desk-a/2 error", "desk/desk-a/3 behind", "desk/desk-a/4 behind")
	if left[0].Attempts != 1 {
		t.Errorf("%d attempts are counted, want the one of the release", left[0].Attempts)
	}
	if _, err := r.Release(t.Context(), items[0].ID, decision()); problem.CodeOf(err) != "quarantine_item_closed" {
		t.Errorf("releasing an item twice: %v", err)
	}
}

func TestADiscardedFactIsGoneForGoodWithAReason(t *testing.T) {
	t.Parallel()
	d, j := newDesk(t), newJournal()
	j.failing(failOn(1))
	r := reactor(t, d.deps(), reaction.On(j.note))
	stop := start(t, r)
	d.publish(t, "desk-a", noted{Desk: "a", Step: 1})
	d.publish(t, "desk-a", noted{Desk: "a", Step: 2})
	items := d.waiting(t, "desk/desk-a/1 error", "desk/desk-a/2 behind")
	q := quarantine.New(d.pool, now)

	if err := q.Discard(t.Context(), items[0].ID, quarantine.Decision{Actor: "admin:1", Reason: " "}); problem.CodeOf(err) != "reason_required" {
		t.Errorf("discarding without a reason: %v", err)
	}
	if err := q.Discard(t.Context(), items[0].ID, decision()); err != nil {
		t.Fatal(err)
	}
	d.publish(t, "desk-a", noted{Desk: "a", Step: 3})
	d.waiting(t, "desk/desk-a/2 behind", "desk/desk-a/3 behind")
	j.failing(func(noted) error { return nil })
	if _, err := r.Release(t.Context(), items[1].ID, decision()); err != nil {
		t.Fatal(err)
	}
	j.did(t, "a", 2, 3)
	if err := q.Discard(t.Context(), items[0].ID, decision()); problem.CodeOf(err) != "quarantine_item_closed" {
		t.Errorf("discarding twice: %v", err)
	}
	if err := q.Discard(t.Context(), 0, decision()); problem.CodeOf(err) != "quarantine_item_unknown" {
		t.Errorf("discarding nothing: %v", err)
	}

	// Even when all progress is lost and everything comes again, the discarded fact stays away.
	stop()
	if _, err := d.pool.Exec(t.Context(), `delete from consumer_positions`); err != nil {
		t.Fatal(err)
	}
	start(t, reactor(t, d.deps(), reaction.On(j.note)))
	d.publish(t, "desk-a", noted{Desk: "a", Step: 4})
	j.did(t, "a", 2, 3, 4)
}

func TestAMessageThatIsNoFactGoesToQuarantineAtOnce(t *testing.T) {
	t.Parallel()
	d, j := newDesk(t), newJournal()
	r := reactor(t, d.deps(), reaction.On(j.note))
	start(t, r)
	d.send(t, "desk-a", noted{Desk: "a", Step: 1}, func(m *kafka.Message) { m.Value = []byte("\xff\x00{") })
	d.publish(t, "desk-b", noted{Desk: "b", Step: 1})
	items := d.waiting(t, "desk/desk-a/1 undecodable")
	if diff := cmp.Diff([]byte("\xff\x00{"), items[0].Payload); diff != "" || items[0].Attempts != 1 {
		t.Errorf("payload (-want +got):\n%s; %d attempts", diff, items[0].Attempts)
	}
	j.did(t, "b", 1)
	if _, err := r.Release(t.Context(), items[0].ID, decision()); err == nil {
		t.Error("a message that is no fact was released")
	}
	d.waiting(t, "desk/desk-a/1 undecodable")
}

func TestAPanicIsTheErrorOfOneFactAndItsTextIsNotKept(t *testing.T) {
	t.Parallel()
	d, j := newDesk(t), newJournal()
	j.failing(func(e noted) error {
		if e.Step == 1 {
			panic("name of a guest")
		}
		return nil
	})
	start(t, reactor(t, d.deps(), reaction.On(j.note)))
	d.publish(t, "desk-a", noted{Desk: "a", Step: 1})
	d.publish(t, "desk-b", noted{Desk: "b", Step: 2})
	j.did(t, "b", 2)
	items := d.waiting(t, "desk/desk-a/1 panic")
	want := "panic with a string in github.com/songan-vn/songan/libs/reaction_test."
	if got := items[0].ErrorText; len(got) < len(want) || got[:len(want)] != want {
		t.Errorf("the error is %q, want it to begin with %q", got, want)
	}
}

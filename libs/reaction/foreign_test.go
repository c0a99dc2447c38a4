package reaction_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/reaction/quarantine"
	"github.com/songan-vn/songan/libs/testkit"
)

// stranger writes to the topic what it likes.
func (d *desk) stranger(t *testing.T, key, typ, body string) {
	t.Helper()
	w := &kafka.Writer{
		Addr: testkit.Kafka(t).Addr(), Transport: d.cfg.Transport, Topic: d.topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
		Balancer: kafka.Murmur2Balancer{},
	}
	defer func() { _ = w.Close() }()
	message := kafka.Message{Key: []byte(key), Value: []byte(body)}
	if typ != "" {
		message.Headers = []kafka.Header{{Key: "ce_type", Value: []byte(typ)}, {Key: "ce_id", Value: []byte("account 0011")}}
	}
	if err := w.WriteMessages(t.Context(), message); err != nil {
		t.Fatal(err)
	}
}

// foreign reads what is JSON, and shows no key.
func foreign() *reaction.Foreign {
	return &reaction.Foreign{
		Show: func(key string) string { return fmt.Sprint("key of ", len(key)) },
		Decode: func(m reaction.Message) (events.Event, error) {
			var e noted
			if m.Headers["ce_type"] != e.EventName() || json.Unmarshal(m.Body, &e) != nil {
				return nil, errors.New("no note")
			}
			return e, nil
		},
	}
}

func TestAMessageOfOthersIsNamedByItsPlace(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	deps := d.deps()
	deps.Foreign = foreign()
	got := make(chan events.Recorded, 1)
	start(t, reactor(t, deps, reaction.On(func(_ context.Context, r events.Recorded, _ noted) error {
		got <- r
		return nil
	})))
	d.stranger(t, "0011", noted{}.EventName(), `{"Step":7}`)
	r := <-got
	place := r.Meta.Cause
	want := events.Recorded{Stream: "key of 4", Meta: events.Meta{Cause: place, Correlation: place}, Event: noted{Step: 7}}
	if diff := cmp.Diff(want, r); diff != "" || !strings.HasPrefix(place, d.topic+"/") {
		t.Errorf("%s: %s", place, diff)
	}
}

func TestNonsenseOfOthersIsKeptByItsPlaceAndHoldsUpNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	deps := d.deps()
	deps.Foreign = foreign()
	var mended atomic.Bool
	var tries atomic.Int64
	handled := make(chan int, 10)
	r := reactor(t, deps, reaction.On(func(_ context.Context, _ events.Recorded, e noted) error {
		if e.Step == 2 && !mended.Load() {
			tries.Add(1)
			return reaction.Nonsense(errors.New("nothing to do with us"))
		}
		handled <- e.Step
		return nil
	}))
	start(t, r)
	typ := noted{}.EventName()
	d.stranger(t, "0011", "account 0011", `{}`)
	d.stranger(t, "0011", "", `{}`)
	d.stranger(t, "0011", typ, `{"Step":2}`)
	d.stranger(t, "0011", typ, "\xff\x00 0011")
	d.stranger(t, "0011", typ, `{"Step":3}`)
	if step := <-handled; step != 3 {
		t.Fatalf("handled %d", step)
	}
	q := quarantine.New(d.pool, now)
	items, err := q.List(t.Context(), quarantine.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, i := range items {
		codes = append(codes, i.Type+" "+i.ErrorCode)
		if len(i.Payload) > 0 || len(i.Headers) > 0 || i.Stream != "key of 4" || strings.Contains(fmt.Sprintf("%+v", i), "0011") {
			t.Errorf("kept %+v", i)
		}
	}
	if diff := cmp.Diff([]string{"unknown undecodable", "unknown undecodable", typ + " error", typ + " undecodable"}, codes); diff != "" {
		t.Error(diff)
	}
	if n := tries.Load(); n != 1 {
		t.Errorf("nonsense was tried %d times", n)
	}
	mended.Store(true)
	why := quarantine.Decision{Actor: "officer:lan", Reason: "mended"}
	if done, err := r.Release(t.Context(), items[2].ID, why); err != nil || done.Handled != 1 || <-handled != 2 {
		t.Fatal(done, err)
	}
	if _, err := r.Release(t.Context(), items[3].ID, why); err == nil {
		t.Fatal("what is no JSON was handled")
	}
}

func TestAMessageThatKafkaHasNoMoreIsNotReleased(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.stranger(t, "k", noted{}.EventName(), `{}`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := kafkabus.ReadAt(ctx, d.cfg, kafkabus.Place{Topic: d.topic, Offset: 77})
	if _, truncated := errors.AsType[*kafkabus.TruncatedError](err); !truncated {
		t.Fatal(err)
	}
}

// In a topic that was made anew, other messages stand where those stood that were decided about.
func TestADecisionIsNotAboutAMessageOfATopicThatWasMadeAnew(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	deps := d.deps()
	deps.Foreign = foreign()
	handled := make(chan int, 10)
	run := func() (r *reaction.Reactor, stop func()) {
		r = reactor(t, deps, reaction.On(func(_ context.Context, _ events.Recorded, e noted) error {
			handled <- e.Step
			return nil
		}))
		return r, start(t, r)
	}
	_, stop := run()
	d.stranger(t, "k", "", `{}`)
	d.stranger(t, "k", "", `{}`)
	q := quarantine.New(d.pool, now)
	var items []quarantine.Item
	testkit.Eventually(t, func() (err error) {
		if items, err = q.List(t.Context(), quarantine.Filter{}); err == nil && len(items) != 2 {
			err = fmt.Errorf("%d in quarantine", len(items))
		}
		return err
	})
	if err := q.Discard(t.Context(), items[0].ID, quarantine.Decision{Actor: "officer:lan", Reason: "nonsense"}); err != nil {
		t.Fatal(err)
	}
	stop()
	d.makeAnew(t)
	if _, err := d.pool.Exec(t.Context(), `update consumer_positions set next_offset = 0`); err != nil { // as the runbook says
		t.Fatal(err)
	}
	d.stranger(t, "k", noted{}.EventName(), `{"Step":5}`)
	d.stranger(t, "k", noted{}.EventName(), `{"Step":6}`)
	again, _ := run()
	for _, want := range []int{5, 6} {
		select {
		case step := <-handled:
			if step != want {
				t.Errorf("handled %d, want %d", step, want)
			}
		case <-time.After(time.Minute):
			t.Error("the message counts as decided about")
		}
	}
	done, err := again.Release(t.Context(), items[1].ID, quarantine.Decision{Actor: "officer:lan", Reason: "mended"})
	if _, truncated := errors.AsType[*kafkabus.TruncatedError](err); !truncated {
		t.Errorf("released by the message that stands in its place: %+v %v", done, err)
	}
}

// makeAnew deletes the topic and creates it again, empty.
func (d *desk) makeAnew(t *testing.T) {
	t.Helper()
	broker := testkit.Kafka(t)
	testkit.DeleteTopic(t, broker, d.topic)
	client := &kafka.Client{Addr: broker.Addr(), Transport: d.cfg.Transport}
	testkit.Eventually(t, func() error {
		made, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
			Topics: []kafka.TopicConfig{{Topic: d.topic, NumPartitions: partitions, ReplicationFactor: -1}},
		})
		if err != nil {
			return err
		}
		return made.Errors[d.topic]
	})
}

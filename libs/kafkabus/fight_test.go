package kafkabus_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/produce"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

// tally notes which relay sent, request by request.
type tally struct {
	mu      sync.Mutex
	senders []int
}

func (y *tally) note(relay int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.senders = append(y.senders, relay)
}

// handovers is how often another relay sent than the one before.
func (y *tally) handovers() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return max(0, len(slices.Compact(slices.Clone(y.senders)))-1)
}

// counted is the transport of one of several relays.
type counted struct {
	kafka.RoundTripper
	relay int
	tally *tally
}

func (c *counted) RoundTrip(ctx context.Context, addr net.Addr, req kafka.Request) (kafka.Response, error) {
	if _, produces := req.(*produce.Request); produces {
		c.tally.note(c.relay)
	}
	return c.RoundTripper.RoundTrip(ctx, addr, req)
}

func TestOfRelaysThatFightNoneBreaksTheOrder(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 3)
	seen := newReader()
	start(t, seen.run(kafkabus.NewSource(l.cfg, l.topic, catalog(), kafkabus.SourceOptions{})))
	sent := &tally{}
	for n := range 3 {
		cfg := l.cfg
		cfg.Transport = &counted{l.cfg.Transport, n, sent}
		start(t, l.relay(cfg).Run)
	}
	const least, most, facts, fights = 8, 40, 300, 3
	rounds := 0
	for ; rounds < least || rounds < most && sent.handovers() < fights; rounds++ { // who loses the lead may get it again
		before := rounds * facts
		l.note(t, before+1, before+facts)
		testkit.Eventually(t, func() error { // somebody leads and is at work
			var n int
			err := l.pool.QueryRow(t.Context(), `select position from relay_positions`).Scan(&n)
			if err == nil && n <= before {
				err = fmt.Errorf("at %d", n)
			}
			return err
		})
		killSessions(t, l)
	}
	seen.sees(t, rounds*facts)
	sameRepeats(t, raw(t, l.cfg, l.topic, 3))
	if n := sent.handovers(); n < fights {
		t.Errorf("in %d rounds the lead went from one relay to another %d times: there was no fight", rounds, n)
	}
}

// held is the transport of a relay whose first facts take long to reach Kafka.
type held struct {
	kafka.RoundTripper
	first     atomic.Bool
	sent, off chan struct{}
}

func (h *held) RoundTrip(ctx context.Context, addr net.Addr, req kafka.Request) (kafka.Response, error) {
	if _, produces := req.(*produce.Request); produces && h.first.CompareAndSwap(false, true) {
		close(h.sent)
		<-h.off
		ctx = context.WithoutCancel(ctx) // nor does it come back when nobody waits for it any more
	}
	return h.RoundTripper.RoundTrip(ctx, addr, req)
}

// A relay that has lost the lead while its request is on the way fights without knowing: what it sent lands behind
// everything that its successor published meanwhile, and nobody sees it twice.
func TestWhatALeaderOfYesterdaySendsBreaksNoOrder(t *testing.T) {
	t.Parallel()
	l := newLedger(t, 1)
	l.note(t, 1, 50)
	seen := newReader()
	start(t, seen.run(kafkabus.NewSource(l.cfg, l.topic, catalog(), kafkabus.SourceOptions{})))
	late := &held{RoundTripper: l.cfg.Transport, sent: make(chan struct{}), off: make(chan struct{})}
	release := sync.OnceFunc(func() { close(late.off) })
	cfg := l.cfg
	cfg.Transport = late
	start(t, l.relay(cfg).Run)
	t.Cleanup(release) // before the relay is waited for
	<-late.sent
	killSessions(t, l)
	start(t, l.relay(l.cfg).Run)
	l.note(t, 51, 150)
	seen.sees(t, 150)

	release()
	testkit.Eventually(t, func() error {
		if n := count(raw(t, l.cfg, l.topic, 1)); n != 200 {
			return fmt.Errorf("%d records of 150 facts, and of 50 that come late", n)
		}
		return nil
	})
	l.note(t, 151, 160)
	seen.sees(t, 160)
	sameRepeats(t, raw(t, l.cfg, l.topic, 1))
}

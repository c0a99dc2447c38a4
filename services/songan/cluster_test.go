package songan_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"iter"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday"
)

const (
	paidByCluster = 200 // beneficiaries
	clusterLimit  = 6 * time.Minute
	// envSeed repeats what was killed when; processes still race as they like.
	envSeed = "SONGAN_TEST_SEED"
)

// Every payment is made once and none is lost when the services run apart, as they do in production: whatever process is
// killed, whatever comes twice, whatever is read again from its beginning. The judge is what the banks have booked.
func TestEveryPaymentIsMadeOnceWhenServicesRunApart(t *testing.T) {
	if testing.Short() {
		t.Skip("builds all services and kills them for a minute")
	}
	t.Parallel()
	seed := lot(t)
	t.Logf("%s=%d repeats these kills", envSeed, seed)
	began := time.Now()
	c := newCluster(t, seed)
	took(t, "build and start", &began)

	silent := bics()[c.random.IntN(len(bics()))]
	plan := c.plan(silent)
	models := c.models(t)
	c.welcome(t)
	stopEchoes := c.echoing(t)
	var outcome *rebuilds
	for stage := range c.supervised(t, playing(t, c.payday(t, "cluster", paidByCluster), clusterLimit)) {
		t.Logf("%-11s begins after %.1f s", stage, time.Since(began).Seconds())
		switch stage {
		case payday.Releasing:
			c.silence(t, silent)
		case payday.Paying:
			outcome = c.rebuilding(t, models)
		}
		late := stage == payday.Releasing || stage == payday.Paying || stage == payday.Settling
		if names := plan[stage]; len(names) > 0 {
			c.strike(t, stage, late, names...)
		}
		if stage == payday.Paying {
			c.hear(t, silent)
			c.strike(t, stage, false, c.again(silent)...)
		}
		if t.Failed() {
			return
		}
	}
	if t.Failed() {
		return
	}
	took(t, "payday", &began)
	outcome.judge(t)
	c.finish(t, stopEchoes)
	took(t, "all topics again", &began)
	c.judge(t)
	c.someWereLost(t, silent)
	c.judgeGuests(t)
	c.judgeRebuilds(t, models)
	c.judgeKills(t)
	took(t, "judges", &began)
}

// lot draws the seed of what is killed when, unless somebody repeats one.
func lot(t *testing.T) uint64 {
	t.Helper()
	if given := os.Getenv(envSeed); given != "" {
		seed, err := strconv.ParseUint(given, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", envSeed, err)
		}
		return seed
	}
	var b [4]byte
	_, _ = rand.Read(b[:])
	return uint64(binary.BigEndian.Uint32(b[:]))
}

// supervised hands the stages on, and supervises the programs meanwhile, in the test's own goroutine.
func (c *cluster) supervised(t *testing.T, stages <-chan payday.Stage) iter.Seq[payday.Stage] {
	t.Helper()
	const every = 200 * time.Millisecond
	return func(yield func(payday.Stage) bool) {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case stage, more := <-stages:
				if !more || !yield(stage) {
					return
				}
			case <-tick.C:
				c.supervise(t)
			}
		}
	}
}

// hear waits until payments of the silent bank are unknown, and has it answer from then on.
func (c *cluster) hear(t *testing.T, silent string) {
	t.Helper()
	unknown := 0
	testkit.Eventually(t, func() error {
		c.supervise(t)
		unknown = query[int](t, c.machine, "disbursement", unknownAt("="), silent)[0]
		if unknown == 0 {
			return fmt.Errorf("no payment is unknown yet")
		}
		return nil
	})
	c.tell(t, silent, unreliable())
	t.Logf("%s said nothing until %d of its payments were unknown, and answers again", silent, unknown)
}

// rebuilds are under way.
type rebuilds struct {
	done              chan struct{}
	rebuilt, attempts int
	wanted            int
	err               error
}

// rebuilding starts to rebuild all read models, while the services they belong to are killed.
func (c *cluster) rebuilding(t *testing.T, models map[string][]string) *rebuilds {
	t.Helper()
	r := &rebuilds{done: make(chan struct{})}
	for _, names := range models {
		r.wanted += len(names)
	}
	ctx, stop := context.WithTimeout(t.Context(), clusterLimit)
	go func() {
		defer close(r.done)
		r.rebuilt, r.attempts, r.err = c.rebuildAll(ctx, models)
	}()
	t.Cleanup(func() {
		stop()
		<-r.done
	})
	return r
}

func (r *rebuilds) judge(t *testing.T) {
	t.Helper()
	<-r.done
	if r.err != nil || r.rebuilt != r.wanted || r.wanted == 0 {
		t.Errorf("%d of %d read models were rebuilt: %v", r.rebuilt, r.wanted, r.err)
	}
	t.Logf("%d read models were rebuilt while payments went out, in %d attempts", r.rebuilt, r.attempts)
}

// finish ends the duplicates, and then has everybody read everything once more, from the first record on, before it is
// judged: every service is killed, and neither services nor banks know how far they were.
func (c *cluster) finish(t *testing.T, stopEchoes func() map[string]int) {
	t.Helper()
	for topic, n := range stopEchoes() {
		if n == 0 {
			t.Errorf("nothing was written twice to %s", topic)
		}
		t.Logf("%d records were written again to %s", n, topic)
	}
	consumers := map[string][]string{}
	c.await(t, append(services(), bics()...)...)
	for _, s := range services() {
		testkit.Eventually(t, func() error {
			if consumers[s] = c.consumers(t, s); len(consumers[s]) == 0 {
				return fmt.Errorf("%s has no consumers", s)
			}
			return nil
		})
	}
	before := c.facts(t)
	c.strike(t, "the end", true, append(services(), bics()...)...)
	c.await(t, append(services(), bics()...)...)
	c.settled(t, consumers)
	t.Logf("facts before everything was read again: %v, and after: %v; consumers: %v", before, c.facts(t), consumers)
}

// facts counts what stands in each log.
func (c *cluster) facts(t *testing.T) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, s := range services() {
		all[s] = query[int](t, c.machine, s, `select count(*) from events`)[0]
	}
	return all
}

package demo

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
)

// tally is what came of the evening so far, as the front desks see it.
type tally struct {
	mu      sync.Mutex
	figures evening.Figures
	// differing counts what differs from the plan; the first of them are told.
	differing   int
	differences []string

	answers, fromDue, lists, changes, checks []time.Duration
}

func newTally() *tally { return &tally{figures: evening.Figures{}} }

func (t *tally) count(figure string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.figures[figure]++
}

// told is how many differences are told one by one.
const told = 10

// differs notes that something is not as planned. The text names the guest by number only.
func (t *tally) differs(g *evening.Guest, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.differing++
	if t.differing <= told {
		t.differences = append(t.differences, fmt.Sprintf("guest %d (%s): %s", g.Number, g.Party, what))
	}
}

func (t *tally) answered(took, fromDue time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answers, t.fromDue = append(t.answers, took), append(t.fromDue, fromDue)
}

func (t *tally) answeredList(took time.Duration) { t.add(&t.lists, took) }

func (t *tally) changed(took time.Duration) { t.add(&t.changes, took) }

func (t *tally) checked(took time.Duration) { t.add(&t.checks, took) }

func (t *tally) add(to *[]time.Duration, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*to = append(*to, took)
}

// percentiles are durations that so many of a hundred do not exceed.
type percentiles struct {
	count              int
	p50, p90, p99, max time.Duration
}

// percentilesOf sorts the sample.
func percentilesOf(sample []time.Duration) percentiles {
	if len(sample) == 0 {
		return percentiles{}
	}
	slices.Sort(sample)
	of := func(percent int) time.Duration { return sample[(len(sample)*percent+99)/100-1] }
	return percentiles{count: len(sample), p50: of(50), p90: of(90), p99: of(99), max: of(100)}
}

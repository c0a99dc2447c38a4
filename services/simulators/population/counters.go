package population

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"slices"
	"sync"
)

// countedNumbers is for how many numbers checks are counted one by one; all checks are counted in total.
const countedNumbers = 1_000_000

// NumberHash names a citizen number in counters: the first half of its SHA-256. It keeps numbers out of logs and
// test failures. It is no protection: there are few enough numbers to try them all.
type NumberHash [16]byte

// Hash returns the name of a citizen number in counters.
func Hash(number string) NumberHash {
	sum := sha256.Sum256([]byte(number))
	return NumberHash(sum[:16])
}

// String returns the hash in hexadecimal, as the control API shows it.
func (h NumberHash) String() string { return hex.EncodeToString(h[:]) }

// Totals say what was received and answered since the start or the last reset.
type Totals struct {
	// Received counts checks with a key and a readable body, also those that failed on purpose.
	Received uint64 `json:"received"`
	// Answered counts honest answers by result.
	Answered map[string]uint64 `json:"answered"`
	// Failed counts checks that failed on purpose, by mode.
	Failed map[Mode]uint64 `json:"failed"`
	// Numbers is how many different numbers were asked for, Repeated how many of them more than once.
	Numbers  int `json:"numbers"`
	Repeated int `json:"repeated"`
	// Uncounted is how many checks could not be counted by number, for want of room.
	Uncounted uint64 `json:"uncounted,omitempty"`
}

type counters struct {
	mu       *sync.Mutex
	totals   *Totals
	byNumber map[NumberHash]uint32
}

func newCounters() counters {
	c := counters{mu: &sync.Mutex{}, totals: &Totals{}, byNumber: map[NumberHash]uint32{}}
	c.reset()
	return c
}

// asked counts a check and returns how often the number was asked before.
func (c *counters) asked(hash NumberHash) uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.totals.Received++
	before, known := c.byNumber[hash]
	switch {
	case !known && len(c.byNumber) >= countedNumbers:
		c.totals.Uncounted++
		return 0
	case !known:
		c.totals.Numbers++
	case before == 1:
		c.totals.Repeated++
	}
	c.byNumber[hash] = before + 1
	return before
}

func (c *counters) answered(mode Mode, result string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if mode == "" {
		c.totals.Answered[result]++
		return
	}
	c.totals.Failed[mode]++
}

func (c *counters) of(hash NumberHash) uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byNumber[hash]
}

func (c *counters) total() Totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := *c.totals
	t.Answered, t.Failed = copyOf(t.Answered), copyOf(t.Failed)
	return t
}

func copyOf[K comparable](m map[K]uint64) map[K]uint64 {
	c := make(map[K]uint64, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

func (c *counters) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.totals = Totals{Answered: map[string]uint64{}, Failed: map[Mode]uint64{}}
	clear(c.byNumber)
}

// all runs through the numbers asked for, by hash, as they were when it was called.
func (c *counters) all() iter.Seq2[NumberHash, uint32] {
	c.mu.Lock()
	defer c.mu.Unlock()
	type row struct {
		hash  NumberHash
		times uint32
	}
	rows := make([]row, 0, len(c.byNumber))
	for hash, times := range c.byNumber {
		rows = append(rows, row{hash, times})
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.hash.String(), b.hash.String()) })
	return func(yield func(NumberHash, uint32) bool) {
		for _, r := range rows {
			if !yield(r.hash, r.times) {
				return
			}
		}
	}
}

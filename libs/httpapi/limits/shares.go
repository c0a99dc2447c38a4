package limits

import "sync"

// Shares limits how much each of many callers may have under way at the same time, so that no single one takes every
// place of a [Gate]. Only callers with something under way are remembered: there are never more of them than requests.
// A nil *Shares lets everybody in.
type Shares struct {
	most int

	mu    sync.Mutex
	taken map[string]int
}

// NewShares returns shares of so many places for each caller. 0 means no limit: it returns nil.
func NewShares(most int) *Shares {
	if most <= 0 {
		return nil
	}
	return &Shares{most: most, taken: map[string]int{}}
}

// Take takes one place of a caller's share, which [Shares.Give] gives back; false when all of them are taken.
func (s *Shares) Take(caller string) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[caller] >= s.most {
		return false
	}
	s.taken[caller]++
	return true
}

// Give gives one place back, and forgets a caller who has taken no other.
func (s *Shares) Give(caller string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[caller]--; s.taken[caller] <= 0 {
		delete(s.taken, caller)
	}
}

// Callers counts those who have something under way.
func (s *Shares) Callers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken)
}

// Package head knows how far a log reaches.
package head

import "sync"

// Head is the last position of the log that this process knows of, and wakes those who wait for more.
type Head struct {
	mu      sync.Mutex
	at      int64
	changed chan struct{} // nil while nobody waits
}

// Advance moves the head forward; positions that are known already change nothing.
func (h *Head) Advance(position int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if position <= h.at {
		return
	}
	h.at = position
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

// Look returns the head and a channel that is closed as soon as it has moved.
func (h *Head) Look() (int64, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return h.at, h.changed
}

// Position is the last one that is known.
func (h *Head) Position() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

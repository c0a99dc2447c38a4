package eventstore

import "sync"

// head is the last position of the log that this process knows of, and wakes those who wait for more.
type head struct {
	mu      sync.Mutex
	at      int64
	changed chan struct{} // nil while nobody waits
}

// advance moves the head forward; positions that are known already change nothing.
func (h *head) advance(position int64) {
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

// look returns the head and a channel that is closed as soon as it has moved.
func (h *head) look() (int64, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return h.at, h.changed
}

func (h *head) position() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

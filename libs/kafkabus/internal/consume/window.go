package consume

import (
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

// windowSpan is the most records between the lowest unfinished one and the last one read: as many may be delivered
// again after a crash, and as many pass a key that is stuck before its partition waits for it.
const windowSpan = 4096

// window holds the records of one partition that were read and are not all finished. It says which may run: the first
// unfinished one of each key; and how far everything before is finished.
type window struct {
	order []*entry          // as read
	last  map[string]*entry // the last unfinished one by key
	open  int               // unfinished ones
	done  tail.Progress     // everything before it is finished
}

type entry struct {
	tail.Record
	key      string
	next     *entry // of the key, as read
	finished bool
}

func newWindow(from tail.Progress) *window { return &window{last: map[string]*entry{}, done: from} }

// add takes the next record that was read, and tells whether it may run at once.
func (w *window) add(r tail.Record) (*entry, bool) {
	e := &entry{Record: r, key: string(r.Key)}
	w.order = append(w.order, e)
	w.open++
	before, waits := w.last[e.key]
	if waits {
		before.next = e
	}
	w.last[e.key] = e
	return e, !waits
}

// pass takes note that reading has come to a place without a record to run, such as a repeat.
func (w *window) pass(at tail.Progress) {
	if len(w.order) == 0 {
		w.done = at
		return
	}
	w.order[len(w.order)-1].After = at
}

// finish takes a running record out, and returns the next one of its key, or nil.
func (w *window) finish(e *entry) *entry {
	e.finished, e.Message = true, kafka.Message{} // the message may wait long for an earlier one, without its body
	w.open--
	for len(w.order) > 0 && w.order[0].finished {
		w.done = w.order[0].After
		w.order[0] = nil
		w.order = w.order[1:]
	}
	next := e.next
	if next == nil {
		delete(w.last, e.key)
	}
	e.next = nil // nor the next one's body
	return next
}

// room tells whether another record may be read.
func (w *window) room(inFlight int) bool { return w.open < inFlight && len(w.order) < windowSpan }

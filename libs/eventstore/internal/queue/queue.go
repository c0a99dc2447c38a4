// Package queue is where work waits for its turn to be sent together: by size and by bytes bounded, first come first
// served, and left by whoever has no time.
package queue

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/songan-vn/songan/libs/problem"
)

// ErrClosed says that the store was closed.
var ErrClosed = errors.New("the store is closed")

// Bounds of a queue, and of what is taken at once. A queue is bounded twice, because commands differ in size; as many as there is
// room for have room as large as they usually are.
const (
	Bulk       = 32 * 2048         // most commands, or streams, that wait when bulk work still enters: the batches that the edge lets in, at their widest
	Size       = Bulk + 1024       // most that wait: what is single finds room beside bulk work
	UsualBytes = 2 << 10           // of a command; a notice has less, see the test
	Bytes      = Size * UsualBytes // most bytes that wait
	bulkBytes  = Bulk * UsualBytes // most when bulk work still enters
	BatchSize  = 1024              // most commands, or streams, of one round trip
	BatchBytes = 4 << 20           // bytes after which a round trip takes no more
	RetryAfter = time.Second
	yields     = 4 // times that those go first who are ready
)

// Queue is where work waits for its turn to be sent together. It holds what waits and nothing else: whoever leaves takes their
// work along, also while nobody takes anything for minutes.
type Queue[T any] struct {
	turn   sync.Mutex    // one takes at a time
	line   chan struct{} // of bulk work that waits for room: the first of it has the only place
	mu     sync.Mutex
	filled sync.Cond
	room   sync.Cond
	first  *Ticket[T] // linked to those behind it
	last   *Ticket[T]
	size   int
	bytes  int
	closed bool
}

// Ticket is one caller's work. Done is closed when the work has its answer. Before that, Answered is called if there is one; it must
// not wait for anything, as nobody else gets an answer meanwhile.
type Ticket[T any] struct {
	Work     T
	Size     int
	Bytes    int
	Answered func()
	Done     chan struct{}

	waits         bool // from here on guarded by the queue
	before, after *Ticket[T]
}

// New returns an empty queue.
func New[T any]() *Queue[T] {
	q := &Queue[T]{line: make(chan struct{}, 1)}
	q.filled.L, q.room.L = &q.mu, &q.mu
	return q
}

// Enter queues t, or refuses at once when too much waits already.
func (q *Queue[T]) Enter(_ context.Context, t *Ticket[T]) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	if !q.fits(t, Size, Bytes) {
		return overloaded()
	}
	q.add(t)
	return nil
}

// EnterLate queues t when there is room: for bulk work, which has time. It leaves some for what has none, and whoever comes first
// enters first, so that large pieces wait no longer than small ones.
func (q *Queue[T]) EnterLate(ctx context.Context, t *Ticket[T]) error {
	select {
	case q.line <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller wraps
	}
	defer func() { <-q.line }()
	if q.enterBulk(t) {
		return nil
	}
	return q.waitForRoom(ctx, t)
}

// enterBulk queues t if nothing speaks against it.
func (q *Queue[T]) enterBulk(t *Ticket[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || !q.fits(t, Bulk, bulkBytes) {
		return false
	}
	q.add(t)
	return true
}

func (q *Queue[T]) waitForRoom(ctx context.Context, t *Ticket[T]) error {
	wake := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.room.Broadcast()
	})
	defer wake()
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && ctx.Err() == nil && !q.fits(t, Bulk, bulkBytes) {
		q.room.Wait()
	}
	if q.closed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err //nolint:wrapcheck // the caller wraps
	}
	q.add(t)
	return nil
}

// fits lets work that is larger than the whole queue in when it is empty.
func (q *Queue[T]) fits(t *Ticket[T], size, bytes int) bool {
	return q.size == 0 || q.size+t.Size <= size && q.bytes+t.Bytes <= bytes
}

func (q *Queue[T]) add(t *Ticket[T]) {
	t.waits, t.before = true, q.last
	if q.last == nil {
		q.first = t
	} else {
		q.last.after = t
	}
	q.last = t
	q.size += t.Size
	q.bytes += t.Bytes
	q.filled.Signal()
}

// Leave takes t back. It is false if t was taken: then it will get its answer.
func (q *Queue[T]) Leave(t *Ticket[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !t.waits {
		return false
	}
	q.remove(t)
	return true
}

func (q *Queue[T]) remove(t *Ticket[T]) {
	if t.before == nil {
		q.first = t.after
	} else {
		t.before.after = t.after
	}
	if t.after == nil {
		q.last = t.before
	} else {
		t.after.before = t.before
	}
	t.waits, t.before, t.after = false, nil, nil
	q.size -= t.Size
	q.bytes -= t.Bytes
	q.room.Broadcast()
}

// Take waits for work and returns as much as goes into one round trip. It is empty when the queue is closed and
// everything was taken.
//
// Callers who were answered together come back together, but one after the other: a trip for the first of them would make
// the others wait for it. So Take lets those go first who are ready to run, as long as more come and go into the same trip.
func (q *Queue[T]) Take() []*Ticket[T] {
	q.turn.Lock()
	defer q.turn.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for q.size == 0 && !q.closed {
			q.filled.Wait()
		}
		q.letOthersIn()
		if batch := q.next(); len(batch) > 0 || q.closed {
			return batch
		}
		// whoever was there has left again
	}
}

func (q *Queue[T]) letOthersIn() {
	for range yields {
		before := q.size
		if before >= BatchSize {
			return
		}
		q.mu.Unlock()
		runtime.Gosched()
		q.mu.Lock()
		if q.size == before {
			return
		}
	}
}

func (q *Queue[T]) next() []*Ticket[T] {
	var batch []*Ticket[T]
	size, bytes := 0, 0
	for t := q.first; t != nil; t = q.first {
		if len(batch) > 0 && (size+t.Size > BatchSize || bytes+t.Bytes > BatchBytes) {
			break
		}
		q.remove(t)
		batch = append(batch, t)
		size += t.Size
		bytes += t.Bytes
	}
	return batch
}

// Length is how much waits.
func (q *Queue[T]) Length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.size
}

// Close refuses new work; what waits can still be taken.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Broadcast()
	q.room.Broadcast()
}

func overloaded() error {
	return &problem.Problem{
		Kind: problem.Unavailable, Code: "overloaded", RetryAfter: RetryAfter,
		Detail:   "too much is waiting to be stored; try again in a moment",
		DetailVI: "hệ thống đang quá tải; vui lòng thử lại sau giây lát",
	}
}

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

// Bounds of a queue, and of what is taken at once.
const (
	Size       = 33_280   // most commands, or streams, that wait: the 32 batches and 512 requests that the edge lets in, at their widest
	Bytes      = 64 << 20 // most bytes that wait
	BatchSize  = 512      // most commands, or streams, of one round trip
	BatchBytes = 4 << 20  // bytes after which a round trip takes no more
	RetryAfter = time.Second
	yields     = 4 // times that those go first who are ready
)

// Queue is where work waits for its turn to be sent together. It is bounded twice, because commands differ in size.
type Queue[T any] struct {
	turn    sync.Mutex // one takes at a time
	mu      sync.Mutex
	filled  sync.Cond
	room    sync.Cond
	waiting []*Ticket[T]
	size    int
	bytes   int
	closed  bool
}

// Ticket is one caller's work. Done is closed when the work has its answer.
type Ticket[T any] struct {
	Work  T
	Size  int
	Bytes int
	Done  chan struct{}

	taken bool // from here on guarded by the queue
	left  bool
}

// New returns an empty queue.
func New[T any]() *Queue[T] {
	q := &Queue[T]{}
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
	if !q.fits(t) {
		return overloaded()
	}
	q.add(t)
	return nil
}

// EnterLate queues t when there is room: for bulk work, which has time.
func (q *Queue[T]) EnterLate(ctx context.Context, t *Ticket[T]) error {
	wake := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.room.Broadcast()
	})
	defer wake()
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && ctx.Err() == nil && !q.fits(t) {
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
func (q *Queue[T]) fits(t *Ticket[T]) bool {
	return q.size == 0 || q.size+t.Size <= Size && q.bytes+t.Bytes <= Bytes
}

func (q *Queue[T]) add(t *Ticket[T]) {
	q.waiting = append(q.waiting, t)
	q.size += t.Size
	q.bytes += t.Bytes
	q.filled.Signal()
}

// Leave takes t back. It is false if t was taken: then it will get its answer.
func (q *Queue[T]) Leave(t *Ticket[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.taken {
		return false
	}
	t.left = true
	q.forget(t)
	return true
}

func (q *Queue[T]) forget(t *Ticket[T]) {
	q.size -= t.Size
	q.bytes -= t.Bytes
	q.room.Broadcast()
}

// Take waits for work and returns as much as goes into one round trip. It is empty when the queue is closed and
// everything was taken.
//
// Callers who were answered together come back together, but one after the other: a trip for the first of them would make
// the others wait for it. So Take lets those go first who are ready to run, as long as more come.
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
	size, bytes, n := 0, 0, 0
	for _, t := range q.waiting {
		if len(batch) > 0 && (size+t.Size > BatchSize || bytes+t.Bytes > BatchBytes) {
			break
		}
		n++
		if t.left {
			continue
		}
		t.taken = true
		batch = append(batch, t)
		size += t.Size
		bytes += t.Bytes
		q.forget(t)
	}
	rest := copy(q.waiting, q.waiting[n:])
	clear(q.waiting[rest:])
	q.waiting = q.waiting[:rest]
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

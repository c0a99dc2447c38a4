package eventstore

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/songan-vn/songan/libs/problem"
)

const (
	queueSize  = 4096     // most commands, or streams, that wait
	queueBytes = 64 << 20 // most bytes that wait
	batchSize  = 512      // most commands, or streams, of one round trip
	batchBytes = 4 << 20  // bytes after which a round trip takes no more
	retryAfter = time.Second
	yields     = 4 // times that those go first who are ready
)

// queue is where work waits for its turn to be sent together. It is bounded twice, because commands differ in size.
type queue[T any] struct {
	turn    sync.Mutex // one takes at a time
	mu      sync.Mutex
	filled  sync.Cond
	room    sync.Cond
	waiting []*ticket[T]
	size    int
	bytes   int
	closed  bool
}

// ticket is one caller's work. done is closed when the work has its answer.
type ticket[T any] struct {
	work  T
	size  int
	bytes int
	done  chan struct{}

	taken bool // from here on guarded by the queue
	left  bool
}

func newQueue[T any]() *queue[T] {
	q := &queue[T]{}
	q.filled.L, q.room.L = &q.mu, &q.mu
	return q
}

// enter queues t, or refuses at once when too much waits already.
func (q *queue[T]) enter(_ context.Context, t *ticket[T]) error {
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

// enterLate queues t when there is room: for bulk work, which has time.
func (q *queue[T]) enterLate(ctx context.Context, t *ticket[T]) error {
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
func (q *queue[T]) fits(t *ticket[T]) bool {
	return q.size == 0 || q.size+t.size <= queueSize && q.bytes+t.bytes <= queueBytes
}

func (q *queue[T]) add(t *ticket[T]) {
	q.waiting = append(q.waiting, t)
	q.size += t.size
	q.bytes += t.bytes
	q.filled.Signal()
}

// leave takes t back. It is false if t was taken: then it will get its answer.
func (q *queue[T]) leave(t *ticket[T]) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if t.taken {
		return false
	}
	t.left = true
	q.forget(t)
	return true
}

func (q *queue[T]) forget(t *ticket[T]) {
	q.size -= t.size
	q.bytes -= t.bytes
	q.room.Broadcast()
}

// take waits for work and returns as much as goes into one round trip. It is empty when the queue is closed and
// everything was taken.
//
// Callers who were answered together come back together, but one after the other: a trip for the first of them would make
// the others wait for it. So take lets those go first who are ready to run, as long as more come.
func (q *queue[T]) take() []*ticket[T] {
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

func (q *queue[T]) letOthersIn() {
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

func (q *queue[T]) next() []*ticket[T] {
	var batch []*ticket[T]
	size, bytes, n := 0, 0, 0
	for _, t := range q.waiting {
		if len(batch) > 0 && (size+t.size > batchSize || bytes+t.bytes > batchBytes) {
			break
		}
		n++
		if t.left {
			continue
		}
		t.taken = true
		batch = append(batch, t)
		size += t.size
		bytes += t.bytes
		q.forget(t)
	}
	rest := copy(q.waiting, q.waiting[n:])
	clear(q.waiting[rest:])
	q.waiting = q.waiting[:rest]
	return batch
}

// length is how much waits.
func (q *queue[T]) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.size
}

func (q *queue[T]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Broadcast()
	q.room.Broadcast()
}

func overloaded() error {
	return &problem.Problem{
		Kind: problem.Unavailable, Code: "overloaded", RetryAfter: retryAfter,
		Detail:   "too much is waiting to be stored; try again in a moment",
		DetailVI: "hệ thống đang quá tải; vui lòng thử lại sau giây lát",
	}
}

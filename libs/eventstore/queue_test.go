package eventstore

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/problem"
)

func work(n, size, bytes int) *ticket[int] {
	return &ticket[int]{work: n, size: size, bytes: bytes, done: make(chan struct{})}
}

func taken(batch []*ticket[int]) []int {
	var numbers []int
	for _, t := range batch {
		numbers = append(numbers, t.work)
	}
	return numbers
}

func TestAFullQueueRefusesAtOnce(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]*ticket[int]{
		"too many commands": work(0, queueSize/4, 1),
		"too many bytes":    work(0, 1, queueBytes/4),
	} {
		q := newQueue[int]()
		for range 4 {
			if err := q.enter(t.Context(), work(0, size.size, size.bytes)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		p, ok := problem.Of(q.enter(t.Context(), work(0, 1, 1)))
		if !ok || p.Kind != problem.Unavailable || p.Code != "overloaded" || p.RetryAfter != time.Second {
			t.Errorf("%s: got %+v, want overloaded", name, p)
		}
		q.take()
		if err := q.enter(t.Context(), work(0, 1, 1)); err != nil {
			t.Errorf("%s: refused when there was room again: %v", name, err)
		}
	}
}

func TestBulkWorkWaitsForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue[int]()
		for range queueSize / batchSize {
			if err := q.enter(t.Context(), work(1, batchSize, 1)); err != nil {
				t.Fatal(err)
			}
		}
		entered := make(chan error, 1)
		go func() { entered <- q.enterLate(t.Context(), work(2, batchSize, 1)) }()
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- q.enterLate(ctx, work(3, batchSize, 1)) }()
		synctest.Wait()
		if len(entered) > 0 {
			t.Fatal("entered a full queue")
		}
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
		q.take()
		if err := <-entered; err != nil {
			t.Errorf("got %v when there was room", err)
		}
		refused := make(chan error, 1)
		go func() { refused <- q.enterLate(t.Context(), work(4, batchSize, 1)) }()
		synctest.Wait()
		q.close()
		if err := <-refused; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want closed", err)
		}
	})
}

func TestWhoComesAloneDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue[int]()
		for n := range 10 {
			begin := time.Now()
			go func() { _ = q.enter(t.Context(), work(n, 1, 1)) }()
			if got := taken(q.take()); !slices.Equal(got, []int{n}) || time.Since(begin) != 0 {
				t.Errorf("got %v after %s, want %d at once", got, time.Since(begin), n)
			}
		}
	})
}

func TestAClosedQueueIsEmptiedAndThenEnds(t *testing.T) {
	t.Parallel()
	q := newQueue[int]()
	if err := q.enter(t.Context(), work(1, 1, 1)); err != nil {
		t.Fatal(err)
	}
	q.close()
	if err := q.enter(t.Context(), work(2, 1, 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want closed", err)
	}
	if got := taken(q.take()); !slices.Equal(got, []int{1}) {
		t.Errorf("took %v, want what was there", got)
	}
	if got := q.take(); len(got) != 0 {
		t.Errorf("took %v from an empty closed queue", taken(got))
	}
}

func TestWhoeverLeavesIsNotTakenAndNobodyElseIsForgotten(t *testing.T) {
	t.Parallel()
	for _, callers := range []int{1, 8} { // one: then the queue is empty after who was noticed has left
		const each = 5000
		q := newQueue[int]()
		served := make(chan int, 1)
		go func() { served <- serve(q) }()
		var stayed atomic.Int64
		var working sync.WaitGroup
		for range callers {
			working.Go(func() {
				for n := range each {
					if stay(t, q, n) {
						stayed.Add(1)
					}
				}
			})
		}
		working.Wait()
		q.close()
		if n := <-served; int64(n) != stayed.Load() || stayed.Load() == int64(callers*each) {
			t.Errorf("%d were served, %d of %d stayed", n, stayed.Load(), callers*each)
		}
	}
}

// serve answers everything until the queue ends.
func serve(q *queue[int]) (served int) {
	for batch := q.take(); len(batch) > 0; batch = q.take() {
		for _, w := range batch {
			served += w.size
			close(w.done)
		}
	}
	return served
}

// stay enters the queue, tries to leave it at various moments, and says whether it was served instead.
func stay(t *testing.T, q *queue[int], n int) bool {
	w := work(n, 1, 1)
	if err := q.enter(t.Context(), w); err != nil {
		t.Error(err)
	}
	for range n % 5 {
		runtime.Gosched()
	}
	if n%20 != 0 && q.leave(w) {
		return false
	}
	<-w.done
	return true
}

func TestAQueueHandsOutEverythingOnceInOrderAndWithinItsLimits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue[int]()
		var waiting []*ticket[int]
		total := func(f func(*ticket[int]) int) (sum int) {
			for _, w := range waiting {
				sum += f(w)
			}
			return sum
		}
		number := 0
		t.Repeat(map[string]func(*rapid.T){
			"enter": func(t *rapid.T) {
				number++
				w := work(number, rapid.IntRange(1, 2*batchSize).Draw(t, "size"), rapid.IntRange(0, queueBytes/8).Draw(t, "bytes"))
				if q.enter(context.Background(), w) == nil {
					waiting = append(waiting, w)
				}
			},
			"leave": func(t *rapid.T) {
				if len(waiting) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(waiting)-1).Draw(t, "who")
				if !q.leave(waiting[i]) {
					t.Fatal("could not leave before its turn")
				}
				waiting = slices.Delete(waiting, i, i+1)
			},
			"take": func(t *rapid.T) {
				if len(waiting) == 0 {
					t.Skip()
				}
				batch := q.take()
				want := taken(waiting[:len(batch)])
				if got := taken(batch); !slices.Equal(got, want) {
					t.Fatalf("took %v, want %v", got, want)
				}
				size, bytes := 0, 0
				for i, w := range batch {
					size, bytes = size+w.size, bytes+w.bytes
					if i > 0 && (size > batchSize || bytes > batchBytes) {
						t.Fatalf("took %d commands of %d bytes", size, bytes)
					}
					if q.leave(w) {
						t.Fatal("left after its turn")
					}
				}
				waiting = waiting[len(batch):]
			},
			"": func(t *rapid.T) {
				size, bytes := total(func(w *ticket[int]) int { return w.size }), total(func(w *ticket[int]) int { return w.bytes })
				if q.length() != size || q.bytes != bytes {
					t.Fatalf("counts %d commands, %d bytes; want %d, %d", q.length(), q.bytes, size, bytes)
				}
				if len(waiting) > 1 && (size > queueSize || bytes > queueBytes) {
					t.Fatalf("%d commands of %d bytes wait", size, bytes)
				}
			},
		})
	})
}

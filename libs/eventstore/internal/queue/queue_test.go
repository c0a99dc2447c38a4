package queue

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
	"weak"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/problem"
)

func work(n, size, bytes int) *Ticket[int] {
	return &Ticket[int]{Work: n, Size: size, Bytes: bytes, Done: make(chan struct{})}
}

func taken(batch []*Ticket[int]) []int {
	var numbers []int
	for _, t := range batch {
		numbers = append(numbers, t.Work)
	}
	return numbers
}

func TestAFullQueueRefusesAtOnce(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]*Ticket[int]{
		"too many commands": work(0, Size/4, 1),
		"too many bytes":    work(0, 1, Bytes/4),
	} {
		q := New[int]()
		for range 4 {
			if err := q.Enter(t.Context(), work(0, size.Size, size.Bytes)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		p, ok := problem.Of(q.Enter(t.Context(), work(0, 1, 1)))
		if !ok || p.Kind != problem.Unavailable || p.Code != "overloaded" || p.RetryAfter != time.Second {
			t.Errorf("%s: got %+v, want overloaded", name, p)
		}
		q.Take()
		if err := q.Enter(t.Context(), work(0, 1, 1)); err != nil {
			t.Errorf("%s: refused when there was room again: %v", name, err)
		}
	}
}

func TestBulkWorkWaitsForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := New[int]()
		for range Bulk / BatchSize {
			if err := q.EnterLate(t.Context(), work(1, BatchSize, 1)); err != nil {
				t.Fatal(err)
			}
		}
		entered := make(chan error, 1)
		go func() { entered <- q.EnterLate(t.Context(), work(2, BatchSize, 1)) }()
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- q.EnterLate(ctx, work(3, BatchSize, 1)) }()
		synctest.Wait()
		if len(entered) > 0 {
			t.Fatal("entered a full queue")
		}
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
		if err := q.Enter(t.Context(), work(5, Size-Bulk, 1)); err != nil {
			t.Errorf("bulk work left no room for what is single: %v", err)
		}
		for range (Size - Bulk) / BatchSize {
			q.Take()
		}
		q.Take()
		if err := <-entered; err != nil {
			t.Errorf("got %v when there was room", err)
		}
		refused := make(chan error, 1)
		go func() { refused <- q.EnterLate(t.Context(), work(4, BatchSize, 1)) }()
		synctest.Wait()
		q.Close()
		if err := <-refused; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want closed", err)
		}
	})
}

// A large piece needs more room than any small one, and would wait for ever if these went first.
func TestBulkWorkEntersInTheOrderInWhichItCame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := New[int]()
		for range Bulk / BatchSize {
			if err := q.EnterLate(t.Context(), work(0, BatchSize, 1)); err != nil {
				t.Fatal(err)
			}
		}
		for n, size := range []int{2 * BatchSize, 1} {
			go func() {
				if err := q.EnterLate(t.Context(), work(n+1, size, 1)); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		var came []int
		for len(came) < Bulk/BatchSize+2 {
			came = append(came, taken(q.Take())...)
			synctest.Wait()
		}
		if last := came[len(came)-2:]; !slices.Equal(last, []int{1, 2}) {
			t.Errorf("%v came last", last)
		}
	})
}

// What the edge lets in has room, whether it is counted or weighed.
func TestAQueueHasRoomForAsManyAsItCountsIfTheyAreOfUsualSize(t *testing.T) {
	t.Parallel()
	q := New[int]()
	for range Bulk / BatchSize {
		if err := q.EnterLate(t.Context(), work(1, BatchSize, BatchSize*UsualBytes)); err != nil {
			t.Fatal(err)
		}
	}
	for range Size - Bulk {
		if err := q.Enter(t.Context(), work(1, 1, UsualBytes)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhoComesAloneDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := New[int]()
		for n := range 10 {
			begin := time.Now()
			go func() { _ = q.Enter(t.Context(), work(n, 1, 1)) }()
			if got := taken(q.Take()); !slices.Equal(got, []int{n}) || time.Since(begin) != 0 {
				t.Errorf("got %v after %s, want %d at once", got, time.Since(begin), n)
			}
		}
	})
}

func TestAClosedQueueIsEmptiedAndThenEnds(t *testing.T) {
	t.Parallel()
	q := New[int]()
	if err := q.Enter(t.Context(), work(1, 1, 1)); err != nil {
		t.Fatal(err)
	}
	q.Close()
	if err := q.Enter(t.Context(), work(2, 1, 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want closed", err)
	}
	if got := taken(q.Take()); !slices.Equal(got, []int{1}) {
		t.Errorf("took %v, want what was there", got)
	}
	if got := q.Take(); len(got) != 0 {
		t.Errorf("took %v from an empty closed queue", taken(got))
	}
}

func TestWhoeverLeavesIsNotTakenAndNobodyElseIsForgotten(t *testing.T) {
	t.Parallel()
	for _, callers := range []int{1, 8} { // one: then the queue is empty after who was noticed has left
		const each = 5000
		q := New[int]()
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
		q.Close()
		if n := <-served; int64(n) != stayed.Load() || stayed.Load() == int64(callers*each) {
			t.Errorf("%d were served, %d of %d stayed", n, stayed.Load(), callers*each)
		}
	}
}

// The writer may be away for minutes, while callers give up and others come: what has left must not stay in memory.
func TestNothingIsKeptOfWhoHasLeft(t *testing.T) {
	t.Parallel()
	q := New[[]byte]()
	enter := func() *Ticket[[]byte] {
		w := &Ticket[[]byte]{Work: make([]byte, 1<<20), Size: 1, Bytes: 1 << 20, Answered: func() {}}
		if err := q.Enter(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		return w
	}
	stays := []*Ticket[[]byte]{enter()}
	var gone []weak.Pointer[Ticket[[]byte]]
	for range 5 {
		w := enter()
		gone = append(gone, weak.Make(w))
		stays = append(stays, enter())
		if !q.Leave(w) {
			t.Fatal("could not leave before its turn")
		}
	}
	runtime.GC()
	for i, w := range gone {
		if w.Value() != nil {
			t.Errorf("the queue holds the work of caller %d, who has left", i)
		}
	}
	if left := q.Leave(stays[0]) && q.Leave(stays[len(stays)-1]); !left {
		t.Error("neither the first nor the last can leave")
	}
	if got := len(q.Take()); got != len(stays)-2 {
		t.Errorf("%d are taken, %d stayed", got, len(stays)-2)
	}
}

// serve answers everything until the queue ends.
func serve(q *Queue[int]) (served int) {
	for batch := q.Take(); len(batch) > 0; batch = q.Take() {
		for _, w := range batch {
			served += w.Size
			close(w.Done)
		}
	}
	return served
}

// stay enters the queue, tries to leave it at various moments, and says whether it was served instead.
func stay(t *testing.T, q *Queue[int], n int) bool {
	w := work(n, 1, 1)
	if err := q.Enter(t.Context(), w); err != nil {
		t.Error(err)
	}
	for range n % 5 {
		runtime.Gosched()
	}
	if n%20 != 0 && q.Leave(w) {
		return false
	}
	<-w.Done
	return true
}

func TestAQueueHandsOutEverythingOnceInOrderAndWithinItsLimits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := New[int]()
		var waiting []*Ticket[int]
		total := func(f func(*Ticket[int]) int) (sum int) {
			for _, w := range waiting {
				sum += f(w)
			}
			return sum
		}
		number := 0
		t.Repeat(map[string]func(*rapid.T){
			"enter": func(t *rapid.T) {
				number++
				w := work(number, rapid.IntRange(1, 2*BatchSize).Draw(t, "size"), rapid.IntRange(0, Bytes/8).Draw(t, "bytes"))
				if q.Enter(context.Background(), w) == nil {
					waiting = append(waiting, w)
				}
			},
			"leave": func(t *rapid.T) {
				if len(waiting) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(waiting)-1).Draw(t, "who")
				if !q.Leave(waiting[i]) {
					t.Fatal("could not leave before its turn")
				}
				waiting = slices.Delete(waiting, i, i+1)
			},
			"take": func(t *rapid.T) {
				if len(waiting) == 0 {
					t.Skip()
				}
				batch := q.Take()
				want := taken(waiting[:len(batch)])
				if got := taken(batch); !slices.Equal(got, want) {
					t.Fatalf("took %v, want %v", got, want)
				}
				size, bytes := 0, 0
				for i, w := range batch {
					size, bytes = size+w.Size, bytes+w.Bytes
					if i > 0 && (size > BatchSize || bytes > BatchBytes) {
						t.Fatalf("took %d commands of %d bytes", size, bytes)
					}
					if q.Leave(w) {
						t.Fatal("left after its turn")
					}
				}
				waiting = waiting[len(batch):]
			},
			"": func(t *rapid.T) {
				size, bytes := total(func(w *Ticket[int]) int { return w.Size }), total(func(w *Ticket[int]) int { return w.Bytes })
				if q.Length() != size || q.bytes != bytes {
					t.Fatalf("counts %d commands, %d bytes; want %d, %d", q.Length(), q.bytes, size, bytes)
				}
				if len(waiting) > 1 && (size > Size || bytes > Bytes) {
					t.Fatalf("%d commands of %d bytes wait", size, bytes)
				}
			},
		})
	})
}

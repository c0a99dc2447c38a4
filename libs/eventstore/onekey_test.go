package eventstore_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/problem"
)

func TestAKeyThatMayChangeOneStreamChangesOne(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s, other := open(t, pool), open(t, pool)
	once := eventstore.OncePerKey()
	want := must(t, s, "till 1", insert{[]int{1}}, meta("key"), once)
	for _, opts := range [][]eventstore.Option{{once}, {once, eventstore.Fresh()}} {
		_, err := eventstore.Execute(t.Context(), other, "till 2", insert{[]int{1}}, meta("key"), opts...)
		if problem.CodeOf(err) != "idempotency_key_reused" {
			t.Fatalf("another stream: %v", err)
		}
		want.Replayed = true
		same(t, "repeat", want, must(t, other, "till 1", insert{[]int{1}}, meta("key"), opts...))
	}
	must(t, s, "till 2", insert{[]int{1}}, meta("key")) // who did not ask for it is not refused
	must(t, s, "till 3", insert{[]int{1}}, meta("another"), once)
	if got := len(mustLoad(t, s, "till 2")); got != 1 {
		t.Fatalf("%d facts", got)
	}
}

func TestOneKeyAtTheSameTimeOnManyStreamsChangesOne(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	stores := []*eventstore.Store{open(t, pool), open(t, pool)}
	const keys, streams = 10, 8
	for k := range keys {
		var done, refused atomic.Int64
		var working sync.WaitGroup
		for n := range streams {
			working.Go(func() {
				_, err := eventstore.Execute(t.Context(), stores[n%2], fmt.Sprint("till ", k, " ", n), insert{[]int{1}}, meta(fmt.Sprint("key ", k)),
					eventstore.OncePerKey(), eventstore.Fresh())
				switch {
				case err == nil:
					done.Add(1)
				case problem.CodeOf(err) == "idempotency_key_reused":
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		working.Wait()
		if done.Load() != 1 || refused.Load() != streams-1 {
			t.Fatalf("done %d, refused %d", done.Load(), refused.Load())
		}
	}
}

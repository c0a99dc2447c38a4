package consume

import (
	"fmt"
	"testing"

	"github.com/segmentio/kafka-go"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

func at(offset int64, key string) tail.Record {
	return tail.Record{
		Message: kafka.Message{Key: []byte(key), Offset: offset},
		After:   tail.Progress{Offset: offset + 1, Sequence: 10 * offset},
	}
}

func TestWindowLetsOnlyTheFirstOfAKeyRun(t *testing.T) {
	t.Parallel()
	w := newWindow(tail.Progress{})
	a1, runs := w.add(at(1, "a"))
	_, second := w.add(at(2, "a"))
	b1, other := w.add(at(3, "b"))
	if !runs || second || !other {
		t.Errorf("a1 runs %t, a2 runs %t, b1 runs %t", runs, second, other)
	}
	if next := w.finish(b1); next != nil || w.done != (tail.Progress{}) {
		t.Errorf("after b1: %v, at %+v", next, w.done)
	}
	if next := w.finish(a1); next == nil || next.Offset != 2 || w.done != at(1, "").After {
		t.Errorf("after a1: %v, at %+v", next, w.done)
	}
}

func TestWindowTakesRepeatsForFinishedWithWhatComesBefore(t *testing.T) {
	t.Parallel()
	w := newWindow(tail.Progress{})
	w.pass(tail.Progress{Offset: 3})
	if w.done.Offset != 3 {
		t.Errorf("at %+v", w.done)
	}
	e, _ := w.add(at(3, "a"))
	w.pass(tail.Progress{Offset: 9, Sequence: 30})
	if w.done.Offset != 3 {
		t.Errorf("at %+v before the end of what comes before", w.done)
	}
	w.finish(e)
	if w.done.Offset != 9 {
		t.Errorf("at %+v", w.done)
	}
}

func TestWindowHasRoomForSoManyUnfinished(t *testing.T) {
	t.Parallel()
	w := newWindow(tail.Progress{})
	stuck, _ := w.add(at(0, "stuck"))
	for offset := int64(1); offset < windowSpan; offset++ {
		if !w.room(2) {
			t.Fatalf("no room at %d: others have to pass a key that is stuck", offset)
		}
		e, _ := w.add(at(offset, "passes"))
		if w.room(2) {
			t.Fatal("room for a third")
		}
		w.finish(e)
	}
	if w.room(2) {
		t.Error("the window has no end")
	}
	w.finish(stuck)
	if !w.room(2) || w.done.Offset != windowSpan {
		t.Errorf("at %+v", w.done)
	}
}

// Whatever the order in which records finish: those of a key run one after the other in their order, and progress
// never passes an unfinished one.
func TestWindowHoldsItsPromisesInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWindow(tail.Progress{})
		running := map[string]*entry{}
		finished := map[int64]bool{}
		last := map[string]int64{}
		next, lowest := int64(0), int64(0)
		run := func(e *entry) {
			key := string(e.Key)
			if running[key] != nil || e.Offset < last[key] {
				t.Fatalf("%s at %d runs out of turn", key, e.Offset)
			}
			running[key], last[key] = e, e.Offset
		}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			if len(running) == 0 || rapid.Bool().Draw(t, "read") {
				if e, free := w.add(at(next, fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "key")))); free {
					run(e)
				}
				next++
			} else {
				key := rapid.SampledFrom(keys(running)).Draw(t, "finish")
				e := running[key]
				delete(running, key)
				finished[e.Offset] = true
				if follower := w.finish(e); follower != nil {
					run(follower)
				}
			}
			for finished[lowest] {
				lowest++
			}
			if w.done.Offset != lowest {
				t.Fatalf("at %d, the lowest unfinished is %d", w.done.Offset, lowest)
			}
		}
	})
}

func keys(running map[string]*entry) []string {
	var list []string
	for _, key := range []string{"0", "1", "2", "3"} {
		if running[key] != nil {
			list = append(list, key)
		}
	}
	return list
}

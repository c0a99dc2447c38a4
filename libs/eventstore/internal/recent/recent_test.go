package recent

import (
	"fmt"
	"testing"
)

func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	r := New(func(row []byte) int { return len(row) })
	rows := [][]byte{make([]byte, 100<<10)}
	const streams = 400 // of 100 KiB: more than twice what is kept
	for n := range streams {
		r.Keep(fmt.Sprint(n), int64(n), rows)
		if _, session, ok := r.Rows("0"); !ok || session != 0 { // asked for again and again
			t.Fatalf("the stream in use was forgotten after %d others", n)
		}
		if r.bytes > recentBytes || len(r.streams) != r.order.Len() {
			t.Fatalf("%d bytes of %d streams are kept, %d in order", r.bytes, len(r.streams), r.order.Len())
		}
	}
	if _, _, ok := r.Rows("1"); ok {
		t.Error("a stream that nobody asked for is still there")
	}
	r.Keep("0", 1, [][]byte{make([]byte, longestBytes+1)})
	if _, _, ok := r.Rows("0"); ok {
		t.Error("a stream that became too long is still there, as it was")
	}
	for n := range streams {
		r.Forget(fmt.Sprint(n))
	}
	if r.bytes != 0 || len(r.streams) != 0 || r.order.Len() != 0 {
		t.Errorf("after forgetting all, %d bytes of %d streams are left", r.bytes, len(r.streams))
	}
}

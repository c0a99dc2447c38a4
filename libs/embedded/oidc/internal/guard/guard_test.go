package guard

import (
	"strconv"
	"testing"
	"time"
)

func TestRightPasswordsCostNothing(t *testing.T) {
	t.Parallel()
	g := New(func() time.Time { return time.Unix(0, 0) })
	for range 100 {
		if _, ok := g.Try("an", "office"); !ok {
			t.Fatal("has to wait")
		}
		g.Right("an", "office")
	}
}

func TestWhatIsRememberedOfGuessesHasALimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	b := newBuckets(1, time.Hour)
	for i := range remembered + 10 {
		b.take(strconv.Itoa(i), now)
	}
	if len(b.paid) > remembered {
		t.Error(len(b.paid))
	}
}

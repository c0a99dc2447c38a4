package eventstore_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
)

func TestAReaderPassesOverFactsThatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	mustAppend(t, s, of("till", 0, put{1}, noted{"a coin"}, put{2}, noted{"another"}))
	want, err := s.Read(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	reader := eventstore.NewReader(pool, events.NewCatalog([]events.Event{put{}}))
	got, last, err := reader.Read(t.Context(), 0, 10)
	if err != nil || last != 4 {
		t.Fatalf("read up to %d: %v", last, err)
	}
	if diff := cmp.Diff([]events.Recorded{want[0], want[2]}, got); diff != "" {
		t.Fatal(diff)
	}
	if got, last, err = reader.Read(t.Context(), 3, 1); err != nil || last != 4 || len(got) != 0 {
		t.Fatalf("one unknown fact reads as %d facts up to %d: %v", len(got), last, err)
	}
	if _, last, err = reader.Read(t.Context(), 4, 1); err != nil || last != 4 {
		t.Fatalf("the end reads up to %d: %v", last, err)
	}
	if _, _, err = reader.Read(t.Context(), 0, 0); err == nil {
		t.Fatal("a limit of 0 reads nothing for ever")
	}
}

func TestAReaderNoticesAMissingFactAmongThoseThatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	pool := fresh(t)
	s := open(t, pool)
	mustAppend(t, s, of("till", 0, put{1}, noted{"gone"}, put{2}))
	tamper(t, pool, `delete from events where position = 2`)
	reader := eventstore.NewReader(pool, events.NewCatalog([]events.Event{put{}}))
	if _, _, err := reader.Read(t.Context(), 0, 10); !errors.Is(err, eventstore.ErrHole) {
		t.Fatalf("got %v, want a hole", err)
	}
}

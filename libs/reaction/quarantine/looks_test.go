package quarantine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestManyMessagesAreLookedUpAtOnceAndEachGetsItsOwnAnswer(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if err := Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	q := New(pool, func() (at time.Time) { return at })
	of := func(n int) Item {
		return Item{
			Consumer: "c", Place: kafkabus.Place{Topic: "t"}, Key: fmt.Sprint("key-", n%10), Fact: fmt.Sprint("fact-", n),
			Headers: map[string]string{}, Payload: []byte{},
		}
	}
	if seen, waits, err := q.looks.of(t.Context(), of(1)); err != nil || seen || waits {
		t.Errorf("an empty quarantine: seen %v, waits %v, %v", seen, waits, err)
	}
	for n := range 3 { // keys 0, 1 and 2 wait, for facts 0, 1 and 2
		if err := q.Add(t.Context(), of(n)); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	ended, cancel := context.WithCancel(ctx)
	cancel()
	var asking sync.WaitGroup
	for n := range 1000 {
		asking.Go(func() {
			if n%7 == 6 { // some are shut down while they wait, and hold up nobody
				if _, _, err := q.looks.of(ended, of(n)); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			}
			seen, waits, err := q.looks.of(ctx, of(n))
			if err != nil || seen != (n < 3) || waits != (n%10 < 3) {
				t.Errorf("fact %d: seen %v, waits %v, %v", n, seen, waits, err)
			}
		})
	}
	asking.Wait()
	pool.Close()
	if _, _, err := q.looks.of(t.Context(), of(1)); err == nil {
		t.Error("a database that is away answered")
	}
}

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
	look := func(ctx context.Context, n int) (found, error) {
		i := of(n)
		return q.looks.of(ctx, Message{i.Consumer, i.Place.Topic, i.Key, i.Fact})
	}
	if got, err := look(t.Context(), 1); err != nil || got != (found{}) {
		t.Errorf("an empty quarantine: %+v, %v", got, err)
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
				if _, err := look(ended, n); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			}
			got, err := look(ctx, n)
			if err != nil || got != (found{seen: n < 3, waits: n%10 < 3}) {
				t.Errorf("fact %d: %+v, %v", n, got, err)
			}
		})
	}
	asking.Wait()
	pool.Close()
	if _, err := look(t.Context(), 1); err == nil {
		t.Error("a database that is away answered")
	}
}

package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestACrashOfTheServerLosesAndDoublesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	const crashes, callers = 3, 16
	server := testkit.DurablePostgres(t, nil)
	pool, err := pg.Open(t.Context(), server.URL("songan"), pg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	migrate(t, pool)
	s := open(t, pool)
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	var mu sync.Mutex
	answered, unknown := map[string]int{}, 0
	var working sync.WaitGroup
	for c := range callers {
		working.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				stream := fmt.Sprintf("till-%d-%d", c, n)
				_, err := s.Append(context.WithoutCancel(ctx), eventstore.Append{Stream: stream, Facts: []events.Event{put{1}}})
				mu.Lock()
				switch {
				case err == nil:
					answered[stream]++
				case errors.Is(err, eventstore.ErrUnknown):
					unknown++
				case errors.Is(err, eventstore.ErrConflict):
					t.Errorf("an append nobody competed for: %v", err)
				}
				mu.Unlock()
			}
		})
	}
	progress := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(answered)
	}
	for range crashes {
		before := progress()
		testkit.Eventually(t, func() error {
			if progress() < before+500 {
				return errors.New("hardly anything was appended yet")
			}
			return nil
		})
		server.Kill()
		server.Start(t)
	}
	cancel()
	working.Wait()

	pool.Reset()
	unanswered := 0
	for _, r := range everything(t, s) {
		if answered[r.Stream] == 0 {
			unanswered++
		}
		delete(answered, r.Stream)
	}
	if len(answered) > 0 || unanswered > unknown {
		t.Errorf("%d answered appends are lost; %d are there that were not answered, %d outcomes were unknown",
			len(answered), unanswered, unknown)
	}
}

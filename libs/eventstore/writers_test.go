package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
)

// The central promise: sixteen writers at two stores, as two processes have them, who conflict, are rolled back and dawdle
// before they commit, and a reader that asks for nothing but "position > n". (Processes of their own: process_test.go.)
func TestANaiveReaderBesideSixteenWritersSkipsNothing(t *testing.T) {
	t.Parallel()
	const writers, facts = 16, 100_000
	pool := fresh(t)
	stores := []*eventstore.Store{open(t, pool), open(t, pool)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	var seen, skipped, twice atomic.Int64
	following := make(chan error, 1)
	reader := open(t, pool)
	go func() {
		last := int64(0)
		following <- reader.Follow(ctx, 0, 500, nil, func(_ context.Context, p eventstore.Piece) error {
			for _, r := range p.Facts {
				skipped.Add(max(0, r.Position-last-1))
				if r.Position <= last {
					twice.Add(1)
				}
				last = r.Position
				seen.Add(1)
			}
			return nil
		})
	}()
	disturbing := make(chan int, 1)
	go func() { disturbing <- disturb(ctx, t, pool) }()

	var accepted, conflicts, refused atomic.Int64
	var working sync.WaitGroup
	for w := range writers {
		working.Go(func() {
			for n := 0; accepted.Load() < facts; n++ {
				results, err := stores[w%2].AppendAll(ctx, mixed(w, n))
				if err != nil {
					t.Error(err)
					return
				}
				for _, r := range results {
					switch {
					case r.Err == nil:
						accepted.Add(int64(len(r.Recorded)))
					case errors.Is(r.Err, eventstore.ErrConflict):
						conflicts.Add(1)
					case errors.Is(r.Err, eventstore.ErrUnstorable):
						refused.Add(1)
					default:
						t.Error(r.Err)
					}
				}
			}
		})
	}
	working.Wait()
	testkit.Eventually(t, func() error {
		if seen.Load() < accepted.Load() {
			return fmt.Errorf("seen %d of %d", seen.Load(), accepted.Load())
		}
		return nil
	})
	cancel()
	if err := <-following; err != nil {
		t.Error(err)
	}
	slow := <-disturbing

	total, head := count(t, pool, `select count(*) from events`), count(t, pool, `select max(position) from events`)
	t.Logf("%d facts seen, %d skipped, %d seen twice; %d conflicts, %d rolled back for what they held, %d slow transactions",
		seen.Load(), skipped.Load(), twice.Load(), conflicts.Load(), refused.Load(), slow)
	if skipped.Load() != 0 || twice.Load() != 0 || seen.Load() != accepted.Load() || total != head || int64(total) != accepted.Load() {
		t.Errorf("accepted %d, in the table %d, last position %d, seen %d", accepted.Load(), total, head, seen.Load())
	}
	if conflicts.Load() == 0 || refused.Load() == 0 || slow == 0 {
		t.Error("the test has tested nothing: there must be conflicts, refusals and slow transactions")
	}
}

// mixed are the n-th appends of a writer: mostly to streams of its own, some to one that all fight for, and now and
// then one that the database refuses, which rolls back the batch that it is in.
func mixed(writer, n int) []eventstore.Append {
	const size = 40
	var all []eventstore.Append
	for i := range size {
		all = append(all, of(fmt.Sprintf("till-%d-%d-%d", writer, n, i), 0, put{i}, put{-i}))
	}
	all[rand.IntN(size)] = of("till-contended", n, put{writer})
	if n%20 == writer {
		all[rand.IntN(size)] = of(fmt.Sprintf("till-bad-%d", writer), 0, noted{"\x00"})
	}
	return all
}

// disturb runs transactions that insert at the end of the log, dawdle, and then roll back: the pauses in which an
// ordinary sequence makes readers skip.
func disturb(ctx context.Context, t testing.TB, pool *pgxpool.Pool) (done int) {
	for ; ctx.Err() == nil; done++ {
		tx, err := pool.Begin(ctx)
		if err != nil {
			return done
		}
		_, err = tx.Exec(ctx, turn)
		if err == nil {
			_, err = tx.Exec(ctx, `insert into events
				select coalesce(max(position), 0) + 1, 'till-ghost', 1, 'till.put.v1', '{"coins": 1}', '{}', 0, now() from events`)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `select pg_sleep(0.02)`)
		}
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
		if err := tx.Rollback(context.WithoutCancel(ctx)); err != nil {
			return done
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return done
}

func TestWritersWhoExpectTheSameVersionGetOneWinner(t *testing.T) {
	t.Parallel()
	const rounds, writers = 60, 16
	pool := fresh(t)
	stores := []*eventstore.Store{open(t, pool), open(t, pool)}
	for round := range rounds {
		var won, lost atomic.Int64
		var working sync.WaitGroup
		for w := range writers {
			working.Go(func() {
				_, err := stores[w%2].Append(t.Context(), of("till", round, put{w}))
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, eventstore.ErrConflict):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		working.Wait()
		if won.Load() != 1 || lost.Load() != writers-1 {
			t.Fatalf("round %d: %d won, %d lost", round, won.Load(), lost.Load())
		}
	}
	if got := len(mustLoad(t, stores[0], "till")); got != rounds {
		t.Errorf("the stream has %d facts, want %d", got, rounds)
	}
}

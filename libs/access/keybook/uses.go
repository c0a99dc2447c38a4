package keybook

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/telemetry"
)

const (
	writeEvery = time.Minute
	lastWrite  = 5 * time.Second // at a stop
)

// Uses notes when keys were last used. A nil *Uses notes nothing.
type Uses struct {
	pool *pgxpool.Pool
	now  func() time.Time
	log  *zap.Logger
	seen sync.Map // key's id to *atomic.Int64, the second of its last use
}

// NewUses returns notes that [Uses.Run] writes down.
func NewUses(pool *pgxpool.Pool, now func() time.Time, log *zap.Logger) *Uses {
	return &Uses{pool: pool, now: now, log: log}
}

// Note notes that a key works. It is called for each request, and costs a lookup in memory. It is given ids of keys that
// exist alone, so it remembers no more than there are.
func (u *Uses) Note(key string) {
	if u == nil {
		return
	}
	second := u.now().Unix()
	if known, ok := u.seen.Load(key); ok {
		if at := known.(*atomic.Int64); at.Load() != second {
			at.Store(second)
		}
		return
	}
	at := &atomic.Int64{}
	at.Store(second)
	u.seen.Store(key, at)
}

// Run writes the notes down, until ctx ends and then once more. It is a service.Runner's.
func (u *Uses) Run(ctx context.Context) error {
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
			defer cancel()
			if err := u.Write(ctx); err != nil {
				u.log.Warn("the last uses of keys were not written", telemetry.Err(err))
			}
			return nil
		case <-tick.C:
			if err := u.Write(ctx); err != nil && ctx.Err() == nil {
				u.log.Warn("uses of keys were not written; tried again later", telemetry.Err(err))
			}
		}
	}
}

// Write writes down what was noted since the last time.
func (u *Uses) Write(ctx context.Context) error {
	var keys []string
	var seconds []time.Time
	u.seen.Range(func(key, at any) bool {
		keys, seconds = append(keys, key.(string)), append(seconds, time.Unix(at.(*atomic.Int64).Load(), 0))
		u.seen.Delete(key)
		return true
	})
	if len(keys) == 0 {
		return nil
	}
	const write = `
		insert into keybook_uses (key, last_used_at)
		select * from unnest($1::text[], $2::timestamptz[])
		on conflict (key) do update set last_used_at = greatest(keybook_uses.last_used_at, excluded.last_used_at)`
	if _, err := u.pool.Exec(ctx, write, keys, seconds); err != nil {
		for i, key := range keys { // a note made meanwhile is later, and stays
			at := &atomic.Int64{}
			at.Store(seconds[i].Unix())
			u.seen.LoadOrStore(key, at)
		}
		return fmt.Errorf("write %d uses of keys: %w", len(keys), err)
	}
	return nil
}

// Last returns when a key was last used, as far as it is written; the zero time if it was not.
func (u *Uses) Last(ctx context.Context, key string) (at time.Time, err error) {
	if u == nil {
		return time.Time{}, nil
	}
	err = u.pool.QueryRow(ctx, `select last_used_at from keybook_uses where key = $1`, key).Scan(&at)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, fmt.Errorf("look for a key's last use: %w", err)
	}
	return at, nil
}

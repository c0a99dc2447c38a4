// Package lead gives one relay of a topic the right to publish, and keeps what it has to remember: the checkpoint.
package lead

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
)

const (
	poll  = 250 * time.Millisecond // so long nobody publishes after the leader is gone
	check = time.Second            // how often an idle leader asks whether it still is one
	trip  = 5 * time.Second        // for one statement; silence for longer means that the lead is lost
)

// Checkpoint is how far a relay has published the log: everything up to Position. Previous holds the position that was
// published last to each partition.
type Checkpoint struct {
	Position int64
	Previous []int64
}

// Lead is the right to publish to a topic: a lock that lives as long as its connection. The checkpoint is moved over
// that very connection, so that nobody can move it without the lead.
type Lead struct {
	topic string
	mu    sync.Mutex // one statement at a time
	conn  *pgx.Conn
}

// The checkpoint may be lost in a crash of the database: an older one means that facts are published again, which is
// harmless, and saves an fsync per batch.
const session = `
set application_name = 'songan relay';
set synchronous_commit = off`

// Take waits for its turn. It asks again and again instead of waiting in the database, because a statement that
// waits there for days would keep vacuum from cleaning up.
func Take(ctx context.Context, pool *pgxpool.Pool, topic string) (*Lead, error) {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect for the lead of %s: %w", topic, err)
	}
	l := &Lead{topic: topic, conn: pooled.Hijack()}
	if err := l.wait(ctx); err != nil {
		l.Release(ctx)
		return nil, fmt.Errorf("wait for the lead of %s: %w", topic, err)
	}
	return l, nil
}

func (l *Lead) wait(ctx context.Context) error {
	if _, err := l.conn.PgConn().Exec(ctx, session).ReadAll(); err != nil {
		return err
	}
	const try = `select pg_try_advisory_lock(hashtextextended('kafkabus relay ' || current_schema() || ' ' || $1, 0))`
	for {
		var mine bool
		if err := l.conn.QueryRow(ctx, try, l.topic).Scan(&mine); err != nil || mine {
			return err
		}
		if err := pause.For(ctx, poll); err != nil {
			return err
		}
	}
}

// Release gives the lead to whoever waits for it. It does so when ctx has ended as well.
func (l *Lead) Release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trip)
	defer cancel()
	_ = l.conn.Close(ctx) // the server notices either way
}

// Load returns the checkpoint, and whether there is one.
func (l *Lead) Load(ctx context.Context) (Checkpoint, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	const load = `select position, previous from relay_positions where topic = $1`
	var at Checkpoint
	err := l.conn.QueryRow(ctx, load, l.topic).Scan(&at.Position, &at.Previous)
	if errors.Is(err, pgx.ErrNoRows) {
		return at, false, nil
	}
	if err != nil {
		return at, false, fmt.Errorf("load checkpoint of %s: %w", l.topic, err)
	}
	return at, true, nil
}

// Create makes the checkpoint at the start of the log. It is durable, unlike those that follow.
func (l *Lead) Create(ctx context.Context, partitions int) (Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := Checkpoint{Previous: make([]int64, partitions)}
	err := pgx.BeginFunc(ctx, l.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set local synchronous_commit = on`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into relay_positions (topic, position, previous) values ($1, $2, $3)`,
			l.topic, at.Position, at.Previous)
		return err
	})
	if err != nil {
		return at, fmt.Errorf("create checkpoint of %s: %w", l.topic, err)
	}
	return at, nil
}

// Save moves the checkpoint, from where this leader left it. It may still do so when ctx has just ended.
func (l *Lead) Save(ctx context.Context, before int64, after Checkpoint) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trip)
	defer cancel()
	const move = `update relay_positions set position = $3, previous = $4 where topic = $1 and position = $2`
	tag, err := l.conn.Exec(ctx, move, l.topic, before, after.Position, after.Previous)
	if err != nil {
		return fmt.Errorf("save checkpoint of %s: %w", l.topic, err)
	}
	if tag.RowsAffected() != 1 {
		return errors.New("save checkpoint of " + l.topic + ": somebody else has moved it")
	}
	return nil
}

// Keep returns when the lead is lost, or when ctx ends.
func (l *Lead) Keep(ctx context.Context) error {
	for {
		if err := pause.For(ctx, check); err != nil {
			return err
		}
		if err := l.ping(ctx); err != nil {
			return fmt.Errorf("lead of %s is lost: %w", l.topic, err)
		}
	}
}

func (l *Lead) ping(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trip) // broken off, it would break the connection
	defer cancel()
	return l.conn.Ping(ctx)
}

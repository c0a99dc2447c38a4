package quarantine

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	mostLooks   = 256             // messages that one query asks for
	lookTimeout = 5 * time.Second // of the query, which belongs to many deliveries
)

// Message is how the quarantine knows one.
type Message struct{ Consumer, Topic, Key, Fact string }

// looks asks for many messages at once how they stand to the quarantine. Every message is asked for after it has come,
// never from memory: another process may have quarantined the fact before it a moment ago, and an operator released it.
type looks struct {
	pool *pgxpool.Pool

	turn chan struct{} // to ask; one at a time
	mu   sync.Mutex
	// waiting are in the order in which they came. Only the last one takes more messages.
	waiting []*round
}

func newLooks(pool *pgxpool.Pool) *looks { return &looks{pool: pool, turn: make(chan struct{}, 1)} }

// round is the question of some messages. done is closed when there is an answer.
type round struct {
	messages []Message
	found    []found // by message; empty if none has anything in quarantine
	err      error
	done     chan struct{}
}

// found is whether a message is or was in quarantine, and whether its key waits there.
type found struct{ seen, waits bool }

// of waits for the answer to one message: one of those who wait asks for all, and while it does, others gather.
func (l *looks) of(ctx context.Context, m Message) (found, error) {
	mine, n := l.join(m)
	for {
		select {
		case <-mine.done:
			if mine.err != nil || len(mine.found) == 0 {
				return found{}, mine.err
			}
			return mine.found[n], nil
		case <-ctx.Done():
			return found{}, fmt.Errorf("look into quarantine: %w", ctx.Err())
		case l.turn <- struct{}{}:
			l.ask(context.WithoutCancel(ctx)) // for the others as well
			<-l.turn
		}
	}
}

// join adds a message to the last round, as its n-th, unless that one is full.
func (l *looks) join(m Message) (last *round, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if many := len(l.waiting); many > 0 {
		last = l.waiting[many-1]
	}
	if last == nil || len(last.messages) == mostLooks {
		last = &round{done: make(chan struct{})}
		l.waiting = append(l.waiting, last)
	}
	last.messages = append(last.messages, m)
	return last, len(last.messages) - 1
}

// ask sends one query for those who wait, if somebody does. Who comes from now on is in another round.
func (l *looks) ask(ctx context.Context) {
	runtime.Gosched() // who is about to ask as well asks with us
	l.mu.Lock()
	if len(l.waiting) == 0 {
		l.mu.Unlock()
		return
	}
	first := l.waiting[0]
	l.waiting = slices.Delete(l.waiting, 0, 1)
	l.mu.Unlock()
	first.found, first.err = l.query(ctx, first.messages)
	close(first.done)
}

// used asks first whether a consumer has anything in quarantine at all: hardly one ever has, and then that is the whole
// answer for all of its messages.
const used = `select exists (select from quarantine where consumer = any ($1))`

const lookUpMany = `
select m.n,
       exists (select from quarantine q where q.consumer = m.consumer and q.topic = m.topic and q.fact = m.fact),
       exists (select from quarantine q where q.consumer = m.consumer and q.topic = m.topic and q.key = m.key
                  and q.released_at is null and q.discarded_at is null)
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality as m(consumer, topic, key, fact, n)`

func (l *looks) query(ctx context.Context, messages []Message) ([]found, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	var some bool
	if err := l.pool.QueryRow(ctx, used, consumersOf(messages)).Scan(&some); err != nil {
		return nil, fmt.Errorf("look into quarantine: %w", err)
	}
	if !some {
		return nil, nil
	}
	return l.each(ctx, messages)
}

func consumersOf(messages []Message) (consumers []string) {
	for _, m := range messages {
		if !slices.Contains(consumers, m.Consumer) {
			consumers = append(consumers, m.Consumer)
		}
	}
	return consumers
}

// each asks for every message by itself.
func (l *looks) each(ctx context.Context, messages []Message) ([]found, error) {
	columns := make([][]string, 4) // consumer, topic, key, fact
	for _, m := range messages {
		for i, value := range [...]string{m.Consumer, m.Topic, m.Key, m.Fact} {
			columns[i] = append(columns[i], value)
		}
	}
	rows, err := l.pool.Query(ctx, lookUpMany, columns[0], columns[1], columns[2], columns[3])
	if err != nil {
		return nil, fmt.Errorf("look into quarantine: %w", err)
	}
	all := make([]found, len(messages))
	var n, answers int
	var one found
	_, err = pgx.ForEachRow(rows, []any{&n, &one.seen, &one.waits}, func() error {
		all[n-1] = one
		answers++
		return nil
	})
	if err == nil && answers != len(messages) {
		err = fmt.Errorf("%d answers for %d messages", answers, len(messages))
	}
	if err != nil {
		return nil, fmt.Errorf("look into quarantine: %w", err)
	}
	return all, nil
}

package quarantine

import (
	"context"
	"fmt"
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

// looks asks for many messages at once how they stand to the quarantine. Every message is asked for after it has come,
// never from memory: another process may have quarantined the fact before it a moment ago, and an operator released it.
type looks struct {
	pool *pgxpool.Pool

	turn chan struct{} // to ask; one at a time
	mu   sync.Mutex
	// waiting are in the order in which they came.
	waiting []*lookup
}

func newLooks(pool *pgxpool.Pool) *looks { return &looks{pool: pool, turn: make(chan struct{}, 1)} }

// lookup is the question of one message. done is closed when it has its answer.
type lookup struct {
	item        Item
	seen, waits bool
	err         error
	done        chan struct{}
}

// of waits for the answer to one message: one of those who wait asks for all, and while it does, others gather.
func (l *looks) of(ctx context.Context, i Item) (seen, waits bool, err error) {
	mine := &lookup{item: i, done: make(chan struct{})}
	l.mu.Lock()
	l.waiting = append(l.waiting, mine)
	l.mu.Unlock()
	for {
		select {
		case <-mine.done:
			return mine.seen, mine.waits, mine.err
		case <-ctx.Done():
			return false, false, fmt.Errorf("look into quarantine: %w", ctx.Err())
		case l.turn <- struct{}{}:
			l.ask(context.WithoutCancel(ctx)) // for the others as well
			<-l.turn
		}
	}
}

// ask sends one query for those who wait, if somebody does.
func (l *looks) ask(ctx context.Context) {
	l.mu.Lock()
	batch := l.waiting[:min(len(l.waiting), mostLooks)]
	l.waiting = l.waiting[len(batch):]
	l.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	err := l.query(ctx, batch)
	for _, one := range batch {
		one.err = err
		close(one.done)
	}
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

func (l *looks) query(ctx context.Context, batch []*lookup) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	var some bool
	if err := l.pool.QueryRow(ctx, used, consumersOf(batch)).Scan(&some); err != nil {
		return fmt.Errorf("look into quarantine: %w", err)
	}
	if !some {
		return nil
	}
	return l.each(ctx, batch)
}

func consumersOf(batch []*lookup) (consumers []string) {
	for _, one := range batch {
		if !slices.Contains(consumers, one.item.Consumer) {
			consumers = append(consumers, one.item.Consumer)
		}
	}
	return consumers
}

// each asks for every message by itself.
func (l *looks) each(ctx context.Context, batch []*lookup) error {
	columns := make([][]string, 4) // consumer, topic, key, fact
	for _, one := range batch {
		for i, value := range [...]string{one.item.Consumer, one.item.Place.Topic, one.item.Key, one.item.Fact} {
			columns[i] = append(columns[i], value)
		}
	}
	rows, err := l.pool.Query(ctx, lookUpMany, columns[0], columns[1], columns[2], columns[3])
	if err != nil {
		return fmt.Errorf("look into quarantine: %w", err)
	}
	var n, answers int
	var seen, waits bool
	_, err = pgx.ForEachRow(rows, []any{&n, &seen, &waits}, func() error {
		batch[n-1].seen, batch[n-1].waits = seen, waits
		answers++
		return nil
	})
	if err == nil && answers != len(batch) {
		err = fmt.Errorf("%d answers for %d messages", answers, len(batch))
	}
	if err != nil {
		return fmt.Errorf("look into quarantine: %w", err)
	}
	return nil
}

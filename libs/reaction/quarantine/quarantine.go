// Package quarantine keeps the facts that a consumer could not digest, in the table quarantine.
//
//  1. The first fact of a key that fails goes in, with the reason. As long as it waits, those of its key that follow are
//     parked behind it, because they must not overtake it.
//  2. An operator decides about an item, with a reason: released, the facts of its key are handled again in their order;
//     discarded, that one is not handled.
//  3. Entering and deciding take turns for each key, so that no fact is left behind by one that is released meanwhile.
package quarantine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/pg"
)

// Item is a fact in quarantine.
type Item struct {
	ID       int64
	Consumer string
	// Place is where the message stands in Kafka.
	Place kafkabus.Place
	// Key is that of the message. As long as it has an open item, all its facts go to quarantine.
	Key     string
	Fact    string
	Stream  string
	Type    string
	Payload []byte
	Headers map[string]string
	// ErrorCode is a problem's code, "panic", "undecodable", "sql_<state>", "error", or "behind" for a fact that
	// only waits for an earlier one. ErrorText holds no values.
	ErrorCode, ErrorText string
	Attempts             int
	QuarantinedAt        time.Time
	// ReleasedAt or DiscardedAt is set when the item is closed; Actor and Reason say who did it and why.
	ReleasedAt, DiscardedAt time.Time
	Actor, Reason           string
}

// Open tells whether the item still waits for an operator.
func (i Item) Open() bool { return i.ReleasedAt.IsZero() && i.DiscardedAt.IsZero() }

// behindCode marks items that did not fail.
const behindCode = "behind"

// Store is the table of facts that could not be digested, of all consumers of a service.
type Store struct {
	pool  *pgxpool.Pool
	now   func() time.Time
	looks *looks
}

// New opens the quarantine of a service. [Migrate] has to have run.
func New(pool *pgxpool.Pool, now func() time.Time) *Store {
	return &Store{pool: pool, now: now, looks: newLooks(pool)}
}

// Entry is how a message stands to the quarantine when it arrives.
type Entry uint8

// The entries.
const (
	Free   Entry = iota // it may be handled
	Behind              // its key waits, and it has to wait behind it
	Known               // it is or was there itself
)

const lookUp = `
select exists (select from quarantine where consumer = $1 and topic = $2 and fact = $4),
       exists (select from quarantine where consumer = $1 and topic = $2 and key = $3
                  and released_at is null and discarded_at is null)`

// Look tells how a message stands that has just come. It takes no lock and is shared, for nearly all messages are free: one that is
// [Behind] goes on to [Store.Park].
func (q *Store) Look(ctx context.Context, m Message) (Entry, error) {
	switch got, err := q.looks.of(ctx, m); {
	case err != nil:
		return Free, err
	case got.seen:
		return Known, nil
	case got.waits:
		return Behind, nil
	}
	return Free, nil
}

// Park puts a message behind those of its key that wait. It looks again, with a lock, lest the key be released in between and the
// message be left behind: such a one is [Free].
func (q *Store) Park(ctx context.Context, i Item) (state Entry, err error) {
	err = pgx.BeginFunc(ctx, q.pool, func(tx pgx.Tx) error {
		if err := lockKey(ctx, tx, i); err != nil {
			return err
		}
		_, waits, err := look(ctx, tx, i)
		if err != nil || !waits {
			return err
		}
		i.ErrorCode, i.ErrorText, state = behindCode, "waits behind an earlier fact of its key", Behind
		return q.insert(ctx, tx, i)
	})
	if err != nil {
		return Free, fmt.Errorf("park behind: %w", err)
	}
	return state, nil
}

// look tells whether a message is or was in quarantine, and whether its key waits there.
func look(ctx context.Context, db pg.Querier, i Item) (seen, waits bool, err error) {
	err = db.QueryRow(ctx, lookUp, i.Consumer, i.Place.Topic, i.Key, i.Fact).Scan(&seen, &waits)
	if err != nil {
		return false, false, fmt.Errorf("look into quarantine: %w", err)
	}
	return seen, waits, nil
}

// Add puts a failed message into quarantine.
func (q *Store) Add(ctx context.Context, i Item) error {
	err := pgx.BeginFunc(ctx, q.pool, func(tx pgx.Tx) error {
		if err := lockKey(ctx, tx, i); err != nil {
			return err
		}
		return q.insert(ctx, tx, i)
	})
	if err != nil {
		return fmt.Errorf("quarantine %s: %w", i.Fact, err)
	}
	return nil
}

// lockKey keeps others from opening or closing items of the key until the transaction ends.
func lockKey(ctx context.Context, tx pgx.Tx, i Item) error {
	const lock = `select pg_advisory_xact_lock(hashtextextended(
		'songan/quarantine/' || current_schema() || '/' || $1 || '/' || $2 || '/' || $3, 0))`
	if _, err := tx.Exec(ctx, lock, i.Consumer, i.Place.Topic, i.Key); err != nil {
		return fmt.Errorf("lock key: %w", err)
	}
	return nil
}

const insertItem = `
insert into quarantine (consumer, topic, partition, kafka_offset, key, fact, stream, type, payload, headers,
                        error_code, error_text, attempts, quarantined_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (consumer, topic, fact) do nothing`

func (q *Store) insert(ctx context.Context, tx pgx.Tx, i Item) error {
	headers, err := json.Marshal(i.Headers)
	if err != nil {
		return fmt.Errorf("encode headers: %w", err)
	}
	_, err = tx.Exec(ctx, insertItem, i.Consumer, i.Place.Topic, i.Place.Partition, i.Place.Offset, i.Key, i.Fact,
		i.Stream, i.Type, i.Payload, headers, i.ErrorCode, i.ErrorText, i.Attempts, q.now())
	if err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}

const selectItem = `
select id, consumer, topic, partition, kafka_offset, key, fact, stream, type, payload, headers,
       error_code, error_text, attempts, quarantined_at,
       released_at, discarded_at, coalesce(actor, ''), coalesce(reason, '')
from quarantine `

func scanItem(row pgx.CollectableRow) (i Item, err error) {
	var released, discarded *time.Time
	err = row.Scan(&i.ID, &i.Consumer, &i.Place.Topic, &i.Place.Partition, &i.Place.Offset, &i.Key, &i.Fact, &i.Stream,
		&i.Type, &i.Payload, &i.Headers, &i.ErrorCode, &i.ErrorText, &i.Attempts, &i.QuarantinedAt,
		&released, &discarded, &i.Actor, &i.Reason)
	if err != nil {
		return Item{}, fmt.Errorf("scan item: %w", err)
	}
	if released != nil {
		i.ReleasedAt = *released
	}
	if discarded != nil {
		i.DiscardedAt = *discarded
	}
	return i, nil
}

// MaxList is the most items that one [Store.List] answers with.
const MaxList = 500

// Filter says which items are listed; empty fields say nothing.
type Filter struct {
	Consumer, Topic, Key string
	// Closed lists items that were released or discarded instead of those that wait.
	Closed bool
	// After is the ID of the last item of the page before.
	After int64
	// Limit is MaxList if zero.
	Limit int
}

const listItems = selectItem + `
where id > $1 and ($2 = '' or consumer = $2) and ($3 = '' or topic = $3) and ($4 = '' or key = $4)
  and (released_at is not null or discarded_at is not null) = $5
order by id
limit $6`

// List answers with items, oldest first.
func (q *Store) List(ctx context.Context, f Filter) ([]Item, error) {
	if f.Limit <= 0 || f.Limit > MaxList {
		f.Limit = MaxList
	}
	rows, err := q.pool.Query(ctx, listItems, f.After, f.Consumer, f.Topic, f.Key, f.Closed, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list quarantine: %w", err)
	}
	items, err := pgx.CollectRows(rows, scanItem)
	if err != nil {
		return nil, fmt.Errorf("list quarantine: %w", err)
	}
	return items, nil
}

// Item answers with one item, open or closed; its error is a problem when there is none.
func (q *Store) Item(ctx context.Context, id int64) (Item, error) {
	rows, err := q.pool.Query(ctx, selectItem+`where id = $1`, id)
	if err != nil {
		return Item{}, fmt.Errorf("read item %d: %w", id, err)
	}
	item, err := pgx.CollectExactlyOneRow(rows, scanItem)
	if errors.Is(err, pgx.ErrNoRows) {
		return Item{}, fmt.Errorf("item %d: %w", id, Unknown())
	}
	if err != nil {
		return Item{}, fmt.Errorf("read item %d: %w", id, err)
	}
	return item, nil
}

// Open counts the items of a consumer that wait for an operator.
func (q *Store) Open(ctx context.Context, consumer string) (int, error) {
	var open int
	err := q.pool.QueryRow(ctx, `
select count(*) from quarantine where consumer = $1 and released_at is null and discarded_at is null`, consumer).Scan(&open)
	if err != nil {
		return 0, fmt.Errorf("count quarantine: %w", err)
	}
	return open, nil
}

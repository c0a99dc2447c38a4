package reaction

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/problem"
)

// Decision says who closes an item, and why. Both are required and are kept with the item.
type Decision struct{ Actor, Reason string }

// releaseLimit is the most facts that one [Reactor.Release] handles.
const releaseLimit = 1_000

// Released says what became of a release.
type Released struct {
	// Handled counts the facts that are out of quarantine now.
	Handled int
	// Left counts those of the same key that still wait: behind one that failed again, or beyond the limit.
	Left int
}

// Discard closes an item without handling it. The items behind it stay until they are released: whether they make
// sense without it, only people know.
func (q *Quarantine) Discard(ctx context.Context, id int64, d Decision) error {
	if err := d.check(); err != nil {
		return err
	}
	item, err := q.open(ctx, id)
	if err != nil {
		return fmt.Errorf("discard: %w", err)
	}
	err = pgx.BeginFunc(ctx, q.pool, func(tx pgx.Tx) error {
		if err := lockKey(ctx, tx, item); err != nil {
			return err
		}
		return q.close(ctx, tx, "discarded_at", item, d)
	})
	if err != nil {
		return fmt.Errorf("discard item %d: %w", id, err)
	}
	return nil
}

// Release handles the key of an item again: all its open items, in their order, beginning with the oldest, whichever
// of them was named. It stops at the first one that fails, which stays, with all behind it; the error says why.
func (r *Reactor) Release(ctx context.Context, id int64, d Decision) (Released, error) {
	if err := d.check(); err != nil {
		return Released{}, err
	}
	named, err := r.quarantine.open(ctx, id)
	if err != nil {
		return Released{}, fmt.Errorf("release: %w", err)
	}
	if named.Consumer != r.name {
		return Released{}, fmt.Errorf("release item %d of another consumer: %w", id, notThere())
	}
	var released Released
	for released.Handled < releaseLimit {
		more, failed := r.releaseFirst(ctx, named, d)
		if failed != nil {
			err = fmt.Errorf("release item %d: %w", id, failed)
			break
		}
		if !more {
			break
		}
		released.Handled++
	}
	left, countErr := r.quarantine.left(ctx, named)
	released.Left = left
	r.log.Info("quarantine released", zap.Int64("item", id), zap.Int("handled", released.Handled),
		zap.Int("left", left), zap.String("actor", d.Actor), zap.Error(err))
	return released, errors.Join(err, countErr)
}

const firstOfKey = selectItem + `
where consumer = $1 and topic = $2 and key = $3 and released_at is null and discarded_at is null
order by id
limit 1
for update nowait`

// releaseFirst handles the oldest open item of a key and closes it; false when there is none. The row is locked
// meanwhile, so that two operators do not handle it at the same time.
func (r *Reactor) releaseFirst(ctx context.Context, of Item, d Decision) (more bool, err error) {
	tx, err := r.deps.Pool.Begin(ctx)
	if err != nil {
		return false, fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	rows, err := tx.Query(ctx, firstOfKey, of.Consumer, of.Place.Topic, of.Key)
	if err != nil {
		return false, fmt.Errorf("take the oldest: %w", err)
	}
	item, err := pgx.CollectExactlyOneRow(rows, scanItem)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case pg.Code(err) == lockNotAvailable:
		return false, problem.New(problem.Conflict, "release_running",
			"somebody else is releasing this key", "người khác đang xử lý lại mục này")
	case err != nil:
		return false, fmt.Errorf("take the oldest: %w", err)
	}
	if err := r.again(ctx, item); err != nil {
		return false, errors.Join(err, tx.Rollback(ctx), r.quarantine.failedAgain(ctx, item, err))
	}
	if err := lockKey(ctx, tx, item); err != nil {
		return false, err
	}
	if err := r.quarantine.close(ctx, tx, "released_at", item, d); err != nil {
		return false, err
	}
	if err := tx.Commit(ctx); err != nil {
		return false, fmt.Errorf("commit: %w", err)
	}
	return true, nil
}

const lockNotAvailable = "55P03"

// again handles an item once.
func (r *Reactor) again(ctx context.Context, i Item) error {
	ctx, cancel := context.WithTimeout(ctx, r.deps.Timeout)
	defer cancel()
	if r.deps.Foreign != nil {
		return r.deps.Foreign.again(ctx, r, i)
	}
	m := message.NewMessageWithContext(ctx, i.Fact, i.Payload)
	m.Metadata = i.Headers
	m.Metadata[kafkabus.KeyMetadata] = i.Key
	return safely(func() error { return r.dispatch(m) }) //nolint:contextcheck // m carries it, as Watermill wants it
}

// failedAgain notes that a release did not help.
func (q *Quarantine) failedAgain(ctx context.Context, i Item, cause error) error {
	code, text := describe(cause)
	_, err := q.pool.Exec(ctx, `
update quarantine set attempts = attempts + 1, error_code = $2, error_text = $3
where id = $1 and released_at is null and discarded_at is null`, i.ID, code, text)
	if err != nil {
		return fmt.Errorf("note the failure: %w", err)
	}
	return nil
}

// open answers with an item that waits, or with a problem.
func (q *Quarantine) open(ctx context.Context, id int64) (Item, error) {
	item, err := q.Item(ctx, id)
	if err != nil {
		return Item{}, err
	}
	if !item.Open() {
		return Item{}, fmt.Errorf("item %d: %w", id, alreadyClosed())
	}
	return item, nil
}

// close sets released_at or discarded_at of an open item.
func (q *Quarantine) close(ctx context.Context, tx pgx.Tx, column string, i Item, d Decision) error {
	tag, err := tx.Exec(ctx, `update quarantine set `+column+` = $2, actor = $3, reason = $4
where id = $1 and released_at is null and discarded_at is null`, i.ID, q.now(), d.Actor, d.Reason)
	if err != nil {
		return fmt.Errorf("close: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return alreadyClosed()
	}
	return nil
}

// left counts the open items of the key of an item.
func (q *Quarantine) left(ctx context.Context, i Item) (int, error) {
	var left int
	err := q.pool.QueryRow(ctx, `
select count(*) from quarantine
where consumer = $1 and topic = $2 and key = $3 and released_at is null and discarded_at is null`,
		i.Consumer, i.Place.Topic, i.Key).Scan(&left)
	if err != nil {
		return 0, fmt.Errorf("count what is left: %w", err)
	}
	return left, nil
}

func (d Decision) check() error {
	if strings.TrimSpace(d.Actor) == "" || strings.TrimSpace(d.Reason) == "" {
		return problem.New(problem.Invalid, "reason_required",
			"who decides and why has to be said", "phải nêu người quyết định và lý do")
	}
	return nil
}

func notThere() error {
	return problem.New(problem.NotFound, "quarantine_item_unknown",
		"there is no such item in quarantine", "không có mục này trong hàng chờ xử lý")
}

func alreadyClosed() error {
	return problem.New(problem.Conflict, "quarantine_item_closed",
		"the item was released or discarded already", "mục này đã được xử lý lại hoặc loại bỏ")
}

package quarantine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/problem"
)

// Decision says who closes an item, and why. Both are required and are kept with the item.
type Decision struct{ Actor, Reason string }

// Discard closes an item without handling it. The items behind it stay until they are released: whether they make
// sense without it, only people know.
func (q *Store) Discard(ctx context.Context, id int64, d Decision) error {
	if err := d.Check(); err != nil {
		return err
	}
	item, err := q.Waiting(ctx, id)
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

const firstOfKey = selectItem + `
where consumer = $1 and topic = $2 and key = $3 and released_at is null and discarded_at is null
order by id
limit 1
for update nowait`

// Again says how an item is handled once more, and what is kept of an error: a code, and a text without values.
type Again struct {
	Handle   func(context.Context, Item) error
	Describe func(error) (code, text string)
}

// ReleaseFirst handles the oldest open item of a key and closes it; false when there is none. The row is locked
// meanwhile, so that two operators do not handle it at the same time.
func (q *Store) ReleaseFirst(ctx context.Context, of Item, d Decision, again Again) (more bool, err error) {
	tx, err := q.pool.Begin(ctx)
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
	if err := again.Handle(ctx, item); err != nil {
		code, text := again.Describe(err)
		return false, errors.Join(err, tx.Rollback(ctx), q.failedAgain(ctx, item, code, text))
	}
	if err := lockKey(ctx, tx, item); err != nil {
		return false, err
	}
	if err := q.close(ctx, tx, "released_at", item, d); err != nil {
		return false, err
	}
	if err := tx.Commit(ctx); err != nil {
		return false, fmt.Errorf("commit: %w", err)
	}
	return true, nil
}

const lockNotAvailable = "55P03"

// failedAgain notes that a release did not help.
func (q *Store) failedAgain(ctx context.Context, i Item, code, text string) error {
	_, err := q.pool.Exec(ctx, `
update quarantine set attempts = attempts + 1, error_code = $2, error_text = $3
where id = $1 and released_at is null and discarded_at is null`, i.ID, code, text)
	if err != nil {
		return fmt.Errorf("note the failure: %w", err)
	}
	return nil
}

// Waiting answers with an item that waits, or with a problem.
func (q *Store) Waiting(ctx context.Context, id int64) (Item, error) {
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
func (q *Store) close(ctx context.Context, tx pgx.Tx, column string, i Item, d Decision) error {
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

// Left counts the open items of the key of an item.
func (q *Store) Left(ctx context.Context, i Item) (int, error) {
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

// Check says that the decision is not complete.
func (d Decision) Check() error {
	if strings.TrimSpace(d.Actor) == "" || strings.TrimSpace(d.Reason) == "" {
		return problem.New(problem.Invalid, "reason_required",
			"who decides and why has to be said", "phải nêu người quyết định và lý do")
	}
	return nil
}

// Unknown is the problem of an item that there is not.
func Unknown() error {
	return problem.New(problem.NotFound, "quarantine_item_unknown",
		"there is no such item in quarantine", "không có mục này trong hàng chờ xử lý")
}

func alreadyClosed() error {
	return problem.New(problem.Conflict, "quarantine_item_closed",
		"the item was released or discarded already", "mục này đã được xử lý lại hoặc loại bỏ")
}

package vault

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/vault/internal/keyring"
	"github.com/songan-vn/songan/libs/vault/internal/ledger"
)

// Replayed is what a replay of the ledger found and did.
type Replayed struct {
	// Refs and Months are the entries that were read.
	Refs, Months int
	// Rows is how many rows had come back and were deleted again.
	Rows int64
}

// ReplayErasures erases again what a restored database has brought back. file is the ledger file, or several, one
// after the other. Run it before anything reads; run it as often as you like. Damaged lines, such as the one a crash
// has cut off, stop nothing: all others are applied, and the error says which lines to look at.
func (v *Vault) ReplayErasures(ctx context.Context, file io.Reader) (Replayed, error) {
	r := replay{vault: v}
	damage, err := ledger.Read(file, checkEntry, func(e ledger.Entry) error { return r.apply(ctx, e) })
	if err = errors.Join(err, r.flush(ctx)); err != nil {
		return r.done, fmt.Errorf("replay erasures: %w", err)
	}
	v.log.Info("erasures replayed", zap.Int("refs", r.done.Refs), zap.Int("months", r.done.Months),
		zap.Int64("rows", r.done.Rows), zap.Int("damaged", damage.Lines))
	if damage.Lines > 0 {
		return r.done, fmt.Errorf("replay erasures: %d damaged lines, the first at %v; all others are applied",
			damage.Lines, damage.First)
	}
	return r.done, nil
}

// checkEntry accepts what this package writes.
func checkEntry(e ledger.Entry) error {
	var subject error
	switch {
	case e.Month != "" && e.Ref == "":
		_, subject = keyring.ParseMonth(e.Month)
	default:
		_, subject = Ref(e.Ref).month()
	}
	if e.At.IsZero() {
		subject = errors.Join(subject, errors.New("without a time"))
	}
	return errors.Join(subject, ledger.CheckID("actor", e.Actor), ledger.CheckCode("reason", e.Reason))
}

// replay collects entries into batches.
type replay struct {
	vault *Vault
	batch []ledger.Entry
	done  Replayed
}

func (r *replay) apply(ctx context.Context, e ledger.Entry) error {
	if e.Month != "" {
		r.done.Months++
		return r.vault.destroy(ctx, e, func() error { return nil }) // the ledger has it: it comes from there
	}
	r.done.Refs++
	if r.batch = append(r.batch, e); len(r.batch) < eraseBatch {
		return nil
	}
	return r.flush(ctx)
}

func (r *replay) flush(ctx context.Context) error {
	if len(r.batch) == 0 {
		return nil
	}
	err := pgx.BeginFunc(ctx, r.vault.pool, func(tx pgx.Tx) error {
		rows, err := eraseRows(ctx, tx, r.batch)
		r.done.Rows += rows
		return err
	})
	r.batch = r.batch[:0]
	return err
}

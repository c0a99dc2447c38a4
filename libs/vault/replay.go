package vault

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// Replayed is what a replay of the ledger found and did.
type Replayed struct {
	// Refs and Months are the entries that were read.
	Refs, Months int
	// Rows is how many rows had come back and were deleted again.
	Rows int64
}

const (
	// longestLine bounds a line of the ledger; ours are below 500 bytes.
	longestLine = 4096
	// mostDamaged is how many damaged lines an error lists.
	mostDamaged = 10
)

// ReplayErasures erases again what a restored database has brought back. ledger is the ledger file, or several, one
// after the other. Run it before anything reads; run it as often as you like. Damaged lines, such as the one a crash
// has cut off, stop nothing: all others are applied, and the error says which lines to look at.
func (v *Vault) ReplayErasures(ctx context.Context, ledger io.Reader) (Replayed, error) {
	r := replay{vault: v}
	lines := bufio.NewScanner(ledger)
	lines.Buffer(make([]byte, 0, longestLine), longestLine)
	for lines.Scan() {
		if err := r.line(ctx, lines.Bytes()); err != nil {
			return r.done, fmt.Errorf("replay erasures, line %d: %w", r.number, err)
		}
	}
	if err := errors.Join(lines.Err(), r.flush(ctx)); err != nil {
		return r.done, fmt.Errorf("replay erasures, after line %d: %w", r.number, err)
	}
	v.log.Info("erasures replayed", zap.Int("refs", r.done.Refs), zap.Int("months", r.done.Months),
		zap.Int64("rows", r.done.Rows), zap.Int("damaged", r.damaged))
	if r.damaged > 0 {
		return r.done, fmt.Errorf("replay erasures: %d damaged lines, the first at %v; all others are applied",
			r.damaged, r.places)
	}
	return r.done, nil
}

// replay collects entries into batches.
type replay struct {
	vault   *Vault
	number  int
	batch   []entry
	done    Replayed
	damaged int
	places  []int
}

func (r *replay) line(ctx context.Context, text []byte) error {
	r.number++
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	var e entry
	if err := json.Unmarshal(text, &e); err != nil || e.check() != nil {
		r.damaged++
		if len(r.places) < mostDamaged {
			r.places = append(r.places, r.number)
		}
		return nil
	}
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

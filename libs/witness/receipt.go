package witness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Receipt proves one fact of a log to somebody who has neither the log nor our word.
type Receipt struct {
	Position   int64     `json:"position"`
	Stream     string    `json:"stream"`
	Version    int       `json:"version"`
	Type       string    `json:"type"`
	RecordedAt time.Time `json:"recorded_at"`
	// Data is the fact, as the text that was hashed. Meta is the digest of who caused it and why.
	Data string `json:"data"`
	Meta string `json:"meta_sha256"`
	// Proof is the path from the leaf to the root of the checkpoint (RFC 6962, 2.1.1).
	Proof tlog.RecordProof `json:"proof"`
	// Checkpoint is the signed note.
	Checkpoint string `json:"checkpoint"`
}

// ErrNotYet says that no checkpoint stands for the position so far.
var ErrNotYet = errors.New("no checkpoint covers this fact yet")

// Receipt proves the fact at a position against the latest checkpoint of this process.
func (k *Keeper) Receipt(ctx context.Context, position int64) (Receipt, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if position < 1 || position > k.latest.Size {
		return Receipt{}, fmt.Errorf("prove position %d: %w", position, ErrNotYet)
	}
	e, err := k.entry(ctx, position)
	if err != nil {
		return Receipt{}, fmt.Errorf("prove position %d: %w", position, err)
	}
	proof, err := tlog.ProveRecord(k.latest.Size, position-1, k.tree.reader(func(chunk int64) ([]tlog.Hash, error) {
		return k.leaves(ctx, chunk)
	}))
	if err != nil {
		return Receipt{}, fmt.Errorf("prove position %d: %w", position, err)
	}
	return Receipt{
		Position: e.position, Stream: e.stream, Version: e.version, Type: e.name, RecordedAt: e.recordedAt.UTC(),
		Data: string(e.data), Meta: digest(e.meta), Proof: proof, Checkpoint: string(k.signed),
	}, nil
}

func (k *Keeper) entry(ctx context.Context, position int64) (entry, error) {
	rows, err := k.pool.Query(ctx, selectEntries+`where position = $1`, position)
	if err != nil {
		return entry{}, fmt.Errorf("read the log: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (e entry, err error) {
		err = e.scan(row)
		e.data, e.meta = bytes.Clone(e.data), bytes.Clone(e.meta)
		return e, err
	})
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, pgx.ErrTooManyRows) {
		return entry{}, ErrTampered
	}
	if err != nil {
		return entry{}, fmt.Errorf("read the log: %w", err)
	}
	return e, nil
}

func (k *Keeper) leaves(ctx context.Context, chunk int64) ([]tlog.Hash, error) {
	var packed []byte
	err := k.pool.QueryRow(ctx, `select leaves from witness_leaves where tree = $1 and chunk = $2`, string(Facts), chunk).Scan(&packed)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && len(packed) != chunkSize*tlog.HashSize {
		return nil, fmt.Errorf("leaves of chunk %d: %w", chunk, ErrTampered)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch leaves of chunk %d: %w", chunk, err)
	}
	return unpack(packed), nil
}

// ErrForged says that a receipt does not prove what it says.
var ErrForged = errors.New("the receipt proves nothing")

// Verify checks a receipt with the log's public key alone, and returns the checkpoint that it stands on.
func (r Receipt) Verify(verifiers note.Verifiers) (Checkpoint, error) {
	c, err := ParseCheckpoint([]byte(r.Checkpoint), verifiers)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("verify receipt: %w: %w", ErrForged, err)
	}
	if !json.Valid([]byte(r.Data)) || r.Position < 1 || r.Position > c.Size {
		return Checkpoint{}, fmt.Errorf("verify receipt: %w", ErrForged)
	}
	e := entry{position: r.Position, stream: r.Stream, version: r.Version, name: r.Type, recordedAt: r.RecordedAt, data: []byte(r.Data)}
	if err := tlog.CheckRecord(r.Proof, c.Size, c.Root, r.Position-1, tlog.RecordHash(e.appendText(nil, r.Meta))); err != nil {
		return Checkpoint{}, fmt.Errorf("verify receipt: %w: %w", ErrForged, err)
	}
	return c, nil
}

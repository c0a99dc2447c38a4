package batch

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/eventstore/internal/wire"
	"github.com/songan-vn/songan/libs/vault"
)

// Batch is what goes to the database in one round trip.
type Batch []*Command

const appendBatch = `select positions, recorded from append_batch(
	$1,  $2, $3, $4, $5, $6,  $7, $8, $9, $10, $11, $12,  $13, $14, $15, $16, $17, $18, $19, $20)`

// keyUsed is what append_batch says of a command whose cause has changed another stream.
const keyUsed = -1

// Store asks the database to append the batch and fills in the answers. What careful means is said by append_batch.
func (b Batch) Store(ctx context.Context, pool *pgxpool.Pool, w *wire.Wire, careful bool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("get a connection: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Conn().Prepare(ctx, "append_batch", appendBatch); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	w.Reset()
	b.encode(w, careful)
	binary := []int16{pgx.BinaryFormatCode}
	result := conn.Conn().PgConn().ExecPrepared(ctx, "append_batch", w.Values(), binary, binary).Read()
	if result.Err != nil {
		return fmt.Errorf("append a batch of %d: %w", len(b), result.Err)
	}
	if len(result.Rows) != 1 {
		return fmt.Errorf("append a batch of %d: %d rows instead of an answer", len(b), len(result.Rows))
	}
	return b.answer(conn.Conn().TypeMap(), result.Rows[0])
}

// answer gives every command what the database said.
func (b Batch) answer(types *pgtype.Map, row [][]byte) error {
	var positions []int64
	var recorded []time.Time
	if err := types.Scan(pgtype.Int8ArrayOID, pgx.BinaryFormatCode, row[0], &positions); err != nil {
		return fmt.Errorf("read the positions: %w", err)
	}
	if err := types.Scan(pgtype.TimestamptzArrayOID, pgx.BinaryFormatCode, row[1], &recorded); err != nil {
		return fmt.Errorf("read when they were recorded: %w", err)
	}
	if len(positions) != len(b) || len(recorded) != len(b) {
		return fmt.Errorf("%d answers to %d commands", len(positions), len(b))
	}
	for i, c := range b {
		c.Position, c.At = positions[i], recorded[i].UTC()
		switch c.Position {
		case 0:
			c.Err = ErrConflict
		case keyUsed:
			c.Position, c.Err = 0, ErrKeyUsed
		}
	}
	return nil
}

// Fail gives every command the same error.
func (b Batch) Fail(err error) {
	for _, c := range b {
		c.Err = err
	}
}

// encode lists the batch column by column, as append_batch takes it.
func (b Batch) encode(w *wire.Wire, careful bool) {
	w.Bool(careful)
	b.encodeCommands(w)
	b.encodeFacts(w)
	b.encodeSecrets(w)
}

func (b Batch) encodeCommands(w *wire.Wire) {
	each := func(oid int, put func(*Command)) {
		w.Array(oid, len(b))
		for _, c := range b {
			put(c)
		}
		w.End()
	}
	last := make(map[string]int, len(b)) // command of each stream
	number := 0
	each(wire.Int4, func(c *Command) { w.Int4s(c.Expected) })
	each(wire.Int4, func(c *Command) { w.Int4s(len(c.Facts)) })
	each(wire.Int4, func(c *Command) {
		number++
		w.Int4s(last[c.Stream])
		last[c.Stream] = number
	})
	each(wire.Int8, func(c *Command) { w.Int8s(c.id) })
	each(wire.Text, func(c *Command) { w.Texts(c.key) })
}

func (b Batch) encodeFacts(w *wire.Wire) {
	facts := 0
	for _, c := range b {
		facts += len(c.Facts)
	}
	each := func(oid int, put func(c *Command, number, fact int)) {
		w.Array(oid, facts)
		for i, c := range b {
			for fact := range c.Facts {
				put(c, i+1, fact)
			}
		}
		w.End()
	}
	each(wire.Int4, func(_ *Command, number, _ int) { w.Int4s(number) })
	each(wire.Int4, func(_ *Command, _, fact int) { w.Int4s(fact + 1) })
	each(wire.Text, func(c *Command, _, _ int) { w.Texts(c.Stream) })
	each(wire.Text, func(c *Command, _, fact int) { w.Texts(c.Types[fact]) })
	each(wire.JSONB, func(c *Command, _, fact int) { w.JSONBs(c.Data[fact]) })
	each(wire.JSONB, func(c *Command, _, _ int) { w.JSONBs(c.meta) })
}

func (b Batch) encodeSecrets(w *wire.Wire) {
	rows := 0
	for _, c := range b {
		rows += len(c.secrets)
	}
	each := func(oid int, put func(r vault.Row, owner int)) {
		w.Array(oid, rows)
		for i, c := range b {
			for _, r := range c.secrets {
				put(r, i+1)
			}
		}
		w.End()
	}
	each(wire.Int4, func(_ vault.Row, owner int) { w.Int4s(owner) })
	each(wire.Text, func(r vault.Row, _ int) { w.Texts(string(r.Ref)) })
	each(wire.Text, func(r vault.Row, _ int) { w.Texts(r.Purpose) })
	each(wire.Text, func(r vault.Row, _ int) { w.Texts(r.Key) })
	each(wire.Bytea, func(r vault.Row, _ int) { w.Byteas(r.Ciphertext) })
	each(wire.Bytea, func(r vault.Row, _ int) { w.Byteas(r.DocumentIndex) })
	each(wire.Bytea, func(r vault.Row, _ int) { w.Byteas(r.NameIndex) })
	each(wire.Timestamptz, func(r vault.Row, _ int) { w.Times(r.ExpiresAt) })
}

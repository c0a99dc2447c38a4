package eventstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/vault"
)

// batch is what goes to the database in one round trip.
type batch []*command

const appendBatch = `select positions, recorded from append_batch(
	$1,  $2, $3, $4, $5,  $6, $7, $8, $9, $10, $11,  $12, $13, $14, $15, $16, $17, $18, $19)`

// store asks the database to append the batch and fills in the answers. What careful means is said by append_batch.
func (b batch) store(ctx context.Context, pool *pgxpool.Pool, w *wire, careful bool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("get a connection: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Conn().Prepare(ctx, "append_batch", appendBatch); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	w.reset()
	b.encode(w, careful)
	binary := []int16{pgx.BinaryFormatCode}
	result := conn.Conn().PgConn().ExecPrepared(ctx, "append_batch", w.values(), binary, binary).Read()
	if result.Err != nil {
		return fmt.Errorf("append a batch of %d: %w", len(b), result.Err)
	}
	if len(result.Rows) != 1 {
		return fmt.Errorf("append a batch of %d: %d rows instead of an answer", len(b), len(result.Rows))
	}
	return b.answer(conn.Conn().TypeMap(), result.Rows[0])
}

// answer gives every command what the database said.
func (b batch) answer(types *pgtype.Map, row [][]byte) error {
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
		c.position, c.at = positions[i], recorded[i].UTC()
		if c.position == 0 {
			c.err = ErrConflict
		}
	}
	return nil
}

func (b batch) fail(err error) {
	for _, c := range b {
		c.err = err
	}
}

// encode lists the batch column by column, as append_batch takes it.
func (b batch) encode(w *wire, careful bool) {
	yes := byte(0)
	if careful {
		yes = 1
	}
	w.buf = append(w.buf, yes)
	w.end()
	b.encodeCommands(w)
	b.encodeFacts(w)
	b.encodeSecrets(w)
}

func (b batch) encodeCommands(w *wire) {
	each := func(oid int, put func(*command)) {
		w.array(oid, len(b))
		for _, c := range b {
			put(c)
		}
		w.end()
	}
	last := make(map[string]int, len(b)) // command of each stream
	number := 0
	each(oidInt4, func(c *command) { w.int4s(c.expected) })
	each(oidInt4, func(c *command) { w.int4s(len(c.facts)) })
	each(oidInt4, func(c *command) {
		number++
		w.int4s(last[c.stream])
		last[c.stream] = number
	})
	each(oidInt8, func(c *command) { w.int8s(c.id) })
}

func (b batch) encodeFacts(w *wire) {
	facts := 0
	for _, c := range b {
		facts += len(c.facts)
	}
	each := func(oid int, put func(c *command, number, fact int)) {
		w.array(oid, facts)
		for i, c := range b {
			for fact := range c.facts {
				put(c, i+1, fact)
			}
		}
		w.end()
	}
	each(oidInt4, func(_ *command, number, _ int) { w.int4s(number) })
	each(oidInt4, func(_ *command, _, fact int) { w.int4s(fact + 1) })
	each(oidText, func(c *command, _, _ int) { w.texts(c.stream) })
	each(oidText, func(c *command, _, fact int) { w.texts(c.types[fact]) })
	each(oidJSONB, func(c *command, _, fact int) { w.jsonbs(c.data[fact]) })
	each(oidJSONB, func(c *command, _, _ int) { w.jsonbs(c.meta) })
}

func (b batch) encodeSecrets(w *wire) {
	rows := 0
	for _, c := range b {
		rows += len(c.secrets)
	}
	each := func(oid int, put func(r vault.Row, owner int)) {
		w.array(oid, rows)
		for i, c := range b {
			for _, r := range c.secrets {
				put(r, i+1)
			}
		}
		w.end()
	}
	each(oidInt4, func(_ vault.Row, owner int) { w.int4s(owner) })
	each(oidText, func(r vault.Row, _ int) { w.texts(string(r.Ref)) })
	each(oidText, func(r vault.Row, _ int) { w.texts(r.Purpose) })
	each(oidText, func(r vault.Row, _ int) { w.texts(r.Key) })
	each(oidBytea, func(r vault.Row, _ int) { w.byteas(r.Ciphertext) })
	each(oidBytea, func(r vault.Row, _ int) { w.byteas(r.DocumentIndex) })
	each(oidBytea, func(r vault.Row, _ int) { w.byteas(r.NameIndex) })
	each(oidTimestamptz, func(r vault.Row, _ int) { w.times(r.ExpiresAt) })
}

package batch

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/songan-vn/songan/libs/eventstore/internal/wire"
	"github.com/songan-vn/songan/libs/vault"
)

// Batch is what is stored in one transaction.
type Batch []*Command

const (
	appendBatch = `select first, recorded from append_batch(
		$1, $2, $3, $4, $5, $6,  $7, $8,  $9, $10, $11, $12, $13, $14, $15)`
	appendCarefully = `select positions, recorded from append_batch_carefully(
		$1, $2, $3, $4, $5,  $6, $7, $8, $9, $10, $11,  $12, $13, $14, $15, $16, $17, $18, $19)`
)

// keyUsed is what append_batch_carefully says of a command whose cause has changed another stream.
const keyUsed = -1

// Sure tells whether the batch may be appended without a look at its streams: each command's stream is new, or was read in
// this session with the database.
func (b Batch) Sure(session int64) bool {
	for _, c := range b {
		if c.Expected > 0 && c.Session != session {
			return false
		}
	}
	return true
}

// Statement names what stores a batch that is not copied, and its text. What careful means is said by append_batch and
// append_batch_carefully.
func Statement(careful bool) (name, query string) {
	if careful {
		return "append_batch_carefully", appendCarefully
	}
	return "append_batch", appendBatch
}

// Store asks the database to append the batch and fills in the answers. The connection has prepared the [Statement]. What follows
// from a stream as it was in an earlier session is not appended carefully: it is a conflict, unless it is there already. With an
// error, sent tells whether the batch may be there nevertheless.
func (b Batch) Store(ctx context.Context, conn *pgx.Conn, w *wire.Wire, careful bool, session int64) (sent bool, err error) {
	if !careful && b.copied() {
		return b.copy(ctx, conn, w)
	}
	err = b.call(ctx, conn, w, careful, session)
	return !pgconn.SafeToRetry(err), err
}

// call has one of the two functions store the batch.
func (b Batch) call(ctx context.Context, conn *pgx.Conn, w *wire.Wire, careful bool, session int64) error {
	encode, answer := b.encode, b.answer
	if careful {
		encode, answer = func(w *wire.Wire) { b.encodeCarefully(w, session) }, b.answerCarefully
	}
	name, _ := Statement(careful)
	w.Reset()
	encode(w)
	binary := []int16{pgx.BinaryFormatCode}
	result := conn.PgConn().ExecPrepared(ctx, name, w.Values(), binary, binary).Read()
	if result.Err != nil {
		return fmt.Errorf("append a batch of %d: %w", len(b), result.Err)
	}
	if len(result.Rows) != 1 {
		return fmt.Errorf("append a batch of %d: %d rows instead of an answer", len(b), len(result.Rows))
	}
	return answer(conn.TypeMap(), result.Rows[0])
}

// answer reads where append_batch has put the batch.
func (b Batch) answer(types *pgtype.Map, row [][]byte) error {
	var position int64
	var recorded time.Time
	if err := types.Scan(pgtype.Int8OID, pgx.BinaryFormatCode, row[0], &position); err != nil {
		return fmt.Errorf("read the first position: %w", err)
	}
	if err := types.Scan(pgtype.TimestamptzOID, pgx.BinaryFormatCode, row[1], &recorded); err != nil {
		return fmt.Errorf("read when they were recorded: %w", err)
	}
	b.place(position, recorded)
	return nil
}

// place gives every command its place from a position on.
func (b Batch) place(position int64, recorded time.Time) {
	for _, c := range b {
		c.Position, c.At = position, recorded.UTC()
		position += int64(len(c.Facts))
	}
}

// answerCarefully gives every command what the database said of it.
func (b Batch) answerCarefully(types *pgtype.Map, row [][]byte) error {
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

// StoredIn says in which session with the database the batch was stored.
func (b Batch) StoredIn(session int64) {
	for _, c := range b {
		c.Session = session
	}
}

// Fail gives every command the same error.
func (b Batch) Fail(err error) {
	for _, c := range b {
		c.Err = err
	}
}

// encode lists the batch column by column, as append_batch takes it.
func (b Batch) encode(w *wire.Wire) {
	facts := b.facts(w)
	facts(wire.Text, func(c *Command, _, _ int) { w.Texts(c.Stream) })
	facts(wire.Int4, func(c *Command, _, fact int) { w.Int4s(c.Expected + fact + 1) })
	b.encodeContents(w)
	facts(wire.Int8, func(c *Command, _, _ int) { w.Int8s(c.id) })
	b.encodeCauses(w)
	b.encodeSecrets(w)
}

// encodeCarefully lists it as append_batch_carefully does.
func (b Batch) encodeCarefully(w *wire.Wire, session int64) {
	b.encodeCommands(w, session)
	facts := b.facts(w)
	facts(wire.Int4, func(_ *Command, number, _ int) { w.Int4s(number) })
	facts(wire.Int4, func(_ *Command, _, fact int) { w.Int4s(fact + 1) })
	facts(wire.Text, func(c *Command, _, _ int) { w.Texts(c.Stream) })
	b.encodeContents(w)
	b.secrets(w)(wire.Int4, func(_ vault.Row, owner int) { w.Int4s(owner) })
	b.encodeSecrets(w)
}

func (b Batch) encodeCommands(w *wire.Wire, session int64) {
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
		if c.outdated(session) {
			w.Int4s(len(b) + 1) // behind a command that is not there, nothing is appended
			return
		}
		w.Int4s(last[c.Stream])
		last[c.Stream] = number
	})
	each(wire.Int8, func(c *Command) { w.Int8s(c.id) })
	each(wire.Text, func(c *Command) { w.Texts(c.key) })
}

// encodeCauses lists those that are to be remembered, and what they change.
func (b Batch) encodeCauses(w *wire.Wire) {
	keys := 0
	for _, c := range b {
		if c.key != "" {
			keys++
		}
	}
	each := func(put func(*Command)) {
		w.Array(wire.Text, keys)
		for _, c := range b {
			if c.key != "" {
				put(c)
			}
		}
		w.End()
	}
	each(func(c *Command) { w.Texts(c.key) })
	each(func(c *Command) { w.Texts(c.Stream) })
}

// facts returns what writes an array with an element for each fact, number being that of its command.
func (b Batch) facts(w *wire.Wire) func(oid int, put func(c *Command, number, fact int)) {
	facts := 0
	for _, c := range b {
		facts += len(c.Facts)
	}
	return func(oid int, put func(c *Command, number, fact int)) {
		w.Array(oid, facts)
		for i, c := range b {
			for fact := range c.Facts {
				put(c, i+1, fact)
			}
		}
		w.End()
	}
}

func (b Batch) encodeContents(w *wire.Wire) {
	facts := b.facts(w)
	facts(wire.Text, func(c *Command, _, fact int) { w.Texts(c.Types[fact]) })
	facts(wire.JSON, func(c *Command, _, fact int) { w.Byteas(c.Data[fact]) })
	facts(wire.JSON, func(c *Command, _, _ int) { w.Byteas(c.Written) })
}

// secrets returns what writes an array with an element for each row of the vault, owner being the number of its command.
func (b Batch) secrets(w *wire.Wire) func(oid int, put func(r vault.Row, owner int)) {
	rows := 0
	for _, c := range b {
		rows += len(c.secrets)
	}
	return func(oid int, put func(r vault.Row, owner int)) {
		w.Array(oid, rows)
		for i, c := range b {
			for _, r := range c.secrets {
				put(r, i+1)
			}
		}
		w.End()
	}
}

func (b Batch) encodeSecrets(w *wire.Wire) {
	each := b.secrets(w)
	each(wire.Text, func(r vault.Row, _ int) { w.Texts(string(r.Ref)) })
	each(wire.Text, func(r vault.Row, _ int) { w.Texts(r.Purpose) })
	each(wire.Text, func(r vault.Row, _ int) { w.Texts(r.Key) })
	each(wire.Bytea, func(r vault.Row, _ int) { w.Byteas(r.Ciphertext) })
	each(wire.Bytea, func(r vault.Row, _ int) { w.Byteas(r.DocumentIndex) })
	each(wire.Bytea, func(r vault.Row, _ int) { w.Byteas(r.NameIndex) })
	each(wire.Timestamptz, func(r vault.Row, _ int) { w.Times(r.ExpiresAt) })
}

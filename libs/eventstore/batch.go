package eventstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/vault"
)

// batch is what goes to the database in one round trip.
type batch []*command

const appendBatch = `select positions, recorded from append_batch(
	$1,  $2, $3, $4, $5,  $6, $7, $8, $9, $10, $11,  $12, $13, $14, $15, $16, $17, $18, $19)`

// store asks the database to append the batch and fills in the answers. What careful means is said by append_batch.
func (b batch) store(ctx context.Context, pool *pgxpool.Pool, careful bool) error {
	var positions []int64
	var recorded []time.Time
	if err := pool.QueryRow(ctx, appendBatch, b.columns().arguments(careful)...).Scan(&positions, &recorded); err != nil {
		return fmt.Errorf("append a batch of %d: %w", len(b), err)
	}
	if len(positions) != len(b) || len(recorded) != len(b) {
		return fmt.Errorf("append a batch of %d: %d answers", len(b), len(positions))
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

// columns is a batch as append_batch takes it: an array per column, because the database unpacks arrays faster than
// anything else.
type columns struct {
	// per command
	expected, facts, earlier []int32
	ids                      []int64
	// per fact
	command, nth   []int32
	streams, types []string
	data, metas    [][]byte
	// per row of the vault
	owner                         []int32
	refs, purposes, keys          []string
	ciphertexts, documents, names [][]byte
	expiries                      []*time.Time
}

func (b batch) columns() *columns {
	cols := &columns{
		expected: make([]int32, 0, len(b)), facts: make([]int32, 0, len(b)), earlier: make([]int32, 0, len(b)),
		ids: make([]int64, 0, len(b)), command: make([]int32, 0, len(b)), nth: make([]int32, 0, len(b)),
		streams: make([]string, 0, len(b)), types: make([]string, 0, len(b)),
		data: make([][]byte, 0, len(b)), metas: make([][]byte, 0, len(b)),
	}
	last := make(map[string]int32, len(b))
	for i, c := range b {
		number := int32(i + 1)
		cols.add(c, number, last[c.stream])
		last[c.stream] = number
	}
	return cols
}

func (cols *columns) add(c *command, number, earlier int32) {
	cols.expected = append(cols.expected, int32(c.expected))
	cols.facts = append(cols.facts, int32(len(c.facts)))
	cols.earlier = append(cols.earlier, earlier)
	cols.ids = append(cols.ids, c.id)
	for i := range c.facts {
		cols.command = append(cols.command, number)
		cols.nth = append(cols.nth, int32(i+1))
		cols.streams = append(cols.streams, c.stream)
		cols.types = append(cols.types, c.types[i])
		cols.data = append(cols.data, c.data[i])
		cols.metas = append(cols.metas, c.meta)
	}
	for _, row := range c.secrets {
		cols.addSecret(row, number)
	}
}

func (cols *columns) addSecret(row vault.Row, owner int32) {
	cols.owner = append(cols.owner, owner)
	cols.refs = append(cols.refs, string(row.Ref))
	cols.purposes = append(cols.purposes, row.Purpose)
	cols.keys = append(cols.keys, row.Key)
	cols.ciphertexts = append(cols.ciphertexts, row.Ciphertext)
	cols.documents = append(cols.documents, row.DocumentIndex)
	cols.names = append(cols.names, row.NameIndex)
	var expires *time.Time
	if !row.ExpiresAt.IsZero() {
		expires = &row.ExpiresAt
	}
	cols.expiries = append(cols.expiries, expires)
}

func (cols *columns) arguments(careful bool) []any {
	return []any{
		careful,
		cols.expected, cols.facts, cols.earlier, cols.ids,
		cols.command, cols.nth, cols.streams, cols.types, cols.data, cols.metas,
		cols.owner, cols.refs, cols.purposes, cols.keys, cols.ciphertexts,
		cols.documents, cols.names, cols.expiries,
	}
}

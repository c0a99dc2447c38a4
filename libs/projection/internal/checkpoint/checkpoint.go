// Package checkpoint keeps how far read models have come, in the table projection_checkpoints.
//
//  1. A checkpoint is moved in the transaction of the rows that belong to it, as its first statement.
//  2. It is moved only from where the writer believes it to be. So of two writers the slower one fails, and has
//     touched nothing by then.
package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/pg"
)

// Place is one ordered sequence of facts: the own log, or one partition of a topic.
type Place struct {
	Source    string
	Partition int
}

// Mark says how far a place has been read.
type Mark struct {
	// Position is that of the last fact, in the log of the service that recorded it.
	Position int64
	// Offset is that of the next message in Kafka; 0 for the own log.
	Offset int64
}

// Progress says how far each place has been read. A place that is missing has not been begun.
type Progress map[Place]Mark

// OwnLog is the name under which the log of the own service stands among the sources.
const OwnLog = "log"

// ErrMoved says that the checkpoint is not where this process left it: another one has written.
var ErrMoved = errors.New("the checkpoint was moved by another process")

// With returns p after a batch.
func (p Progress) With(after Progress) Progress {
	next := maps.Clone(p)
	maps.Copy(next, after)
	return next
}

// Own is the position in the own log.
func (p Progress) Own() int64 { return p[Place{Source: OwnLog}].Position }

// Follows tells whether any of a source has been read.
func (p Progress) Follows(source string) bool {
	for place := range p {
		if place.Source == source {
			return true
		}
	}
	return false
}

// Behind counts the positions by which p trails target.
func (p Progress) Behind(target Progress) int64 {
	var lag int64
	for place, mark := range target {
		lag += max(0, mark.Position-p[place].Position)
	}
	return lag
}

// Short counts what p lacks to the end of its sources: positions of the own log, offsets of topics.
func (p Progress) Short(end Progress) int64 {
	var lacks int64
	for place, mark := range end {
		if place.Source == OwnLog {
			lacks += max(0, mark.Position-p[place].Position)
		} else {
			lacks += max(0, mark.Offset-p[place].Offset)
		}
	}
	return lacks
}

// Only keeps the places of the given sources: a source that a new version no longer reads does not count.
func (p Progress) Only(sources map[string]bool) Progress {
	kept := Progress{}
	for place, mark := range p {
		if sources[place.Source] {
			kept[place] = mark
		}
	}
	return kept
}

const progressQuery = `
select source, partition, position, kafka_offset
from projection_checkpoints
where name = $1`

// Load reads the checkpoint of a name.
func Load(ctx context.Context, q pg.Querier, name string) (Progress, error) {
	return load(ctx, q, progressQuery, name)
}

// Hold reads the checkpoint of a name and keeps everybody from moving it until the transaction ends.
func Hold(ctx context.Context, tx pgx.Tx, name string) (Progress, error) {
	return load(ctx, tx, progressQuery+` for update`, name)
}

func load(ctx context.Context, q pg.Querier, query, name string) (Progress, error) {
	rows, err := q.Query(ctx, query, name)
	if err != nil {
		return nil, fmt.Errorf("read checkpoint of %s: %w", name, err)
	}
	progress := Progress{}
	var place Place
	var mark Mark
	_, err = pgx.ForEachRow(rows, []any{&place.Source, &place.Partition, &mark.Position, &mark.Offset}, func() error {
		progress[place] = mark
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read checkpoint of %s: %w", name, err)
	}
	return progress, nil
}

// The statement moves only marks that are where the caller believes them to be. Places that were never begun are
// inserted by beginPlaces beforehand. It also says whether the view shows this version, which costs nothing here.
const moveProgress = `
with moved as (
    update projection_checkpoints c
    set position = n.position, kafka_offset = n.kafka_offset, updated_at = now()
    from unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
         as n(source, partition, was, was_offset, position, kafka_offset)
    where c.name = $1 and c.source = n.source and c.partition = n.partition
      and c.position = n.was and c.kafka_offset = n.was_offset
    returning 1
)
select (select count(*) from moved), exists (select from projection_versions where name = $1 and serving)`

const beginPlaces = `
insert into projection_checkpoints (name, source, partition, position, kafka_offset)
select $1, n.source, n.partition, 0, 0 from unnest($2::text[], $3::int[]) as n(source, partition)
on conflict do nothing`

// Move advances the checkpoint from one progress to the next, or answers [ErrMoved]. It runs first in a
// transaction, so that a second writer waits here and then gives up, before it has touched a row. serving
// tells whether the views show this version.
func Move(ctx context.Context, tx pgx.Tx, name string, from, after Progress) (serving bool, err error) {
	var m marks
	for place, mark := range after {
		m.add(place, from[place], mark)
	}
	if err := begin(ctx, tx, name, from, after); err != nil {
		return false, err
	}
	var moved int
	err = tx.QueryRow(ctx, moveProgress, name, m.sources, m.partitions, m.was, m.wasOffset, m.position, m.offset).
		Scan(&moved, &serving)
	if err != nil {
		return false, fmt.Errorf("move checkpoint of %s: %w", name, err)
	}
	if moved != len(after) {
		return false, fmt.Errorf("projection %s: %w", name, ErrMoved)
	}
	return serving, nil
}

// marks is a progress and the one before it, column by column.
type marks struct {
	sources                          []string
	partitions                       []int
	was, wasOffset, position, offset []int64
}

func (m *marks) add(place Place, was, mark Mark) {
	m.sources, m.partitions = append(m.sources, place.Source), append(m.partitions, place.Partition)
	m.was, m.wasOffset = append(m.was, was.Position), append(m.wasOffset, was.Offset)
	m.position, m.offset = append(m.position, mark.Position), append(m.offset, mark.Offset)
}

// begin enters the places that are met for the first time.
func begin(ctx context.Context, tx pgx.Tx, name string, from, after Progress) error {
	var first marks
	for place, mark := range after {
		if _, begun := from[place]; !begun {
			first.add(place, Mark{}, mark)
		}
	}
	if len(first.sources) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, beginPlaces, name, first.sources, first.partitions); err != nil {
		return fmt.Errorf("begin checkpoint of %s: %w", name, err)
	}
	return nil
}

const replaceProgress = `
insert into projection_checkpoints (name, source, partition, position, kafka_offset)
select $2, source, partition, position, kafka_offset from projection_checkpoints where name = $1`

// Rename gives one name the checkpoint of another, which then has none.
func Rename(ctx context.Context, tx pgx.Tx, from, to string) error {
	if err := Forget(ctx, tx, to); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, replaceProgress, from, to); err != nil {
		return fmt.Errorf("copy checkpoint of %s: %w", from, err)
	}
	return Forget(ctx, tx, from)
}

// Forget deletes the checkpoint of a name.
func Forget(ctx context.Context, tx pgx.Tx, name string) error {
	if _, err := tx.Exec(ctx, `delete from projection_checkpoints where name = $1`, name); err != nil {
		return fmt.Errorf("delete checkpoint of %s: %w", name, err)
	}
	return nil
}

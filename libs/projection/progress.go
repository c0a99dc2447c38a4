package projection

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
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

// Batch is a number of facts in order, and where a reader stands after them.
type Batch struct {
	Facts []events.Recorded
	// After holds the places that this batch moves, and only those.
	After Progress
}

// errMoved says that the checkpoint is not where this process left it: another one has written.
var errMoved = errors.New("the checkpoint was moved by another process")

// with returns p after a batch.
func (p Progress) with(after Progress) Progress {
	next := maps.Clone(p)
	maps.Copy(next, after)
	return next
}

// behind counts the positions by which p trails target.
func (p Progress) behind(target Progress) int64 {
	var lag int64
	for place, mark := range target {
		lag += max(0, mark.Position-p[place].Position)
	}
	return lag
}

// only keeps the places of the given sources: a source that a new version no longer reads does not count.
func (p Progress) only(sources map[string]bool) Progress {
	kept := Progress{}
	for place, mark := range p {
		if sources[place.Source] {
			kept[place] = mark
		}
	}
	return kept
}

// querier is what a pool, a connection and a transaction have in common.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

const progressQuery = `
select source, partition, position, kafka_offset
from projection_checkpoints
where name = $1`

// loadProgress reads the checkpoint of a name; suffix is "" or "for update", which keeps writers waiting.
func loadProgress(ctx context.Context, q querier, name, suffix string) (Progress, error) {
	rows, err := q.Query(ctx, progressQuery+" "+suffix, name)
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

// move advances the checkpoint from one progress to the next, or answers errMoved. It runs first in a
// transaction, so that a second writer waits here and then gives up, before it has touched a row.
func move(ctx context.Context, tx pgx.Tx, name string, from, after Progress) (serving bool, err error) {
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
		return false, fmt.Errorf("projection %s: %w", name, errMoved)
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

// renameProgress gives one name the checkpoint of another, which then has none.
func renameProgress(ctx context.Context, tx pgx.Tx, from, to string) error {
	if err := forget(ctx, tx, to); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, replaceProgress, from, to); err != nil {
		return fmt.Errorf("copy checkpoint of %s: %w", from, err)
	}
	return forget(ctx, tx, from)
}

// forget deletes the checkpoint of a name.
func forget(ctx context.Context, tx pgx.Tx, name string) error {
	if _, err := tx.Exec(ctx, `delete from projection_checkpoints where name = $1`, name); err != nil {
		return fmt.Errorf("delete checkpoint of %s: %w", name, err)
	}
	return nil
}

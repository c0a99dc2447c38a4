package consume

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

// keeper keeps how far a consumer has come in the partitions of a topic: in PostgreSQL or in Kafka.
type keeper interface {
	// load returns the progress of partitions; one that was never saved is left out.
	load(ctx context.Context, topic string, partitions []int) (map[int]tail.Progress, error)
	// save never moves a partition back.
	save(ctx context.Context, topic string, progress map[int]tail.Progress) error
}

// Positions keep the progress of a consumer in the table consumer_positions.
type Positions struct {
	pool     *pgxpool.Pool
	consumer string
}

// NewPositions returns the progress of the consumer with that name. Two consumers of one name would share it.
func NewPositions(pool *pgxpool.Pool, consumer string) *Positions {
	return &Positions{pool: pool, consumer: consumer}
}

const loadPositions = `
select partition, next_offset, sequence
  from consumer_positions
 where consumer = $1 and topic = $2 and partition = any($3)`

func (p *Positions) load(ctx context.Context, topic string, partitions []int) (map[int]tail.Progress, error) {
	rows, err := p.pool.Query(ctx, loadPositions, p.consumer, topic, partitions)
	if err != nil {
		return nil, fmt.Errorf("load progress of %s: %w", topic, err)
	}
	progress := make(map[int]tail.Progress, len(partitions))
	var partition int
	var at tail.Progress
	_, err = pgx.ForEachRow(rows, []any{&partition, &at.Offset, &at.Sequence}, func() error {
		progress[partition] = at
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load progress of %s: %w", topic, err)
	}
	return progress, nil
}

// A consumer that lost a partition and has not noticed yet cannot move its successor back.
const savePositions = `
insert into consumer_positions as old (consumer, topic, partition, next_offset, sequence)
select $1, $2, * from unnest($3::int[], $4::bigint[], $5::bigint[])
    on conflict (consumer, topic, partition) do update
   set next_offset = excluded.next_offset, sequence = excluded.sequence, changed_at = now()
 where (excluded.sequence, excluded.next_offset) > (old.sequence, old.next_offset)`

func (p *Positions) save(ctx context.Context, topic string, progress map[int]tail.Progress) error {
	var partitions []int
	for partition := range progress {
		partitions = append(partitions, partition)
	}
	slices.Sort(partitions) // two who save wait for each other's rows in the same order
	offsets, sequences := make([]int64, len(partitions)), make([]int64, len(partitions))
	for i, partition := range partitions {
		offsets[i], sequences[i] = progress[partition].Offset, progress[partition].Sequence
	}
	if _, err := p.pool.Exec(ctx, savePositions, p.consumer, topic, partitions, offsets, sequences); err != nil {
		return fmt.Errorf("save progress of %s: %w", topic, err)
	}
	return nil
}

// committed keeps progress as the committed offsets of a consumer group, within one of its generations.
type committed struct{ generation *kafka.Generation }

func (c committed) load(_ context.Context, topic string, _ []int) (map[int]tail.Progress, error) {
	progress := map[int]tail.Progress{}
	for _, a := range c.generation.Assignments[topic] {
		progress[a.ID] = tail.Progress{Offset: a.Offset}
	}
	return progress, nil
}

func (c committed) save(_ context.Context, topic string, progress map[int]tail.Progress) error {
	offsets := make(map[int]int64, len(progress))
	for partition, at := range progress {
		offsets[partition] = at.Offset
	}
	if err := c.generation.CommitOffsets(map[string]map[int]int64{topic: offsets}); err != nil {
		return fmt.Errorf("commit offsets of %s: %w", topic, err)
	}
	return nil
}

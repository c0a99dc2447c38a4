package consume

import (
	"context"

	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

// Load and Save show the keeper in Positions, which nobody else needs, to its tests.
func Load(ctx context.Context, p *Positions, topic string, partitions []int) (map[int]tail.Progress, error) {
	return p.load(ctx, topic, partitions)
}

func Save(ctx context.Context, p *Positions, topic string, progress map[int]tail.Progress) error {
	return p.save(ctx, topic, progress)
}

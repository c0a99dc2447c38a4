package consume

import "context"

// Load and Save show the keeper in Positions, which nobody else needs, to its tests.
func Load(ctx context.Context, p *Positions, topic string, partitions []int) (map[int]Progress, error) {
	return p.load(ctx, topic, partitions)
}

func Save(ctx context.Context, p *Positions, topic string, progress map[int]Progress) error {
	return p.save(ctx, topic, progress)
}

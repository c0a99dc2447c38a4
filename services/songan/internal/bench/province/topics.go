package province

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// topics are those from which the banks take their instructions. The broker says how many records they hold.
type topics struct {
	client *kafka.Client
	ask    map[string][]kafka.OffsetRequest
}

// bankTopics finds the topics of all banks, and their partitions.
func (p *province) bankTopics(ctx context.Context) (topics, error) {
	settings, err := onemachine.Kafka(filepath.Join(p.Dir, "data"), p.Demo)
	if err != nil {
		return topics{}, err
	}
	bus, err := kafkabus.Connect(settings)
	if err != nil {
		return topics{}, err
	}
	prefix := cmp.Or(os.Getenv("SONGAN_TOPICS"), "songan") // the system is started with this process's environment
	t := topics{client: bus.Client(), ask: map[string][]kafka.OffsetRequest{}}
	for bic := range p.Demo.Banks {
		t.ask[bank.Topics{Prefix: prefix, BIC: bic}.Instructions()] = nil
	}
	names := make([]string, 0, len(t.ask))
	for name := range t.ask {
		names = append(names, name)
	}
	found, err := t.client.Metadata(ctx, &kafka.MetadataRequest{Topics: names})
	if err != nil {
		return topics{}, fmt.Errorf("describe the banks' topics: %w", err)
	}
	for _, topic := range found.Topics {
		if topic.Error != nil {
			return topics{}, fmt.Errorf("describe %s: %w", topic.Name, topic.Error)
		}
		for _, partition := range topic.Partitions {
			t.ask[topic.Name] = append(t.ask[topic.Name], kafka.LastOffsetOf(partition.ID))
		}
	}
	return t, nil
}

// records is how many records the topics have had.
func (t topics) records(ctx context.Context) (records int64, err error) {
	answer, err := t.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: t.ask})
	if err != nil {
		return 0, fmt.Errorf("ask for the ends of the banks' topics: %w", err)
	}
	for name, partitions := range answer.Topics {
		for _, partition := range partitions {
			if partition.Error != nil {
				return 0, fmt.Errorf("ask for the end of %s: %w", name, partition.Error)
			}
			records += partition.LastOffset
		}
	}
	return records, nil
}

// until waits until the topics have had so many records.
func (t topics) until(ctx context.Context, want int64) error {
	ctx, cancel := context.WithTimeout(ctx, lab.Patience)
	defer cancel()
	return lab.Poll(ctx, func() error {
		got, err := t.records(ctx)
		if err == nil && got < want {
			err = fmt.Errorf("the banks' topics have had %d of %d records", got, want)
		}
		return err
	})
}

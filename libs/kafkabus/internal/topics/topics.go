// Package topics makes topics and looks at them.
package topics

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

const (
	topicTimeout = 30 * time.Second      // for a topic to be created and led on every partition
	topicPoll    = 50 * time.Millisecond // between two looks at the cluster's layout
	safeReplicas = 3                     // from here on one replica may be away without stopping the writers
)

// Ensure creates a topic unless it is there, and waits until every partition has a leader that answers. Its records are kept
// for ever, unless [Keep] says otherwise. With three replicas or more, two have to hold a record before it counts as written. A topic that is there
// with another number of partitions is an error: streams would change partition and their order would be lost.
func Ensure(ctx context.Context, client *kafka.Client, name string, partitions, replication int) error {
	ctx, cancel := context.WithTimeout(ctx, topicTimeout)
	defer cancel()
	for {
		topic, err := tail.Describe(ctx, client, name)
		switch {
		case errors.Is(err, kafka.UnknownTopicOrPartition):
			err = create(ctx, client, name, partitions, replication)
		case err == nil && len(topic.Partitions) != partitions:
			return fmt.Errorf("ensure topic %s: it has %d partitions instead of %d", name, len(topic.Partitions), partitions)
		case err == nil:
			if err = led(ctx, client, topic); err == nil {
				return nil
			}
		}
		if err != nil && !transient(err) {
			return fmt.Errorf("ensure topic %s: %w", name, err)
		}
		if pause.For(ctx, topicPoll) != nil {
			return fmt.Errorf("ensure topic %s: not ready within %s: %w", name, topicTimeout, errors.Join(err, ctx.Err()))
		}
	}
}

func create(ctx context.Context, client *kafka.Client, name string, partitions, replication int) error {
	topic := kafka.TopicConfig{
		Topic: name, NumPartitions: partitions, ReplicationFactor: replication,
		ConfigEntries: []kafka.ConfigEntry{
			{ConfigName: "cleanup.policy", ConfigValue: "delete"},
			{ConfigName: retention, ConfigValue: "-1"},
			{ConfigName: "retention.bytes", ConfigValue: "-1"},
		},
	}
	if replication >= safeReplicas {
		topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{
			ConfigName: "min.insync.replicas", ConfigValue: strconv.Itoa(safeReplicas - 1),
		})
	}
	resp, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{topic}})
	if err != nil {
		return err
	}
	if err := resp.Errors[name]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return err
	}
	return nil
}

const retention = "retention.ms"

// Keep sets how long a topic that is there keeps its records. One that does so already is left alone, so that the right to alter
// topics is only needed where something changes.
func Keep(ctx context.Context, client *kafka.Client, name string, keep time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, topicTimeout)
	defer cancel()
	for {
		err := setRetention(ctx, client, name, strconv.FormatInt(keep.Milliseconds(), 10))
		if err == nil {
			return nil
		}
		if !transient(err) {
			return fmt.Errorf("set retention of topic %s: %w", name, err)
		}
		if pause.For(ctx, topicPoll) != nil {
			return fmt.Errorf("set retention of topic %s: not done within %s: %w", name, topicTimeout, errors.Join(err, ctx.Err()))
		}
	}
}

func setRetention(ctx context.Context, client *kafka.Client, name, value string) error {
	found, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: name, ConfigNames: []string{retention},
	}}})
	if err != nil {
		return err
	}
	for _, resource := range found.Resources {
		if resource.Error != nil {
			return resource.Error
		}
		for _, entry := range resource.ConfigEntries {
			if entry.ConfigName == retention && entry.ConfigValue == value {
				return nil
			}
		}
	}
	altered, err := client.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: name,
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: retention, Value: value, ConfigOperation: kafka.ConfigOperationSet}},
		}},
	})
	if err != nil {
		return err
	}
	for _, resource := range altered.Resources {
		if resource.Error != nil {
			return resource.Error
		}
	}
	return nil
}

// led asks the leader of every partition: it may be chosen and not know it yet.
func led(ctx context.Context, client *kafka.Client, t kafka.Topic) error {
	for _, p := range t.Partitions {
		if _, err := tail.Boundary(ctx, client, tail.Place{Topic: t.Name, Partition: p.ID, Offset: kafka.LastOffset}); err != nil {
			return fmt.Errorf("ask leader of partition %d: %w", p.ID, err)
		}
	}
	return nil
}

// Partitions returns how many partitions a topic has.
func Partitions(ctx context.Context, client *kafka.Client, topic string) (int, error) {
	t, err := tail.Describe(ctx, client, topic)
	return len(t.Partitions), err
}

// transient tells whether waiting may help: everything but a verdict of the broker that it will repeat.
func transient(err error) bool {
	var verdict kafka.Error
	if !errors.As(err, &verdict) {
		return true
	}
	return verdict.Temporary() || verdict.Timeout() || errors.Is(err, kafka.UnknownTopicOrPartition)
}

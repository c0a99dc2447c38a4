package consume

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

// lookEvery is how long a partition may be nobody's before it is noticed. One look costs two small requests, and none as
// long as the member has all partitions, which is the rule.
const lookEvery = 3 * time.Second

// stable is what Kafka calls a group whose partitions are dealt.
const stable = "Stable"

// watch returns when ctx ends, or with true when partitions of the topic are nobody's. The leader of a group deals what it
// sees of the topic at that moment: nothing, if the broker that it asks has not heard of the topic yet. kafka-go then waits
// for the number of partitions to change, counted from its next look, and that may be too late by then: the group reads
// nothing for ever. Whoever sees it joins again; the leader does too, and its joining has the partitions dealt anew.
func (m *Member) watch(ctx context.Context, mine int) (orphaned bool) {
	for pause.For(ctx, lookEvery) == nil {
		orphans, err := m.orphans(ctx, mine)
		switch {
		case ctx.Err() != nil:
			return false
		case err != nil:
			m.Metrics.Errors.WithLabelValues("group").Inc()
			m.Log.Debug("group cannot be watched", zap.Error(err))
		case len(orphans) > 0:
			m.Metrics.Errors.WithLabelValues("group").Inc()
			m.Log.Warn("partitions are nobody's in this group, joining it again", zap.Ints("partitions", orphans))
			return true
		}
	}
	return false
}

// orphans are the partitions that no member of the group has; none while they are being dealt.
func (m *Member) orphans(ctx context.Context, mine int) ([]int, error) {
	found, err := tail.Describe(ctx, m.Client, m.Topic)
	if err != nil || len(found.Partitions) <= mine {
		return nil, err
	}
	groups, err := m.Client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{m.Group.ID}})
	if err != nil {
		return nil, fmt.Errorf("describe group %s: %w", m.Group.ID, err)
	}
	if len(groups.Groups) != 1 || groups.Groups[0].Error != nil || groups.Groups[0].GroupState != stable {
		return nil, nil
	}
	held := m.held(groups.Groups[0])
	var orphans []int
	for _, p := range found.Partitions {
		if !slices.Contains(held, p.ID) {
			orphans = append(orphans, p.ID)
		}
	}
	return orphans, nil
}

// held are the partitions of the topic that the members of a group have.
func (m *Member) held(group kafka.DescribeGroupsResponseGroup) (all []int) {
	for _, member := range group.Members {
		for _, topic := range member.MemberAssignments.Topics {
			if topic.Topic == m.Topic {
				all = append(all, topic.Partitions...)
			}
		}
	}
	return all
}

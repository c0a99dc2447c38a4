package consume

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/kafkabus/internal/pause"
	"github.com/songan-vn/songan/libs/kafkabus/internal/tail"
)

const (
	saveEvery    = 200 * time.Millisecond
	hintEvery    = 5 * time.Second // while progress is kept elsewhere: Kafka is told for tools that show the lag
	saveTimeout  = 5 * time.Second
	leaveTimeout = 5 * time.Second
)

// Member delivers those partitions of a topic that a consumer group gives it.
type Member struct {
	Consumer

	Client *kafka.Client
	Group  kafka.ConsumerGroupConfig
	// Chained says that records carry sequence and previous.
	Chained bool

	group *kafka.ConsumerGroup
}

// Run takes part in one generation of the group after the other until ctx ends, and then leaves the group.
func (m *Member) Run(ctx context.Context) {
	var err error
	if m.group, err = m.join(ctx); err != nil {
		close(m.Out)
		if ctx.Err() == nil {
			m.OnError(err)
		}
		return
	}
	m.take(ctx)
}

// take takes part in one generation after the other.
func (m *Member) take(ctx context.Context) {
	var closing sync.WaitGroup
	var wait pause.Backoff // the group itself pauses
	for {
		generation, err := m.group.Next(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			_ = m.retry(ctx, &wait, "group", "group cannot be joined, trying again", err)
			continue
		}
		wait.Success()
		over := make(chan struct{})
		generation.Start(func(term context.Context) {
			defer close(over)
			m.work(term, ctx, generation)
		})
		select {
		case <-over:
		case <-ctx.Done():
			closing.Go(func() { _ = m.group.Close() }) // ends the generation
			<-over
		}
	}
	close(m.Out)
	m.leave(context.WithoutCancel(ctx))
	closing.Wait()
}

// join joins the group once the topic is there. Its error is that of a context that ends before. A group may be joined
// without the topic, and then has nothing to read until kafka-go sees the topic come. It does not see it come between the
// leader's look at the partitions and its own first one, and the group would have nothing to read for ever.
func (m *Member) join(ctx context.Context) (*kafka.ConsumerGroup, error) {
	if _, err := tail.Await(ctx, m.Client, m.Topic, m.Metrics, m.Log); err != nil {
		return nil, err
	}
	return kafka.NewConsumerGroup(m.Group)
}

// leave ends the membership. It first waits until a join under way is through: closed in the middle of one, kafka-go
// goes without a word to the broker, and the others wait for its session to time out.
func (m *Member) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	for {
		_, err := m.group.Next(ctx)
		if !errors.Is(err, kafka.RebalanceInProgress) {
			break
		}
	}
	_ = m.group.Close() // it is always nil
}

// work delivers the partitions of a generation until its term is over, or until it sees that partitions are nobody's. It
// returns only then: when it does, the group goes on to the next generation.
func (m *Member) work(term, messages context.Context, generation *kafka.Generation) {
	ctx, stop := context.WithCancel(term)
	defer stop()
	book := m.book(m.keeper(generation))
	partitions := make([]int, 0, len(generation.Assignments[m.Topic]))
	for _, a := range generation.Assignments[m.Topic] {
		partitions = append(partitions, a.ID)
	}
	from, err := m.load(ctx, book.keeper, partitions)
	if err != nil {
		return
	}
	var deliveries sync.WaitGroup
	for _, p := range partitions {
		d := m.delivery(p, m.tail(p, from), book)
		deliveries.Go(func() { d.run(ctx, messages) })
	}
	deliveries.Go(func() {
		if m.watch(ctx, len(partitions)) {
			stop()
		}
	})
	for m.save(ctx, generation, book, false) && pause.For(ctx, saveEvery) == nil {
	}
	stop()
	deliveries.Wait()
	m.save(context.WithoutCancel(ctx), generation, book, true)
}

func (m *Member) keeper(generation *kafka.Generation) keeper {
	if m.Positions != nil {
		return m.Positions
	}
	return committed{generation}
}

func (m *Member) tail(partition int, from map[int]tail.Progress) *tail.Reader {
	at, known := from[partition]
	if !known && !m.Chained {
		at.Offset = kafka.FirstOffset
	}
	return &tail.Reader{
		Client: m.Client, Topic: m.Topic, Partition: partition, Chained: m.Chained, At: at, Log: m.Log, Metrics: m.Metrics,
	}
}

// save saves what has changed, and tells whether this member still belongs to its generation. Kafka is told as well, for
// tools that show the lag; but now and then only, unless it is the last time: each commit shares a connection with the
// heartbeats, and kafka-go waits for two answers on one connection in a busy loop.
func (m *Member) save(ctx context.Context, generation *kafka.Generation, book *ledger, last bool) bool {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	maps.Copy(book.untold, m.keep(ctx, book))
	if len(book.untold) == 0 || m.Positions != nil && !last && time.Since(book.told) < hintEvery {
		return true
	}
	untold := book.untold
	book.untold, book.told = map[int]tail.Progress{}, time.Now()
	if err := (committed{generation}).save(ctx, m.Topic, untold); err != nil {
		m.Metrics.Errors.WithLabelValues("progress").Inc()
		m.Log.Debug("generation is over", zap.Error(err))
		return false
	}
	return true
}

// ledger collects progress until it is saved.
type ledger struct {
	keeper keeper
	wait   pause.Backoff         // after failures to save
	untold map[int]tail.Progress // of which Kafka has not been told
	told   time.Time             // when it was

	mu      sync.Mutex
	changed map[int]tail.Progress
}

func (l *ledger) note(partition int, at tail.Progress) {
	if at.Offset < 0 {
		return // nothing has been read yet
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed[partition] = at
}

func (l *ledger) take() map[int]tail.Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	changed := l.changed
	l.changed = map[int]tail.Progress{}
	return changed
}

// putBack keeps what was not saved, unless there is something newer by now.
func (l *ledger) putBack(old map[int]tail.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.Copy(old, l.changed)
	l.changed = old
}

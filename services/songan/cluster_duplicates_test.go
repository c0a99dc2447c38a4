package songan_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	echoEvery = 300 * time.Millisecond
	echoes    = 4    // records that are written again, of one topic at a time
	echoMost  = 1200 // records of a topic that are written again in all
)

// echo writes records of a topic again: the same key, headers and body, in the same partition, new ones and old ones.
type echo struct {
	topic  string
	reader *kafka.Client
	// writer has the rights of who writes to that topic: the services, or the bank.
	writer *kafka.Client
	random *rand.Rand

	seen   map[int][]kafka.Record // by partition, without Value and Key readers
	values map[int][][2][]byte
	next   map[int]int64
	done   int
}

// echoing starts an echo on every topic and returns how to stop them; that answers how many records each has written.
func (c *cluster) echoing(t *testing.T) (stop func() map[string]int) {
	t.Helper()
	ours := c.as(t, c.kafka.User, c.kafka.Password)
	var all []*echo
	add := func(topic string, writer *kafka.Client) {
		all = append(all, &echo{
			topic: topic, reader: ours, writer: writer, random: rand.New(rand.NewPCG(c.seed, uint64(len(all)))),
			seen: map[int][]kafka.Record{}, values: map[int][][2][]byte{}, next: map[int]int64{},
		})
	}
	for _, s := range services() {
		add(c.topics+"."+s+".v1", ours)
	}
	for _, bic := range bics() {
		add(c.topics+".bank."+bic+".instructions.v1", ours)
		add(c.topics+".bank."+bic+".reports.v1", c.as(t, c.bankUser(bic), c.banks[bic]))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, e := range all {
		running.Go(func() { e.run(ctx) })
	}
	stop = sync.OnceValue(func() map[string]int {
		cancel()
		running.Wait()
		written := map[string]int{}
		for _, e := range all {
			written[e.topic] = e.done
		}
		return written
	})
	t.Cleanup(func() { stop() })
	return stop
}

// run goes on whatever happens: the broker is killed now and then.
func (e *echo) run(ctx context.Context) {
	tick := time.NewTicker(echoEvery)
	defer tick.Stop()
	for e.done < echoMost {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if e.read(ctx) == nil {
			_ = e.write(ctx) // what was not written this time is written another time
		}
	}
}

// read takes in what is new in the topic.
func (e *echo) read(ctx context.Context) error {
	last, err := ends(ctx, e.reader, e.topic)
	if err != nil {
		return err
	}
	for p, end := range last {
		for e.next[p] < end {
			if err := e.fetch(ctx, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *echo) fetch(ctx context.Context, partition int) error {
	from := e.next[partition]
	got, err := e.reader.Fetch(ctx, &kafka.FetchRequest{
		Topic: e.topic, Partition: partition, Offset: from, MinBytes: 1, MaxBytes: 4 << 20, MaxWait: time.Second,
	})
	if err == nil {
		err = got.Error
	}
	if err != nil {
		return err
	}
	for {
		r, err := got.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		key, err := kafka.ReadAll(r.Key)
		if err != nil {
			return err
		}
		value, err := kafka.ReadAll(r.Value)
		if err != nil {
			return err
		}
		if r.Offset >= e.next[partition] {
			e.seen[partition] = append(e.seen[partition], kafka.Record{Headers: r.Headers})
			e.values[partition] = append(e.values[partition], [2][]byte{key, value})
			e.next[partition] = r.Offset + 1
		}
	}
	if e.next[partition] == from {
		return fmt.Errorf("nothing at offset %d of %s/%d", from, e.topic, partition)
	}
	return nil
}

// write writes some records of one partition again: half of them from its end, the others from anywhere.
func (e *echo) write(ctx context.Context) error {
	full := slices.DeleteFunc(slices.Sorted(maps.Keys(e.seen)), func(p int) bool { return len(e.seen[p]) == 0 })
	if len(full) == 0 {
		return nil
	}
	partition := full[e.random.IntN(len(full))]
	var again []kafka.Record
	for i := range echoes {
		from := 0
		if i%2 == 0 {
			from = max(0, len(e.seen[partition])-echoes)
		}
		n := from + e.random.IntN(len(e.seen[partition])-from)
		kv := e.values[partition][n]
		again = append(again, kafka.Record{
			Key: kafka.NewBytes(kv[0]), Value: kafka.NewBytes(kv[1]), Headers: e.seen[partition][n].Headers, Time: time.Now(),
		})
	}
	done, err := e.writer.Produce(ctx, &kafka.ProduceRequest{
		Topic: e.topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(again...),
	})
	if err == nil {
		err = done.Error
	}
	if err != nil {
		return err
	}
	e.done += len(again)
	return nil
}

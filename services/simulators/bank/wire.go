package bank

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/songan-vn/songan/services/simulators/bank/internal/desk"
)

const (
	fetchBytes  = 1 << 20 // most bytes of records in one answer
	fetchWait   = 500 * time.Millisecond
	batchLimit  = 5000    // most records of one portion
	sendBytes   = 900_000 // of records in one request, a little less than a broker takes by default
	sendRecords = 2000

	requestTimeout = 10 * time.Second
	retryFirst     = 50 * time.Millisecond
	retryMost      = 5 * time.Second
)

// wire is this bank's way to Kafka, with nothing but its own two topics at the other end.
type wire struct {
	client                *kafka.Client
	instructions, reports string
	group                 string
	trouble               func(error)

	mu         sync.Mutex
	partitions []int // of the reports; empty: not known yet
}

func newWire(o Options, trouble func(error)) (*wire, error) {
	var login sasl.Mechanism
	if o.User != "" {
		mechanism, err := scram.Mechanism(scram.SHA512, o.User, o.Password)
		if err != nil {
			return nil, errors.New("user or password cannot be used for SCRAM") // the text of err may hold the password
		}
		login = mechanism
	}
	client, prefix := "bank-simulator-"+o.BIC, "songan.bank."+o.BIC
	if o.Topics != "" {
		prefix = o.Topics + ".bank." + o.BIC
	}
	return &wire{
		client: &kafka.Client{
			Addr: kafka.TCP(o.Brokers...), Timeout: requestTimeout,
			Transport: &kafka.Transport{SASL: login, Dial: o.TLS.DialContext, ClientID: client, MetadataTTL: 2 * time.Second},
		},
		trouble:      trouble,
		instructions: prefix + ".instructions.v1",
		reports:      prefix + ".reports.v1",
		group:        prefix + ".core",
	}, nil
}

func (w *wire) close() {
	if t, ok := w.client.Transport.(*kafka.Transport); ok {
		t.CloseIdleConnections()
	}
}

// committed returns where a partition was to be read on, or the first record of all.
func (w *wire) committed(ctx context.Context, partition int) (int64, error) {
	resp, err := w.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: w.group, Topics: map[string][]int{w.instructions: {partition}},
	})
	if err == nil {
		err = resp.Error
	}
	if errors.Is(err, kafka.GroupIdNotFound) { // some brokers say so before the first commit
		return w.first(ctx, partition)
	}
	if err != nil {
		return 0, fmt.Errorf("fetch offset of partition %d: %w", partition, err)
	}
	for _, p := range resp.Topics[w.instructions] {
		switch {
		case p.Error != nil:
			return 0, fmt.Errorf("fetch offset of partition %d: %w", partition, p.Error)
		case p.CommittedOffset >= 0:
			return p.CommittedOffset, nil
		}
	}
	return w.first(ctx, partition)
}

// commit notes where partitions are to be read on. The bank is no member of its group: the lock on its ledger sees to
// it that there is one reader, which goes on at once after a crash.
func (w *wire) commit(ctx context.Context, offsets []kafka.OffsetCommit) error {
	resp, err := w.client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: w.group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{w.instructions: offsets},
	})
	if err != nil {
		return fmt.Errorf("commit offsets: %w", err)
	}
	for _, p := range resp.Topics[w.instructions] {
		if p.Error != nil {
			return fmt.Errorf("commit offset of partition %d: %w", p.Partition, p.Error)
		}
	}
	return nil
}

// fetch reads the next records of a partition, and returns the offset to go on from. There may be none.
func (w *wire) fetch(ctx context.Context, partition int, offset int64) ([]desk.Received, int64, error) {
	resp, err := w.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: w.instructions, Partition: partition, Offset: offset, MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait,
		IsolationLevel: kafka.ReadCommitted,
	})
	if err == nil {
		err = resp.Error
	}
	if errors.Is(err, kafka.OffsetOutOfRange) { // the topic was made anew: every repetition is known by its id
		first, err := w.first(ctx, partition)
		return nil, first, err
	}
	if err != nil {
		return nil, offset, fmt.Errorf("fetch partition %d: %w", partition, err)
	}
	return take(resp.Records, partition, offset)
}

// take reads up to batchLimit records. Brokers send whole batches, from before the offset that was asked for.
func take(sent kafka.RecordReader, partition int, offset int64) ([]desk.Received, int64, error) {
	var batch []desk.Received
	for len(batch) < batchLimit {
		record, err := sent.ReadRecord()
		if err != nil && (errors.Is(err, io.EOF) || len(batch) > 0) {
			break // what stopped it comes first in the next answer
		}
		if err != nil {
			return nil, offset, fmt.Errorf("read partition %d: %w", partition, err)
		}
		if record.Offset < offset {
			continue
		}
		value, err := contents(record)
		if err != nil {
			return nil, offset, fmt.Errorf("read partition %d: %w", partition, err)
		}
		batch = append(batch, desk.Read(partition, record, value))
		offset = record.Offset + 1
	}
	return batch, offset, nil
}

// contents copies the value out of kafka-go's pages and gives the pages back.
func contents(r *kafka.Record) ([]byte, error) {
	var err error
	if r.Key != nil {
		err = r.Key.Close()
	}
	if r.Value == nil {
		return nil, err
	}
	value, readErr := kafka.ReadAll(r.Value)
	return value, errors.Join(err, readErr, r.Value.Close())
}

func (w *wire) first(ctx context.Context, partition int) (int64, error) {
	resp, err := w.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{w.instructions: {kafka.FirstOffsetOf(partition)}},
	})
	if err != nil {
		return 0, fmt.Errorf("list offsets: %w", err)
	}
	for _, answer := range resp.Topics[w.instructions] {
		if answer.Partition == partition {
			return answer.FirstOffset, answer.Error
		}
	}
	return 0, fmt.Errorf("list offsets of partition %d: %w", partition, kafka.UnknownTopicOrPartition)
}

// send writes messages, those of one key in their order, and tries for as long as ctx lasts. A partition that cannot be written is
// tried again alone: reports repeat only within what was being written to it.
func (w *wire) send(ctx context.Context, bic string, now time.Time, all []desk.Outgoing) error {
	if len(all) == 0 {
		return nil
	}
	var left map[int][]kafka.Message // by partition
	for wait := (backoff{}); ; {
		var err error
		if left == nil {
			left, err = w.sorted(ctx, bic, now, all)
		}
		if err == nil {
			err = w.trySend(ctx, left)
		}
		if err == nil {
			return nil
		}
		w.trouble(err)
		if !wait.pause(ctx) {
			return ctx.Err()
		}
	}
}

// sorted are the messages by partition of the reports.
func (w *wire) sorted(ctx context.Context, bic string, now time.Time, all []desk.Outgoing) (map[int][]kafka.Message, error) {
	partitions, err := w.layout(ctx)
	if err != nil {
		return nil, err
	}
	sorted := make(map[int][]kafka.Message, len(partitions))
	for _, o := range all {
		m := o.Message(bic, now)
		p := kafka.Murmur2Balancer{Consistent: true}.Balance(m, partitions...) // as Java's producer does
		sorted[p] = append(sorted[p], m)
	}
	return sorted, nil
}

// trySend writes messages, partition by partition, and takes out what was written.
func (w *wire) trySend(ctx context.Context, sorted map[int][]kafka.Message) (err error) {
	for partition, messages := range sorted {
		if failed := w.produce(ctx, partition, messages); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		delete(sorted, partition)
	}
	return err
}

// produce writes messages in requests of a size that brokers take. It stops at the first that fails.
func (w *wire) produce(ctx context.Context, partition int, messages []kafka.Message) error {
	for len(messages) > 0 {
		n := fit(messages)
		records := make([]kafka.Record, n)
		for i, m := range messages[:n] {
			records[i] = kafka.Record{Key: kafka.NewBytes(m.Key), Value: kafka.NewBytes(m.Value), Headers: m.Headers, Time: m.Time}
		}
		resp, err := w.client.Produce(ctx, &kafka.ProduceRequest{
			Topic: w.reports, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
		})
		if err == nil {
			err = resp.Error
		}
		if err != nil {
			return fmt.Errorf("report to partition %d: %w", partition, err)
		}
		messages = messages[n:]
	}
	return nil
}

func fit(messages []kafka.Message) int {
	const overhead = 256 // more than headers and format add
	bytes := 0
	for i, m := range messages[:min(len(messages), sendRecords)] {
		if bytes += len(m.Value) + overhead; bytes > sendBytes && i > 0 {
			return i
		}
	}
	return min(len(messages), sendRecords)
}

// layout returns the partitions of the reports.
func (w *wire) layout(ctx context.Context) ([]int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.partitions) > 0 {
		return w.partitions, nil
	}
	found, err := w.partitionsOf(ctx, w.reports)
	if err == nil {
		w.partitions = found
	}
	return found, err
}

func (w *wire) partitionsOf(ctx context.Context, topic string) ([]int, error) {
	resp, err := w.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", topic, err)
	}
	var found []int
	for _, t := range resp.Topics {
		if t.Error != nil {
			return nil, fmt.Errorf("describe %s: %w", topic, t.Error)
		}
		for i := range t.Partitions {
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("describe %s: %w", topic, kafka.UnknownTopicOrPartition)
	}
	return found, nil
}

// backoff waits twice as long after each failure.
type backoff struct{ next time.Duration }

func (b *backoff) pause(ctx context.Context) bool {
	b.next = min(max(2*b.next, retryFirst), retryMost)
	return pauseFor(ctx, b.next, nil, nil)
}

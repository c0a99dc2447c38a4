package bank

import (
	"context"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/services/simulators/bank/internal/desk"
)

// A portion of many records is a sign that the other partitions have as many: it waits for theirs, for at most gather, and all of
// them are one write to the disk.
const (
	many   = 100
	gather = 100 * time.Millisecond
)

// portion is what one partition brings, never nothing. Its next one comes when this one is done.
type portion struct {
	records []desk.Received
	// done says whether to go on. If not, the bank is ending, and the records come again at the next start.
	done chan<- bool
}

// consume reads all partitions of the instructions until ctx ends. The topic need not be there yet.
func (s *Simulator) consume(ctx context.Context) {
	var partitions []int
	s.insist(ctx, func() (err error) {
		partitions, err = s.wire.partitionsOf(ctx, s.wire.instructions)
		return err
	})
	portions := make(chan portion)
	var reading sync.WaitGroup
	for _, p := range partitions {
		reading.Go(func() { s.follow(ctx, p, portions) })
	}
	s.consuming.Store(len(partitions) > 0)
	defer s.consuming.Store(false)
	s.book(ctx, portions, len(partitions))
	reading.Wait()
}

// book takes what the partitions bring: decide and write to disk, then report, then commit. A crash anywhere in between makes the
// records come again, and the ledger knows them. What several partitions bring at once is one write to the disk and one commit. A bank
// that is down, or ends, by the time that all have come decides about nothing.
func (s *Simulator) book(ctx context.Context, portions <-chan portion, partitions int) {
	for {
		batch := gathered(ctx, portions, partitions)
		if len(batch) == 0 {
			return
		}
		var records []desk.Received
		offsets := make([]kafka.OffsetCommit, 0, len(batch))
		for _, p := range batch {
			records = append(records, p.records...)
			last := p.records[len(p.records)-1]
			offsets = append(offsets, kafka.OffsetCommit{Partition: last.Partition, Offset: last.Offset + 1})
		}
		done := s.open(ctx) && s.work(ctx, records)
		if done {
			if err := s.commit(ctx, offsets); err != nil && ctx.Err() == nil {
				s.trouble(err) // the next one will do
			}
		}
		for _, p := range batch {
			p.done <- done
		}
	}
}

// gathered is what is there, of each partition at most one portion; nothing if ctx ended before any came.
func gathered(ctx context.Context, portions <-chan portion, partitions int) []portion {
	var batch []portion
	select {
	case p := <-portions:
		batch = append(batch, p)
	case <-ctx.Done():
		return nil
	}
	wait := time.Duration(0)
	if len(batch[0].records) >= many {
		wait = gather
	}
	for over := time.After(wait); len(batch) < partitions; {
		select {
		case p := <-portions:
			batch = append(batch, p)
		case <-over:
			return batch
		case <-ctx.Done():
			return batch
		}
	}
	return batch
}

// insist tries until it works or ctx ends, and returns whether it worked.
func (s *Simulator) insist(ctx context.Context, try func() error) bool {
	for wait := (backoff{}); ; {
		err := try()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		s.trouble(err)
		wait.pause(ctx)
	}
}

// follow brings one partition, portion by portion.
func (s *Simulator) follow(ctx context.Context, partition int, portions chan<- portion) {
	var offset int64
	known := s.insist(ctx, func() (err error) {
		offset, err = s.wire.committed(ctx, partition)
		return err
	})
	done := make(chan bool, 1)
	for known && s.open(ctx) {
		var records []desk.Received
		fetched := s.insist(ctx, func() (err error) {
			records, offset, err = s.wire.fetch(ctx, partition, offset)
			return err
		})
		if len(records) == 0 {
			continue
		}
		if !fetched {
			return
		}
		select {
		case portions <- portion{records, done}:
		case <-ctx.Done():
			return
		}
		if !<-done {
			return
		}
	}
}

// commit notes what was done even if the bank was stopped meanwhile: it would all be answered once more at the next start.
func (s *Simulator) commit(ctx context.Context, offsets []kafka.OffsetCommit) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
	defer cancel()
	return s.wire.commit(ctx, offsets)
}

// work decides about a batch and reports it. It returns false if the batch has to come again.
func (s *Simulator) work(ctx context.Context, batch []desk.Received) bool {
	done, err := s.desk.Handle(batch)
	if err != nil {
		s.fail(err)
		return false
	}
	s.received.Add(int64(len(batch)))
	s.skipped.Add(int64(done.Skipped))
	if err := s.wire.send(ctx, s.desk.BIC, s.desk.Now(), done.Answers); err != nil {
		return false
	}
	s.reported.Add(int64(len(done.Answers)))
	s.later.owe(done.Debts)
	return true
}

// open waits while the bank is down or owes too much. It returns false if ctx has ended.
func (s *Simulator) open(ctx context.Context) bool {
	for ctx.Err() == nil {
		scenario, left, changed := s.desk.Stage.Get()
		switch {
		case scenario.Down:
			if !pauseFor(ctx, left, changed, nil) {
				return false
			}
		case s.later.full():
			if !pauseFor(ctx, retryFirst, changed, nil) {
				return false
			}
		default:
			return true
		}
	}
	return false
}

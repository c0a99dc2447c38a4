package bank

import (
	"context"
	"sync"

	"github.com/songan-vn/songan/services/simulators/bank/internal/desk"
)

// consume reads all partitions of the instructions until ctx ends. The topic need not be there yet.
func (s *Simulator) consume(ctx context.Context) {
	var partitions []int
	s.insist(ctx, func() (err error) {
		partitions, err = s.wire.partitionsOf(ctx, s.wire.instructions)
		return err
	})
	var reading sync.WaitGroup
	for _, p := range partitions {
		reading.Go(func() { s.follow(ctx, p) })
	}
	s.consuming.Store(len(partitions) > 0)
	defer s.consuming.Store(false)
	reading.Wait()
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

// follow reads one partition: decide and write to disk, then report, then commit. A crash anywhere in between makes the
// records come again, and the ledger knows them.
func (s *Simulator) follow(ctx context.Context, partition int) {
	var offset int64
	known := s.insist(ctx, func() (err error) {
		offset, err = s.wire.committed(ctx, partition)
		return err
	})
	for known && s.open(ctx) {
		var batch []desk.Received
		fetched := s.insist(ctx, func() (err error) {
			batch, offset, err = s.wire.fetch(ctx, partition, offset)
			return err
		})
		if len(batch) == 0 {
			continue
		}
		if !fetched || !s.work(ctx, batch) {
			return
		}
		if err := s.commit(ctx, partition, offset); err != nil && ctx.Err() == nil {
			s.trouble(err) // the next one will do
		}
	}
}

// commit notes what was done even if the bank was stopped meanwhile: it would all be answered once more at the next start.
func (s *Simulator) commit(ctx context.Context, partition int, offset int64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
	defer cancel()
	return s.wire.commit(ctx, partition, offset)
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

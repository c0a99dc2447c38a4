package eventstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/eventstore/internal/batch"
)

const (
	seldom      = 50 * time.Millisecond  // instead, in a wave: followers rest anyway
	notifyEvery = 5 * time.Millisecond   // at most; commits in between share a notification
	shortTrip   = 5 * time.Second        // for statements that have nothing to wait for
	hurryEvery  = 100 * time.Millisecond // at most; a hurry lasts longer

	mostRemembered = 8192     // facts that followers find in memory
	bytesOfThem    = 24 << 20 // at most, decoded
)

// hurry is what a notification says instead of a position.
const hurry = "hurry"

// Hurry says that somebody waits until what follows the log has caught up: nobody gives way to commands for a moment, in
// this process and in others. Whoever waits longer calls it again.
func (s *Store) Hurry(ctx context.Context) {
	s.pace.Hurry()
	now, last := time.Now().UnixNano(), s.hurried.Load()
	if now-last < int64(hurryEvery) || !s.hurried.CompareAndSwap(last, now) {
		return
	}
	// Without an answer, others hurry later, when what they put off has become too old.
	_, _ = s.pool.Exec(ctx, tell, s.channel, hurry)
}

// announce tells followers how far the log reaches: those of this process at once, others through the notifier. What was
// appended is remembered before they hear of it.
func (s *Store) announce(b batch.Batch) {
	var last int64
	for _, c := range b {
		if c.Err != nil {
			continue
		}
		last = max(last, c.Position+int64(len(c.Facts))-1)
		for _, r := range stored(c) {
			s.ring.Add(r.Position, r, r.weight())
		}
	}
	if last == 0 {
		return
	}
	s.head.Advance(last)
	select {
	case s.bell <- struct{}{}:
	default: // the notifier has not gone out yet, and will tell this too
	}
}

// A notification need not survive a crash of the server; waiting for the disk, it would hold up the next batch there.
const tell = `select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`

// notify is the life of the notifier. It works after the commit and outside of it: a NOTIFY inside makes all
// commits of a server wait for each other. If one is lost, followers find out by polling.
func (s *Store) notify() {
	for range s.bell {
		ctx, cancel := context.WithTimeout(s.ctx, shortTrip)
		_, err := s.own.Exec(ctx, tell, s.channel, strconv.FormatInt(s.head.Position(), 10))
		cancel()
		if err != nil && s.ctx.Err() == nil {
			s.log.Debug("followers elsewhere were not notified", zap.Error(err))
		}
		every := notifyEvery
		if s.pace.Wave() {
			every = seldom
		}
		select {
		case <-time.After(every):
		case <-s.ctx.Done():
		}
	}
}

// hear is the life of the listener, which learns from other processes how far the log reaches.
func (s *Store) hear() {
	for try := 0; s.ctx.Err() == nil; try++ {
		heard, err := s.hearOnce()
		if s.ctx.Err() != nil {
			return
		}
		if heard {
			try = 0
		}
		if try == 0 {
			s.log.Warn("notifications are lost until the connection is back", zap.Error(err))
		}
		s.pause(s.ctx, try)
	}
}

// hearOnce listens until its connection breaks. It has heard something once it got as far as listening.
func (s *Store) hearOnce() (heard bool, err error) {
	conn, err := pgx.ConnectConfig(s.ctx, s.own.Config().ConnConfig)
	if err != nil {
		return false, fmt.Errorf("connect: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), shortTrip)
		defer cancel()
		conn.Close(ctx) //nolint:errcheck,gosec // it is broken, or nobody needs it any more
	}()
	if _, err := conn.Exec(s.ctx, "listen "+s.channel); err != nil {
		return false, fmt.Errorf("listen: %w", err)
	}
	var missed int64 // while nobody listened
	if err := conn.QueryRow(s.ctx, `select coalesce(max(position), 0) from events`).Scan(&missed); err != nil {
		return true, fmt.Errorf("read the log's head: %w", err)
	}
	s.head.Advance(missed)
	for {
		n, err := conn.WaitForNotification(s.ctx)
		if err != nil {
			return true, fmt.Errorf("wait for a notification: %w", err)
		}
		if n.Payload == hurry {
			s.pace.Hurry()
		}
		if position, err := strconv.ParseInt(n.Payload, 10, 64); err == nil {
			s.head.Advance(position)
		}
	}
}

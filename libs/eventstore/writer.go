package eventstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/eventstore/internal/batch"
	"github.com/songan-vn/songan/libs/eventstore/internal/queue"
	"github.com/songan-vn/songan/libs/eventstore/internal/wire"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/problem"
)

const (
	tries      = 10 // of one batch while the database is away: about four seconds
	firstWait  = 10 * time.Millisecond
	mostWait   = time.Second
	mostShifts = 10               // doublings of firstWait
	tripLimit  = 20 * time.Second // one batch, waiting for the turn of others included
	pingLimit  = 2 * time.Second
	idle       = 100 * time.Millisecond // after which a connection may have been lost without a word
)

// writer stores what waits, batch after batch, over one connection.
type writer struct {
	*Store

	wire wire.Wire
	conn *pgxpool.Conn // nil until it is needed, and after it broke
	used time.Time     // when it last brought an answer

	stored   chan answer
	answered sync.WaitGroup // of what was sent to stored
}

// write is the life of the writer: take what waits, store it, answer. There is one of them. A second one, with a batch
// under way while the first commits, was measured: both batches get smaller, and together they store less.
//
// When a whole batch waits, it is sent at once and a goroutine answers the one before: the database need not wait for that. When
// less waits, those who are being answered are about to come back, and go with it.
func (s *Store) write() {
	w := writer{Store: s, stored: make(chan answer)}
	var answering sync.WaitGroup
	answering.Go(w.answer)
	defer func() {
		close(w.stored)
		answering.Wait()
		w.disconnect(s.ctx)
	}()
	for {
		tickets := s.appends.Take()
		if len(tickets) == 0 {
			return
		}
		a := answer{tickets: tickets}
		for _, t := range tickets {
			a.batch = append(a.batch, t.Work...)
		}
		begin := time.Now()
		w.commit(a.batch)
		a.took = time.Since(begin)
		w.answered.Add(1)
		w.stored <- a
		if s.appends.Length() < queue.BatchSize {
			w.answered.Wait()
		}
	}
}

// answer is a batch that was stored, and who waits for it.
type answer struct {
	tickets []*queue.Ticket[[]*batch.Command]
	batch   batch.Batch
	took    time.Duration
}

// answer tells everybody what became of the batches: those who follow the log first, so that they have heard of it when its
// caller asks them.
func (w *writer) answer() {
	for a := range w.stored {
		w.metrics.stored(a.batch, a.took)
		w.announce(a.batch)
		for _, t := range a.tickets {
			if t.Answered != nil {
				t.Answered()
			}
			close(t.Done)
		}
		w.answered.Done()
	}
}

// commit stores a batch. When the database refuses it for what one of its commands holds, the two halves are stored
// for themselves, until the guilty one stands alone.
func (w *writer) commit(b batch.Batch) {
	err := w.persist(b)
	switch {
	case err == nil:
	case !guilty(err):
		b.Fail(err)
	case len(b) == 1:
		b.Fail(fmt.Errorf("%w (SQLSTATE %s)", ErrUnstorable, pg.Code(err)))
	default:
		w.commit(b[:len(b)/2])
		w.commit(b[len(b)/2:])
	}
}

// guilty tells whether the database refused the batch for what it holds. The error's text may quote that, so
// nobody but us sees it.
func guilty(err error) bool {
	code := pg.Code(err)
	return strings.HasPrefix(code, "22") || strings.HasPrefix(code, "23") || strings.HasPrefix(code, "54")
}

// persist sends a batch until there is an answer. It may be sent again when the answer was lost, because
// append_batch_carefully knows the appends that are there.
func (w *writer) persist(b batch.Batch) error {
	unsure := false
	var err error
	for try := range tries {
		var sent bool
		sent, err = w.trip(b, unsure)
		if err == nil || guilty(err) {
			return err
		}
		unsure = unsure || sent && !refused(err)
		if !passing(err) {
			break
		}
		w.metrics.resent.Inc()
		w.log.Warn("a batch is sent again", zap.Int("try", try+1), zap.Int("commands", len(b)), zap.Error(err))
		if !w.pause(w.ctx, try) {
			break
		}
	}
	if passing(err) {
		err = fmt.Errorf("%w: %w", away(), err)
	}
	if unsure {
		err = fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return err
}

// trip sends a batch once, and tells with an error whether it may be there nevertheless. What is not
// sure goes carefully, and what was decided in an earlier session is not appended at all.
func (w *writer) trip(b batch.Batch, careful bool) (sent bool, err error) {
	ctx, cancel := context.WithTimeout(w.ctx, tripLimit)
	defer cancel()
	if err := w.connect(ctx); err != nil {
		return false, err
	}
	session := w.session.Load()
	careful = careful || !b.Sure(session)
	name, query := batch.Statement(careful)
	if _, err = w.conn.Conn().Prepare(ctx, name, query); err != nil {
		err = fmt.Errorf("prepare %s: %w", name, err)
	} else {
		sent, err = b.Store(ctx, w.conn.Conn(), &w.wire, careful, session)
	}
	if err == nil {
		b.StoredIn(session)
		w.used = time.Now()
	} else if w.conn.Conn().IsClosed() || pg.IsDown(err) && !noRoom(err) {
		w.disconnect(ctx) // also from a server that answers, and will not write any more
	}
	if pg.IsDuplicate(err) && !careful {
		return w.trip(b, true) // a version was taken by somebody else
	}
	return sent, err
}

// connect begins a session with the database, if there is none. What was known in an earlier one is not sure in it: a
// standby that took over may not have had the last facts yet.
func (w *writer) connect(ctx context.Context) (err error) {
	if w.conn != nil && time.Since(w.used) > idle && !w.alive(ctx) {
		w.disconnect(ctx) // better found out before the batch is sent than after
	}
	if w.conn != nil {
		return nil
	}
	w.own.Reset() // streams are to be read where the writer writes
	if w.conn, err = w.own.Acquire(ctx); err != nil {
		return fmt.Errorf("get a connection: %w", err)
	}
	w.used = time.Now()
	w.session.Add(1)
	w.answered.Wait() // or the last facts of the session before would be remembered in this one
	w.recent.Clear()
	w.ring.Clear()
	return nil
}

func (w *writer) alive(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	return w.conn.Ping(ctx) == nil
}

func (w *writer) disconnect(ctx context.Context) {
	if w.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingLimit)
	defer cancel()
	_ = w.conn.Conn().Close(ctx) // whatever it says, the pool forgets it
	w.conn.Release()
	w.conn = nil
}

// pause waits a little longer after every try. It is false when ctx ends or the store has no time left.
func (s *Store) pause(ctx context.Context, try int) bool {
	select {
	case <-time.After(min(firstWait<<min(try, mostShifts), mostWait)):
		return true
	case <-ctx.Done():
		return false
	case <-s.ctx.Done():
		return false
	}
}

// passing tells whether the same batch may succeed later.
func passing(err error) bool {
	switch pg.Code(err) {
	case "40001", "40P01", "55P03", "57014": // serialization, deadlock, lock or statement timeout
		return true
	}
	return pg.IsDown(err) || batch.Idle(err) || errors.Is(err, context.DeadlineExceeded)
}

// noRoom tells whether the server is only full: what is known of it stays so.
func noRoom(err error) bool { return strings.HasPrefix(pg.Code(err), "53") }

// refused tells whether the server has answered, and that it did not store the batch. With an error that ends the session as
// well, it may have committed before.
func refused(err error) bool {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	return ok && answer.SeverityUnlocalized == "ERROR"
}

// away is what a caller hears while the database cannot be reached.
func away() error {
	return &problem.Problem{
		Kind: problem.Unavailable, Code: "log_unavailable", RetryAfter: queue.RetryAfter,
		Detail:   "the log cannot be reached; try again in a moment",
		DetailVI: "tạm thời không ghi nhận được; vui lòng thử lại sau giây lát",
	}
}

package httpapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/songan-vn/songan/libs/httpapi/internal/exchange"
	"github.com/songan-vn/songan/libs/problem"
)

const (
	beatEvery  = time.Second
	leastMoved = 1 << 10         // bytes that a stream moves, either way, in the time it may stand still
	lastWords  = 5 * time.Second // for telling a client who stood still that it did
)

// errStopping ends a stream whose server is going to stop.
var errStopping = errors.New("the server is stopping")

// streamError says why a stream ended early, as long as somebody can still be told.
func streamError(err error) error {
	if errors.Is(err, errStopping) {
		return &problem.Problem{
			Kind: problem.Unavailable, Code: "stopping", RetryAfter: beatEvery,
			Detail:   "this server is stopping; send the same again, with the same key",
			DetailVI: "máy chủ đang dừng; xin gửi lại với cùng khoá",
		}
	}
	return err
}

// pulse keeps a stream alive as long as it moves. We wait for a client for so long; every kilobyte, in either direction,
// makes us wait for as long again, for both directions: a client that sends everything before it reads anything is slow in
// one of them only. The time in which we let the client wait does not count.
type pulse struct {
	control *http.ResponseController
	stall   time.Duration
	done    chan struct{}
	wg      sync.WaitGroup

	mu     sync.Mutex
	left   time.Duration // how much longer we wait for the body to go on
	since  time.Time     // when we began to wait; zero while we do not
	moved  int           // bytes since left was whole
	until  time.Time     // the deadline of reading
	last   time.Time     // when the deadline of writing was put off
	noRead bool          // the body has ended: a deadline would now end the request
	reason error         // why nothing more is read
}

func newPulse(control *http.ResponseController, stall time.Duration, stopping <-chan struct{}) *pulse {
	p := &pulse{control: control, stall: stall, left: stall, done: make(chan struct{})}
	_ = control.EnableFullDuplex() // HTTP/2 is so anyway
	p.wg.Go(func() {
		select {
		case <-stopping:
			p.interrupt(errStopping)
		case <-p.done:
		}
	})
	return p
}

// end stops what newPulse began.
func (p *pulse) end() {
	close(p.done)
	p.wg.Wait()
}

// waiting begins to wait for the body to go on.
func (p *pulse) waiting() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason != nil {
		return p.reason
	}
	p.since = time.Now()
	p.readable(p.since)
	p.writable(p.since)
	return nil
}

// waited ends it.
func (p *pulse) waited(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left -= time.Since(p.since)
	p.since = time.Time{}
	p.add(n)
}

// sent counts bytes that went out. Who waits for the body at the same time may wait longer then.
func (p *pulse) sent(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.add(n) || p.since.IsZero() {
		return
	}
	now := time.Now()
	if p.until.Sub(now) > p.stall-min(beatEvery, p.stall/2) {
		return
	}
	p.since = now
	p.readable(now)
}

// add counts bytes, and tells whether there were enough of them to begin anew.
func (p *pulse) add(n int) bool {
	if p.moved += n; p.moved < leastMoved {
		return false
	}
	p.left, p.moved = p.stall, 0
	return true
}

// readable puts off the deadline of reading.
func (p *pulse) readable(now time.Time) {
	if p.noRead || p.reason != nil {
		return
	}
	p.until = now.Add(p.left)
	_ = p.control.SetReadDeadline(p.until) // a recorder of a test has none
}

// writable puts off the deadline of writing.
func (p *pulse) writable(now time.Time) {
	if now.Sub(p.last) < min(beatEvery, p.stall/2) {
		return
	}
	p.last = now
	_ = p.control.SetWriteDeadline(now.Add(p.stall + lastWords))
}

func (p *pulse) beginWrite() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writable(time.Now())
}

// interrupt ends reading, even if somebody waits for a byte right now.
func (p *pulse) interrupt(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason != nil || p.noRead {
		return
	}
	p.reason = reason
	_ = p.control.SetReadDeadline(time.Now())
}

// ended says why reading ended.
func (p *pulse) ended(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.reason != nil:
		return p.reason
	case errors.Is(err, io.EOF):
		p.noRead = true
		p.writable(time.Now())
		_ = p.control.SetReadDeadline(time.Time{}) // a byte that was written meanwhile may have set it again
		return err
	}
	return exchange.BodyError(err)
}

func (p *pulse) reading(from io.Reader) io.Reader {
	return readerFunc(func(b []byte) (int, error) {
		if err := p.waiting(); err != nil {
			return 0, err
		}
		n, err := from.Read(b)
		p.waited(n)
		return n, err
	})
}

func (p *pulse) writing(to io.Writer) func([]byte) error {
	return func(b []byte) error {
		p.beginWrite()
		if _, err := to.Write(b); err != nil {
			return fmt.Errorf("%w: %w", exchange.ErrGone, err)
		}
		p.sent(len(b))
		return nil
	}
}

func (p *pulse) flush() error {
	if err := p.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("%w: %w", exchange.ErrGone, err)
	}
	return nil
}

type readerFunc func([]byte) (int, error)

// Read calls the function.
func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

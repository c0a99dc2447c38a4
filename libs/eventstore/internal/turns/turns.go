// Package turns spares commands that race for one thing the work of losing.
package turns

import (
	"context"
	"sync"
)

// Turns lets those who contend for a stream in this process go one after the other. It is a courtesy: what is right is
// decided by the version check, but ten commands that race for one stream would load it fifty-five times.
type Turns struct {
	mu    sync.Mutex
	lines map[string]*line
}

// line is who waits for one stream. The token in it is the right to go.
type line struct {
	token chan struct{}
	users int
}

// New returns turns that nobody takes.
func New() *Turns { return &Turns{lines: map[string]*line{}} }

// Take waits for the caller's turn on a stream, which ends with done.
func (t *Turns) Take(ctx context.Context, stream string) (done func(), err error) {
	l := t.join(stream)
	select {
	case l.token <- struct{}{}:
		return func() { <-l.token; t.part(stream, l) }, nil
	case <-ctx.Done():
		t.part(stream, l)
		return nil, ctx.Err() //nolint:wrapcheck // the caller wraps
	}
}

func (t *Turns) join(stream string) *line {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[stream]
	if l == nil {
		l = &line{token: make(chan struct{}, 1)}
		t.lines[stream] = l
	}
	l.users++
	return l
}

func (t *Turns) part(stream string, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(t.lines, stream)
	}
}

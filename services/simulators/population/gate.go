package population

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// reopenEvery is how often a closed port is tried again: somebody else may have taken it meanwhile.
const reopenEvery = 50 * time.Millisecond

// gate is a listener whose port is closed while connections are to be refused, as by a machine where nothing runs.
type gate struct {
	addr    net.Addr
	faults  *faultState
	stopped <-chan struct{}

	mu    sync.Mutex
	open  net.Listener  // nil while the port is closed
	ready chan struct{} // closed when the port is open
}

func openGate(ctx context.Context, addr string, faults *faultState, stopped <-chan struct{}) (*gate, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for checks: %w", err)
	}
	g := &gate{addr: listener.Addr(), faults: faults, stopped: stopped, open: listener, ready: make(chan struct{})}
	close(g.ready)
	return g, nil
}

// watch opens and closes the port as the faults want it, until the simulator stops.
func (g *gate) watch() {
	for {
		faults, until, changed := g.faults.get()
		again := time.Duration(0)
		switch {
		case faults.Refuse:
			_ = g.Close() // the port may be closed already
		case !g.reopen():
			again = reopenEvery
		}
		if !until.IsZero() {
			again = max(until.Sub(g.faults.now()), time.Millisecond)
		}
		if !g.pause(again, changed) {
			return
		}
	}
}

// pause waits for a change, at most for that long if it is not 0. It returns false if the simulator stops.
func (g *gate) pause(longest time.Duration, changed <-chan struct{}) bool {
	var over <-chan time.Time
	if longest > 0 {
		timer := time.NewTimer(longest)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-changed:
	case <-over:
	case <-g.stopped:
		return false
	}
	return true
}

// reopen opens the port if it is closed, and returns false if that is not possible now.
func (g *gate) reopen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open != nil {
		return true
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", g.addr.String())
	if err != nil {
		return false
	}
	g.open = listener
	close(g.ready)
	return true
}

// Addr returns the address, also while the port is closed.
func (g *gate) Addr() net.Addr { return g.addr }

// Close closes the port.
func (g *gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		return nil
	}
	err := g.open.Close()
	g.open, g.ready = nil, make(chan struct{})
	return err
}

func (g *gate) current() (net.Listener, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open, g.ready
}

// Accept waits for a connection, and while the port is closed, for its opening.
func (g *gate) Accept() (net.Conn, error) {
	for {
		listener, ready := g.current()
		if listener == nil {
			select {
			case <-ready:
				continue
			case <-g.stopped:
				return nil, net.ErrClosed
			}
		}
		conn, err := listener.Accept()
		if now, _ := g.current(); err == nil || now == listener {
			return conn, err
		}
	}
}

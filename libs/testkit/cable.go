package testkit

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Cable connects a pool to PostgreSQL as if it were on a machine of its own,
// which can be gone without a word: see [Cable.Pull].
type Cable struct {
	t  testing.TB
	mu sync.Mutex
	// conns are open; nil after the cable was pulled.
	conns []*plugged
}

// Elsewhere returns a pool like another one, over a cable.
func Elsewhere(t testing.TB, pool *pgxpool.Pool) (*pgxpool.Pool, *Cable) {
	t.Helper()
	c := &Cable{t: t, conns: []*plugged{}}
	config := pool.Config()
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return c.plug(conn)
	}
	elsewhere, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatalf("open the test database from elsewhere: %v", err)
	}
	t.Cleanup(func() { closePool(t, elsewhere) })
	return elsewhere, c
}

var errPulled = errors.New("the cable was pulled out")

func (c *Cable) plug(conn net.Conn) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns == nil {
		return nil, errors.Join(errPulled, conn.Close())
	}
	p := &plugged{Conn: conn}
	c.conns = append(c.conns, p)
	return p, nil
}

// Pull is the end of the machine: what it sends does not arrive, nobody hangs
// up, and on Linux not even its kernel answers when the server asks whether
// somebody is there. Elsewhere it does, so that only a server which listens to
// the process itself, as idle_session_timeout does, finds out.
func (c *Cable) Pull() {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.conns {
		p.out.Store(true)
		if err := silence(p.Conn); err != nil {
			c.t.Errorf("pull out a cable: %v", err)
		}
		c.t.Cleanup(func() { _ = p.Conn.Close() })
	}
	c.conns = nil
}

// plugged is a connection over a cable.
type plugged struct {
	net.Conn

	out atomic.Bool
}

// Write loses what is written after the end.
func (p *plugged) Write(b []byte) (int, error) {
	if p.out.Load() {
		return len(b), nil
	}
	return p.Conn.Write(b)
}

// Close lets the other side believe that somebody is there.
func (p *plugged) Close() error {
	if p.out.Load() {
		return p.SetDeadline(time.Unix(1, 0)) // who reads is woken
	}
	return p.Conn.Close()
}

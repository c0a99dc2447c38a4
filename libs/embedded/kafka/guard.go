package kafka

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxRequest is the largest request that's read, Kafka's own default of
// socket.request.max.bytes.
const maxRequest = 100 << 20

// frameHead is the length of what the guard looks at: size and API key.
const frameHead = 4 + 2

var errFrame = errors.New("not a request of the Kafka protocol")

// listenWith is net.Listen with a guard on each connection, behind TLS if there is any: the guard reads what is inside.
func listenWith(config *tls.Config) func(network, address string) (net.Listener, error) {
	return func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address) //nolint:noctx // the signature is kfake's
		if err != nil {
			return nil, err
		}
		if config != nil {
			l = tls.NewListener(l, config)
		}
		return guarded{l}, nil
	}
}

type guarded struct{ net.Listener }

// Accept waits for the next connection.
func (l guarded) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guard{Conn: conn, joins: newJoins()}, nil
}

// guard ends a connection whose bytes aren't Kafka's. Without it, four bytes
// from a stranger, before any login, would make kfake allocate up to 4 GiB,
// and an unknown API key would end the process.
type guard struct {
	net.Conn
	head [frameHead]byte
	got  int    // bytes of head seen
	rest uint64 // bytes of the current request still to come
	join []byte // the current request from its key on, if it is one to join a group

	joins *joins
	last  []byte // what is read after the client is gone
	gone  error
}

// Read passes on what has been checked.
func (g *guard) Read(p []byte) (int, error) {
	if g.gone == nil {
		n, err := g.Conn.Read(p)
		if bad := g.follow(p[:n]); bad != nil {
			return 0, bad
		}
		if err == nil || n > 0 {
			return n, nil
		}
		g.gone, g.last = err, g.joins.farewell()
	}
	if len(g.last) == 0 {
		return 0, g.gone
	}
	n := copy(p, g.last)
	g.last = g.last[n:]
	return n, nil
}

// Write sends an answer, if anybody is there. kfake writes each in one piece.
func (g *guard) Write(p []byte) (int, error) {
	if !g.joins.answer(p) {
		return len(p), nil
	}
	return g.Conn.Write(p)
}

// Close ends the connection for both sides.
func (g *guard) Close() error {
	g.joins.close()
	return g.Conn.Close()
}

// follow keeps track of where requests begin in the stream of bytes.
func (g *guard) follow(p []byte) error {
	for len(p) > 0 {
		if g.rest > 0 {
			p = g.skip(p)
			continue
		}
		n := copy(g.head[g.got:], p)
		g.got += n
		p = p[n:]
		if g.got < frameHead {
			// The size alone decides too: kfake allocates as soon as it has it.
			if g.got >= 4 && binary.BigEndian.Uint32(g.head[:4]) > maxRequest {
				return errFrame
			}
			return nil
		}
		if err := g.begin(); err != nil {
			return err
		}
	}
	return nil
}

// begin looks at the head of a request.
func (g *guard) begin() error {
	size := binary.BigEndian.Uint32(g.head[:4])
	key := int16(binary.BigEndian.Uint16(g.head[4:])) //nolint:gosec // the protocol's signed key
	if size < 8 || size > maxRequest || kmsg.RequestForKey(key) == nil {
		return errFrame
	}
	g.rest, g.got = uint64(size)-2, 0
	if key == kmsg.JoinGroup.Int16() && size <= joinSize {
		g.join = append(make([]byte, 0, size), g.head[4:]...)
	}
	return nil
}

// skip goes past what belongs to the current request, and returns what follows.
func (g *guard) skip(p []byte) []byte {
	n := min(uint64(len(p)), g.rest)
	g.rest -= n
	if g.join != nil {
		if g.join = append(g.join, p[:n]...); g.rest == 0 {
			g.joins.ask(g.join)
			g.join = nil
		}
	}
	return p[n:]
}

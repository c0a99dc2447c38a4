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
	return &guard{Conn: conn}, nil
}

// guard ends a connection whose bytes aren't Kafka's. Without it, four bytes
// from a stranger, before any login, would make kfake allocate up to 4 GiB,
// and an unknown API key would end the process.
type guard struct {
	net.Conn
	head [frameHead]byte
	got  int    // bytes of head seen
	rest uint64 // bytes of the current request still to come
}

// Read passes on what has been checked.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if bad := g.follow(p[:n]); bad != nil {
		return 0, bad
	}
	return n, err
}

// follow keeps track of where requests begin in the stream of bytes.
func (g *guard) follow(p []byte) error {
	for len(p) > 0 {
		if g.rest > 0 {
			skip := min(uint64(len(p)), g.rest)
			g.rest -= skip
			p = p[skip:]
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
		size := binary.BigEndian.Uint32(g.head[:4])
		key := int16(binary.BigEndian.Uint16(g.head[4:])) //nolint:gosec // the protocol's signed key
		if size < 8 || size > maxRequest || kmsg.RequestForKey(key) == nil {
			return errFrame
		}
		g.rest, g.got = uint64(size)-2, 0
	}
	return nil
}

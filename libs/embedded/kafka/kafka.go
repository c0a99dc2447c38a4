// Package kafka runs a small broker inside this process which speaks the Kafka
// protocol, keeps its log on disk, asks for a password and enforces access
// rules: what `make run` and the tests use where production has a cluster.
//
// The broker is kfake of franz-go with persistence. Its rules:
//
//  1. Acknowledged means on disk: every batch is fsynced before the answer.
//     Only [Options].Volatile, made for tests, turns this off.
//  2. Nobody comes in without SASL/SCRAM (SHA-256 or SHA-512), and nobody but a
//     super user does anything that no [Right] allows.
//  3. The users in [Options] are authoritative at each start: their password,
//     rank and rights are what's given there. Users and rights made over the
//     protocol are kept too.
//  4. Topics are made explicitly; asking for an unknown one is an error.
//  5. A folder belongs to one process at a time (flock), and to this package.
//  6. Offsets of consumer groups never expire.
//
// What it's not, so that nobody is surprised (docs/kafka-differences.md has
// the comparison with Apache Kafka):
//
//   - One process, one copy: no replication. If the disk is lost, so is the log.
//   - One goroutine handles all requests, one fsync at a time.
//   - kfake ignores an error of fsync itself (a failed write is answered with
//     an error, a failed flush isn't). A disk which lies isn't noticed.
//   - It listens on 127.0.0.1 only.
//   - Its files are kfake's own format, versioned, but of an untagged library:
//     an upgrade is tested on old files before it's taken.
package kafka

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/songan-vn/songan/libs/embedded/internal/folder"
)

const dataName = "data"

// Options says where the broker lives and who may use it.
type Options struct {
	// Dir is the folder of the log; it's made if absent, and refused if
	// something else is in it.
	Dir string
	// Addr is 127.0.0.1:port; empty, or port 0, takes a free port.
	Addr string
	// Users are the accounts; at least one is a super user.
	Users []User
	// Volatile answers before the data is on disk. For tests.
	Volatile bool
	// TLS encrypts the connections; nil leaves them plain, which on 127.0.0.1 is enough.
	TLS *tls.Config
	// Log gets warnings of the broker; nil means none.
	Log io.Writer
}

// User is an account of the broker. A Super user may do everything, any other
// only what its Rights say.
type User struct {
	Name, Password string
	Super          bool
	Rights         []Right
}

// Broker is a running broker.
type Broker struct {
	cluster *kfake.Cluster
	addr    string
	lock    *folder.Lock
}

// Start opens the log and listens. When it returns the broker is ready.
func Start(o Options) (*Broker, error) {
	port, err := check(o)
	if err != nil {
		return nil, err
	}
	lock, err := folder.Take(o.Dir, "Kafka", 0o700)
	if err != nil {
		return nil, err
	}
	b, err := start(o, port, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return b, nil
}

func start(o Options, port int, lock *folder.Lock) (*Broker, error) {
	data := filepath.Join(lock.Dir, dataName)
	if err := impose(data, o.Users); err != nil {
		return nil, err
	}
	options := []kfake.Opt{
		kfake.Ports(port),
		kfake.ListenFn(listenWith(o.TLS)),
		kfake.ClusterID("songan"),
		kfake.DataDir(data),
		kfake.EnableSASL(),
		kfake.EnableACLs(),
		kfake.BrokerConfigs(map[string]string{
			"offsets.retention.minutes": "2147483647",
			"log.retention.ms":          "-1",
		}),
	}
	if !o.Volatile {
		options = append(options, kfake.SyncWrites())
	}
	if o.Log != nil {
		options = append(options, kfake.WithLogger(kfake.BasicLogger(o.Log, kfake.LogLevelWarn)))
	}
	for _, u := range o.Users {
		options = append(options, u.options()...)
	}
	cluster, err := kfake.NewCluster(options...)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is taken by another process: stop it, or choose another address for the Kafka broker", port)
	}
	if err != nil {
		return nil, fmt.Errorf("start the Kafka broker: %w", err)
	}
	return &Broker{cluster: cluster, addr: cluster.ListenAddrs()[0], lock: lock}, nil
}

// check answers mistakes in the options with a sentence, and returns the port.
func check(o Options) (int, error) {
	super := false
	for _, u := range o.Users {
		if u.Name == "" || u.Password == "" {
			return 0, errors.New("a user of the Kafka broker needs a name and a password")
		}
		super = super || u.Super
	}
	if !super {
		return 0, errors.New("the Kafka broker needs a super user")
	}
	if o.Addr == "" {
		return 0, nil
	}
	addr, err := net.ResolveTCPAddr("tcp", o.Addr)
	if err != nil {
		return 0, fmt.Errorf("the address of the Kafka broker: %w", err)
	}
	if !addr.IP.Equal(net.IPv4(127, 0, 0, 1)) {
		return 0, fmt.Errorf("the embedded Kafka broker listens on 127.0.0.1 only, not on %q", o.Addr)
	}
	return addr.Port, nil
}

// Addr is the address to connect to, host:port.
func (b *Broker) Addr() string { return b.addr }

// Close ends all connections, writes the state and frees the folder. Closing
// twice is fine.
func (b *Broker) Close() error {
	b.cluster.Close()
	return b.lock.Release()
}

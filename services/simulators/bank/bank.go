// Package bank simulates a bank: a program that knows nothing of Song An but its published contract (docs/banks.md). It
// reads the instructions on its Kafka topic, keeps a ledger of its own, and reports on its other topic.
//
//  1. It logs in with its own name and reaches its own two topics and consumer groups, and nothing else.
//  2. It pays one end-to-end id once, for ever, whatever comes how often, and whenever it is killed: the ledger is on disk
//     before anything is reported, and the report is out before the offset is committed.
//  3. A repetition is answered with the status that there is; the same id with another body with RJCT and DUPL. What makes
//     a body is everything but instructed_at and remittance.
//  4. What happens to a payment or a request (rejected, late, reported twice, ...) follows from the seed, its id and the
//     scenario of the moment, so that a run repeats itself whatever the order.
//  5. The ledger is always right. A scenario makes reports wrong, never bookings, so that a judge can compare the two.
//  6. Account numbers follow from the seed and the request. A number that this bank never gave out is rejected with AC01,
//     a name that is not the holder's with BE01, unless the scenario says any_account.
//  7. The control API listens on loopback only and has no key. None of this is for production.
//
// The control API stands in services/simulators/README.md.
package bank

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/services/simulators/bank/internal/desk"
	"github.com/songan-vn/songan/services/simulators/bank/internal/ledger"
	"github.com/songan-vn/songan/services/simulators/internal/control"
)

const (
	closePatience  = 5 * time.Second // of Close, for calls of the control API under way
	commitPatience = 2 * time.Second // of Close, for Kafka to take note of what was done
)

// Options say which bank is simulated, and where.
type Options struct {
	// BIC names the bank, and with it its topics: ICBVVNVX.
	BIC string
	// Topics is what the names of topics begin with on a cluster that is shared; "songan" when it is empty.
	Topics string
	// Brokers are the host:port addresses of Kafka to start from.
	Brokers []string
	// User and Password log in by SCRAM-SHA-512; an empty User is no login.
	User, Password string
	// TLS encrypts the connections when it is not nil.
	TLS *certificate.Client
	// Dir is the folder of the ledger.
	Dir string
	// ControlAddr is where the control API listens; it must be loopback. Empty is 127.0.0.1 with any free port.
	ControlAddr string
	// Seed decides what happens to whom.
	Seed uint64
	// Scenario is how the bank behaves from the start, and again after a reset.
	Scenario Scenario
	// Log hears in one line each why Kafka cannot be used; nil is nobody.
	Log io.Writer
	// Now is the clock; nil is the real one.
	Now func() time.Time
}

// Simulator is a bank. Make it with [New] and call [Simulator.Start].
type Simulator struct {
	desk  *desk.Desk
	later *later
	wire  *wire

	control     http.Handler
	controlAddr string
	server      *http.Server
	running     sync.WaitGroup
	stop        context.CancelFunc

	consuming                   atomic.Bool
	received, skipped, reported atomic.Int64

	mu   sync.Mutex
	last string // what went wrong last, and whether it was the ledger
	dead error
	log  io.Writer
}

var isBIC = regexp.MustCompile(`^[A-Z0-9]{8}$`)

// New opens the ledger and makes a bank that does nothing yet.
func New(o Options) (*Simulator, error) {
	if !isBIC.MatchString(o.BIC) || len(o.Brokers) == 0 || o.Dir == "" {
		return nil, errors.New("make bank simulator: it needs a BIC of eight capitals, brokers and a folder")
	}
	if err := o.Scenario.Check(); err != nil {
		return nil, fmt.Errorf("make bank simulator: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.ControlAddr == "" {
		o.ControlAddr = "127.0.0.1:0"
	}
	s := &Simulator{controlAddr: o.ControlAddr, log: o.Log, stop: func() {}}
	var err error
	if s.wire, err = newWire(o, s.trouble); err != nil {
		return nil, fmt.Errorf("make bank simulator: %w", err)
	}
	book, err := ledger.Open(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("make bank simulator: %w", err)
	}
	s.desk = &desk.Desk{BIC: o.BIC, Seed: o.Seed, Ledger: book, Stage: desk.NewStage(o.Scenario, o.Now), Now: o.Now}
	s.later = newLater(s.desk, func(ctx context.Context, all []desk.Outgoing) error {
		err := s.wire.send(ctx, o.BIC, o.Now(), all)
		if err == nil {
			s.reported.Add(int64(len(all)))
		}
		return err
	})
	s.control = s.controlRoutes()
	return s, nil
}

// Start begins to read instructions, and returns once the control API answers. Kafka need not be there yet.
func (s *Simulator) Start(ctx context.Context) error {
	listener, err := control.Listen(ctx, s.controlAddr)
	if err != nil {
		return fmt.Errorf("start bank simulator: %w", err)
	}
	s.controlAddr = listener.Addr().String()
	s.server = &http.Server{
		Handler: s.control, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	s.running.Go(func() { _ = s.server.Serve(listener) }) // always ends with an error; Close is the reason
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.running.Go(func() { s.consume(working) })
	s.running.Go(func() {
		if err := s.later.run(working); err != nil {
			s.fail(err)
		}
	})
	return nil
}

// ControlURL returns the base address of the control API, "http://127.0.0.1:40001".
func (s *Simulator) ControlURL() string { return "http://" + s.controlAddr }

// Control returns the handler of the control API. It answers callers on loopback only.
func (s *Simulator) Control() http.Handler { return s.control }

// BIC returns which bank this is.
func (s *Simulator) BIC() string { return s.desk.BIC }

// Close stops reading, lets what is under way end, and closes the ledger. A second call does nothing.
func (s *Simulator) Close(ctx context.Context) error {
	s.stop()
	var all error
	ctx, cancel := context.WithTimeout(ctx, closePatience)
	defer cancel()
	if s.server != nil {
		all = control.Stop(ctx, s.server)
	}
	s.running.Wait()
	s.wire.close()
	return errors.Join(all, s.desk.Ledger.Close())
}

// trouble notes why Kafka cannot be used at the moment, and says so if it is not the same as before.
func (s *Simulator) trouble(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text := err.Error(); text != s.last {
		s.last = text
		fmt.Fprintf(s.log, "bank %s: %s\n", s.desk.BIC, text)
	}
}

// fail stops the bank for good: its ledger cannot be written, and nothing may be paid without it.
func (s *Simulator) fail(err error) {
	s.trouble(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = errors.Join(s.dead, err)
	s.stop()
}

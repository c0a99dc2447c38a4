// Package population simulates the national population database: an HTTP program that compares what a service was
// told about a person with what the register knows.
//
//  1. The register is made up by the package people from a seed, in no memory; more people can be entered through
//     the control API.
//  2. A check answers matched, mismatched or not_found. A mismatch names the fields that differ and never a value.
//  3. Names are compared with accents. Letter case, spaces and the place of a tone mark (Hòa, Hoà) do not matter. The
//     same letters with other accents, or none, are a match with the note "accents": whoever reads a
//     machine-readable zone or types without accents is not wrong about the person.
//  4. It fails as real registers do, and worse: slow, wrong, unreadable, cut off, limited, silent, away. How often
//     is said per 1,000 checks. What happens to a check follows from the seed, the number and how often that number
//     was asked before, so that a run repeats itself whatever the order of the calls.
//  5. It counts what it was asked, by a hash of the number, so that tests can tell once from twice.
//  6. The control API listens on loopback only and has no key. None of this is for production.
//
// The protocol stands in services/simulators/README.md.
package population

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/internal/control"
	"github.com/songan-vn/songan/services/simulators/people"
)

// Limits of the program.
const (
	// inFlightLimit is how many checks it works on at once; the others hear 503.
	inFlightLimit = 2_000
	// bodyLimit is the most that is read of a check.
	bodyLimit = 8 << 10
	// closePatience is how long Close waits for answers under way.
	closePatience = 5 * time.Second
)

// Options say which register is simulated, and where.
type Options struct {
	// Addr is where checks are answered; empty is 127.0.0.1 with any free port.
	Addr string
	// ControlAddr is where the control API listens; it must be loopback. Empty is 127.0.0.1 with any free port.
	ControlAddr string
	// Key is what callers send as a bearer token; empty lets nobody in.
	Key string
	// Seed, Size and AsOf choose the register; see [people.Options].
	Seed uint64
	Size uint64
	AsOf vn.Date
	// Register is a register that was made already, instead of the three above.
	Register *people.Register
	// Faults are what goes wrong from the start, and again after a reset.
	Faults Faults
	// Now is the clock; nil is the real one.
	Now func() time.Time
}

// Simulator answers checks. Make it with [New] and call [Simulator.Start], or use its two handlers.
type Simulator struct {
	key      string
	seed     uint64
	register *people.Register
	extra    extra
	faults   *faultState
	counters counters
	inFlight chan struct{}
	stopped  chan struct{} // closed by Close: whoever hangs lets go
	stop     func()

	checks, control http.Handler
	checksAddr      string
	controlAddr     string
	servers         []*http.Server
	running         sync.WaitGroup
	gate            *gate
}

// New makes a simulator that listens nowhere yet.
func New(o Options) (*Simulator, error) {
	register := o.Register
	if register == nil {
		made, err := people.New(people.Options{Seed: o.Seed, Size: o.Size, AsOf: o.AsOf})
		if err != nil {
			return nil, fmt.Errorf("make the register: %w", err)
		}
		register = made
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := o.Faults.check(); err != nil {
		return nil, fmt.Errorf("make population simulator: %w", err)
	}
	s := &Simulator{
		key: o.Key, seed: o.Seed, register: register, faults: newFaultState(o.Faults, o.Now),
		counters: newCounters(), inFlight: make(chan struct{}, inFlightLimit), stopped: make(chan struct{}),
		checksAddr: orLoopback(o.Addr), controlAddr: orLoopback(o.ControlAddr),
	}
	s.stop = sync.OnceFunc(func() { close(s.stopped) }) // Close may be called twice
	s.checks, s.control = s.checkRoutes(), s.controlRoutes()
	return s, nil
}

func orLoopback(addr string) string {
	if addr == "" {
		return "127.0.0.1:0"
	}
	return addr
}

// ServeHTTP answers checks, for a server of the caller's own. Such a server cannot refuse connections; it resets them.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.checks.ServeHTTP(w, r) }

// Control returns the handler of the control API. It answers callers on loopback only.
func (s *Simulator) Control() http.Handler { return s.control }

// Register returns the people behind the simulator.
func (s *Simulator) Register() *people.Register { return s.register }

// Start begins to listen on both addresses, and returns once both answer.
func (s *Simulator) Start(ctx context.Context) error {
	listener, err := control.Listen(ctx, s.controlAddr)
	if err != nil {
		return fmt.Errorf("start population simulator: %w", err)
	}
	s.gate, err = openGate(ctx, s.checksAddr, s.faults, s.stopped)
	if err != nil {
		return errors.Join(fmt.Errorf("start population simulator: %w", err), listener.Close())
	}
	s.checksAddr, s.controlAddr = s.gate.Addr().String(), listener.Addr().String()
	s.running.Go(s.gate.watch)
	s.serve(s.gate, s.checks)
	s.serve(listener, s.control)
	return nil
}

func (s *Simulator) serve(l net.Listener, h http.Handler) {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	s.servers = append(s.servers, server)
	s.running.Go(func() { _ = server.Serve(l) }) // always ends with an error; Close is the reason
}

// URL returns the base address of the checks, "http://127.0.0.1:40001".
func (s *Simulator) URL() string { return "http://" + s.checksAddr }

// ControlURL returns the base address of the control API.
func (s *Simulator) ControlURL() string { return "http://" + s.controlAddr }

// Close stops listening, lets answers under way finish, but not for ever, and returns when nothing runs any more. A
// second call does nothing.
func (s *Simulator) Close(ctx context.Context) error {
	s.stop()
	ctx, cancel := context.WithTimeout(ctx, closePatience)
	defer cancel()
	var all error
	for _, server := range s.servers {
		all = errors.Join(all, control.Stop(ctx, server))
	}
	s.running.Wait()
	return all
}

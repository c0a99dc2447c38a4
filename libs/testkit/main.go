package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// shared holds what all tests of a process use together. One server per test
// process is the very point of this package, and tests have no common place
// to keep it but here.
//
//nolint:gochecknoglobals // see above
var shared struct {
	postgres server
	kafka    broker
}

// Roles are what a test binary can be instead of a test run: the part which a
// [Child] plays. A role ends when ctx does, on SIGTERM and SIGINT.
type Roles map[string]func(ctx context.Context, args []string) error

const (
	envRole       = "SONGAN_TEST_ROLE"
	exitRole      = 3 // a role ended with an error
	exitUnclear   = 4 // the tests passed but left something behind
	roleSeparator = "\x1f"
)

// Main is for TestMain. In a [Child] it plays the child's role. Otherwise it
// runs the tests, stops the shared servers at once rather than at the end of
// the process, and fails a passing run which leaves goroutines behind. It
// doesn't return.
//
//	func TestMain(m *testing.M) {
//		testkit.Main(m, testkit.Roles{"relay": relay})
//	}
func Main(m *testing.M, roles Roles) {
	if line := os.Getenv(envRole); line != "" {
		os.Exit(play(roles, strings.Split(line, roleSeparator)))
	}
	code := m.Run()
	if err := clear(); err != nil && code == 0 {
		fmt.Fprintf(os.Stderr, "testkit: the tests passed, but: %v\n", err)
		code = exitUnclear
	}
	os.Exit(code)
}

// play runs a role and returns the exit code.
func play(roles Roles, line []string) int {
	role, known := roles[line[0]]
	if !known {
		fmt.Fprintf(os.Stderr, "testkit: Main doesn't know the role %q\n", line[0])
		return exitRole
	}
	// Signals stay caught until the process exits: given back as soon as the role has ended, one that comes then would
	// make a good end look like a killing.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() { // ends with the process, which is this role's alone
		<-signals
		cancel()
	}()
	if err := role(ctx, line[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "testkit: role %s: %v\n", line[0], err)
		return exitRole
	}
	return 0
}

// clear stops what the tests have shared, and looks for what they forgot.
func clear() error {
	err := errors.Join(shared.postgres.stop(), shared.kafka.stop())
	if err != nil {
		return err
	}
	for patience := time.Now().Add(leakPatience); ; {
		err := goleak.Find(
			// kafka-go's pool of idle connections ends a moment after its closing.
			goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*connPool).discover"),
		)
		if err == nil || time.Now().After(patience) {
			return err
		}
	}
}

// leakPatience is how long kafka-go may wait for an answer that nobody wants any more: Kafka answers who joins a group when
// the group is complete, and until then the connection stays.
const leakPatience = 15 * time.Second

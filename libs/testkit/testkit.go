// Package testkit gives tests the real things: a PostgreSQL schema of their
// own, a Kafka topic of their own, a clock they can turn, and processes they
// may kill. Only tests import it.
//
//  1. A server costs a tenth of a second, so a test process starts at most one
//     PostgreSQL and one broker, when the first test asks, and all its tests
//     share them. What a test gets for itself is a schema, or a topic.
//  2. Nothing is left behind: schema and topic go when the test ends, servers
//     and folders when the process ends, however it ends. The kernel stops the
//     server, a small shell which outlives us removes the folder.
//  3. The shared servers give up durability for speed. A test about crashes,
//     or a benchmark, asks for [DurablePostgres], or restarts an [OwnBroker].
//  4. SONGAN_TEST_DATABASE (a URL) and SONGAN_TEST_KAFKA (host:port,...), with
//     SONGAN_TEST_KAFKA_USER and SONGAN_TEST_KAFKA_PASSWORD, put servers which
//     already run in the place of ours: the same tests then run against real
//     Apache Kafka (make kafka), or share one PostgreSQL.
//  5. A test waits with [Eventually], never with a sleep.
package testkit

import (
	"testing"
	"time"
)

const (
	pollFirst = 2 * time.Millisecond
	pollMost  = 50 * time.Millisecond
	patience  = 2 * time.Minute
)

// Eventually calls check until it returns nil, at first every few milliseconds, then less often. After two minutes the test ends
// with check's last error: a machine that tests share stands still for seconds now and then, and only a test that fails has to
// wait for so long. check runs in the test's goroutine.
func Eventually(t testing.TB, check func() error) {
	t.Helper()
	Within(t, patience, check)
}

// Within is [Eventually] with a patience of its own, for work that takes minutes. check runs at least once.
func Within(t testing.TB, patience time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	pause := pollFirst
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still not so after %s: %v", patience, err)
		}
		time.Sleep(pause)
		pause = min(2*pause, pollMost)
	}
}

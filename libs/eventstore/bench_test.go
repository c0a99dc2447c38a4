package eventstore_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/testkit"
)

const (
	clients    = 64
	rounds     = 3               // of every measurement, in turns, because a machine has moods
	roundTakes = 2 * time.Second // and of pgbench as well
	perStream  = 5               // commands on each stream, when they are not all new
)

// BenchmarkExecuteAgainstPgbench measures, on one durable server and in one run, how many commands of one fact 64 callers
// execute, and how many rows 64 clients of pgbench insert into a table of the same shape, each in a transaction of its
// own: as pgbench does it by default, and prepared, with the values as parameters, which is the best that a program
// without group commit can reach.
//
//	go test -run xxx -bench Pgbench -benchtime 1x ./libs/eventstore
func BenchmarkExecuteAgainstPgbench(b *testing.B) {
	url := durable(b)
	pool, err := pg.Open(b.Context(), url, pg.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	migrate(b, pool)
	s := open(b, pool)
	defer s.Close()
	insert := newPgbench(b, pool, url)
	var inserted, prepared, created, continued float64
	for b.Loop() {
		for round := range rounds {
			inserted += insert(b, "simple")
			prepared += insert(b, "prepared")
			created += executeFor(b, s, fmt.Sprint("new-", round), 1, eventstore.Fresh())
			continued += executeFor(b, s, fmt.Sprint("old-", round), perStream)
		}
	}
	total := float64(b.N * rounds)
	b.ReportMetric(inserted/total, "pgbench/s")
	b.ReportMetric(prepared/total, "prepared/s")
	b.ReportMetric(created/total, "new/s")
	b.ReportMetric(continued/total, "old/s")
	b.ReportMetric(created/inserted, "new:pgbench")
	b.ReportMetric(continued/inserted, "old:pgbench")
	b.ReportMetric(created/prepared, "new:prepared")
	b.ReportMetric(continued/prepared, "old:prepared")
	b.ReportMetric(0, "ns/op")
}

// durable is a server of the benchmark's own, or the one that SONGAN_TEST_DATABASE names.
func durable(b *testing.B) string {
	b.Helper()
	if os.Getenv("SONGAN_TEST_DATABASE") != "" {
		return testkit.PostgresURL(b)
	}
	return testkit.DurablePostgres(b, nil).URL("songan")
}

// executeFor lets 64 callers execute commands for a while, each stream getting some of them one after the other, and
// returns how many there were a second.
func executeFor(b *testing.B, s *eventstore.Store, name string, each int, opts ...eventstore.Option) float64 {
	b.Helper()
	var done atomic.Int64
	var working sync.WaitGroup
	begin := time.Now()
	for c := range clients {
		working.Go(func() {
			for n := 0; time.Since(begin) < roundTakes; n++ {
				m := meta("mzxw6ytboi4dqmzugu3donrt" + strconv.Itoa(n))
				m.Correlation, m.Trace = "0192f0c1-d2e3-7abc-8def-0123456789ab", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
				_, err := eventstore.Execute(b.Context(), s, fmt.Sprintf("till-%s-%d-%d", name, c, n/each), write{text()}, m, opts...)
				if err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	working.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds()
}

// text makes a fact as large as a stay notice.
func text() string { return strings.Repeat("Luật Cư trú. ", 40) }

// newPgbench returns a function that runs pgbench for a round, with one of its protocols, and returns its figure.
func newPgbench(b *testing.B, pool *pgxpool.Pool, url string) func(b *testing.B, protocol string) float64 {
	b.Helper()
	program, err := exec.LookPath("pgbench")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
		if len(found) == 0 {
			b.Skip("pgbench is not installed")
		}
		program = found[len(found)-1]
	}
	for _, statement := range []string{
		`create table rows (like events)`,
		`alter table rows alter position add generated always as identity, alter recorded_at set default clock_timestamp()`,
		`alter table rows add primary key (position), add unique (stream, version)`,
	} {
		if _, err := pool.Exec(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	const row = "\\set n random(1, 9000000000000000000)\n" +
		"insert into rows (stream, version, type, data, meta, append) values ('till-' || :n, 1, %s, %s, %s, :n);\n"
	data, scripts := `{"text":"`+text()+`"}`, b.TempDir()
	for protocol, script := range map[string]string{
		"simple":   fmt.Sprintf(row, "'till.noted.v1'", "'"+data+"'", "'"+benchMeta+"'"),
		"prepared": fmt.Sprintf(row, ":type", ":data", ":meta"),
	} {
		if err := os.WriteFile(filepath.Join(scripts, protocol), []byte(script), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	tps := regexp.MustCompile(`tps = ([0-9.]+)`)
	return func(b *testing.B, protocol string) float64 {
		b.Helper()
		command := exec.CommandContext(b.Context(), program, "-n", "-M", protocol,
			"-c", strconv.Itoa(clients), "-j", "2", "-T", strconv.Itoa(int(roundTakes.Seconds())),
			"-D", "type=till.noted.v1", "-D", "data="+data, "-D", "meta="+benchMeta, "-f", filepath.Join(scripts, protocol), url)
		output, err := command.CombinedOutput()
		found := tps.FindSubmatch(output)
		if err != nil || found == nil {
			b.Fatalf("pgbench: %v: %s", err, output)
		}
		figure, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			b.Fatal(err)
		}
		return figure
	}
}

const benchMeta = `{"cause":"mzxw6ytboi4dqmzugu3donrt1","correlation":"0192f0c1-d2e3-7abc-8def-0123456789ab","actor":"officer:7",` +
	`"trace":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","fingerprint":"f-mzxw6ytboi4dqmzugu3donrt1",` +
	`"occurred_at":"2026-11-21T12:00:00.123456789Z"}`

func BenchmarkLoad(b *testing.B) {
	pool := fresh(b)
	s := open(b, pool)
	for _, facts := range []int{1, 10, 1000} {
		stream := fmt.Sprintf("till-%d", facts)
		all := make([]events.Event, facts)
		for i := range all {
			all[i] = put{i}
		}
		mustAppend(b, s, of(stream, 0, all...))
		b.Run(fmt.Sprintf("%d facts", facts), func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Load(b.Context(), stream); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkAppendAll(b *testing.B) {
	s := open(b, fresh(b))
	all := make([]eventstore.Append, b.N)
	for i := range all {
		all[i] = of(fmt.Sprintf("till-%d", i), 0, noted{text()})
	}
	b.ResetTimer()
	if _, err := s.AppendAll(b.Context(), all); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkFollow(b *testing.B) {
	s := open(b, fresh(b))
	all := make([]eventstore.Append, b.N)
	for i := range all {
		all[i] = of(fmt.Sprintf("till-%d", i), 0, noted{text()})
	}
	if _, err := s.AppendAll(b.Context(), all); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	b.ResetTimer()
	err := s.Follow(ctx, 0, 1000, nil, func(_ context.Context, p eventstore.Piece) error {
		if p.Last == int64(b.N) {
			cancel()
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

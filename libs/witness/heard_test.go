package witness

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
)

type said struct {
	Text string `json:"text"`
}

func (said) EventName() string { return "till.said.v1" }

// journal is a log with a keeper that listens to it, and signs when it is told to.
type journal struct {
	pool      *pgxpool.Pool
	writer    string // the application of the log's connections
	log       *eventstore.Store
	keeper    *Keeper
	logs      *observer.ObservedLogs
	file      string
	verifiers note.Verifiers
}

func openJournal(t *testing.T) *journal {
	t.Helper()
	pool := testkit.Postgres(t)
	for _, migrate := range []func(context.Context, *pgxpool.Pool) error{vault.Migrate, eventstore.Migrate, Migrate} {
		if err := migrate(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
	}
	config, writer := pool.Config(), "writer-"+rand.Text()
	config.ConnConfig.RuntimeParams["application_name"] = writer
	writes, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(writes.Close)
	store, err := eventstore.Open(t.Context(), writes, eventstore.Options{Catalog: events.NewCatalog([]events.Event{said{}})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	core, logs := observer.New(zap.WarnLevel)
	key := filepath.Join(t.TempDir(), "witness.key")
	if err := CreateKey(key, "till.example"); err != nil {
		t.Fatal(err)
	}
	signer, err := LoadKey(key)
	if err != nil {
		t.Fatal(err)
	}
	j := &journal{pool: pool, writer: writer, log: store, logs: logs, file: filepath.Join(t.TempDir(), "checkpoints.jsonl")}
	if j.verifiers, err = LoadVerifier(key + ".pub"); err != nil {
		t.Fatal(err)
	}
	j.keeper = NewKeeper(pool, Options{
		Origin: "songan/till", Signer: signer, Now: time.Now, Every: time.Hour, Log: zap.New(core), Publish: []func(context.Context, []byte) error{ToFile(j.file)},
		Overhear: store.Overhear,
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- j.keeper.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	j.signed(t, 0) // the one that it begins with is not to take anything away
	return j
}

// signed waits until there is a checkpoint of so many facts.
func (j *journal) signed(t testing.TB, facts int64) {
	t.Helper()
	testkit.Eventually(t, func() error {
		j.keeper.mu.Lock()
		defer j.keeper.mu.Unlock()
		if j.keeper.signed == nil || j.keeper.latest.Size != facts {
			return fmt.Errorf("the latest checkpoint is of %d facts", j.keeper.latest.Size)
		}
		return nil
	})
}

// verify signs, and returns what an auditor finds.
func (j *journal) verify(t testing.TB) Report {
	t.Helper()
	if _, err := j.keeper.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkpoints, err := ReadFile(j.file, j.verifiers)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Verify(t.Context(), j.pool, "songan/till", checkpoints)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// do changes the database as its superuser does.
func (j *journal) do(t testing.TB, query string) {
	t.Helper()
	if _, err := j.pool.Exec(t.Context(), "set local session_replication_role = replica; "+query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (j *journal) append(t testing.TB, appends ...eventstore.Append) {
	t.Helper()
	results, err := j.log.AppendAll(t.Context(), appends)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

// coins are n appends of one fact each.
func coins(from, n int) []eventstore.Append {
	all := make([]eventstore.Append, n)
	for i := range all {
		all[i] = eventstore.Append{Stream: fmt.Sprint("coin-", from+i), Facts: []events.Event{said{"clink"}}}
	}
	return all
}

// table reads all leaves.
func (j *journal) table(t *testing.T) (all []row) {
	t.Helper()
	for {
		rows, err := facts(t.Context(), j.pool, int64(len(all)), 500)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, rows...); len(rows) < 500 {
			return all
		}
	}
}

// listened waits until as much as this was heard.
func (j *journal) listened(t *testing.T, want int) {
	t.Helper()
	testkit.Eventually(t, func() error {
		j.keeper.heard.mu.Lock()
		defer j.keeper.heard.mu.Unlock()
		if got := len(j.keeper.heard.rows); got != want {
			return fmt.Errorf("heard %d leaves, want %d", got, want)
		}
		return nil
	})
}

// believes has the keeper know nothing else than some leaves.
func (j *journal) believes(rows []row) {
	j.keeper.heard.mu.Lock()
	defer j.keeper.heard.mu.Unlock()
	j.keeper.heard.rows = slices.Clone(rows)
}

func same(t testing.TB, got, want []row) {
	t.Helper()
	if diff := cmp.Diff(leaves(want), leaves(got)); diff != "" {
		t.Errorf("(-table +heard): %s", diff)
	}
}

func leaves(rows []row) (all []string) {
	for _, r := range rows {
		all = append(all, fmt.Sprint(r.position, " ", r.leaf, " ", r.recordedAt.UTC()))
	}
	return all
}

// Whatever is appended, however it gets into the table: its leaf is the same to who heard of it and to who reads it.
func TestWhatIsHeardIsWhatTheTableSays(t *testing.T) {
	t.Parallel()
	j := openJournal(t)
	heard, round := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		text := rapid.StringOf(rapid.Rune().Filter(func(c rune) bool { return c != 0 }))
		var all []eventstore.Append
		for n := range rapid.IntRange(1, 5).Draw(r, "appends") {
			a := eventstore.Append{Stream: fmt.Sprint("said-", round, "-", n), Meta: events.Meta{
				Cause: text.Draw(r, "cause"), Correlation: text.Draw(r, "correlation"), Actor: text.Draw(r, "actor"),
			}}
			for range rapid.IntRange(1, 3).Draw(r, "facts") {
				a.Facts = append(a.Facts, said{text.Draw(r, "text")})
			}
			all = append(all, a)
		}
		results, err := j.log.AppendAll(context.Background(), all)
		if err != nil {
			r.Fatal(err)
		}
		for _, result := range results {
			if result.Err != nil {
				r.Fatal(result.Err)
			}
			heard += len(result.Recorded)
		}
		// The same version again is refused, and what else is in its batch goes in carefully.
		again := coins(round*10, 3)
		again = append(again, eventstore.Append{Stream: all[0].Stream, Facts: all[0].Facts})
		if results, err = j.log.AppendAll(context.Background(), again); err != nil || results[3].Err == nil {
			r.Fatalf("%v, and the last one %v", err, results[3].Err)
		}
		heard += 3
	})
	j.append(t, coins(1_000_000, 4_000)...) // copied
	heard += 4_000
	j.listened(t, heard)
	same(t, j.keeper.heard.take(0, mostHeard), j.table(t))
}

func TestAPageIsWhatWasHeardAndThenTheTable(t *testing.T) {
	t.Parallel()
	const n = 2*pageSize + 10
	j := openJournal(t)
	j.append(t, coins(0, n)...)
	j.listened(t, n)
	want := j.table(t)
	for _, heard := range [][2]int{{0, n}, {0, 5}, {0, pageSize}, {0, pageSize + 1}, {3, n}, {3, 6}, {n, n}} {
		var got []row
		j.believes(want[heard[0]:heard[1]])
		for more := true; more; {
			p, err := j.keeper.pageOfLog(t.Context(), j.pool, int64(len(got)))
			if err != nil {
				t.Fatal(err)
			}
			got, more = append(got, p.rows...), p.more
			if len(got) > n {
				t.Fatalf("%d leaves of %d", len(got), n)
			}
		}
		same(t, got, want)
	}
	if said := j.logs.All(); len(said) > 0 {
		t.Errorf("%v", said)
	}
}

// A standby that takes over may lack the end of the log, and have something else there by now.
func TestWhatTheTableDoesNotHaveIsNotBelieved(t *testing.T) {
	t.Parallel()
	j := openJournal(t)
	j.append(t, coins(0, 10)...)
	j.listened(t, 10)
	want := j.table(t)
	other := slices.Clone(want)
	other[9].leaf[0] ^= 1
	for what, heard := range map[string][]row{
		"more than the table has": append(slices.Clone(want), row{position: 11}),
		"another end":             other,
	} {
		j.believes(heard)
		p, err := j.keeper.pageOfLog(t.Context(), j.pool, 0)
		if err != nil || p.more {
			t.Errorf("%s: more %t, %v", what, p.more, err)
		}
		same(t, p.rows, want)
		if len(j.keeper.heard.rows) > 0 {
			t.Errorf("%s: it still believes what it heard", what)
		}
	}
	if said := j.logs.FilterMessageSnippet("does not end as this process has written it").Len(); said != 2 {
		t.Errorf("it said so %d times", said)
	}
}

func TestWhatSomebodyChangesBeforeTheCheckpointIsFound(t *testing.T) {
	t.Parallel()
	for what, query := range map[string]string{
		"changed": `update events set data = '{"text": "clank"}' where position = 5`,
		"removed": `delete from events where position = 5`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			j := openJournal(t)
			j.append(t, coins(0, 10)...)
			j.listened(t, 10)
			j.do(t, query)
			report := j.verify(t)
			if !slices.ContainsFunc(report.Findings, func(f Finding) bool { return f.Kind == what && f.Position == 5 }) {
				t.Errorf("%+v", report.Findings)
			}
		})
	}
}

// The server falls, and the standby that takes over lacks the end of the log. Others stand in its place when the log has grown again.
func TestWhatWasLostInAFailoverIsNotWitnessed(t *testing.T) {
	t.Parallel()
	j := openJournal(t)
	j.append(t, coins(0, 5)...)
	if report := j.verify(t); len(report.Findings) > 0 {
		t.Fatalf("%+v", report.Findings)
	}
	j.append(t, coins(5, 5)...)
	j.listened(t, 10) // what is signed is forgotten with the next page
	j.do(t, `delete from events where position > 5`)
	var fell int
	const fall = `select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where application_name = $1`
	if err := j.pool.QueryRow(t.Context(), fall, j.writer).Scan(&fell); err != nil || fell == 0 {
		t.Fatalf("%d connections fell: %v", fell, err)
	}
	j.append(t, coins(100, 4)...)
	j.append(t, coins(200, 6)...)
	testkit.Eventually(t, func() error {
		j.keeper.heard.mu.Lock()
		defer j.keeper.heard.mu.Unlock()
		if n := len(j.keeper.heard.rows); n == 0 || j.keeper.heard.rows[n-1].position != 15 {
			return fmt.Errorf("%d heard", n)
		}
		return nil
	})
	if report := j.verify(t); len(report.Findings) > 0 || report.Signed != 15 {
		t.Errorf("%d facts: %+v", report.Signed, report.Findings)
	}
}

func TestWhatIsHeardIsDenseAndBounded(t *testing.T) {
	t.Parallel()
	var h heard
	hear := func(from, to int64) {
		for p := from; p <= to; p++ {
			h.hear([]eventstore.Stored{{Position: p}})
		}
	}
	wants := func(what string, after int64, limit int, first int64, n int) {
		t.Helper()
		rows := h.take(after, limit)
		if len(rows) != n || n > 0 && (rows[0].position != first || rows[n-1].position != first+int64(n)-1) {
			t.Errorf("%s: got %d leaves, want %d from %d on", what, len(rows), n, first)
		}
	}
	hear(5, 9)
	wants("what comes before it was not heard", 3, 10, 0, 0)
	wants("all", 4, 10, 5, 5)
	wants("a page", 4, 2, 5, 2)
	wants("what lies before is forgotten", 6, 10, 7, 3)
	wants("and is not there any more", 4, 10, 0, 0)
	hear(11, 12)
	wants("a hole makes it begin again", 6, 10, 0, 0)
	wants("behind the hole", 10, 10, 11, 2)
	hear(12, 13)
	wants("positions may come again, of another log", 11, 10, 12, 2)
	wants("all of it was taken", 13, 10, 0, 0)
	hear(1, mostHeard)
	hear(mostHeard+1, mostHeard+2)
	wants("full", 0, mostHeard, 1, mostHeard)
	wants("some of them", 10, 10, 11, 10)
	hear(mostHeard+3, mostHeard+3)
	wants("behind what it had no room for there is nothing", mostHeard, 10, 0, 0)
	hear(mostHeard+4, mostHeard+5)
	wants("until all was taken", mostHeard+3, 10, mostHeard+4, 2)
	h.hear([]eventstore.Stored{{Position: mostHeard + 6, Session: 1}})
	wants("another session begins again", mostHeard+3, 10, 0, 0)
	wants("with its own", mostHeard+5, 10, mostHeard+6, 1)
}

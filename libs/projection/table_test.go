package projection

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/projection/internal/rows"
	"github.com/songan-vn/songan/libs/testkit"
)

// turned is a fact with all that a row may take from it.
type turned struct {
	At    time.Time
	Text  string
	Words []string
	Bytes []byte
	Count int64
}

func (turned) EventName() string { return "wheel.turned.v1" }

// stopped is a fact that stamps its row.
type stopped struct{}

func (stopped) EventName() string { return "wheel.stopped.v1" }

// wheel is a row whose every column depends on all facts before.
type wheel struct {
	Key      string              `db:"key,key"`
	Turns    int64               `db:"turns"`
	Small    int32               `db:"small"`
	Even     bool                `db:"even"`
	First    time.Time           `db:"first_at"`
	Last     time.Time           `db:"last_at,null"`
	Between  int64               `db:"between_micros"`
	Text     string              `db:"text"`
	Maybe    string              `db:"maybe,null"`
	Day      string              `db:"day,null"`
	Words    []string            `db:"words"`
	NoWords  []string            `db:"no_words,null"`
	Bytes    []byte              `db:"bytes"`
	NoBytes  []byte              `db:"no_bytes,null"`
	Document map[string][]string `db:"document,json"`
	Nothing  *turned             `db:"nothing,json,null"`
}

const wheelDDL = `
create table if not exists wheels_v1 (
    key uuid primary key, turns bigint not null, small smallint not null, even boolean not null,
    first_at timestamptz not null, last_at timestamptz, between_micros bigint not null, text text not null,
    maybe varchar(400), day date, words text[] not null, no_words text[], bytes bytea not null, no_bytes bytea,
    document jsonb not null, nothing jsonb
)`

func turn(w wheel, r events.Recorded) wheel {
	if stops(r) {
		w.Even, w.Text, w.Maybe, w.Bytes, w.NoBytes = true, "it stands", "", nil, nil
		return w
	}
	e := r.Event.(turned)
	if w.Turns == 0 {
		w.First, w.Document = e.At, map[string][]string{}
	}
	if !w.Last.IsZero() {
		w.Between += e.At.Sub(w.Last).Microseconds()
	}
	w.Turns, w.Small, w.Even, w.Last = w.Turns+1, int32(w.Turns%7), !w.Even, e.At
	w.Text, w.Day = w.Text+e.Text, e.At.UTC().Format(time.DateOnly)
	w.Maybe = ""
	if e.Count%2 == 0 {
		w.Maybe = e.Text
	}
	w.Words = append(w.Words[:len(w.Words):len(w.Words)], e.Words...)
	w.NoWords, w.Bytes, w.NoBytes = e.Words, e.Bytes, e.Bytes
	w.Document[fmt.Sprint(e.Count%3)] = e.Words
	w.Nothing = nil
	if e.Count%5 == 0 {
		w.Nothing = &e
	}
	return w
}

func stops(r events.Recorded) bool {
	_, ok := r.Event.(stopped)
	return ok
}

func wheels() Table[wheel] {
	return Table[wheel]{
		Name: "wheels_v1", DDL: wheelDDL, Apply: turn,
		Key:   func(r events.Recorded) (string, bool) { return r.Stream, r.Stream != "" },
		Stamp: Stamp{By: stops, Sets: "even = true, text = 'it stands', maybe = null, bytes = '', no_bytes = null"},
	}
}

// texts are awkward ones: quotes, backslashes, braces, words of SQL and of arrays, and Vietnamese.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "NULL", `"`, `\`, "{a,b}", "'; drop table x", "Nguyễn Văn Đỗ", " ", "a,b", "\n", "\r", `\N`, `\.`}),
		rapid.StringOf(rapid.RuneFrom([]rune("aàảạ \"\\{},'%_\t"))),
	)
}

func history(t *rapid.T) []events.Recorded {
	facts := make([]events.Recorded, rapid.IntRange(1, 30).Draw(t, "facts"))
	for i := range facts {
		key := ""
		if n := rapid.IntRange(0, 3).Draw(t, "key"); n > 0 {
			key = fmt.Sprintf("00000000-0000-0000-0000-00000000000%d", n)
		}
		if rapid.IntRange(0, 2).Draw(t, "stops") == 0 {
			facts[i] = events.Recorded{Position: int64(i + 1), Stream: key, Version: i + 1, Event: stopped{}}
			continue
		}
		zone := rapid.SampledFrom([]*time.Location{time.UTC, time.FixedZone("ICT", 7*3600)}).Draw(t, "zone")
		facts[i] = events.Recorded{Position: int64(i + 1), Stream: key, Version: i + 1, Event: anyTurn(t, zone)}
	}
	return facts
}

func anyTurn(t *rapid.T, zone *time.Location) turned {
	return turned{
		At:    time.Unix(rapid.Int64Range(-6e10, 4e9).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(zone),
		Text:  texts().Draw(t, "text"),
		Words: rapid.SliceOfN(texts(), 0, 3).Draw(t, "words"),
		Bytes: rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "bytes"),
		Count: rapid.Int64Range(0, 30).Draw(t, "count"),
	}
}

// inBatches applies a history cut at the given places and answers with the rows as text.
func inBatches(t testing.TB, tx pgx.Tx, p *Projection, facts []events.Recorded, cut func(n int) int) string {
	t.Helper()
	if _, err := tx.Exec(t.Context(), "truncate wheels_v1"); err != nil {
		t.Fatal(err)
	}
	for len(facts) > 0 {
		n := cut(len(facts))
		if err := p.apply(t.Context(), tx, facts[:n]); err != nil {
			t.Fatal(err)
		}
		facts = facts[n:]
	}
	text, err := tx.Query(t.Context(), "select w::text from wheels_v1 w order by key")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(text, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func TestTheRowsDoNotDependOnWhereBatchesEnd(t *testing.T) {
	t.Parallel()
	tx, p := prepared(t)
	rapid.Check(t, func(rt *rapid.T) {
		facts := history(rt)
		whole := inBatches(t, tx, p, facts, func(n int) int { return n })
		pieces := inBatches(t, tx, p, facts, func(n int) int { return rapid.IntRange(1, n).Draw(rt, "cut") })
		if diff := cmp.Diff(whole, pieces); diff != "" {
			rt.Fatalf("one batch and several differ (-one +several):\n%s", diff)
		}
	})
}

// Many new rows are copied, few are inserted.
func TestManyNewRowsAreWhatFewWouldBe(t *testing.T) {
	t.Parallel()
	const many = 100
	tx, p := prepared(t)
	rapid.Check(t, func(rt *rapid.T) {
		facts := make([]events.Recorded, many)
		for i := range facts {
			facts[i] = events.Recorded{Stream: fmt.Sprintf("00000000-0000-0000-0000-%012d", i), Event: stopped{}}
			if i%10 < 3 { // of all, half a minute would be drawn
				facts[i].Event = anyTurn(rt, time.UTC)
			}
		}
		whole := inBatches(t, tx, p, facts, func(n int) int { return n })
		pieces := inBatches(t, tx, p, facts, func(n int) int { return min(n, many/10) })
		if diff := cmp.Diff(whole, pieces); diff != "" {
			rt.Fatalf("many and few differ (-many +few):\n%s", diff)
		}
	})
}

// This stamp is not what Apply comes to, so that the rows tell which of the two they had.
func TestARowIsStampedOnlyWhereItIsThereAndNothingElseHappensToIt(t *testing.T) {
	t.Parallel()
	const key = "00000000-0000-0000-0000-00000000000"
	marked := wheels()
	marked.Stamp.Sets = "text = text || '!'"
	tx, p := preparedAs(t, marked)
	turn := func(n int) events.Recorded {
		return events.Recorded{Stream: key + fmt.Sprint(n), Event: turned{At: time.Unix(1, 0), Text: "a"}}
	}
	stop := func(n int) events.Recorded { return events.Recorded{Stream: key + fmt.Sprint(n), Event: stopped{}} }
	batches := [][]events.Recorded{
		{turn(1), turn(2), stop(3)},
		{stop(1), stop(2), turn(2), stop(3), stop(4), stop(1)},
	}
	for _, batch := range batches {
		if err := p.apply(t.Context(), tx, batch); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := tx.Query(t.Context(), "select right(key::text, 1) || ': ' || text from wheels_v1 order by key")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if diff := cmp.Diff([]string{"1: a!", "2: it standsa", "3: it stands!", "4: it stands"}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestAStampThatDoesNotFitItsTableIsFoundAtTheStart(t *testing.T) {
	t.Parallel()
	tx, _ := prepared(t)
	wrong := wheels()
	wrong.Stamp.Sets = "nothing_like_it = true"
	if err := wrong.Projection().prepare(t.Context(), tx); err == nil {
		t.Error("a column that is not there was accepted")
	}
}

func TestARowComesBackAsItWasFolded(t *testing.T) {
	t.Parallel()
	tx, p := prepared(t)
	l := p.layoutOf(t)
	rapid.Check(t, func(rt *rapid.T) {
		facts := history(rt)
		want := wheels().Fold(facts...)
		inBatches(t, tx, p, facts, func(n int) int { return n })
		got := map[string]wheel{}
		for key := range want {
			row := new(wheel)
			if err := l.Load(t.Context(), tx, []string{key}, func(string) (reflect.Value, bool) { return reflect.ValueOf(row).Elem(), true }); err != nil {
				rt.Fatal(err)
			}
			got[key] = *row
		}
		if diff := cmp.Diff(want, got, alike()); diff != "" {
			rt.Fatalf("rows (-folded +loaded):\n%s", diff)
		}
	})
}

func TestAKeyThatItsColumnWritesInAnotherFormIsAnErrorAndNoOtherRow(t *testing.T) {
	t.Parallel()
	tx, p := prepared(t)
	const key = "00000000-0000-0000-0000-00000000000"
	facts := []events.Recorded{
		{Position: 1, Stream: key + "1", Version: 1, Event: turned{At: time.Unix(1, 0)}},
		{Position: 2, Stream: key + "A", Version: 1, Event: turned{At: time.Unix(2, 0)}},
	}
	if err := p.apply(t.Context(), tx, facts); err != nil {
		t.Fatal(err)
	}
	if err := p.apply(t.Context(), tx, facts); err == nil || !strings.Contains(err.Error(), "in another form") {
		t.Errorf("got %v, want an error: the row of A came back as that of a", err)
	}
}

// alike says what a fold must not make a difference of: nil and empty lists, and the zone of a time in a document.
func alike() cmp.Options {
	return cmp.Options{
		cmp.Transformer("empty", func(list []string) int { return len(list) }),
		cmp.Transformer("bytes", func(b []byte) string { return string(b) }),
		cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
	}
}

func (p *Projection) layoutOf(t *testing.T) *rows.Layout {
	t.Helper()
	columns, err := rows.ColumnsOf(reflect.TypeFor[wheel]())
	if err != nil {
		t.Fatal(err)
	}
	var l *rows.Layout
	pool := testkit.Postgres(t)
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), wheelDDL); err != nil {
			return err
		}
		l, err = rows.NewLayout(t.Context(), tx, "wheels_v1", columns)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// prepared answers with an open transaction in which the table is there.
func prepared(t *testing.T) (pgx.Tx, *Projection) {
	t.Helper()
	return preparedAs(t, wheels())
}

func preparedAs(t *testing.T, table Table[wheel]) (pgx.Tx, *Projection) {
	t.Helper()
	tx, err := testkit.Postgres(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	p := table.Projection()
	if _, err := tx.Exec(t.Context(), p.ddl); err != nil {
		t.Fatal(err)
	}
	if err := p.prepare(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	return tx, p
}

func TestANameSaysWhichVersionItIs(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"stays", "Stays_v1", "stays_v0", "stays_v01", "_v1", "stays_v1 ", "stays-v1", strings.Repeat("s", 38) + "_v1"} {
		if _, _, err := version(name); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
	base, number, err := version("stays_by_day_v12")
	if base != "stays_by_day" || number != 12 || err != nil {
		t.Errorf("got %q %d %v", base, number, err)
	}
}

package subject_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// office is the log and the vault of one service.
type office struct {
	subject.Place
	facts int
}

func newOffice(t *testing.T) *office {
	t.Helper()
	pool, keys := testkit.Postgres(t), filepath.Join(t.TempDir(), "vault.keys")
	if err := errors.Join(vault.Migrate(t.Context(), pool), eventstore.Migrate(t.Context(), pool), vault.CreateMaster(keys)); err != nil {
		t.Fatal(err)
	}
	ring, err := vault.LoadKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	o := &office{Place: subject.Place{Service: "office", Pool: pool}}
	if o.Vault, err = vault.Open(t.Context(), pool, ring, vault.Options{Now: recorded}); err != nil {
		t.Fatal(err)
	}
	return o
}

func recorded() time.Time { return time.Date(2026, 11, 21, 15, 0, 0, 0, time.UTC) }
func occurred() time.Time { return recorded().Add(-time.Hour) }

// fact writes a fact into the log; some occurred earlier than they were recorded.
func (o *office) fact(t *testing.T, stream, data, meta string) {
	t.Helper()
	o.facts++
	const insert = `insert into events (position, stream, version, type, data, meta, append, recorded_at) values ($1::bigint, $2, $1::bigint, 'told.v1', $3, $4, 1, $5)`
	if _, err := o.Pool.Exec(t.Context(), insert, o.facts, stream, data, meta, recorded()); err != nil {
		t.Fatal(err)
	}
}

// many writes facts that name nobody.
func (o *office) many(t *testing.T, stream string, n int) {
	t.Helper()
	const insert = `insert into events (position, stream, version, type, data, meta, append, recorded_at)
		select $1::int + n, $2, $1::int + n, 'told.v1', '{}', '{}', 1, $4 from generate_series(1, $3::int) as n`
	if _, err := o.Pool.Exec(t.Context(), insert, o.facts, stream, n, recorded()); err != nil {
		t.Fatal(err)
	}
	o.facts += n
}

// seal stores a row and returns its reference.
func (o *office) seal(t *testing.T, purpose string, content any) vault.Ref {
	t.Helper()
	row, err := o.Vault.Seal(purpose, content, vault.Index{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	const insert = `insert into vault (ref, purpose, key, ciphertext) values ($1, $2, $3, $4)`
	if _, err := o.Pool.Exec(t.Context(), insert, string(row.Ref), row.Purpose, row.Key, row.Ciphertext); err != nil {
		t.Fatal(err)
	}
	return row.Ref
}

func (o *office) factsOf(t *testing.T, trail subject.Trail) ([]subject.Fact, bool) {
	t.Helper()
	facts, cut, err := trail.Facts(t.Context(), o.Pool)
	if err != nil {
		t.Fatal(err)
	}
	return facts, cut
}

func naming(member string, ref vault.Ref) string { return `{"` + member + `":"` + string(ref) + `"}` }

func TestAPersonsFactsAreTheirOwnAndThoseOfOthersThatNameThem(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	me, other := o.seal(t, "guest", "me"), o.seal(t, "guest", "other")
	o.fact(t, "file-1", `{"n":1}`, `{"occurred_at":"`+occurred().Format(time.RFC3339)+`"}`)
	o.fact(t, "file-2", naming("who", other), `{}`)
	o.fact(t, "file-2", naming("holder", me), `{}`)
	o.fact(t, "file-3", naming("who", me), `{}`) // nobody leads there
	o.fact(t, "file-1", `{"n":2}`, `{}`)

	facts, cut := o.factsOf(t, subject.Trail{Streams: []string{"file-1"}, Mentions: []string{"file-2"}, Refs: []vault.Ref{me}})

	want := []subject.Fact{
		{Stream: "file-1", Type: "told.v1", OccurredAt: occurred(), RecordedAt: recorded(), Fact: map[string]any{"n": 1.0}},
		{Stream: "file-2", Type: "told.v1", OccurredAt: recorded(), RecordedAt: recorded(), Fact: map[string]any{"holder": string(me)}},
		{Stream: "file-1", Type: "told.v1", OccurredAt: recorded(), RecordedAt: recorded(), Fact: map[string]any{"n": 2.0}},
	}
	if diff := cmp.Diff(want, facts); diff != "" || cut {
		t.Error(diff, cut)
	}
	if facts, cut := o.factsOf(t, subject.Trail{Refs: []vault.Ref{me}}); len(facts) != 0 || facts == nil || cut {
		t.Errorf("a trail that leads nowhere has %v, %v", facts, cut)
	}
}

// Who receives for a home of five hundred people is named once in each of their files, behind years of facts about them.
func TestFactsAboutOthersTakeNoPlaceOfThePersonsOwn(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	me := o.seal(t, "guest", "me")
	o.many(t, "file-2", subject.MostFacts+1)
	o.fact(t, "file-2", naming("holder", me), `{}`)
	if facts, cut := o.factsOf(t, subject.Trail{Mentions: []string{"file-2"}, Refs: []vault.Ref{me}}); len(facts) != 1 || cut {
		t.Errorf("%d facts name the person, more are there: %v", len(facts), cut)
	}
	if facts, cut := o.factsOf(t, subject.Trail{Streams: []string{"file-2"}}); len(facts) != subject.MostFacts || !cut {
		t.Errorf("of too many facts %d are told, and it is said: %v", len(facts), cut)
	}
}

func TestRowsAreFollowedFromOwnFactsAndByTheirPurpose(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	note, deep, enrolment, strange := o.seal(t, vault.NotePurpose, vault.Note{}), o.seal(t, vault.NotePurpose, vault.Note{}), o.seal(t, "enrolment", 1), o.seal(t, "lines", 1)
	theirs, part := o.seal(t, vault.NotePurpose, vault.Note{}), o.seal(t, "proofs", 1)
	const elsewhere = vault.Ref("0193a5b0-0000-7000-8000-000000000000") // of another service's vault
	o.fact(t, "file-1", `{"note":"`+string(note)+`","again":"`+string(note)+`","list":[{"deep":["`+string(deep)+`"]}]}`, `{}`)
	o.fact(t, "file-1", `{"a":"`+string(enrolment)+`","b":"`+string(strange)+`","c":"`+string(elsewhere)+`","d":"`+string(part)+`"}`, `{}`)
	o.fact(t, "file-2", `{"note":"`+string(theirs)+`","holder":"`+string(part)+`"}`, `{}`)
	trail := subject.Trail{
		Streams: []string{"file-1"}, Mentions: []string{"file-2"}, Refs: []vault.Ref{part},
		Follow: []string{vault.NotePurpose, "enrolment", "proofs"}, Rows: []vault.Ref{part},
	}
	facts, _ := o.factsOf(t, trail)
	if len(facts) != 3 {
		t.Fatalf("%d facts", len(facts))
	}
	rows, err := trail.RowsOf(t.Context(), o.Vault, facts)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kinds([]vault.Ref{part, note, deep, enrolment}), kinds(rows)); diff != "" || rows[0] != part {
		t.Error(diff, rows)
	}
}

// kinds is a list of references without its order, and with how often each is there.
func kinds(refs []vault.Ref) map[vault.Ref]int {
	times := map[vault.Ref]int{}
	for _, r := range refs {
		times[r]++
	}
	return times
}

func TestAPersonIsToldWhatTheirRowsSayWithoutOthersAndItIsRecorded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	me := o.seal(t, "guest", map[string]string{"name": "Nguyễn Văn An"})
	note := o.seal(t, vault.NotePurpose, vault.Note{Text: "nhầm với ông Trần Văn Bình, phòng 201"})
	list := o.seal(t, "proofs", map[string]int{"mine": 1, "theirs": 2})
	broken := o.seal(t, vault.NotePurpose, vault.Note{})
	if _, err := o.Pool.Exec(t.Context(), `update vault set purpose = 'guest' where ref = $1`, string(broken)); err != nil {
		t.Fatal(err)
	}
	o.fact(t, "file-1", naming("note", note), `{}`)
	trail := subject.Trail{
		Streams: []string{"file-1"}, Follow: []string{vault.NotePurpose}, Rows: []vault.Ref{list, broken},
		Part: func(_ vault.Ref, row vault.Plain) (any, error) {
			var all map[string]int
			err := row.Decode(&all)
			return all["mine"], err
		},
	}
	why := vault.Reading{Actor: "officer:lan", Purpose: "access_request", Case: "2026/117"}
	report, err := trail.Tell(t.Context(), o.Place, why, me)
	if err != nil {
		t.Fatal(err)
	}
	got := map[vault.Ref]subject.Holding{}
	for _, h := range report.Holdings {
		got[h.Ref] = subject.Holding{Content: h.Content, Unreadable: h.Unreadable}
	}
	want := map[vault.Ref]subject.Holding{
		me: {Content: map[string]any{"name": "Nguyễn Văn An"}}, note: {Content: vault.Note{Text: "nhầm với ông *** phòng 201"}},
		list: {Content: 1}, broken: {Unreadable: true},
	}
	if diff := cmp.Diff(want, got); diff != "" || report.Service != "office" || len(report.Facts) != 1 {
		t.Errorf("%s %+v", diff, report)
	}
	for _, r := range report.Readings {
		if r.Kind != "report" || r.Actor != why.Actor || r.Purpose != why.Purpose || r.Case != why.Case {
			t.Errorf("recorded %+v", r)
		}
	}
	if n := readings(t, o.Pool); len(report.Readings) != len(want) || n != 1 {
		t.Errorf("%d readings are told, %d recorded", len(report.Readings), n)
	}
}

func readings(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), `select count(*) from vault_readings`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Where nothing is erased the person is told what stays and why, and nobody reads it.
func TestWhatStaysIsNamedAndNotRead(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	note, held := o.seal(t, vault.NotePurpose, vault.Note{Text: "x"}), o.seal(t, "proofs", 1)
	hold := vault.Hold{Actor: "officer:lan", Reason: "court_case", Until: recorded().AddDate(1, 0, 0)}
	if err := o.Vault.Hold(t.Context(), hold, held); err != nil {
		t.Fatal(err)
	}
	o.fact(t, "file-1", naming("note", note), `{}`)
	trail := subject.Trail{Streams: []string{"file-1"}, Follow: []string{vault.NotePurpose}, Rows: []vault.Ref{held}}
	report, err := trail.Stays(t.Context(), o.Place)
	if err != nil {
		t.Fatal(err)
	}
	why := map[vault.Ref]string{}
	for _, h := range report.Holdings {
		why[h.Ref] = h.Held
		if h.Content != nil {
			t.Errorf("what it says: %v", h.Content)
		}
	}
	if diff := cmp.Diff(map[vault.Ref]string{note: vault.KeptByLaw, held: "court_case"}, why); diff != "" {
		t.Error(diff)
	}
	if _, err := json.Marshal(report); err != nil || len(report.Facts) != 0 || readings(t, o.Pool) != 0 {
		t.Errorf("%+v %v", report, err)
	}
}

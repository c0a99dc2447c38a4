package projection_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/testkit"
)

// Facts of the size that stay notices have.
type (
	notified struct {
		Notice       string    `json:"notice"`
		Receipt      string    `json:"receipt"`
		Facility     string    `json:"facility"`
		FacilityKind string    `json:"facility_kind"`
		Unit         unit      `json:"unit"`
		Guest        string    `json:"guest"`
		Nationality  string    `json:"nationality"`
		Document     string    `json:"document_type"`
		ArrivedAt    time.Time `json:"arrived_at"`
		Departure    string    `json:"expected_departure,omitempty"`
		Room         string    `json:"room,omitempty"`
		Reason       string    `json:"reason"`
		Duties       []duty    `json:"duties"`
		Warnings     []string  `json:"warnings,omitempty"`
	}
	unit struct {
		Code      string `json:"code"`
		ValidFrom string `json:"valid_from"`
	}
	duty struct {
		Kind          string    `json:"kind"`
		DueAt         time.Time `json:"due_at"`
		NotifiedAt    time.Time `json:"notified_at"`
		LateBySeconds int64     `json:"late_by_seconds"`
		Rule          string    `json:"rule"`
		LegalBasis    string    `json:"legal_basis"`
	}
	departed struct {
		Notice     string    `json:"notice"`
		DepartedAt time.Time `json:"departed_at"`
	}
	checked struct {
		Notice string `json:"notice"`
		Result string `json:"result"`
	}
)

func (notified) EventName() string { return "bench.notified.v1" }
func (departed) EventName() string { return "bench.departed.v1" }
func (checked) EventName() string  { return "bench.checked.v1" }

type notice struct {
	ID          string    `db:"id,key"`
	Receipt     string    `db:"receipt"`
	Facility    string    `db:"facility"`
	Kind        string    `db:"kind"`
	Unit        string    `db:"unit"`
	Guest       string    `db:"guest"`
	Nationality string    `db:"nationality"`
	Document    string    `db:"document"`
	Arrived     time.Time `db:"arrived_at"`
	Departure   string    `db:"expected_departure,null"`
	Room        string    `db:"room"`
	Reason      string    `db:"reason"`
	Due         time.Time `db:"due_at"`
	LateBy      int64     `db:"late_by_seconds"`
	Duties      []duty    `db:"duties,json"`
	Warnings    []string  `db:"warnings"`
	Departed    time.Time `db:"departed_at,null"`
	Identity    string    `db:"identity"`
	Status      string    `db:"status"`
}

const noticeDDL = `
create table if not exists notices_v1 (
    id text primary key, receipt text not null, facility text not null, kind text not null, unit text not null,
    guest text not null, nationality text not null, document text not null, arrived_at timestamptz not null,
    expected_departure date, room text not null, reason text not null, due_at timestamptz not null,
    late_by_seconds bigint not null, duties jsonb not null, warnings text[] not null, departed_at timestamptz,
    identity text not null, status text not null
);
create index if not exists notices_v1_facility on notices_v1 (facility, arrived_at);
create index if not exists notices_v1_unit on notices_v1 (unit, arrived_at)`

// noticeSQL is the same read model as one statement over the log, as well as one can write it.
const noticeSQL = `
insert into notices_sql
select n.data->>'notice', n.data->>'receipt', n.data->>'facility', n.data->>'facility_kind', n.data->'unit'->>'code',
       n.data->>'guest', n.data->>'nationality', n.data->>'document_type', (n.data->>'arrived_at')::timestamptz,
       (n.data->>'expected_departure')::date, n.data->>'room', n.data->>'reason',
       (n.data->'duties'->0->>'due_at')::timestamptz, (n.data->'duties'->0->>'late_by_seconds')::bigint,
       n.data->'duties', array(select jsonb_array_elements_text(coalesce(n.data->'warnings', '[]'))),
       (d.data->>'departed_at')::timestamptz, coalesce(c.data->>'result', 'pending'),
       case when d.data is null then 'notified' else 'departed' end
from (select stream, data::jsonb as data from events where type = 'bench.notified.v1' offset 0) n
left join (select stream, data::jsonb as data from events where type = 'bench.departed.v1' offset 0) d using (stream)
left join (select stream, data::jsonb as data from events where type = 'bench.checked.v1' offset 0) c using (stream)`

func foldNotice(n notice, r events.Recorded) notice {
	switch e := r.Event.(type) {
	case notified:
		n.Receipt, n.Facility, n.Kind, n.Unit, n.Guest = e.Receipt, e.Facility, e.FacilityKind, e.Unit.Code, e.Guest
		n.Nationality, n.Document, n.Arrived, n.Departure = e.Nationality, e.Document, e.ArrivedAt, e.Departure
		n.Room, n.Reason, n.Duties, n.Warnings = e.Room, e.Reason, e.Duties, e.Warnings
		n.Due, n.LateBy, n.Identity, n.Status = e.Duties[0].DueAt, e.Duties[0].LateBySeconds, "pending", "notified"
	case departed:
		n.Departed, n.Status = e.DepartedAt, "departed"
	case checked:
		n.Identity = e.Result
	}
	return n
}

// lodgeMany records guests like a province on a busy day: notices come in waves, checks soon after, departures later.
func lodgeMany(b *testing.B, store *eventstore.Store, guests int) (facts int) {
	b.Helper()
	const wave = 1_000
	record := func(first int, make func(n int) events.Event, version int) {
		batch := make2(first, wave, version, make)
		results, err := store.AppendAll(b.Context(), batch)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range results {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
			facts += len(r.Recorded)
		}
	}
	for first := 0; first < guests; first += wave {
		record(first, newNotice, 0)
		record(first, func(n int) events.Event { return checked{noticeID(n), "matched"} }, 1)
		if first >= wave {
			record(first-wave, func(n int) events.Event { return departed{noticeID(n), instant(n)} }, 2)
		}
	}
	return facts
}

func make2(first, count, version int, fact func(n int) events.Event) []eventstore.Append {
	batch := make([]eventstore.Append, count)
	for i := range batch {
		batch[i] = eventstore.Append{
			Stream: "notice-" + noticeID(first+i), Expected: version, Facts: []events.Event{fact(first + i)},
			Meta: events.Meta{Cause: fmt.Sprintf("cause-%d-%d", version, first+i), Actor: "facility:1", OccurredAt: at(i)},
		}
	}
	return batch
}

// instant has no more digits than the database keeps: SQL rounds them, and we cut them off.
func instant(n int) time.Time { return at(n).Truncate(time.Microsecond) }

func noticeID(n int) string { return fmt.Sprintf("%026x", uint64(n)*0x9E3779B97F4A7C15) }

func newNotice(n int) events.Event {
	return notified{
		Notice: noticeID(n), Receipt: fmt.Sprintf("VN-%08d", n), Facility: fmt.Sprintf("f%03d", n%200),
		FacilityKind: "tourist", Unit: unit{fmt.Sprintf("%05d", n%90), "2025-07-01"}, Guest: noticeID(n + 1),
		Nationality: "VNM", Document: "citizen_id", ArrivedAt: instant(n), Departure: "2026-11-23", Room: fmt.Sprint(n % 400),
		Reason: "tourism", Duties: []duty{{"stay_notice", instant(n + 3600), instant(n), 0, "stay-2021", "Law 68/2020/QH14 Art. 30"}},
	}
}

// BenchmarkRebuild compares a rebuild with one SQL statement that computes the same table from the log.
func BenchmarkRebuild(b *testing.B) {
	pool := testkit.Postgres(b)
	if err := eventstore.Migrate(b.Context(), pool); err != nil {
		b.Fatal(err)
	}
	if err := projection.Migrate(b.Context(), pool); err != nil {
		b.Fatal(err)
	}
	known := events.NewCatalog([]events.Event{notified{}, departed{}, checked{}})
	store, err := eventstore.Open(b.Context(), pool, eventstore.Options{Catalog: known})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(store.Close)
	i := &inn{pool, store}
	const guests = 100_000
	facts := lodgeMany(b, store, guests)
	table := projection.Table[notice]{
		Name: "notices_v1", DDL: noticeDDL, Apply: foldNotice,
		Key: func(r events.Recorded) (string, bool) { return r.Stream[len("notice-"):], true },
	}
	r := i.runner(projection.Options{})
	m := i.add(b, r, table.Projection())
	start(b, r)
	caughtUp, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
	defer cancel()
	if err := m.WaitFor(caughtUp, int64(facts)); err != nil {
		b.Fatal(err)
	}
	for _, statement := range []string{`create table notices_sql (like notices_v1 including all)`, `vacuum analyze events`} {
		if _, err := pool.Exec(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := pool.Exec(b.Context(), `truncate notices_sql`); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		if _, err := pool.Exec(b.Context(), noticeSQL); err != nil {
			b.Fatal(err)
		}
		sql := time.Since(began)
		rebuilt, err := m.Rebuild(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if int(rebuilt.Facts) != facts || i.dump(b, "notices") != i.dump(b, "notices_sql") {
			b.Fatal("the rebuilt table is not what the statement computes")
		}
		b.ReportMetric(float64(facts)/rebuilt.Took.Seconds(), "facts/s")
		b.ReportMetric(float64(facts)/sql.Seconds(), "sql-facts/s")
		b.ReportMetric(sql.Seconds()/rebuilt.Took.Seconds(), "ratio")
	}
}

// BenchmarkReadYourWrite measures from a stored fact to a query that sees it, one at a time.
func BenchmarkReadYourWrite(b *testing.B) {
	i := newInn(b)
	r := i.runner(projection.Options{})
	m := i.add(b, r, stays("stays_v1").Projection())
	start(b, r)
	n, waited := 0, time.Duration(0)
	for b.Loop() {
		n++
		position := i.lodge(b, n, n)
		began := time.Now()
		wait(b, m, position)
		waited += time.Since(began)
	}
	b.ReportMetric(float64(waited.Microseconds())/float64(n), "µs/wait")
}

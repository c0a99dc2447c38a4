package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/territory"
)

// Scope is what a caller may see: one facility, if it names one, and the units of an area (territory.Area's columns).
type Scope struct {
	Facility         string
	Codes, ValidFrom []string
}

// StayFilter narrows a list of stays. Empty fields do not narrow.
type StayFilter struct {
	Scope    Scope
	Facility string
	Status   string
	Identity string
	// From and To are calendar days of arrival, both included.
	From, To string
	Late     *bool
	Guests   []string
	After    *StayKey
	Limit    int
}

// StayKey is where a page of stays ends: lists run from the latest arrival to the earliest.
type StayKey struct {
	ArrivedAt time.Time `json:"a"`
	Notice    string    `json:"n"`
}

const stayColumns = `notice, receipt, facility, facility_kind, unit_code, unit_valid_from, guest, nationality,
  document_type, arrived_at, arrived_on, notified_at, expected_departure, room, reason, accompanied_by, group_name,
  duties, warnings, late, status, coalesce(departed_at, '0001-01-01 00:00:00+00'), identity, identity_fields`

const wantedStays = `
       ($3 = '' or facility = $3)
   and ($4 = '' or facility = $4)
   and ($5 = '' or status = $5)
   and ($6 = '' or identity = $6)
   and ($7 = '' or arrived_on >= $7)
   and ($8 = '' or arrived_on <= $8)
   and ($9::boolean is null or late = $9)
   and ($10::text[] is null or guest = any($10))
   and ($11::timestamptz is null or (arrived_at, notice) < ($11, $12))
 order by arrived_at desc, notice desc
 limit $13`

// listStays is for an area that is everywhere. Its columns are null, and are named so that both statements have the same
// parameters.
const listStays = `
select ` + stayColumns + `
  from stays
 where $1::text[] is null and $2::text[] is null and` + wantedStays

// listStaysOfUnits reads the latest of each unit by the index and puts them together. A join with the area would read all
// stays that a commune ever had.
const listStaysOfUnits = `
select ` + stayColumns + `
  from unnest($1::text[], $2::text[]) as area (code, since)
 cross join lateral (
       select * from stays where unit_code = area.code and unit_valid_from = area.since and` + wantedStays + `) as stays
 order by arrived_at desc, notice desc
 limit $13`

// ListStays lists stays, the latest arrival first.
func ListStays(ctx context.Context, pool *pgxpool.Pool, f StayFilter) ([]Stay, error) {
	var after *time.Time
	var notice string
	if f.After != nil {
		after, notice = &f.After.ArrivedAt, f.After.Notice
	}
	statement := listStays
	if f.Scope.Codes != nil {
		statement = listStaysOfUnits
	}
	rows, err := pool.Query(ctx, statement,
		f.Scope.Codes, f.Scope.ValidFrom, f.Scope.Facility, f.Facility, f.Status, f.Identity, f.From, f.To,
		f.Late, f.Guests, after, notice, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list stays: %w", err)
	}
	stays, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Stay])
	if err != nil {
		return nil, fmt.Errorf("list stays: %w", err)
	}
	return stays, nil
}

// Count is one line of the statistics. It counts stays, never people, and cancelled ones in Cancelled alone.
type Count struct {
	Key         string `json:"key"`
	Stays       int64  `json:"stays"`
	Present     int64  `json:"present"`
	Late        int64  `json:"late"`
	Foreigners  int64  `json:"foreigners"`
	Matched     int64  `json:"matched"`
	Mismatched  int64  `json:"mismatched"`
	NotFound    int64  `json:"not_found"`
	Unavailable int64  `json:"unavailable"`
	Pending     int64  `json:"pending"`
	Cancelled   int64  `json:"cancelled"`
}

// The ways of counting. Each is a column, so no name from outside reaches a statement.
func groupColumn(by string) string {
	switch by {
	case "facility":
		return "facility"
	case "kind":
		return "facility_kind"
	case "nationality":
		return "nationality"
	default:
		return "arrived_on"
	}
}

const countStays = `
select %s as key,
       count(*) filter (where status <> 'cancelled'),
       count(*) filter (where status = 'notified'),
       count(*) filter (where late and status <> 'cancelled'),
       count(*) filter (where nationality <> 'VNM' and status <> 'cancelled'),
       count(*) filter (where identity = 'matched' and status <> 'cancelled'),
       count(*) filter (where identity = 'mismatched' and status <> 'cancelled'),
       count(*) filter (where identity = 'not_found' and status <> 'cancelled'),
       count(*) filter (where identity = 'unavailable' and status <> 'cancelled'),
       count(*) filter (where identity = 'pending' and status <> 'cancelled'),
       count(*) filter (where status = 'cancelled')
  from stays
 where ` + territory.In + `
   and ($3 = '' or facility = $3)
   and arrived_on between $4 and $5
 group by 1
 order by 1
 limit $6`

// Counting says which stays are counted, and by what.
type Counting struct {
	// From and To are calendar days of arrival, both included.
	From, To string
	// By is day, facility, kind or nationality.
	By    string
	Limit int
}

// CountStays counts the stays of a span of days.
func CountStays(ctx context.Context, pool *pgxpool.Pool, s Scope, c Counting) ([]Count, error) {
	rows, err := pool.Query(ctx, fmt.Sprintf(countStays, groupColumn(c.By)),
		s.Codes, s.ValidFrom, s.Facility, c.From, c.To, c.Limit)
	if err != nil {
		return nil, fmt.Errorf("count stays: %w", err)
	}
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Count])
	if err != nil {
		return nil, fmt.Errorf("count stays: %w", err)
	}
	return counts, nil
}

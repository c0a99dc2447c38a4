package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Scope is what a caller may see: one facility, or one commune. Empty means everything.
type Scope struct {
	Facility      string
	UnitCode      string
	UnitValidFrom string
}

// StayFilter narrows a list of stays. Empty fields do not narrow.
type StayFilter struct {
	Scope    Scope
	Facility string
	Unit     string
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

const listStays = `
select ` + stayColumns + `
  from stays
 where ($1 = '' or facility = $1)
   and ($2 = '' or unit_code = $2 and unit_valid_from = $3)
   and ($4 = '' or facility = $4)
   and ($5 = '' or unit_code = $5)
   and ($6 = '' or status = $6)
   and ($7 = '' or identity = $7)
   and ($8 = '' or arrived_on >= $8)
   and ($9 = '' or arrived_on <= $9)
   and ($10::boolean is null or late = $10)
   and ($11::text[] is null or guest = any($11))
   and ($12::timestamptz is null or (arrived_at, notice) < ($12, $13))
 order by arrived_at desc, notice desc
 limit $14`

// ListStays lists stays, the latest arrival first.
func ListStays(ctx context.Context, pool *pgxpool.Pool, f StayFilter) ([]Stay, error) {
	var after *time.Time
	var notice string
	if f.After != nil {
		after, notice = &f.After.ArrivedAt, f.After.Notice
	}
	rows, err := pool.Query(ctx, listStays,
		f.Scope.Facility, f.Scope.UnitCode, f.Scope.UnitValidFrom, f.Facility, f.Unit, f.Status, f.Identity, f.From, f.To,
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

// Count is one line of the statistics. It counts stays, never people, and cancelled stays not at all.
type Count struct {
	Key        string `json:"key"`
	Stays      int64  `json:"stays"`
	Present    int64  `json:"present"`
	Late       int64  `json:"late"`
	Foreigners int64  `json:"foreigners"`
	Matched    int64  `json:"matched"`
	Mismatched int64  `json:"mismatched"`
	NotFound   int64  `json:"not_found"`
	Unchecked  int64  `json:"unavailable"`
	Pending    int64  `json:"pending"`
	Cancelled  int64  `json:"cancelled"`
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
 where ($1 = '' or facility = $1)
   and ($2 = '' or unit_code = $2 and unit_valid_from = $3)
   and ($4 = '' or unit_code = $4)
   and arrived_on between $5 and $6
 group by 1
 order by 1
 limit $7`

// Counting says which stays are counted, and by what.
type Counting struct {
	Unit string
	// From and To are calendar days of arrival, both included.
	From, To string
	// By is day, facility, kind or nationality.
	By    string
	Limit int
}

// CountStays counts the stays of a span of days.
func CountStays(ctx context.Context, pool *pgxpool.Pool, s Scope, c Counting) ([]Count, error) {
	rows, err := pool.Query(ctx, fmt.Sprintf(countStays, groupColumn(c.By)),
		s.Facility, s.UnitCode, s.UnitValidFrom, c.Unit, c.From, c.To, c.Limit)
	if err != nil {
		return nil, fmt.Errorf("count stays: %w", err)
	}
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Count])
	if err != nil {
		return nil, fmt.Errorf("count stays: %w", err)
	}
	return counts, nil
}

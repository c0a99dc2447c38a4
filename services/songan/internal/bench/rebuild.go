package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
)

// rebuild measures how fast the read model of stays is computed again from the whole log, against one SQL statement
// that computes the same table from the same log.
func rebuild(ctx context.Context, l *system) ([]lab.Figure, error) {
	facts, took, err := l.rebuildStays(ctx)
	if err != nil {
		return nil, err
	}
	statement, err := l.stayStatement(ctx)
	if err != nil {
		return nil, err
	}
	return []lab.Figure{lab.Rate(
		fmt.Sprintf("projection rebuild of %d facts : one SQL statement", facts),
		float64(facts)/took.Seconds(), float64(facts)/statement.Seconds(), "facts", 0.3,
	)}, nil
}

// rebuildStays asks for a rebuild as an operator would.
func (l *system) rebuildStays(ctx context.Context) (facts int64, took time.Duration, err error) {
	url := l.Demo.BaseURL + "/accommodation/v1/projections/stays_v1/rebuild"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return 0, 0, fmt.Errorf("build the request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+l.Demo.Actors["admin"].Token)
	response, err := l.Client.Do(request)
	if err != nil {
		return 0, 0, fmt.Errorf("ask for the rebuild: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return 0, 0, errors.Join(err, fmt.Errorf("the rebuild was answered with %d: %s", response.StatusCode, body))
	}
	var done struct {
		Facts int64 `json:"facts"`
		Took  int64 `json:"took_ms"`
	}
	if err := json.Unmarshal(body, &done); err != nil {
		return 0, 0, fmt.Errorf("read the answer: %w", err)
	}
	return done.Facts, time.Duration(done.Took) * time.Millisecond, nil
}

// stayStatement computes the table of stays with one statement, indexes included, and compares its size.
func (l *system) stayStatement(ctx context.Context) (took time.Duration, err error) {
	conn, err := pgx.Connect(ctx, l.Database("accommodation"))
	if err != nil {
		return 0, fmt.Errorf("connect: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if _, err := conn.Exec(ctx, `create table bench_stays (like stays_v1 including all)`); err != nil {
		return 0, fmt.Errorf("make the table: %w", err)
	}
	began := time.Now()
	if _, err := conn.Exec(ctx, computeStays); err != nil {
		return 0, fmt.Errorf("compute the table: %w", err)
	}
	took = time.Since(began)
	var differing int64
	err = conn.QueryRow(ctx, compareStays).Scan(&differing)
	if err == nil && differing != 0 {
		err = fmt.Errorf("the statement computes another table: %d rows differ", differing)
	}
	_, dropErr := conn.Exec(ctx, `drop table bench_stays`)
	return took, errors.Join(err, dropErr)
}

// computeStays folds the facts that this benchmark's log holds: notices and the answers about their guests. The
// comparison afterwards fails when there are others. Each fact is parsed once, not once for each member.
const computeStays = `
insert into bench_stays
  (notice, receipt, facility, facility_kind, unit_code, unit_valid_from, guest, nationality, document_type, arrived_at,
   arrived_on, notified_at, expected_departure, room, reason, accompanied_by, group_name, duties, warnings, late, status,
   departed_at, identity, identity_fields)
select n.data->>'notice', n.data->>'receipt', n.data->>'facility', n.data->>'facility_kind',
       n.data->'unit'->>'code', n.data->'unit'->>'valid_from', n.data->>'guest', n.data->>'nationality',
       n.data->>'document_type', (n.data->>'arrived_at')::timestamptz,
       to_char((n.data->>'arrived_at')::timestamptz at time zone 'Asia/Ho_Chi_Minh', 'YYYY-MM-DD'),
       (n.data->>'notified_at')::timestamptz, coalesce(n.data->>'expected_departure', ''), coalesce(n.data->>'room', ''),
       n.data->>'reason', coalesce(n.data->>'accompanied_by', ''), coalesce(n.data->>'group', ''), n.data->'duties',
       (select array_agg(w) from jsonb_array_elements_text(n.data->'warnings') w),
       exists (select from jsonb_array_elements(n.data->'duties') d where (d->>'late_by_seconds')::bigint > 0),
       'notified', null, coalesce(i.data->>'result', 'pending'),
       (select array_agg(f) from jsonb_array_elements_text(i.data->'fields') f)
  from (select stream, data::jsonb as data from events where type = 'accommodation.stay_notified.v1' offset 0) n
  left join (select stream, data::jsonb as data from events where type = 'accommodation.identity_recorded.v1' offset 0) i
       using (stream)`

// compareStays counts the rows that are not in both tables alike, by what neither how null is written
// nor the checks that still go on change.
const compareStays = `
select count(*) from (
  (select notice, receipt, guest, arrived_at, arrived_on, duties, late, status from stays_v1
   except all
   select notice, receipt, guest, arrived_at, arrived_on, duties, late, status from bench_stays)
  union all
  (select notice, receipt, guest, arrived_at, arrived_on, duties, late, status from bench_stays
   except all
   select notice, receipt, guest, arrived_at, arrived_on, duties, late, status from stays_v1)) differing`

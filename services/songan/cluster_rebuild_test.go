package songan_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// judgeRebuilds rebuilds every read model of every service when nothing moves any more, and compares what it shows with
// what it showed before, row by row.
func (c *cluster) judgeRebuilds(t *testing.T, models map[string][]string) {
	t.Helper()
	before := c.shown(t)
	rebuilt, _, err := c.rebuildAll(t.Context(), models)
	if err != nil {
		t.Fatal(err)
	}
	// On one payday nothing need be carried forward, found or booked twice. Everything else has rows.
	mayBeEmpty := []string{"disbursement carried_v1", "disbursement findings_v1", "disbursement double_bookings_v1"}
	for table, rows := range before {
		if len(rows) == 0 && !slices.Contains(mayBeEmpty, table) {
			t.Errorf("nothing stands in %s", table)
		}
	}
	if diff := cmp.Diff(before, c.shown(t)); diff != "" {
		t.Errorf("rebuilds changed read models (-before +after):\n%s", diff)
	}
	t.Logf("%d read models were rebuilt when nothing moved, of %d tables", rebuilt, len(before))
}

// contents are the columns of a table, without those that it numbers itself: they say in which order rows came, and are other ones
// whenever a table is built.
const contents = `
select string_agg(format('t.%I', attname), ', ' order by attnum)
  from pg_attribute
 where attrelid = $1::regclass and attnum > 0 and not attisdropped and attidentity = ''`

// shown are the rows of all tables of all read models that are served.
func (c *cluster) shown(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, s := range services() {
		for _, table := range query[string](t, c.machine, s, `select unnest(tables) from projection_versions where serving`) {
			name := pgx.Identifier{table}.Sanitize()
			sql := fmt.Sprintf(`select row(%s)::text from %s t order by 1`, query[string](t, c.machine, s, contents, name)[0], name)
			all[s+" "+table] = query[string](t, c.machine, s, sql)
		}
	}
	return all
}

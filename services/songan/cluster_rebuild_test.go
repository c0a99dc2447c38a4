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

// shown are the rows of all tables of all read models that are served.
func (c *cluster) shown(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, s := range services() {
		for _, table := range query[string](t, c.machine, s, `select unnest(tables) from projection_versions where serving`) {
			sql := fmt.Sprintf(`select t::text from %s t order by 1`, pgx.Identifier{table}.Sanitize())
			all[s+" "+table] = query[string](t, c.machine, s, sql)
		}
	}
	return all
}

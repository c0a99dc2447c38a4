package projections

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/testkit"
)

// aProvince fills the table with payments that wait for a bank, of which some took over others.
const aProvince = `
create view payments as select * from payments_v1;
insert into payments_v1 (
  payment, payroll, payroll_month, unit_code, unit_valid_from, programme, beneficiary, mark, month, kind, origin, amount, released_at,
  status, attempt, end_to_end_id, bank, account, outcome, reason, bank_reference, booked_at, inquiries, contested, said, recall,
  cash_reason, collected_on, receipt, duplicate_of, from_list, news_at, facts)
select 'p' || n, 'november', '2026-11', '00004', '2025-07-01', 'social_assistance', 'b' || n, 'm' || n, '2026-11', 'regular',
       case when n % 100 = 1 then 'p' || n - 1 else '' end, 5, now(), 'released', 1, '', '', '', '', '', '', now(), 0,
       '{}', '{}', '', '', '', '', '', false, now(), n
  from generate_series(1, 120000) as n`

// It is asked every second: whatever waits in a province is looked up, and never read through, also while the planner knows nothing yet.
func TestWhatWaitsOfContestedMoneyIsLookedUp(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	for _, statement := range []string{paymentsDDL, aProvince} {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	contest := func(status string, ids ...string) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), `update payments_v1 set contested = '{1}', status = $1 where payment = any($2)`, status, ids); err != nil {
			t.Fatal(err)
		}
	}
	contest("carried_forward", "p100")
	contest("reissued", "p7")
	contest("credited", "p8")
	contest("cash_pending", "p9")
	found, err := TakersOfContested(t.Context(), pool, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Taker{{Payment: "p101", Facts: 101}, {Payment: "p7", Facts: 7}, {Payment: "p9", Facts: 9}}, found); diff != "" {
		t.Errorf("(-want +found):\n%s", diff)
	}
	for _, knowing := range []string{"nothing", "everything"} {
		if plan := explained(t, pool, takersOfContested, "", 10); strings.Contains(plan, "Seq Scan on payments_v1") {
			t.Errorf("knowing %s, the planner reads through all payments:\n%s", knowing, plan)
		}
		if _, err := pool.Exec(t.Context(), `analyze payments_v1`); err != nil {
			t.Fatal(err)
		}
	}
}

// explained is how the query would be worked out, as TakersOfContested asks it.
func explained(t *testing.T, pool *pgxpool.Pool, query string, of ...any) (plan string) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `set local enable_seqscan = off`); err != nil {
			return fmt.Errorf("set: %w", err)
		}
		rows, err := tx.Query(t.Context(), `explain `+query, of...)
		if err != nil {
			return fmt.Errorf("explain: %w", err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		plan = strings.Join(lines, "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

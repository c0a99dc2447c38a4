package disbursement_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/audit"
)

// paidPeople is how many people the list has.
const paidPeople = 10_000

// BenchmarkPayments measures a province's list from the press of the button until every line is a payment in the log, and
// then from the banks' reports (sent, in flight, credited) until every payment is credited, posted and reconciled. The
// gateway here only has its log and its relay.
func BenchmarkPayments(b *testing.B) {
	o := open(b)
	g := newGateway(b, o)
	o.province(b, paidPeople)
	for range b.N {
		id := o.draft(b, "province-lisa", "01", "social_pension", "2026-11").Text(b, "id")
		o.approved(b, id, "province-")
		o.funded(b, id, "province-")
		began := time.Now()
		o.step(b, "province-treasurer", id, "release", object{}).Want(b, http.StatusOK)
		payments := o.shown(b, `select count(*) from payments join payment_lists using (payroll) where completed and payroll = $1`, id)
		b.ReportMetric(float64(payments)/time.Since(began).Seconds(), "released/s")
		instructed := g.reportAll(b, o, id)
		reported := time.Now()
		o.shown(b, `select count(*) from payments where status = 'credited' and payroll = $1`, id)
		b.ReportMetric(float64(instructed)/time.Since(reported).Seconds(), "credited/s")
		audited := time.Now()
		report, err := audit.Run(b.Context(), audit.Sources{Accounts: o.people.base.Pool, Disbursement: o.Pool, Gateway: g.base.Pool})
		if err != nil || !report.OK() {
			b.Fatalf("the audit: %v, %+v", err, report)
		}
		b.ReportMetric(float64(report.Facts)/time.Since(audited).Seconds(), "audited-facts/s")
	}
}

// shown waits until a count is that of the list's lines.
func (o *office) shown(b *testing.B, query, id string) (n int) {
	b.Helper()
	var lines int
	testkit.Within(b, 10*time.Minute, func() error {
		err := o.Pool.QueryRow(b.Context(), `select (select count(*) from lines where payroll = $1), (`+query+`)`, id).Scan(&lines, &n)
		return errorUnless(err == nil && lines > 0 && n == lines, "%d of %d (%v)", n, lines, err)
	})
	return n
}

// reportAll says of every payment of a list that it was sent, is in flight and was credited.
func (g *gateway) reportAll(b *testing.B, o *office, id string) int {
	b.Helper()
	rows, err := o.Pool.Query(b.Context(), `select payment, end_to_end_id, attempt, bank, amount from payments where payroll = $1`, id)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var appends []eventstore.Append
	for rows.Next() {
		var p paid
		if err := rows.Scan(&p.ID, &p.EndToEndID, &p.Attempt, &p.Bank, &p.Amount); err != nil {
			b.Fatal(err)
		}
		appends = append(appends, eventstore.Append{
			Stream: "instruction-" + p.EndToEndID,
			Facts:  []events.Event{factOf(p, "sent"), factOf(p, "ACSP"), factOf(p, fmt.Sprintf("ACCC FT%06d", len(appends)))},
		})
	}
	if _, err := g.base.Log.AppendAll(b.Context(), appends); err != nil {
		b.Fatal(err)
	}
	return len(appends)
}

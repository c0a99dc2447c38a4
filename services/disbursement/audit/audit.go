// Package audit computes again, from the logs alone, what must always hold of the money (invariants I1 to I14).
//
// It believes no read model, no status and no total that somebody wrote down: it folds the logs of accounts, bank gateway
// and disbursement from their first fact, and says for each invariant what it looked at and what it found wrong. It needs
// the databases and no service, starts nothing, and changes nothing.
//
//  1. A violation names payments, payrolls and streams, never people.
//  2. The logs of the others are read before and after that of disbursement, so that an audit of a running system finds no fault in
//     what is just under way.
//  3. An invariant that had nothing to look at holds, and says that it looked at nothing.
//  4. A month counts what stands of it at the end: money that somebody has, or that a payment can still bring. It may lack no more than the
//     lines that its last list may have counted and that were not paid then. What changed while a list was computed counts as before and
//     as after.
//  5. Category, birth date and family are in nobody's log. So it knows which amounts the law has, and not which is somebody's: a month for
//     which a list has no line and no finding is not seen, however much is owed, nor is a rise that a wrong look at the time before this
//     system has taken before any line of that month was paid.
//  6. What was paid before this system shows in the first line of a month alone: less may not count later, nor more, unless rights were
//     entered or taken back since. Where a right says that the month was paid, that line must have counted something.
//  7. A payment that its bank calls a duplicate, and that no other payment shows to be one, counts as paid: the bank's word is all there
//     is. So does what came back or was recalled, until somebody gives it to the treasury, however long ago its right was stopped;
//     the reconciliation of its list shows it. Only what was tried again with such money and rejected must be with the treasury by the next
//     list that pays the person.
//  8. That two programmes paid one month stays a violation when one of them got its money back.
package audit

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// Sources are the databases of the three services, and the law that disbursement was given.
type Sources struct {
	Accounts, Disbursement, Gateway *pgxpool.Pool
	// Rules is the file of the rates and coefficients that its lists are computed with; empty for those that come with the program.
	Rules string
}

// Finding says whether an invariant holds.
type Finding struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	// Checked counts what was looked at: payments, payrolls, facts or rows.
	Checked int `json:"checked"`
	// Violations names what is wrong, at most [Shown] of it; More counts the rest.
	Violations []string `json:"violations"`
	More       int      `json:"more,omitempty"`
	OK         bool     `json:"ok"`
}

// Shown is the most violations that a finding names.
const Shown = 100

// Report is what an audit found, in the order of the invariants.
type Report struct {
	Findings []Finding `json:"findings"`
	// Facts counts what was read.
	Facts int64 `json:"facts"`
}

// OK tells whether every invariant holds.
func (r Report) OK() bool {
	for _, f := range r.Findings {
		if !f.OK {
			return false
		}
	}
	return len(r.Findings) == invariants
}

// WriteTo writes one line per invariant, and the violations below it.
func (r Report) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	for _, f := range r.Findings {
		verdict := "ok  "
		if !f.OK {
			verdict = "FAIL"
		}
		fmt.Fprintf(&b, "%-4s %s  %s (%d checked)\n", f.ID, verdict, f.Text, f.Checked)
		for _, v := range f.Violations {
			fmt.Fprintf(&b, "       - %s\n", v)
		}
		if f.More > 0 {
			fmt.Fprintf(&b, "       - and %d more\n", f.More)
		}
	}
	n, err := io.WriteString(w, b.String())
	if err != nil {
		return int64(n), fmt.Errorf("write the report: %w", err)
	}
	return int64(n), nil
}

// readAtATime is how many facts are read by one query.
const readAtATime = 5_000

// Run audits the logs.
func Run(ctx context.Context, s Sources) (Report, error) {
	rules, err := service.ReadRules("SONGAN_DISBURSEMENT_RULES", s.Rules, entitlement.National, entitlement.Parse)
	if err != nil {
		return Report{}, fmt.Errorf("read the law: %w", err)
	}
	a := newAuditor(rules)
	people := eventstore.NewReader(s.Accounts, events.NewCatalog(accounts.Catalog()))
	banks := eventstore.NewReader(s.Gateway, events.NewCatalog(bankgateway.InstructionFacts()))
	money := eventstore.NewReader(s.Disbursement, events.NewCatalog(disbursement.Catalog(), payroll.PrivateFacts()))
	var facts int64
	count := func(take func(events.Recorded)) func(events.Recorded) {
		return func(r events.Recorded) { facts++; take(r) }
	}
	known, err := each(ctx, people, 0, count(a.person))
	if err != nil {
		return Report{}, fmt.Errorf("audit the log of accounts: %w", err)
	}
	seen, err := each(ctx, banks, 0, count(a.bank))
	if err != nil {
		return Report{}, fmt.Errorf("audit the log of the bank gateway: %w", err)
	}
	if _, err := each(ctx, money, 0, count(a.money)); err != nil {
		return Report{}, fmt.Errorf("audit the log of disbursement: %w", err)
	}
	if _, err := each(ctx, banks, seen, count(a.lateBank)); err != nil {
		return Report{}, fmt.Errorf("audit the log of the bank gateway: %w", err)
	}
	if _, err := each(ctx, people, known, count(a.person)); err != nil {
		return Report{}, fmt.Errorf("audit the log of accounts: %w", err)
	}
	a.finish()
	if err := a.readModels(ctx, s.Disbursement, money.Read); err != nil {
		return Report{}, fmt.Errorf("audit the read models: %w", err)
	}
	return Report{Findings: a.findings(), Facts: facts}, nil
}

// each hands all facts after a position to take.
func each(ctx context.Context, log *eventstore.Reader, after int64, take func(events.Recorded)) (int64, error) {
	for {
		facts, last, err := log.Read(ctx, after, readAtATime)
		if err != nil {
			return after, err
		}
		for _, r := range facts {
			take(r)
		}
		if last == after {
			return after, nil
		}
		after = last
	}
}

// readModels is I6, for the read models of the service's own log.
func (a *auditor) readModels(ctx context.Context, pool *pgxpool.Pool, read projection.Read) error {
	models := []*projection.Projection{
		projections.Payments(), projections.Payrolls(), projections.Lines(), projections.Enrolments(),
	}
	c := a.invariant(6)
	for _, model := range models {
		exists, err := begun(ctx, pool, model.Name())
		if err != nil {
			return err
		}
		if !exists {
			continue
		}
		verified, err := projection.Verify(ctx, pool, model, read)
		if err != nil {
			return err
		}
		c.checked += int(verified.Rows)
		for _, d := range verified.Differences {
			c.violated("%s", d)
		}
	}
	return nil
}

// begun tells whether a read model was ever written.
func begun(ctx context.Context, pool *pgxpool.Pool, name string) (begun bool, err error) {
	if err := pool.QueryRow(ctx, `select to_regclass('projection_checkpoints') is not null`).Scan(&begun); err != nil || !begun {
		return false, err
	}
	err = pool.QueryRow(ctx, `select exists (select from projection_checkpoints where name = $1)`, name).Scan(&begun)
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", name, err)
	}
	return begun, nil
}

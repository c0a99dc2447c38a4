// Package projections holds the gateway's read models: what waits to be sent, and how each bank is doing.
package projections

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/plainjson"
	"github.com/songan-vn/songan/libs/projection"
)

// Dispatch is one thing that is to be said to a bank. It is wanted by a fact of another service and done by one of ours;
// which of them is met first makes no difference, so the table comes out the same however it is built.
type Dispatch struct {
	// Work names it for ever: "instruct/<end-to-end id>", "inquire/<end-to-end id>/<n>", "recall/<end-to-end id>" or
	// "open/<account>".
	Work string `db:"work,key"`
	Bank string `db:"bank"`
	// Type and Fact are the fact that wants it, as long as it is not done. It holds references and no persons.
	Type string `db:"type"`
	Fact string `db:"fact"`
	// Cause, Correlation and Trace continue the chain of that fact.
	Cause       string    `db:"cause"`
	Correlation string    `db:"correlation"`
	Trace       string    `db:"trace"`
	WantedAt    time.Time `db:"wanted_at,null"`
	Done        bool      `db:"done"`
	// Held says that somebody's data cannot be read, and an operator has to look.
	Held bool `db:"held"`
	// Withdraw says why an instruction is not to be sent any more; empty while it is.
	Withdraw string `db:"withdraw"`
	// UnitCode and UnitValidFrom are where the money, or the account, belongs: whose officers may follow it.
	UnitCode      string `db:"unit_code"`
	UnitValidFrom string `db:"unit_valid_from"`
}

// The names of what is to be said.
func instruct(endToEndID string) string { return "instruct/" + endToEndID }
func recall(endToEndID string) string   { return "recall/" + endToEndID }
func open(account string) string        { return "open/" + account }
func inquire(endToEndID string, inquiry int) string {
	return "inquire/" + endToEndID + "/" + strconv.Itoa(inquiry)
}

// InstructWork and OpenWork name the two that may be held.
func InstructWork(endToEndID string) string { return instruct(endToEndID) }

// InquireWork names a question about an instruction.
func InquireWork(endToEndID string, inquiry int) string { return inquire(endToEndID, inquiry) }

// OpenWork names the request for an account.
func OpenWork(account string) string { return open(account) }

// Dispatches is the read model of what is to be said, fed by accounts, disbursement and the gateway's own log.
func Dispatches() *projection.Projection {
	return projection.Table[Dispatch]{
		Name: "dispatches_v3", DDL: dispatchesDDL, Key: dispatchKey, Apply: newScribe().apply,
		Stamp: projection.Stamp{By: ends, Sets: "done = true, held = false, fact = ''"},
	}.Projection().Of(append(Wanting(),
		bankgateway.InstructionSent{}, bankgateway.InstructionHeld{}, bankgateway.InstructionResumed{}, bankgateway.InstructionWithdrawn{},
		bankgateway.InquirySent{}, bankgateway.RecallSent{},
		bankgateway.OpeningSent{}, bankgateway.OpeningHeld{}, bankgateway.OpeningResumed{},
	)...)
}

// Wanting lists the facts of other services that something has to be said for.
func Wanting() []events.Event {
	return []events.Event{
		disbursement.PaymentReleased{},
		disbursement.PaymentReissued{},
		disbursement.PaymentUnknown{},
		disbursement.RecallRequested{},
		disbursement.WithdrawalRequested{},
		accounts.AccountRequested{},
	}
}

const dispatchesDDL = `
create table if not exists dispatches_v3 (
  work        text primary key,
  bank        text not null,
  type        text not null,
  fact        text not null,
  cause       text not null,
  correlation text not null,
  trace       text not null,
  wanted_at   timestamptz,
  done        boolean not null,
  held        boolean not null,
  withdraw    text not null,
  unit_code       text not null,
  unit_valid_from text not null,
  arrived bigint generated always as identity
) with (fillfactor = 80);
create index if not exists dispatches_waiting_v3 on dispatches_v3 (bank, arrived) where wanted_at is not null and not done;
create index if not exists dispatches_to_withdraw_v3 on dispatches_v3 (bank, work) where withdraw <> '' and not done;
`

func dispatchKey(r events.Recorded) (string, bool) {
	switch e := r.Event.(type) {
	case disbursement.PaymentReleased:
		return instruct(e.EndToEndID), true
	case disbursement.PaymentReissued:
		return instruct(e.EndToEndID), true
	case disbursement.PaymentUnknown:
		return inquire(e.EndToEndID, e.Inquiry), true
	case disbursement.RecallRequested:
		return recall(e.EndToEndID), true
	case disbursement.WithdrawalRequested:
		return instruct(e.EndToEndID), true
	case accounts.AccountRequested:
		return open(e.Account), true
	}
	return ownKey(r)
}

func ownKey(r events.Recorded) (string, bool) {
	switch e := r.Event.(type) {
	case bankgateway.InstructionSent:
		return instruct(e.EndToEndID), true
	case bankgateway.InstructionHeld:
		return instruct(e.EndToEndID), true
	case bankgateway.InstructionResumed:
		return instruct(e.EndToEndID), true
	case bankgateway.InstructionWithdrawn:
		return instruct(e.EndToEndID), true
	case bankgateway.InquirySent:
		return inquire(e.EndToEndID, e.Inquiry), true
	case bankgateway.RecallSent:
		return recall(e.EndToEndID), true
	case bankgateway.OpeningSent:
		return open(e.Account), true
	case bankgateway.OpeningHeld:
		return open(e.Account), true
	case bankgateway.OpeningResumed:
		return open(e.Account), true
	}
	return "", false
}

// ends tells whether a fact ends a dispatch, which is all that most rows meet after they were wanted.
func ends(r events.Recorded) bool {
	switch r.Event.(type) {
	case bankgateway.InstructionSent, bankgateway.InstructionWithdrawn,
		bankgateway.InquirySent, bankgateway.RecallSent, bankgateway.OpeningSent:
		return true
	}
	return false
}

// scribe writes down what is to be said. Its encoder remembers types, and is to be kept.
type scribe struct{ json *plainjson.Encoder }

func newScribe() scribe { return scribe{plainjson.Standard()} }

func (s scribe) apply(d Dispatch, r events.Recorded) Dispatch {
	if ends(r) {
		d.Done, d.Held, d.Fact = true, false, ""
		return d
	}
	switch e := r.Event.(type) {
	case disbursement.PaymentReleased:
		return s.want(d.of(e.Unit), r, e.Bank)
	case disbursement.PaymentReissued:
		return s.want(d.of(e.Unit), r, e.Bank)
	case disbursement.PaymentUnknown:
		return s.want(d, r, e.Bank)
	case disbursement.RecallRequested:
		return s.want(d, r, e.Bank)
	case accounts.AccountRequested:
		return s.want(d.of(e.Unit), r, e.Bank)
	case disbursement.WithdrawalRequested:
		d.Withdraw = e.Reason
	case bankgateway.InstructionHeld, bankgateway.OpeningHeld:
		d.Held = true
	case bankgateway.InstructionResumed, bankgateway.OpeningResumed:
		d.Held = false
	}
	return d
}

// of notes where it belongs.
func (d Dispatch) of(u events.Unit) Dispatch {
	if d.UnitCode == "" {
		d.UnitCode, d.UnitValidFrom = u.Code, u.ValidFrom
	}
	return d
}

// want notes who wants it. The first fact counts; what is done needs no body any more.
func (s scribe) want(d Dispatch, r events.Recorded, bank string) Dispatch {
	if !d.WantedAt.IsZero() {
		return d
	}
	d.Bank, d.Type, d.WantedAt = bank, r.Event.EventName(), r.RecordedAt
	d.Cause, d.Correlation, d.Trace = r.ID(), r.Meta.Correlation, r.Meta.Trace
	if body, err := s.json.Marshal(r.Event); err == nil && !d.Done { // it came out of JSON
		d.Fact = string(body)
	}
	return d
}

// Queued is a dispatch with its turn.
type Queued struct {
	// Arrived counts rows in the order in which they came into the read model, from 1. One writer numbers them, batch after batch, so
	// that nearly always what comes later has a higher number. It does not when a row was there before it was wanted, when a writer
	// that lost its lead is late, and when the read model was built again.
	Arrived int64

	Dispatch
}

// After is the place behind it.
func (q Queued) After() int64 { return q.Arrived }

const dispatchColumns = `work, bank, type, fact, cause, correlation, trace, wanted_at, done, held, withdraw, unit_code, unit_valid_from`

const selectWaiting = `
select arrived, ` + dispatchColumns + `
  from dispatches
 where bank = $1 and wanted_at is not null and not done and not held and arrived > $2
 order by arrived
 limit $3`

// Waiting lists what is to be said to a bank, in the order in which it came, after a place.
func Waiting(ctx context.Context, pool *pgxpool.Pool, bank string, after int64, limit int) ([]Queued, error) {
	rows, err := pool.Query(ctx, selectWaiting, bank, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list what waits for %s: %w", bank, err)
	}
	waiting, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Queued])
	if err != nil {
		return nil, fmt.Errorf("list what waits for %s: %w", bank, err)
	}
	return waiting, nil
}

// Withdrawals lists what is not to be said to a bank any more, and was not said, by its work. What was
// claimed for being sent stays until it is.
func Withdrawals(ctx context.Context, pool *pgxpool.Pool, bank, after string, limit int) ([]Dispatch, error) {
	const query = `
select ` + dispatchColumns + `
  from dispatches where bank = $1 and wanted_at is not null and withdraw <> '' and not done and work > $2
 order by work limit $3`
	rows, err := pool.Query(ctx, query, bank, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list what is withdrawn from %s: %w", bank, err)
	}
	waiting, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Dispatch])
	return waiting, wrap("list what is withdrawn from "+bank, err)
}

const selectDispatch = `
select ` + dispatchColumns + `
  from dispatches where work = $1 and wanted_at is not null`

// Find answers with one dispatch; false when nobody wants it.
func Find(ctx context.Context, pool *pgxpool.Pool, work string) (Dispatch, bool, error) {
	rows, err := pool.Query(ctx, selectDispatch, work)
	if err != nil {
		return Dispatch{}, false, fmt.Errorf("find %s: %w", work, err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Dispatch])
	if err != nil || len(found) == 0 {
		return Dispatch{}, false, wrap("find "+work, err)
	}
	return found[0], true, nil
}

const selectOpen = `
select arrived, ` + dispatchColumns + `
  from dispatches
 where ($1 = '' or bank = $1) and wanted_at is not null and not done and arrived > $2
 order by arrived
 limit $3`

// Open lists what was not said yet to a bank, or to all, with what is held, in the order in which it came, after a place.
func Open(ctx context.Context, pool *pgxpool.Pool, bank string, after int64, limit int) ([]Queued, error) {
	rows, err := pool.Query(ctx, selectOpen, bank, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list what is open: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Queued])
	return list, wrap("list what is open", err)
}

// Backlog is what waits for one bank.
type Backlog struct {
	Bank    string
	Waiting int64
	Held    int64
	// Oldest is since when the oldest waits that is not held; zero if none does.
	Oldest *time.Time
}

// Lag is how long the oldest has been waiting.
func (b Backlog) Lag(now time.Time) time.Duration {
	if b.Oldest == nil {
		return 0
	}
	return max(0, now.Sub(*b.Oldest))
}

const selectBacklog = `
select bank, count(*) filter (where not held), count(*) filter (where held), min(wanted_at) filter (where not held)
  from dispatches
 where wanted_at is not null and not done
 group by bank
 order by bank`

// Backlogs lists the banks that something waits for.
func Backlogs(ctx context.Context, pool *pgxpool.Pool) ([]Backlog, error) {
	rows, err := pool.Query(ctx, selectBacklog)
	if err != nil {
		return nil, fmt.Errorf("count what waits: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Backlog])
	return list, wrap("count what waits", err)
}

func wrap(tried string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", tried, err)
}

// Package releaser turns the lines of a released list into payments.
//
//  1. A payment's stream is new or it is not: whoever comes second, another process or this one after a crash, finds it
//     there. So a list may be released by several at once, and from the start again, and every line is one payment.
//  2. A line whose payment is there from another list is removed from this one, with the reason; and so is one that takes
//     over a payment which the bank has credited after all.
//  3. When every line is a payment or removed, the release is complete, and adds up to what was approved.
//  4. Progress is nowhere but in the payments themselves. Those that are there are passed over a chunk at a time.
package releaser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/projections/sheets"
)

const (
	// lookEvery is how often released lists are looked for when nothing calls.
	lookEvery = 200 * time.Millisecond
	// afterTrouble is the pause after a release that broke off.
	afterTrouble = time.Second
	// listsAtATime is the most lists that one look brings.
	listsAtATime = 20
	// chunk is the most payments of one append.
	chunk = 1_000
	// many payments of one list go before other work; see package pace.
	many = 500
	// catchUp is how long the read model may take to know of payments that are there.
	catchUp = time.Minute
	// actor is who releases payments, after a treasurer released the list.
	actor = "service:disbursement"
)

// Deps are what a Releaser stands on.
type Deps struct {
	Pool     *pgxpool.Pool
	Log      *eventstore.Store
	Payments *projection.Model
	// Pace is told of a list of many lines; nil if nobody gives way.
	Pace   *pace.Pace
	Now    func() time.Time
	Logger *zap.Logger
}

// Releaser is the runner.
type Releaser struct {
	deps   Deps
	called chan string
}

// New returns a releaser.
func New(d Deps) *Releaser {
	if d.Pace == nil {
		d.Pace = pace.New(d.Now, nil)
	}
	return &Releaser{d, make(chan string, listsAtATime)}
}

// Call says that a list was just released. Nothing depends on it: without a call, or with too many, the list is found in
// the read model, which may be behind.
func (r *Releaser) Call(list string) {
	select {
	case r.called <- list:
	default:
	}
}

// Run releases lists until ctx ends, and returns nil then. What goes wrong is logged and tried again.
func (r *Releaser) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		pause, written := lookEvery, r.deps.Payments.Written()
		if err := r.Once(ctx); err != nil && ctx.Err() == nil {
			r.deps.Logger.Error("a release broke off and will go on", telemetry.Err(err))
			pause, written = afterTrouble, nil
		}
		select {
		case <-ctx.Done():
		case <-written:
		case list := <-r.called:
			if err := r.alone(ctx, projections.PaymentList{Payroll: list}); err != nil && ctx.Err() == nil {
				r.deps.Logger.Error("a release broke off and will go on", zap.String("payroll", list), telemetry.Err(err))
			}
		case <-time.After(pause):
		}
	}
	return nil
}

// Once releases what waits to be released. A list that fails does not hold up the others.
func (r *Releaser) Once(ctx context.Context) error {
	lists, err := projections.ListsToRelease(ctx, r.deps.Pool, listsAtATime)
	if err != nil {
		return err
	}
	var faults []error
	for _, list := range lists {
		if err := r.alone(ctx, list); err != nil {
			faults = append(faults, fmt.Errorf("release %s: %w", list.Payroll, err))
		}
	}
	return errors.Join(faults...)
}

// alone leaves a list to another process that is at it. It only saves work: see rule 1.
func (r *Releaser) alone(ctx context.Context, list projections.PaymentList) error {
	conn, err := r.deps.Pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect for the lock: %w", err)
	}
	defer conn.Release()
	const key = `hashtextextended('songan/release/' || current_schema() || '/' || $1, 0)`
	var ours bool
	if err := conn.QueryRow(ctx, `select pg_try_advisory_lock(`+key+`)`, list.Payroll).Scan(&ours); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if !ours {
		return nil
	}
	err = r.release(ctx, list)
	unlocking, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterTrouble)
	defer cancel()
	if _, unlockErr := conn.Exec(unlocking, `select pg_advisory_unlock(`+key+`)`, list.Payroll); unlockErr != nil {
		_ = conn.Conn().Close(unlocking) // the lock goes with the connection
	}
	return err
}

// release is one pass over all lines of a list.
func (r *Releaser) release(ctx context.Context, list projections.PaymentList) error {
	began := r.deps.Now()
	p, released, err := r.payroll(ctx, list)
	if err != nil || p.Status != payroll.Released || p.Done() {
		return err
	}
	if err := r.see(ctx); err != nil {
		return err
	}
	pass := &pass{releaser: r, list: p, released: released, removed: p.Removed.Lines(), calm: func() {}}
	defer func() { pass.calm() }()
	draft := sheets.Draft{Payroll: p.Payroll, Number: p.Draft}
	if err := sheets.Each(ctx, r.deps.Log, draft, 0, func(s sheets.Sheet) error { return pass.lines(ctx, s.Lines) }); err != nil {
		return err
	}
	complete := payroll.Complete{Payments: pass.payments, Total: pass.total}
	if _, err := eventstore.Execute(ctx, r.deps.Log, payroll.Stream(p.Payroll), complete, pass.meta("complete")); err != nil {
		return fmt.Errorf("complete: %w", err)
	}
	r.deps.Logger.Info("list released", zap.String("payroll", p.Payroll), zap.Int("payments", pass.payments),
		zap.Int("made_now", pass.made), zap.Duration("took", r.deps.Now().Sub(began)))
	return nil
}

// payroll folds the list, and finds the fact that released it.
func (r *Releaser) payroll(ctx context.Context, list projections.PaymentList) (payroll.Payroll, events.Recorded, error) {
	history, err := r.deps.Log.Load(ctx, payroll.Stream(list.Payroll))
	if err != nil {
		return payroll.Payroll{}, events.Recorded{}, err
	}
	var p payroll.Payroll
	var released events.Recorded
	for _, h := range history {
		p = p.Evolve(h.Event)
		if _, ok := h.Event.(disbursement.PayrollReleased); ok {
			released = h
		}
	}
	return p, released, nil
}

// see waits until the read model shows every payment that an earlier pass made.
func (r *Releaser) see(ctx context.Context) error {
	head, err := r.deps.Log.Head(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, catchUp)
	defer cancel()
	return r.deps.Payments.WaitFor(ctx, head)
}

// pass counts what one pass over a list found and made.
type pass struct {
	releaser *Releaser
	list     payroll.Payroll
	released events.Recorded
	removed  map[string]bool
	// payments and total are all that are there, made those of this pass.
	payments, made int
	total          money.Amount
	// rushing is set once there are many payments; calm ends the rush that they are.
	rushing bool
	calm    func()
}

// meta is that of what this pass does; what tells its commands on one stream apart.
func (p *pass) meta(what string) decider.Meta {
	return decider.Meta{
		At: p.releaser.deps.Now(), Actor: actor, Cause: p.released.ID() + "/" + what,
		Correlation: p.released.Meta.Correlation, Trace: p.released.Meta.Trace,
	}
}

// lines releases the lines of a sheet, a chunk at a time.
func (p *pass) lines(ctx context.Context, lines []payroll.Line) error {
	for from := 0; from < len(lines); from += chunk {
		if err := p.chunk(ctx, lines[from:min(from+chunk, len(lines))]); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) chunk(ctx context.Context, lines []payroll.Line) error {
	ids := make([]string, 0, len(lines))
	for i := range lines {
		ids = append(ids, lines[i].Payment)
	}
	there, err := projections.PayrollsOf(ctx, p.releaser.deps.Pool, ids)
	if err != nil {
		return err
	}
	var missing []payroll.Line
	for _, line := range lines {
		owner, exists := there[line.Payment]
		switch {
		case !line.Paid() || p.removed[line.Payment]:
		case !exists:
			missing = append(missing, line)
		default:
			if err := p.settle(ctx, line, owner); err != nil {
				return err
			}
		}
	}
	if missing, err = p.uncontested(ctx, missing); err != nil {
		return err
	}
	return p.append(ctx, missing)
}

// uncontested removes lines that take over a payment of which the bank says by now that it was credited.
func (p *pass) uncontested(ctx context.Context, lines []payroll.Line) ([]payroll.Line, error) {
	var origins []string
	for i := range lines {
		if lines[i].Origin != "" {
			origins = append(origins, lines[i].Origin)
		}
	}
	if len(origins) == 0 {
		return lines, nil
	}
	contested, err := projections.ContestedPayments(ctx, p.releaser.deps.Pool, origins)
	if err != nil || len(contested) == 0 {
		return lines, err
	}
	var kept []payroll.Line
	for _, line := range lines {
		if !contested[line.Origin] {
			kept = append(kept, line)
		} else if err := p.second(ctx, line); err != nil { // it is removed, unless it was paid before the bank said so
			return nil, err
		}
	}
	return kept, nil
}

// append makes the payments of lines that had none.
func (p *pass) append(ctx context.Context, lines []payroll.Line) error {
	if len(lines) == 0 {
		return nil
	}
	appends := make([]eventstore.Append, len(lines))
	meta := p.meta("payment").Recorded()
	for i, line := range lines {
		appends[i] = eventstore.Append{Stream: payment.Stream(line.Payment), Facts: []events.Event{p.first(line)}, Meta: meta}
	}
	if !p.rushing && p.made+len(appends) >= many {
		p.rushing, p.calm = true, p.releaser.deps.Pace.Rush()
	}
	results, err := p.releaser.deps.Log.AppendAll(ctx, appends)
	if err != nil {
		return fmt.Errorf("append payments: %w", err)
	}
	for i, result := range results {
		switch {
		case result.Err == nil:
			p.made++
			err = p.count(lines[i])
		case errors.Is(result.Err, eventstore.ErrConflict):
			err = p.second(ctx, lines[i])
		default:
			err = result.Err
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// first is the fact that a payment begins with.
func (p *pass) first(line payroll.Line) events.Event {
	payable := disbursement.Payable{
		Payment: line.Payment, Payroll: p.list.Payroll, Unit: line.Unit, Programme: p.list.Programme,
		Beneficiary: line.Beneficiary, Mark: line.Mark, Month: line.Month, Kind: line.Kind, Origin: line.Origin,
		Amount: int64(line.Amount),
	}
	if line.Method == payroll.InCash {
		return disbursement.CashReleased{Payable: payable, Reason: line.CashReason}
	}
	return disbursement.PaymentReleased{Payable: payable, Target: disbursement.Target{
		EndToEndID: payment.EndToEndID(line.Payment, 1), Attempt: 1,
		Bank: line.Bank, Account: line.Account, Number: line.Number, Holder: line.Holder,
	}}
}

// second looks whose a payment is that somebody else made.
func (p *pass) second(ctx context.Context, line payroll.Line) error {
	history, err := p.releaser.deps.Log.Load(ctx, payment.Stream(line.Payment))
	if err != nil {
		return err
	}
	var state payment.Payment
	for _, h := range history {
		state = state.Evolve(h.Event)
	}
	return p.settle(ctx, line, state.Payroll)
}

// settle counts a payment of this list, and removes a line that another list has paid, or that nobody may pay.
func (p *pass) settle(ctx context.Context, line payroll.Line, owner string) error {
	if owner == p.list.Payroll {
		return p.count(line)
	}
	remove := payroll.Remove{Lines: []payroll.Removal{{Line: line.Payment, Reason: payroll.AlreadyPaid, Amount: line.Amount}}}
	_, err := eventstore.Execute(ctx, p.releaser.deps.Log, payroll.Stream(p.list.Payroll), remove, p.meta("remove/"+line.Payment))
	if err != nil {
		return fmt.Errorf("remove a line that was paid already: %w", err)
	}
	return nil
}

func (p *pass) count(line payroll.Line) (err error) {
	p.payments++
	if p.total, err = p.total.Add(line.Amount); err != nil {
		return fmt.Errorf("total of the payments: %w", err)
	}
	return nil
}

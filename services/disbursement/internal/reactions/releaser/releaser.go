// Package releaser turns the lines of a released list into payments.
//
//  1. A payment's stream is new or it is not: whoever comes second, another process or this one after a crash, finds it
//     there. So a list may be released by several at once, and from the start again, and every line is one payment.
//  2. A line whose payment is there from another list is removed from this one, with the reason.
//  3. A line whose right ended, or whose account cannot be paid into any more, is removed as well, if that is known before
//     its payment is there. Stops and payments exclude each other (package stops): no payment follows the end of its right.
//     So is a line that rests on payments which reached nobody, of which a bank says by then that it credited one: that which it
//     takes over, or those in whose place it pays. It comes back to the next list with what is owed then.
//  4. As long as neither a right was stopped nor the read model of people was written since somebody pressed the release and looked at
//     all of this, only lines that rest on other payments are looked at again. Whoever comes later looks at every line.
//  5. When every line is a payment or removed, the release is complete, and adds up to what was approved.
//  6. Progress is nowhere but in the payments themselves. Those that are there are passed over a chunk at a time.
package releaser

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/projections/sheets"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/stops"
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
)

// Deps are what a Releaser stands on.
type Deps struct {
	Pool     *pgxpool.Pool
	Log      *eventstore.Store
	Payments *projection.Model
	// Enrolments is waited for when there is a stop; Stops puts stops and payments in an order.
	Enrolments *projection.Model
	Stops      *stops.Gate
	// People are the files and accounts that lines pay into.
	People *projection.Model
	// Pace is told of a list of many lines; nil if nobody gives way.
	Pace   *pace.Pace
	Now    func() time.Time
	Logger *zap.Logger
}

// Releaser is the runner.
type Releaser struct {
	deps   Deps
	called chan string
	mu     sync.Mutex
	looks  map[string]*Look // by payroll, until a pass of this process takes them
}

// Look is what whoever pressed the release of a list saw of its lines.
type Look struct {
	Payroll string
	// Draft is the number of the draft whose lines were looked at.
	Draft int
	// People is the state of the read model of people before the look; empty if nobody looked.
	People string
	// Found are the lines that must not be paid by it. A release that was pressed twice may have been recorded without them.
	Found []payroll.Removal
}

// clean is the state of the people in which nothing is left to be removed from a draft; empty if that is not known.
func (l *Look) clean(draft int, removed map[string]bool) string {
	if l == nil || l.Draft != draft {
		return ""
	}
	for _, found := range l.Found {
		if !removed[found.Line] {
			return ""
		}
	}
	return l.People
}

// New returns a releaser.
func New(d Deps) *Releaser {
	if d.Pace == nil {
		d.Pace = pace.New(d.Now, nil)
	}
	return &Releaser{deps: d, called: make(chan string, listsAtATime), looks: map[string]*Look{}}
}

// Press records the release of a list, and says that it waits. The look is there before the record is: whoever finds the list in the
// read model meanwhile needs it as much. No payment depends on that. A pass without a look asks about every line, and a look of
// another press counts as well as its own: for its draft, as long as the people are as it saw them, if all that it found is removed.
func (r *Releaser) Press(look Look, record func() error) error {
	if look.People != "" {
		r.mu.Lock()
		r.looks[look.Payroll] = &look
		r.mu.Unlock()
	}
	if err := record(); err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.looks[look.Payroll] == &look { // and not that of somebody else, whose press may be recorded
			delete(r.looks, look.Payroll)
		}
		return err
	}
	select {
	case r.called <- look.Payroll:
	default: // found in the read model, which may be behind
		r.take(look.Payroll)
	}
	return nil
}

// take takes away what was seen by whoever pressed the release of a list here; nil if nobody did.
func (r *Releaser) take(list string) *Look {
	r.mu.Lock()
	defer r.mu.Unlock()
	look := r.looks[list]
	delete(r.looks, list)
	return look
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
			if err := r.alone(ctx, list); err != nil && ctx.Err() == nil {
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
		if err := r.alone(ctx, list.Payroll); err != nil {
			faults = append(faults, fmt.Errorf("release %s: %w", list.Payroll, err))
		}
	}
	return errors.Join(faults...)
}

// alone leaves a list to another process that is at it. It only saves work: see rule 1.
func (r *Releaser) alone(ctx context.Context, list string) error {
	conn, err := r.deps.Pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect for the lock: %w", err)
	}
	defer conn.Release()
	const key = `hashtextextended('songan/release/' || current_schema() || '/' || $1, 0)`
	var ours bool
	if err := conn.QueryRow(ctx, `select pg_try_advisory_lock(`+key+`)`, list).Scan(&ours); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	look := r.take(list)
	if !ours {
		return nil
	}
	err = r.release(ctx, list, look)
	unlocking, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterTrouble)
	defer cancel()
	if _, unlockErr := conn.Exec(unlocking, `select pg_advisory_unlock(`+key+`)`, list); unlockErr != nil {
		_ = conn.Conn().Close(unlocking) // the lock goes with the connection
	}
	return err
}

// release is one pass over all lines of a list.
func (r *Releaser) release(ctx context.Context, list string, look *Look) error {
	began := r.deps.Now()
	p, released, err := r.payroll(ctx, list)
	if err != nil || p.Status != payroll.Released || p.Done() {
		return err
	}
	if err := r.see(ctx); err != nil {
		return err
	}
	release, _ := released.Event.(disbursement.PayrollReleased)
	removed := p.Removed.Lines()
	pass := &pass{
		releaser: r, list: p, released: released, removed: removed, seen: release.Seen, heard: release.Seen, people: look.clean(p.Draft, removed),
		calm: func() {},
	}
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
func (r *Releaser) payroll(ctx context.Context, list string) (payroll.Payroll, events.Recorded, error) {
	history, err := r.deps.Log.Load(ctx, payroll.Stream(list))
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

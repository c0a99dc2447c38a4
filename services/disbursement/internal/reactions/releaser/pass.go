package releaser

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/stops"
)

// pass counts what one pass over a list found and made.
type pass struct {
	releaser *Releaser
	list     payroll.Payroll
	released events.Recorded
	removed  map[string]bool
	// seen and heard are the positions of the log up to which stops, and banks' second thoughts, are known.
	seen, heard int64
	// people is the state of the people in which nothing was left to be removed, as long as it is theirs and no right was stopped;
	// empty from then on.
	people string
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
		At: p.releaser.deps.Now(), Actor: disbursement.Actor, Cause: p.released.ID() + "/" + what,
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
	if len(missing) == 0 {
		return nil
	}
	if err := p.hear(ctx, missing); err != nil { // most of it here, where nobody waits for us at the gate
		return err
	}
	var results []eventstore.Result
	err = p.releaser.deps.Stops.Pay(ctx, func(ctx context.Context) (err error) {
		if missing, err = p.standing(ctx, missing); err != nil {
			return err
		}
		results, err = p.append(ctx, missing)
		return err
	})
	if err != nil {
		return err
	}
	return p.tell(ctx, missing, results)
}

// rests tells whether a line rests on payments that reached nobody.
func rests(l payroll.Line) bool { return l.Origin != "" || len(l.InsteadOf) > 0 }

// hear waits, if any of the lines rests on payments that reached nobody, until the read model shows what banks said of any since.
func (p *pass) hear(ctx context.Context, lines []payroll.Line) error {
	if !slices.ContainsFunc(lines, rests) {
		return nil
	}
	deps := p.releaser.deps
	head, word, err := deps.Log.LastOf(ctx, p.heard, disbursement.ReportNoted{}.EventName(), disbursement.CreditContested{}.EventName())
	if err != nil {
		return err
	}
	if err := deps.Payments.WaitFor(ctx, word); err != nil {
		return fmt.Errorf("wait for a bank's word to be seen: %w", err)
	}
	p.heard = head
	return nil
}

// standing removes the lines whose right has ended by now, those whose account is not what it was, and those that rest on a payment
// of which the bank says by now that it was credited. What another process removed meanwhile stays removed, also if the reason is gone.
func (p *pass) standing(ctx context.Context, lines []payroll.Line) ([]payroll.Line, error) {
	deps := p.releaser.deps
	head, stop, err := deps.Log.LastOf(ctx, p.seen, stops.Names()...)
	if err != nil {
		return nil, err
	}
	if err := deps.Enrolments.WaitFor(ctx, stop); err != nil {
		return nil, fmt.Errorf("wait for a stop to be seen: %w", err)
	}
	if err := p.hear(ctx, lines); err != nil {
		return nil, err
	}
	obsolete, err := p.obsolete(ctx, lines, stop > 0)
	if err != nil {
		return nil, err
	}
	if obsolete, err = p.unmade(ctx, obsolete); err != nil {
		return nil, err
	}
	gone, err := p.withhold(ctx, obsolete)
	if err != nil {
		return nil, err
	}
	p.seen = head
	return slices.DeleteFunc(slices.Clone(lines), func(l payroll.Line) bool { return gone[l.Payment] }), nil
}

// obsolete looks which lines must not be paid by now. As long as nobody's right, file or account has changed since the release
// was pressed, these can only be lines that rest on other payments.
func (p *pass) obsolete(ctx context.Context, lines []payroll.Line, stopped bool) ([]projections.Obsolete, error) {
	deps := p.releaser.deps
	if p.people != "" {
		now, err := deps.People.State(ctx)
		if err != nil {
			return nil, err
		}
		if stopped || now != p.people {
			p.people = ""
		}
	}
	var ids []string
	for i := range lines {
		if p.people == "" || rests(lines[i]) {
			ids = append(ids, lines[i].Payment)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return projections.ObsoleteOfLines(ctx, deps.Pool, projections.Listed{Payroll: p.list.Payroll, Draft: p.list.Draft, Payments: ids})
}

// unmade leaves out what was paid since this pass looked: another one was faster, and its payment is withdrawn if at all.
func (p *pass) unmade(ctx context.Context, lines []projections.Obsolete) ([]projections.Obsolete, error) {
	var unmade []projections.Obsolete
	for _, line := range lines {
		history, err := p.releaser.deps.Log.Load(ctx, payment.Stream(line.Payment))
		if err != nil {
			return nil, fmt.Errorf("look for the payment of a line: %w", err)
		}
		if len(history) == 0 {
			unmade = append(unmade, line)
		}
	}
	return unmade, nil
}

// withhold removes lines, and returns all that are removed. Removing is idempotent by itself: under a cause, what this pass
// removes after it broke off would pass for a repetition of what it removed before.
func (p *pass) withhold(ctx context.Context, obsolete []projections.Obsolete) (gone map[string]bool, err error) {
	log, stream := p.releaser.deps.Log, payroll.Stream(p.list.Payroll)
	if len(obsolete) == 0 {
		list, err := eventstore.State[payroll.Payroll](ctx, log, stream)
		return list.Removed.Lines(), err
	}
	meta := p.meta("stops")
	meta.Cause = ""
	out, err := eventstore.Execute(ctx, log, stream, payroll.Withhold{Lines: projections.Removals(obsolete)}, meta)
	if err != nil {
		return nil, fmt.Errorf("remove lines that were stopped: %w", err)
	}
	gone = out.State.Removed.Lines()
	for _, line := range obsolete {
		if !gone[line.Payment] {
			return nil, fmt.Errorf("line %s was stopped and is not removed: the list is %s", line.Payment, out.State.Status)
		}
	}
	return gone, nil
}

// append makes the payments of lines that had none.
func (p *pass) append(ctx context.Context, lines []payroll.Line) ([]eventstore.Result, error) {
	if len(lines) == 0 {
		return nil, nil
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
		return nil, fmt.Errorf("append payments: %w", err)
	}
	return results, nil
}

// tell counts what was made, and looks after what somebody else made.
func (p *pass) tell(ctx context.Context, lines []payroll.Line, results []eventstore.Result) (err error) {
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

// settle counts a payment of this list, and removes a line that another list has paid.
func (p *pass) settle(ctx context.Context, line payroll.Line, owner string) error {
	if owner == p.list.Payroll {
		return p.count(line)
	}
	remove := payroll.Withhold{Lines: []payroll.Removal{{Line: line.Payment, Reason: disbursement.AlreadyPaid, Amount: line.Amount}}}
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

// Package reactions turns facts of other services, and of this one, into commands on rights, lists and payments.
package reactions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/enrolment"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/stops"
)

// Changes keeps rights and approved lists in step with people's lives: a death stops every right of the person; a right
// that ends, and an account that changes, take their lines out of lists that are approved and not released yet.
//
// The service's own facts about rights are read from its log, so that a line is removed even if the process died
// between the two. Whatever comes too late is found by the release, which looks at everything once more before each payment;
// and a payment that is there already is withdrawn as long as no bank has it.
type Changes struct {
	Log  *eventstore.Store
	Pool *pgxpool.Pool
	// Stops puts the end of a right before or after a payment.
	Stops *stops.Gate

	Enrolments, Payrolls, Lines, Payments *projection.Model

	Now func() time.Time
}

// Handlers lists the facts that are reacted to.
func (c Changes) Handlers() []reaction.Handler {
	return []reaction.Handler{
		reaction.On(c.died),
		reaction.On(c.reported),
		reaction.On(func(ctx context.Context, r events.Recorded, e disbursement.EnrolmentStopped) error {
			return c.ended(ctx, r, e.Enrolment)
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e disbursement.EnrolmentSuspended) error {
			return c.ended(ctx, r, e.Enrolment)
		}),
		reaction.On(c.opened),
		reaction.On(func(ctx context.Context, r events.Recorded, e accounts.AccountSuspended) error {
			return c.changed(ctx, r, projections.Account{Beneficiary: e.Beneficiary, Account: e.Account, Same: true})
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e accounts.AccountBlocked) error {
			return c.changed(ctx, r, projections.Account{Beneficiary: e.Beneficiary, Account: e.Account, Same: true})
		}),
		reaction.On(func(ctx context.Context, r events.Recorded, e accounts.AccountClosed) error {
			return c.changed(ctx, r, projections.Account{Beneficiary: e.Beneficiary, Account: e.Account, Same: true})
		}),
	}
}

// died stops every right of the person, under whichever file. A death that was revoked meanwhile stops nothing: the rights that there
// are may have been granted since. So the file is looked at again after the rights were read, however long that took.
func (c Changes) died(ctx context.Context, r events.Recorded, e accounts.BeneficiaryDied) error {
	on, err := vn.ParseDate(e.DiedOn)
	if err != nil {
		return fmt.Errorf("day of death: %w", err)
	}
	if _, err := c.seen(ctx, r, e.Beneficiary); err != nil {
		return err
	}
	if err := c.catchUp(ctx); err != nil {
		return err
	}
	rights, err := projections.EnrolmentsOfBeneficiary(ctx, c.Pool, e.Beneficiary)
	if err != nil {
		return err
	}
	file, err := c.seen(ctx, r, e.Beneficiary)
	if err != nil || file.DiedOn != e.DiedOn {
		return err
	}
	for _, right := range rights {
		cmd := enrolment.Die{DiedOn: on, By: disbursement.Actor}
		err := c.Stops.Stop(ctx, func(ctx context.Context) error {
			_, err := eventstore.Execute(ctx, c.Log, enrolment.Stream(right.Enrolment), cmd, reaction.Meta(r, disbursement.Actor, c.Now()))
			return err
		})
		if err != nil {
			return fmt.Errorf("stop enrolment %s: %w", right.Enrolment, err)
		}
	}
	return nil
}

// ended removes the lines that a right no longer covers.
func (c Changes) ended(ctx context.Context, r events.Recorded, id string) error {
	if err := c.catchUp(ctx); err != nil {
		return err
	}
	lines, err := projections.ObsoleteOfPerson(ctx, c.Pool, id)
	if err != nil {
		return err
	}
	if err := c.remove(ctx, r, lines); err != nil {
		return err
	}
	payments, err := projections.LapsedPayments(ctx, c.Pool, id)
	if err != nil {
		return err
	}
	return c.withdraw(ctx, r, payments)
}

// reported stops what is on its way to somebody whom a bank reported dead, until an officer has decided about it.
func (c Changes) reported(ctx context.Context, r events.Recorded, e accounts.DeathReported) error {
	if e.Of != "beneficiary" { // their account is suspended, and that is another fact
		return nil
	}
	if _, err := c.seen(ctx, r, e.Beneficiary); err != nil {
		return err
	}
	return c.stop(ctx, r, search{
		lines: func() ([]projections.Obsolete, error) {
			return projections.ObsoleteOfReported(ctx, c.Pool, e.Beneficiary)
		},
		payments: func() ([]projections.Obsolete, error) {
			return projections.PaymentsOfReported(ctx, c.Pool, e.Beneficiary)
		},
	})
}

// opened removes the lines that pay into the account that this one replaces. The first account of a beneficiary replaces none:
// accounts are opened by the thousand, and those neither wait for anything nor hold up payments.
func (c Changes) opened(ctx context.Context, r events.Recorded, e accounts.AccountOpened) error {
	if e.Account == accounts.FirstAccount(e.Beneficiary) {
		return nil
	}
	return c.changed(ctx, r, projections.Account{Beneficiary: e.Beneficiary, Account: e.Account})
}

// changed removes the lines that pay into an account which is not what it was when the list was approved, and takes back what
// no bank was told of.
func (c Changes) changed(ctx context.Context, r events.Recorded, a projections.Account) error {
	now, err := c.seen(ctx, r, a.Beneficiary)
	if err != nil || !a.Holds(now) { // what was changed back meanwhile stops nothing
		return err
	}
	return c.stop(ctx, r, search{
		lines:    func() ([]projections.Obsolete, error) { return projections.ObsoleteOfAccount(ctx, c.Pool, a) },
		payments: func() ([]projections.Obsolete, error) { return projections.UnsentPayments(ctx, c.Pool, a) },
	})
}

// search finds what is not to be paid any more.
type search struct {
	lines, payments func() ([]projections.Obsolete, error)
}

// stop removes and withdraws what a change ends that payments see by now.
func (c Changes) stop(ctx context.Context, r events.Recorded, s search) error {
	// Whoever paid by what was known before is through the gate after this, and in the log.
	if err := c.Stops.Stop(ctx, func(context.Context) error { return nil }); err != nil {
		return err
	}
	if err := c.catchUp(ctx); err != nil {
		return err
	}
	lines, err := s.lines()
	if err != nil {
		return err
	}
	if err := c.remove(ctx, r, lines); err != nil {
		return err
	}
	payments, err := s.payments()
	if err != nil {
		return err
	}
	return c.withdraw(ctx, r, payments)
}

const (
	// seeWithin is how long one waits for a fact to be seen before it is delivered again; lookEvery is the pause between two looks.
	seeWithin = 5 * time.Second
	lookEvery = 20 * time.Millisecond
)

// errUnseen says that payments do not see yet what was told about a beneficiary.
var errUnseen = errors.New("the read model of beneficiaries has not come to a fact of accounts yet")

// seen waits until payments see a fact about a beneficiary, and returns what they see. The two come over Kafka, one to here and one
// to the read model that payments look at. Whoever waits in vain is not done with the fact: it comes again.
func (c Changes) seen(ctx context.Context, r events.Recorded, beneficiary string) (projections.Beneficiary, error) {
	waiting, cancel := context.WithTimeout(ctx, seeWithin)
	defer cancel()
	for {
		row, _, err := projections.OneBeneficiary(ctx, c.Pool, beneficiary)
		if err != nil || row.Seen >= r.Position {
			return row, err
		}
		select {
		case <-waiting.Done():
			return row, breaker.Down(errUnseen)
		case <-time.After(lookEvery):
		}
	}
}

// withdraw takes payments back that no bank has yet, and cash that nobody has. Whatever a bank was told meanwhile stays.
func (c Changes) withdraw(ctx context.Context, r events.Recorded, payments []projections.Obsolete) error {
	for _, p := range payments {
		cmd := payment.Withdraw{Reason: p.Reason, By: disbursement.Actor}
		if _, err := eventstore.Execute(ctx, c.Log, payment.Stream(p.Payment), cmd, reaction.Meta(r, disbursement.Actor, c.Now())); err != nil {
			return fmt.Errorf("withdraw payment %s: %w", p.Payment, err)
		}
	}
	return nil
}

// remove takes lines out of their lists, one list after the other.
func (c Changes) remove(ctx context.Context, r events.Recorded, lines []projections.Obsolete) error {
	lists := map[string][]projections.Obsolete{}
	for _, l := range lines {
		lists[l.Payroll] = append(lists[l.Payroll], l)
	}
	for list, obsolete := range lists {
		cmd := payroll.Remove{Lines: projections.Removals(obsolete)}
		if _, err := eventstore.Execute(ctx, c.Log, payroll.Stream(list), cmd, reaction.Meta(r, disbursement.Actor, c.Now())); err != nil {
			return fmt.Errorf("remove lines of payroll %s: %w", list, err)
		}
	}
	return nil
}

// catchUp waits until the read models show what is in the log.
func (c Changes) catchUp(ctx context.Context) error {
	head, err := c.Log.Head(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.Enrolments.WaitFor(ctx, head), c.Payrolls.WaitFor(ctx, head), c.Lines.WaitFor(ctx, head), c.Payments.WaitFor(ctx, head))
}

package payday

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/crowd"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/statement"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/witness"
)

func (p *play) payments(ctx context.Context, o *office) ([]witness.Payment, error) {
	return client.List[witness.Payment](ctx, p.API, client.Call{
		Path: disbursement + "/payments", Token: o.treasurer, After: o.seen,
	}, url.Values{"payroll": {o.payroll}})
}

// sumsOf counts payments where they stand. Instructed is left to who knows it.
func sumsOf(all []witness.Payment) (statement.Sums, error) {
	var sums statement.Sums
	for _, one := range all {
		if err := sums.Count(one.Status, one.Amount); err != nil {
			return sums, fmt.Errorf("payment %s: %w", one.ID, err)
		}
	}
	return sums, nil
}

// pay waits until every payment of the list stands where it stays.
func (p *play) pay(ctx context.Context, o *office) error {
	before, paid := 0, 0
	for _, l := range o.lines {
		if !l.Held {
			paid++
		}
	}
	return client.Until(ctx, "payments", func(ctx context.Context) (bool, error) {
		all, err := p.payments(ctx, o)
		if err != nil {
			return false, err
		}
		sums, err := sumsOf(all)
		if err != nil {
			return false, err
		}
		done := len(all) - sums.Open()
		p.settled.Add(int64(done - before))
		before = done
		return len(all) >= paid && sums.Open() == 0, nil
	})
}

// settle does what is left to people: about half of the cash is handed over, and one witness.Payment that a bank did not make is
// tried again, into an account that is replaced before. What an earlier play of the same payday did is found.
func (p *play) settle(ctx context.Context, o *office) error {
	all, err := p.payments(ctx, o)
	if err != nil {
		return fmt.Errorf("list payments: %w", err)
	}
	for _, one := range all {
		switch {
		case one.Attempt > 1:
			o.reissued[one.ID] = one.Amount
		case (one.Status == "cash_pending" || one.Status == "cash_paid") && collected(one.ID):
			if err := p.handOver(ctx, o, one); err != nil {
				return fmt.Errorf("hand over cash: %w", err)
			}
		}
	}
	if err := p.reissueOne(ctx, o, all); err != nil {
		return fmt.Errorf("reissue: %w", err)
	}
	return p.pay(ctx, o)
}

// collected tells whether the person comes for the cash. Half of them do, the same ones whoever asks how often.
func collected(payment string) bool { return crowd.Hash(payment)%2 == 0 }

func (p *play) handOver(ctx context.Context, o *office, one witness.Payment) error {
	_, err := p.change(ctx, o, client.Call{
		Path: disbursement + "/payments/" + one.ID + "/cash", Token: o.cashier, Key: p.key("cash-%s", one.ID),
	}, client.Object{"collected_on": vn.DateOf(p.Now()), "receipt": "PC-" + one.ID}, &struct{}{})
	if err == nil {
		o.cashed[one.ID] = one.Amount
	}
	return err
}

// reissueOne tries one of the payments again that a bank rejected because of the account, unless one was tried already.
func (p *play) reissueOne(ctx context.Context, o *office, all []witness.Payment) error {
	for _, one := range all {
		if len(o.reissued) > 0 {
			break
		}
		if one.Status == "rejected" && (one.Reason == "AC01" || one.Reason == "AC04") {
			if err := p.reissue(ctx, o, one); err != nil {
				return err
			}
		}
	}
	return nil
}

// reissue has the person's account replaced at another bank, and the payment tried again into the new one, unless that
// bank refuses, too.
func (p *play) reissue(ctx context.Context, o *office, one witness.Payment) error {
	open, err := p.replace(ctx, o, one)
	if err != nil || !open {
		return err
	}
	return client.Until(ctx, "reissue", func(ctx context.Context) (bool, error) {
		_, err := p.change(ctx, o, client.Call{
			Path: disbursement + "/payments/" + one.ID + "/reissue", Token: o.treasurer, Key: p.key("reissue-%s", one.ID),
		}, struct{}{}, &struct{}{})
		refusal, refused := errors.AsType[*client.Refusal](err)
		switch {
		case refused && strings.HasPrefix(refusal.Code, "no_account"): // the new account is not known here yet
			return false, nil
		case refused:
			p.journal.Differs("a payment that was rejected with %s could not be reissued: %s", one.Reason, refusal.Error())
			return true, nil
		case err == nil:
			o.reissued[one.ID] = one.Amount
		}
		return err == nil, err
	})
}

package payday

import (
	"context"
	"fmt"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/statement"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/witness"
)

// agreement is how long the API may take to hear what the banks have booked.
const agreement = 30 * time.Second

// hear asks all witnesses, and again for a while if they do not agree: reports are on their way.
func (p *play) hear(ctx context.Context) (*witness.Testimony, error) {
	began := time.Now()
	for {
		t, err := p.ask(ctx)
		if err != nil || t.Err() == nil || time.Since(began) > agreement {
			return t, err
		}
		if err := client.Wait(ctx, client.GlanceEvery); err != nil {
			return nil, fmt.Errorf("wait for reports: %w", err)
		}
	}
}

// ask asks the API and the banks about every payment of the lists.
func (p *play) ask(ctx context.Context) (*witness.Testimony, error) {
	books, err := p.banks.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the banks' books: %w", err)
	}
	t := witness.New(books)
	var demo witness.Counted
	var stated statement.Sums
	for _, o := range p.offices {
		all, err := p.payments(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("payments of commune %s: %w", o.unit, err)
		}
		if err := t.Hear(o.unit, o.lines, all); err != nil {
			return nil, fmt.Errorf("compare the list of commune %s: %w", o.unit, err)
		}
		o.remember(&demo)
		reconciled, err := p.reconciliation(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("reconciliation of commune %s: %w", o.unit, err)
		}
		stated = stated.Plus(reconciled)
	}
	t.Compare(demo, stated)
	return t, nil
}

// remember adds what the demo planned and did in an office.
func (o *office) remember(c *witness.Counted) {
	for _, l := range o.lines {
		amount, byAccount := l.Amount, l.Method == "account"
		if b := o.byID[l.Beneficiary]; b != nil {
			amount, byAccount = b.Monthly, b.paid() || o.signed && byAccount
		}
		sum := statement.Of(amount)
		switch {
		case l.Held:
			continue
		case byAccount:
			c.ByAccount = c.ByAccount.Plus(sum)
		default:
			c.InCash = c.InCash.Plus(sum)
		}
		c.Instructed = c.Instructed.Plus(sum)
	}
	for _, dong := range o.cashed {
		c.HandedOver = c.HandedOver.Plus(statement.Of(dong))
	}
	for _, dong := range o.reissued {
		c.Reissued = c.Reissued.Plus(statement.Of(dong))
	}
}

// reconciliation is the statement that the API itself makes.
func (p *play) reconciliation(ctx context.Context, o *office) (statement.Sums, error) {
	var said witness.Reconciliation
	err := p.API.Read(ctx, client.Call{
		Path: disbursement + "/reconciliations/" + o.payroll, Token: o.treasurer, After: o.seen,
	}, &said)
	return said.Sums(), err
}

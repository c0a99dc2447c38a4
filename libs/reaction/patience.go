package reaction

import (
	"context"
	"sync"
	"time"
)

// patience has contexts that end some time after those of deliveries. All deliveries that end together, as those of a partition do,
// share one: a watch and a timer for each of them cost more than many a handler.
type patience struct {
	lasting sync.Map // a context by the channel that its deliveries end with
}

// after returns a context without values that ends when grace is over after the end of ctx; of one that ended longer ago, grace
// begins now.
func (p *patience) after(ctx context.Context) context.Context {
	over := ctx.Done()
	if lasting, known := p.lasting.Load(over); known {
		return lasting.(context.Context)
	}
	lasting, end := context.WithCancel(context.Background())
	first, known := p.lasting.LoadOrStore(over, lasting)
	if known {
		end()
		return first.(context.Context)
	}
	context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() {
			p.lasting.Delete(over)
			end()
		})
	})
	return lasting
}

// attempt is the context of one attempt: it has the values of its delivery, and ends with what patience says.
type attempt struct {
	context.Context

	delivery context.Context
}

// Value asks first what the attempt ends with: it has no values but the one by which package context finds how to end contexts
// that are made of it.
func (a *attempt) Value(key any) any {
	if v := a.Context.Value(key); v != nil {
		return v
	}
	return a.delivery.Value(key)
}

package bank

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/songan-vn/songan/services/simulators/bank/internal/desk"
	"github.com/songan-vn/songan/services/simulators/bank/internal/ledger"
)

const (
	// debtBatch is how many answers are given in one go.
	debtBatch = 1000
	// debtLimit is how many answers may be owed before no more instructions are read.
	debtLimit = 1_000_000
)

// later gives the answers that are owed, when they fall due: slow ones, returns, and those of before a crash.
type later struct {
	desk *desk.Desk
	send func(context.Context, []desk.Outgoing) error

	mu       sync.Mutex
	byTime   debts // due when their time has come
	byNumber debts // due when so many payments were decided
	wake     chan struct{}
}

func newLater(d *desk.Desk, send func(context.Context, []desk.Outgoing) error) *later {
	l := &later{desk: d, send: send, wake: make(chan struct{}, 1)}
	l.byNumber.less = func(a, b ledger.Debt) bool { return a.Payments < b.Payments }
	l.byTime.less = func(a, b ledger.Debt) bool { return a.At.Before(b.At) }
	d.Ledger.View(func(v ledger.View) {
		for debt := range v.Debts() {
			l.add(debt)
		}
	})
	return l
}

// owe takes on more debts, and looks at once whether payments that were decided make others fall due.
func (l *later) owe(more []ledger.Debt) {
	l.mu.Lock()
	for _, debt := range more {
		l.add(debt)
	}
	l.mu.Unlock()
	l.look()
}

func (l *later) look() {
	select {
	case l.wake <- struct{}{}:
	default: // somebody has knocked already
	}
}

func (l *later) add(debt ledger.Debt) {
	if debt.Payments > 0 {
		heap.Push(&l.byNumber, debt)
		return
	}
	heap.Push(&l.byTime, debt)
}

// full tells whether no more may be owed.
func (l *later) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byTime.Len()+l.byNumber.Len() >= debtLimit
}

// returnAll makes all returns fall due that were to wait for further payments.
func (l *later) returnAll() int {
	l.mu.Lock()
	n := l.byNumber.Len()
	for l.byNumber.Len() > 0 {
		debt := heap.Pop(&l.byNumber).(ledger.Debt)
		debt.Payments = 0
		heap.Push(&l.byTime, debt)
	}
	l.mu.Unlock()
	l.look()
	return n
}

// run gives answers until ctx ends, or the ledger fails.
func (l *later) run(ctx context.Context) error {
	for ctx.Err() == nil {
		scenario, left, changed := l.desk.Stage.Get()
		due, wait := l.due()
		if scenario.Down {
			due, wait = l.putBack(due), left
		}
		if len(due) > 0 {
			if err := l.settle(ctx, due); err != nil {
				return err
			}
			continue
		}
		if !pauseFor(ctx, wait, changed, l.wake) {
			return nil
		}
	}
	return nil
}

// due takes what has fallen due, and says how long it takes until more does; 0 is for ever.
func (l *later) due() ([]ledger.Debt, time.Duration) {
	now, decided := l.desk.Now(), int64(0)
	l.desk.Ledger.View(func(v ledger.View) { decided = v.Decided() })
	l.mu.Lock()
	defer l.mu.Unlock()
	var due []ledger.Debt
	for l.byNumber.Len() > 0 && len(due) < debtBatch && l.byNumber.list[0].Payments <= decided {
		due = append(due, heap.Pop(&l.byNumber).(ledger.Debt))
	}
	for l.byTime.Len() > 0 && len(due) < debtBatch && !l.byTime.list[0].At.After(now) {
		due = append(due, heap.Pop(&l.byTime).(ledger.Debt))
	}
	if l.byTime.Len() == 0 {
		return due, 0
	}
	return due, max(l.byTime.list[0].At.Sub(now), time.Millisecond)
}

func (l *later) putBack(due []ledger.Debt) []ledger.Debt {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, debt := range due {
		l.add(debt)
	}
	return nil
}

// settle gives money back where it is due, then says what there is to say, and then notes that it was said. A crash in
// between says it again.
func (l *later) settle(ctx context.Context, due []ledger.Debt) error {
	err := l.desk.Ledger.Update(func(tx *ledger.Tx) {
		for i, debt := range due {
			if debt.Return == "" {
				continue
			}
			l.desk.GiveBack(tx, debt.ID, debt.Return)
			due[i].Return, due[i].Payments = "", 0
			tx.Owe(due[i])
		}
	})
	if err != nil {
		return fmt.Errorf("give money back: %w", err)
	}
	var answers []desk.Outgoing
	l.desk.Ledger.View(func(v ledger.View) {
		for _, debt := range due {
			answers = append(answers, l.desk.Owed(v, debt)...)
		}
	})
	if err := l.send(ctx, answers); err != nil {
		return nil //nolint:nilerr // ctx has ended; the debts stand in the ledger
	}
	return l.desk.Ledger.Update(func(tx *ledger.Tx) {
		for _, debt := range due {
			tx.Told(debt.Key)
		}
	})
}

// pauseFor waits for a change, a knock or, if it is not 0, the end of the time. It returns false if ctx ends.
func pauseFor(ctx context.Context, longest time.Duration, changed, wake <-chan struct{}) bool {
	var over <-chan time.Time
	if longest > 0 {
		timer := time.NewTimer(longest)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-changed:
	case <-wake:
	case <-over:
	case <-ctx.Done():
		return false
	}
	return true
}

// debts is a heap.
type debts struct {
	list []ledger.Debt
	less func(a, b ledger.Debt) bool
}

// Len is part of heap.Interface, as the four that follow.
func (d *debts) Len() int           { return len(d.list) }
func (d *debts) Less(i, j int) bool { return d.less(d.list[i], d.list[j]) }
func (d *debts) Swap(i, j int)      { d.list[i], d.list[j] = d.list[j], d.list[i] }

// Push adds at the end.
func (d *debts) Push(x any) { d.list = append(d.list, x.(ledger.Debt)) }

// Pop takes from the end.
func (d *debts) Pop() any {
	last := d.list[len(d.list)-1]
	d.list = d.list[:len(d.list)-1]
	return last
}

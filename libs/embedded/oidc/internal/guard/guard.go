// Package guard makes those wait who guess passwords and codes: per account and address, per address, and per account
// over all addresses but those from which it was signed in to before. Everything is in memory, and bounded.
package guard

import (
	"sync"
	"time"
)

// How often one may guess, and ask for a login page: so many at once, and one more each time that this has passed. A
// right answer costs nothing.
const (
	PairAtOnce    = 5 // one account from one address
	PairEvery     = 30 * time.Second
	AddressAtOnce = 30 // one address, whatever the account
	AddressEvery  = 3 * time.Second
	AccountAtOnce = 30 // one account, from addresses that it does not know
	AccountEvery  = 20 * time.Second
	BeginAtOnce   = 300 // login pages for one address: each is remembered
	BeginEvery    = 2 * time.Second

	remembered = 50_000 // accounts and addresses each
)

// Guard counts guesses.
type Guard struct {
	mu                      sync.Mutex
	now                     func() time.Time
	pair, address, accounts *buckets
	begins                  *buckets
	// known are the addresses from which an account was signed in to: a flood from elsewhere does not stop them.
	known map[string]bool
}

// New has seen nobody guess.
func New(now func() time.Time) *Guard {
	return &Guard{
		now: now, known: map[string]bool{},
		pair:     newBuckets(PairAtOnce, PairEvery),
		address:  newBuckets(AddressAtOnce, AddressEvery),
		accounts: newBuckets(AccountAtOnce, AccountEvery),
		begins:   newBuckets(BeginAtOnce, BeginEvery),
	}
}

// Begin counts a request for a login page.
func (g *Guard) Begin(address string) (wait time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.begins.take(address, g.now())
}

// Try counts a guess before it is looked at, so that many at the same time are not free. A guess that is not let in
// counts nowhere: who hammers one account does not use up what their neighbours behind the same address have.
func (g *Guard) Try(account, address string) (wait time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, pair := g.now(), account+"\x00"+address
	if wait, ok = g.pair.take(pair, now); !ok {
		return wait, false
	}
	if wait, ok = g.address.take(address, now); !ok {
		g.pair.give(pair)
		return wait, false
	}
	if g.known[pair] {
		return 0, true
	}
	if wait, ok = g.accounts.take(account, now); !ok {
		g.pair.give(pair)
		g.address.give(address)
		return wait, false
	}
	return 0, true
}

// Right gives back what a guess has cost that was right.
func (g *Guard) Right(account, address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pair := account + "\x00" + address
	g.pair.give(pair)
	g.address.give(address)
	if !g.known[pair] {
		g.accounts.give(account)
	}
}

// Knows remembers an address of an account, once all that was asked was right.
func (g *Guard) Knows(account, address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	shrink(g.known)
	g.known[account+"\x00"+address] = true
}

// shrink forgets anything, which is harmless, before a map grows without end.
func shrink[V any](m map[string]V) {
	if len(m) < remembered {
		return
	}
	for key := range m {
		delete(m, key)
		return
	}
}

// buckets limits the rate of many callers (the generic cell rate algorithm): paid is until when a caller's guesses
// are paid for.
type buckets struct {
	every, most time.Duration
	paid        map[string]time.Time
}

func newBuckets(atOnce int, every time.Duration) *buckets {
	return &buckets{every: every, most: time.Duration(atOnce) * every, paid: map[string]time.Time{}}
}

func (b *buckets) take(caller string, now time.Time) (wait time.Duration, ok bool) {
	paid := b.paid[caller]
	if paid.Before(now) {
		paid = now
	}
	paid = paid.Add(b.every)
	if over := paid.Sub(now) - b.most; over > 0 {
		return over, false
	}
	shrink(b.paid)
	b.paid[caller] = paid
	return 0, true
}

func (b *buckets) give(caller string) {
	if paid, ok := b.paid[caller]; ok {
		b.paid[caller] = paid.Add(-b.every)
	}
}

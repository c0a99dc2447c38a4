package oidc

import (
	"sync"
	"time"
)

// How often one may guess. A right answer costs nothing.
const (
	pairAtOnce, pairEvery       = 5, 30 * time.Second  // one account from one address
	addressAtOnce, addressEvery = 30, 3 * time.Second  // one address, whatever the account
	accountAtOnce, accountEvery = 30, 20 * time.Second // one account, from addresses that it does not know
	beginAtOnce, beginEvery     = 300, 2 * time.Second // one address may ask for a login page so often: each is remembered
	remembered                  = 50_000               // accounts and addresses each
)

// guard makes those wait who guess.
type guard struct {
	mu                      sync.Mutex
	now                     func() time.Time
	pair, address, accounts *buckets
	begins                  *buckets
	// known are the addresses from which an account was signed in to: a flood from elsewhere does not stop them.
	known map[string]bool
}

func newGuard(now func() time.Time) *guard {
	return &guard{
		now: now, known: map[string]bool{},
		pair:     newBuckets(pairAtOnce, pairEvery),
		address:  newBuckets(addressAtOnce, addressEvery),
		accounts: newBuckets(accountAtOnce, accountEvery),
		begins:   newBuckets(beginAtOnce, beginEvery),
	}
}

// begin counts a request for a login page.
func (g *guard) begin(address string) (wait time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.begins.take(address, g.now())
}

// try counts a guess before it is looked at, so that many at the same time are not free. A guess that is not let in
// counts nowhere: who hammers one account does not use up what their neighbours behind the same address have.
func (g *guard) try(account, address string) (wait time.Duration, ok bool) {
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

// right gives back what a guess has cost that was right.
func (g *guard) right(account, address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pair := account + "\x00" + address
	g.pair.give(pair)
	g.address.give(address)
	if !g.known[pair] {
		g.accounts.give(account)
	}
}

// knows remembers an address of an account, once all that was asked was right.
func (g *guard) knows(account, address string) {
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

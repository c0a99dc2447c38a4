package limits

import (
	"time"

	"golang.org/x/time/rate"
)

// Rates limits how often each of many callers may come. A nil *Rates lets everybody in.
type Rates struct {
	callers   *Recent[*rate.Limiter]
	perSecond rate.Limit
	burst     int
	now       func() time.Time
}

// RatesOptions sizes a [Rates].
type RatesOptions struct {
	// Every is the time after which one more call is allowed. 0 means no limit: NewRates returns nil.
	Every time.Duration
	// Burst is how many calls may come at once.
	Burst int
	// Callers is how many callers are remembered.
	Callers int
	Now     func() time.Time
}

// NewRates returns limits that nobody has used yet.
func NewRates(o RatesOptions) *Rates {
	if o.Every <= 0 {
		return nil
	}
	return &Rates{
		callers: NewRecent[*rate.Limiter](o.Callers), perSecond: rate.Every(o.Every), burst: max(1, o.Burst), now: o.Now,
	}
}

// Take uses up one call of a caller. When there is none left it returns how long to wait for the next.
func (r *Rates) Take(caller string) (wait time.Duration, ok bool) {
	if r == nil {
		return 0, true
	}
	now := r.now()
	reservation := r.limiter(caller).ReserveN(now, 1)
	if wait = reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return wait, false
	}
	return 0, true
}

// Spent tells whether a caller has no call left, and for how long, without using one up.
func (r *Rates) Spent(caller string) (wait time.Duration, spent bool) {
	if r == nil {
		return 0, false
	}
	l, ok := r.callers.Get(caller)
	if !ok {
		return 0, false
	}
	missing := 1 - l.TokensAt(r.now())
	if missing <= 0 {
		return 0, false
	}
	return time.Duration(missing / float64(r.perSecond) * float64(time.Second)), true
}

func (r *Rates) limiter(caller string) *rate.Limiter {
	return r.callers.GetOrAdd(caller, func() *rate.Limiter { return rate.NewLimiter(r.perSecond, r.burst) })
}

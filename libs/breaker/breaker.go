package breaker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

// Settings says when a breaker opens and how it closes again. A zero field takes the default named beside it.
type Settings struct {
	// Failures in a row open the breaker; 5.
	Failures int
	// Percent of the calls in the window that must fail to open it; 50.
	Percent int
	// Calls that the window must hold before Percent means anything; 20.
	Calls int
	// Window is how far back Percent looks; 30 s.
	Window time.Duration
	// Bucket is the step by which the window rolls; a tenth of Window.
	Bucket time.Duration
	// OpenFor is how long calls are refused before the next probe; 5 s.
	OpenFor time.Duration
	// Probes is how many calls at a time may try a half-open breaker, and how many must succeed; 1.
	Probes int
	// Registerer takes the metrics songan_breaker_state and songan_breaker_calls_total; nil means none.
	Registerer prometheus.Registerer
}

func (s Settings) withDefaults() Settings {
	s.Failures = orInt(s.Failures, 5)
	s.Percent = orInt(s.Percent, 50)
	s.Calls = orInt(s.Calls, 20)
	s.Probes = orInt(s.Probes, 1)
	s.Window = orDuration(s.Window, 30*time.Second)
	s.Bucket = orDuration(s.Bucket, s.Window/10)
	s.OpenFor = orDuration(s.OpenFor, 5*time.Second)
	return s
}

func orInt(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

func orDuration(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// Breaker guards one dependency. It is safe for concurrent use.
type Breaker struct {
	name     string
	settings Settings
	two      *gobreaker.TwoStepCircuitBreaker[struct{}]
	// inRow counts failures in a row by itself: gobreaker forgets its own count when a window passes without
	// traffic, so a dependency that is asked once a minute would never be found to be away.
	inRow atomic.Int64
	// probeAt is when the open breaker lets the next probe through, in Unix nanoseconds. It is measured by the
	// wall clock, because gobreaker's own expiry is.
	probeAt atomic.Int64
	calls   *prometheus.CounterVec
}

// New returns a closed breaker. The name stands in errors and metrics: the dependency, in snake_case. Two breakers
// of one name cannot share a registry.
func New(name string, settings Settings) (*Breaker, error) {
	b := &Breaker{name: name, settings: settings.withDefaults()}
	b.two = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:          name,
		MaxRequests:   uint32(b.settings.Probes), // a handful
		Interval:      b.settings.Window,
		BucketPeriod:  b.settings.Bucket,
		Timeout:       b.settings.OpenFor,
		ReadyToTrip:   b.readyToTrip,
		OnStateChange: b.stateChanged,
		IsSuccessful:  func(err error) bool { return !counts(err) },
		IsExcluded:    func(err error) bool { return errors.Is(err, context.Canceled) },
	})
	if err := b.register(settings.Registerer); err != nil {
		return nil, fmt.Errorf("breaker %s: register metrics: %w", name, err)
	}
	return b, nil
}

// State is "closed" (calls pass), "half-open" (probing) or "open" (calls are refused).
func (b *Breaker) State() string { return b.two.State().String() }

// Do makes a call through the breaker. Its error decides what is counted: see the rules of the package, and [Down]
// for failures of protocols that this package does not know.
func Do[T any](ctx context.Context, b *Breaker, call func(context.Context) (T, error)) (T, error) {
	done, err := b.allow()
	if err != nil {
		var none T
		return none, err
	}
	result, err := guarded(ctx, done, call)
	done(ctx, err)
	return result, err
}

// guarded makes the call; a panic counts as a failure and goes on, so that a half-open breaker does not wait for
// the end of its probe for ever.
func guarded[T any](
	ctx context.Context, done func(context.Context, error), call func(context.Context) (T, error),
) (T, error) {
	ended := false
	defer func() {
		if !ended {
			done(ctx, Down(errPanicked))
		}
	}()
	result, err := call(ctx)
	ended = true
	return result, err
}

// allow asks for a call and returns what its end is to be told to, or an [*OpenError].
func (b *Breaker) allow() (func(context.Context, error), error) {
	report, err := b.two.Allow()
	if err != nil {
		b.calls.WithLabelValues("refused").Inc()
		return nil, &OpenError{Name: b.name, RetryAfter: b.untilProbe(time.Now())}
	}
	return func(ctx context.Context, err error) {
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
			err = context.Canceled // whatever the client made of it, it was we who left
		}
		b.tally(err)
		report(err)
	}, nil
}

// tally keeps the count in a row and the metrics.
func (b *Breaker) tally(err error) {
	switch {
	case errors.Is(err, context.Canceled):
		b.calls.WithLabelValues("cancelled").Inc()
	case counts(err):
		b.inRow.Add(1)
		b.calls.WithLabelValues("failure").Inc()
	default:
		b.inRow.Store(0)
		b.calls.WithLabelValues("success").Inc()
	}
}

// readyToTrip is asked by gobreaker after each failure of a closed breaker.
func (b *Breaker) readyToTrip(c gobreaker.Counts) bool {
	if b.inRow.Load() >= int64(b.settings.Failures) {
		return true
	}
	ended := int64(c.TotalSuccesses) + int64(c.TotalFailures)
	return ended >= int64(b.settings.Calls) && int64(c.TotalFailures)*100 >= ended*int64(b.settings.Percent)
}

func (b *Breaker) stateChanged(_ string, _, to gobreaker.State) {
	if to == gobreaker.StateOpen {
		b.probeAt.Store(time.Now().Add(b.settings.OpenFor).UnixNano())
	}
}

// probeWait is the hint given while a probe is under way: nobody knows when it ends.
const probeWait = time.Second

func (b *Breaker) untilProbe(now time.Time) time.Duration {
	left := time.Unix(0, b.probeAt.Load()).Sub(now)
	if left <= 0 {
		return min(probeWait, b.settings.OpenFor)
	}
	return left
}

// register makes the metrics. The state is read when scraped: an open breaker turns half-open by time alone.
func (b *Breaker) register(r prometheus.Registerer) error {
	label := prometheus.Labels{"breaker": b.name}
	b.calls = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name:        "songan_breaker_calls_total",
		Help:        "Calls through the breaker by outcome: success, failure, cancelled (by us), refused (it was open).",
		ConstLabels: label,
	}, []string{"outcome"})
	if r == nil {
		return nil
	}
	state := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "songan_breaker_state",
		Help:        "0 closed, 1 half-open, 2 open.",
		ConstLabels: label,
	}, func() float64 { return float64(b.two.State()) })
	if err := r.Register(state); err != nil {
		return err
	}
	return r.Register(b.calls)
}

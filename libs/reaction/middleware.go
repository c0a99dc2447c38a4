package reaction

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/reaction/quarantine"
	"github.com/songan-vn/songan/libs/telemetry"
)

const (
	headerType    = "ce_type"
	headerID      = "ce_id"
	headerSubject = "ce_subject"
	headerTrace   = "traceparent"
	// headerRecorded is when the service of the fact recorded it.
	headerRecorded = "ce_recordedtime"
)

// handling is the context of one delivery, and what the middlewares tell each other about it.
type handling struct {
	context.Context

	attempts int
	outcome  outcome
}

// Value finds the handling itself in the contexts made of it.
func (h *handling) Value(key any) any {
	if key == (handlingKey{}) {
		return h
	}
	return h.Context.Value(key)
}

// outcome is how a delivery ended, as metrics and log call it.
type outcome string

const (
	handled     outcome = "handled"
	quarantined outcome = "quarantined" // after its last attempt
	parked      outcome = "parked"      // behind an earlier one
	closed      outcome = "closed"      // it is in the quarantine already, or was
	waiting     outcome = "waiting"     // it will come again
)

type handlingKey struct{}

func handlingOf(ctx context.Context) *handling {
	if h, ok := ctx.Value(handlingKey{}).(*handling); ok {
		return h
	}
	return &handling{}
}

// wants tells whether facts of a type are handled. Others go by before anything is spent on them.
func (r *Reactor) wants(typ string) bool {
	if typ == "" || r.wanted[typ] {
		return true
	}
	r.metrics.passed.Inc()
	return false
}

// giveWay lets few facts through at a time while many commands are under way, and none while there is a rush, as long as
// the fact is young.
func (r *Reactor) giveWay(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		wave, rush := r.deps.Pace.Wave(), r.deps.Pace.Rushing()
		if !wave && !rush {
			return next(m)
		}
		// What is wrong with the header is said by who decodes the message; one of others has none.
		recorded, err := time.Parse(time.RFC3339Nano, m.Metadata.Get(headerRecorded))
		if rush {
			if err := r.deps.Pace.Stand(m.Context(), recorded); err != nil {
				return nil, fmt.Errorf("wait for a rush to end: %w", err)
			}
		}
		if !wave || err != nil {
			return next(m)
		}
		done, err := r.deps.Pace.Turn(m.Context(), recorded)
		if err != nil {
			return nil, fmt.Errorf("wait for a turn: %w", err)
		}
		defer done()
		return next(m)
	}
}

// observe continues the trace of the fact, measures, and writes the one line about it.
func (r *Reactor) observe(next message.HandlerFunc) message.HandlerFunc {
	consumes := trace.WithSpanKind(trace.SpanKindConsumer)
	return func(m *message.Message) ([]*message.Message, error) {
		began := time.Now()
		id, typ := r.names(m)
		ctx := telemetry.WithTraceparent(m.Context(), m.Metadata.Get(headerTrace))
		ctx, span := r.tracer.Start(ctx, "react to "+typ, consumes)
		defer span.End()
		h := &handling{Context: ctx, outcome: handled}
		m.SetContext(h)
		_, err := next(m)
		if err != nil {
			h.outcome = waiting
			span.SetStatus(codes.Error, "")
		}
		took := time.Since(began)
		r.metrics.saw(h.outcome, took)
		level := zap.InfoLevel
		if h.outcome != handled {
			level = zap.WarnLevel
		}
		if line := r.log.Check(level, "fact "+string(h.outcome)); line != nil {
			line.Write(zap.String("fact", id), zap.String("type", typ),
				zap.Int("attempts", h.attempts), zap.Duration("took", took), zap.Error(err))
		}
		return nil, err
	}
}

// park keeps facts out whose key waits in quarantine, and puts those there that are beyond help.
func (r *Reactor) park(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		ctx := m.Context() // the one of the delivery, without the time limit of an attempt
		state, err := r.quarantine.Look(ctx, r.known(m))
		if err == nil && state == quarantine.Behind {
			state, err = r.quarantine.Park(ctx, r.item(m))
		}
		if err != nil {
			return nil, err
		}
		if state != quarantine.Free {
			handlingOf(ctx).outcome = map[quarantine.Entry]outcome{quarantine.Behind: parked, quarantine.Known: closed}[state]
			return nil, nil
		}
		_, err = next(m)
		if err == nil || r.waits(err) {
			return nil, err
		}
		item := r.item(m)
		item.ErrorCode, item.ErrorText = describe(err)
		item.Attempts = handlingOf(ctx).attempts
		// A shutdown that begins now must not cost all attempts again.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		if err := r.quarantine.Add(ctx, item); err != nil {
			return nil, err
		}
		handlingOf(ctx).outcome = quarantined
		r.log.Error("fact quarantined", zap.String("fact", item.Fact), zap.String("type", item.Type),
			zap.String("code", item.ErrorCode), zap.Error(err))
		return nil, nil
	}
}

// retry tries some times, with a growing pause. Watermill's own does the same, and costs more than most handlers that need it
// once.
func (r *Reactor) retry(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) (_ []*message.Message, err error) {
		pause := r.deps.FirstPause
		for attempt := 1; ; attempt++ {
			if _, err = next(m); err == nil || attempt == r.deps.Attempts || r.waits(err) || hopeless(err) {
				return nil, err
			}
			select {
			case <-time.After(around(pause)):
			case <-m.Context().Done():
				return nil, err
			}
			pause = min(2*pause, longestPause)
		}
	}
}

// around is a pause that differs a little each time, so that facts which failed together do not come back together.
func around(pause time.Duration) time.Duration {
	const least, spread = 0.8, 0.4
	return time.Duration(float64(pause) * (least + spread*rand.Float64())) //nolint:gosec // nothing is secret about it
}

// limit gives one attempt its time. The attempt goes on for a moment when the delivery is cancelled by a shutdown:
// its transaction should end, one way or the other.
func (r *Reactor) limit(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		delivery := m.Context()
		handlingOf(delivery).attempts++
		ctx, cancel := context.WithTimeout(&attempt{r.patience.after(delivery), delivery}, r.deps.Timeout)
		defer cancel()
		m.SetContext(ctx)
		defer m.SetContext(delivery)
		return next(m)
	}
}

// recover makes a panic the error of one fact. Its text is not kept: it may hold a value.
func (r *Reactor) recover(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) (_ []*message.Message, err error) {
		return nil, safely(func() error {
			_, err := next(m)
			return err
		})
	}
}

func safely(work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{kind: fmt.Sprintf("%T", v), place: place()}
		}
	}()
	return work()
}

// place finds where the panic came from: the first frame that is neither ours nor the runtime's.
func place() string {
	const deepest = 32
	var callers [deepest]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers[:])])
	for panicked := false; ; {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if panicked && !inRuntime {
			return fmt.Sprintf("%s:%d", frame.Function, frame.Line)
		}
		panicked = panicked || inRuntime
		if !more {
			return "an unknown place"
		}
	}
}

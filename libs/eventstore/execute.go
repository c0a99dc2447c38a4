package eventstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore/internal/batch"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vault"
)

const attempts = 5 // to decide on a stream that others append to

// Outcome is what came of a command.
type Outcome[S any] struct {
	// State is the stream folded up to and including Facts.
	State S
	// Facts are those of the command; none if nothing was left to do.
	Facts []events.Recorded
	// Position is that of the last fact in State: who has read so far has seen the outcome.
	Position int64
	// Replayed says that the command had been executed before; the outcome is that of the first time.
	Replayed bool
}

// Option says something about one execution.
type Option func(*options)

type options struct {
	secrets  []vault.Row
	fresh    bool
	oneCause bool
}

// WithSecrets stores rows of the vault together with the facts. They are not stored when the command turns out to have
// been executed before, or to have nothing to do.
func WithSecrets(rows ...vault.Row) Option {
	return func(o *options) { o.secrets = append(o.secrets, rows...) }
}

// Fresh says that the stream is most likely new: decide without looking, and look only if that was wrong. It saves the
// query of a command that creates something.
func Fresh() Option { return func(o *options) { o.fresh = true } }

// OncePerKey remembers, with the facts, which stream the command's cause has changed. Used for another stream, it is
// the problem "idempotency_key_reused". Every command needs it whose stream is not named by the key itself: its replay is
// found in one stream only.
func OncePerKey() Option { return func(o *options) { o.oneCause = true } }

// Execute folds a stream, lets cmd decide, and appends the facts that it decided. When it returns, they are durable.
//
// A cause that is in the stream already is a repeat and changes nothing: the outcome is the first one, or the problem
// "idempotency_key_reused" if both have a fingerprint and they differ. A command without a cause is never a repeat. Nor
// is one that had nothing to do the first time, since nothing was recorded: it decides again.
//
// If another writer was faster, cmd decides again on what is there now, a bounded number of times. What Decide refuses is
// returned as it is.
//
//nolint:revive // argument-limit: each of the six is said by every caller
func Execute[S decider.State[S]](
	ctx context.Context, s *Store, stream string, cmd decider.Command[S], m decider.Meta, opts ...Option,
) (out Outcome[S], err error) {
	e := execution[S]{store: s, stream: stream, cmd: cmd, meta: m}
	for _, set := range opts {
		set(&e.options)
	}
	ctx, end := traced(ctx, stream)
	defer func() { end(len(out.Facts), err) }()
	return e.run(ctx)
}

// execution is one call of Execute.
type execution[S decider.State[S]] struct {
	options

	store  *Store
	stream string
	cmd    decider.Command[S]
	meta   decider.Meta
}

// run tries the cheap ways first, and then decides on what the database says.
func (e *execution[S]) run(ctx context.Context) (Outcome[S], error) {
	if e.fresh {
		if out, done, err := e.hope(ctx, known{}); done {
			return out, err
		}
	}
	return e.look(ctx)
}

// look waits for the execution's turn on the stream, and decides on what is there.
func (e *execution[S]) look(ctx context.Context) (Outcome[S], error) {
	done, err := e.store.turns.Take(ctx, e.stream)
	if err != nil {
		return Outcome[S]{}, fmt.Errorf("execute on %s: wait for others: %w", e.stream, err)
	}
	defer done()
	if rows, session, ok := e.store.recent.Rows(e.stream); ok && session == e.store.session.Load() {
		if out, done, err := e.hope(ctx, known{rows, session}); done {
			return out, err
		}
	}
	for range attempts {
		session := e.store.session.Load()
		rows, err := e.store.rows(ctx, e.stream)
		if err != nil {
			return Outcome[S]{}, err
		}
		out, err := e.on(ctx, known{rows, session})
		if !errors.Is(err, ErrConflict) {
			return out, err
		}
	}
	return Outcome[S]{}, fmt.Errorf("execute on %s: %w: %w, %d times", e.stream, contended(), ErrConflict, attempts)
}

// known is what is known of a stream, and the session with the database in which it was so.
type known struct {
	rows    []Stored
	session int64
}

// hope executes the command on rows that may be out of date. Only what is in the log counts then: a refusal, or having
// nothing to do, would be only as good as the hope.
func (e *execution[S]) hope(ctx context.Context, k known) (out Outcome[S], done bool, err error) {
	out, facts, err := e.decide(k.rows)
	if err != nil || len(facts) == 0 {
		return out, out.Replayed, nil
	}
	err = e.append(ctx, k, facts, &out)
	return out, !errors.Is(err, ErrConflict), err
}

// on executes the command on a stream that holds these rows.
func (e *execution[S]) on(ctx context.Context, k known) (Outcome[S], error) {
	out, facts, err := e.decide(k.rows)
	if err != nil || len(facts) == 0 {
		return out, err
	}
	err = e.append(ctx, k, facts, &out)
	return out, err
}

// decide says which facts follow from the rows. There are none after a replay, and when nothing is left to do.
func (e *execution[S]) decide(rows []Stored) (out Outcome[S], facts []events.Event, err error) {
	history, err := e.store.history(e.stream, rows)
	if err != nil {
		return out, nil, err
	}
	out, err = e.replay(history)
	if err != nil || out.Replayed {
		return out, nil, err
	}
	fold(&out, history)
	facts, err = e.cmd.Decide(out.State, e.meta)
	if err != nil {
		return Outcome[S]{}, nil, err //nolint:wrapcheck // a refusal is for the caller, as it is
	}
	return out, facts, nil
}

// append adds facts to the rows, and to the outcome.
func (e *execution[S]) append(ctx context.Context, k known, facts []events.Event, out *Outcome[S]) error {
	c := e.encode(k, facts)
	return e.appended(c, e.store.send(ctx, e.entrance(), c), k, out)
}

// entrance is how the execution gets into the queue of the writer.
func (e *execution[S]) entrance() entrance {
	if e.meta.Bulk {
		return e.store.appends.EnterLate
	}
	return e.store.appends.Enter
}

// encode prepares facts for the end of the rows.
func (e *execution[S]) encode(k known, facts []events.Event) *batch.Command {
	return e.store.encode(Append{
		Stream: e.stream, Expected: len(k.rows), Facts: facts, Meta: e.meta.Recorded(), Secrets: e.secrets, OneCause: e.oneCause && e.meta.Cause != "",
	}, k.session)
}

// appended adds to the outcome what became of a command. When it was not sent it is not to be looked at.
func (e *execution[S]) appended(c *batch.Command, sent error, k known, out *Outcome[S]) error {
	err := sent
	if err == nil {
		err = c.Err
	}
	if errors.Is(err, ErrKeyUsed) {
		*out = Outcome[S]{}
		return fmt.Errorf("execute on %s: %w", e.stream, KeyReused())
	}
	if err != nil {
		e.store.recent.Forget(e.stream)
		*out = Outcome[S]{}
		return fmt.Errorf("append to %s: %w", e.stream, err)
	}
	out.Facts = recorded(c)
	fold(out, out.Facts)
	if e.fresh && e.store.pace.Wave() {
		return nil // in a wave, others push a new stream out before anybody asks for it
	}
	e.store.recent.Keep(e.stream, c.Session, append(k.rows[:len(k.rows):len(k.rows)], stored(c)...))
	return nil
}

// replay finds what the command recorded before, if it did. The facts of one append lie side by side.
func (e *execution[S]) replay(history []events.Recorded) (out Outcome[S], err error) {
	if e.meta.Cause == "" {
		return out, nil
	}
	ours := func(r events.Recorded) bool { return r.Meta.Cause == e.meta.Cause }
	first := slices.IndexFunc(history, ours)
	if first < 0 {
		return out, nil
	}
	if was, is := history[first].Meta.Fingerprint, e.meta.Fingerprint; was != is && was != "" && is != "" {
		return out, fmt.Errorf("execute on %s: %w", e.stream, KeyReused())
	}
	end := first + 1
	for end < len(history) && ours(history[end]) {
		end++
	}
	fold(&out, history[:end])
	out.Facts, out.Replayed = history[first:end], true
	return out, nil
}

// fold continues the outcome's state with more facts of the stream.
func fold[S decider.State[S]](out *Outcome[S], more []events.Recorded) {
	for _, r := range more {
		out.State = out.State.Evolve(r.Event)
		out.Position = r.Position
	}
}

// KeyReused refuses a request whose idempotency key came with another one before.
func KeyReused() error {
	return problem.New(problem.Invalid, "idempotency_key_reused",
		"this Idempotency-Key was used for another request; a new request needs a new key",
		"Idempotency-Key này đã dùng cho một yêu cầu khác; yêu cầu mới cần khóa mới")
}

func contended() error {
	return problem.New(problem.Conflict, "concurrent_change",
		"others keep changing the same thing; load it and try again",
		"dữ liệu đang được người khác thay đổi; hãy tải lại và thử lại")
}

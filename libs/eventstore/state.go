package eventstore

import (
	"context"

	"github.com/songan-vn/songan/libs/decider"
)

// State folds a stream as it is now, for whoever has to look before a command is made, or only answers a question. It is
// the zero value for a stream that does not exist. A decision belongs into [Execute], which looks again.
func State[S decider.State[S]](ctx context.Context, s *Store, stream string) (S, error) {
	var state S
	history, err := s.Load(ctx, stream)
	if err != nil {
		return state, err
	}
	for _, r := range history {
		state = state.Evolve(r.Event)
	}
	return state, nil
}

// Refusal says what a command would be refused with as the stream stands now, nil if it would not be. Nothing is recorded, and
// the stream may change: [Execute] is the last word.
func Refusal[S decider.State[S]](ctx context.Context, s *Store, stream string, cmd decider.Command[S], m decider.Meta) error {
	state, err := State[S](ctx, s, stream)
	if err != nil {
		return err
	}
	_, err = cmd.Decide(state, m)
	return err
}

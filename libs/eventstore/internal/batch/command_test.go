package batch

import (
	"testing"

	"github.com/songan-vn/songan/events"
)

// explosive is a fact whose decoder panics.
type explosive struct{}

func (explosive) EventName() string           { return "test.explosive.v1" }
func (*explosive) UnmarshalJSON([]byte) error { panic("no such thing") }

func TestAFactWhoseDecoderPanickedIsAnErrorToTheNextReader(t *testing.T) {
	t.Parallel()
	var d Decoded
	read := func() (events.Event, error) {
		return d.Event(events.NewCatalog([]events.Event{explosive{}}), "test.explosive.v1", []byte("{}"))
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the first reader heard of no panic")
			}
		}()
		_, _ = read()
	}()
	if fact, err := read(); fact != nil || err == nil {
		t.Errorf("the next reader got %v, %v; want an error", fact, err)
	}
}

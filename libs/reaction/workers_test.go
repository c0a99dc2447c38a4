package reaction

import (
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
)

var errRefused = errors.New("refused")

func TestWorkersHandleEverythingAtOnceAndFewOfThemStay(t *testing.T) {
	t.Parallel()
	const messages = mostIdle + 100
	w := newWorkers()
	var all, handled sync.WaitGroup
	all.Add(messages)
	handle := w.handle(func(*message.Message) ([]*message.Message, error) {
		all.Done()
		all.Wait() // nobody waits for anybody's end
		return nil, errRefused
	})
	for range messages {
		handled.Go(func() {
			if _, err := handle(message.NewMessage("", nil)); !errors.Is(err, errRefused) {
				t.Errorf("got %v", err)
			}
		})
	}
	handled.Wait()
	if idle := len(w.idle); idle != mostIdle {
		t.Errorf("%d workers wait, want %d", idle, mostIdle)
	}
	w.end()
}

func TestAWorkerThatAHandlerEndsGetsNoOtherMessage(t *testing.T) {
	t.Parallel()
	w := newWorkers()
	defer w.end()
	handle := w.handle(func(m *message.Message) ([]*message.Message, error) {
		if m.UUID == "last" {
			runtime.Goexit()
		}
		return nil, errRefused
	})
	for _, c := range []struct {
		id   string
		want error
	}{{"first", errRefused}, {"last", nil}, {"next", errRefused}} {
		if _, err := handle(message.NewMessage(c.id, nil)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", c.id, err)
		}
	}
}

func TestAPanicIsTheErrorOfOneMessage(t *testing.T) {
	t.Parallel()
	w := newWorkers()
	defer w.end()
	handle := w.handle(func(m *message.Message) ([]*message.Message, error) {
		if m.UUID == "wrong" {
			panic("a value")
		}
		return nil, nil
	})
	if _, err := handle(message.NewMessage("wrong", nil)); err == nil {
		t.Error("a panic is no error")
	}
	if _, err := handle(message.NewMessage("right", nil)); err != nil {
		t.Errorf("after a panic: %v", err)
	}
}

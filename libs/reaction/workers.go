package reaction

import (
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
)

// mostIdle is the most workers of a consumer that wait for the next message.
const mostIdle = 512

// workers handle messages. The router has a goroutine for each message, and handling needs a deep stack: growing one anew for
// every message took a tenth of all computing when a list was paid. A worker's stack has grown already.
type workers struct {
	group sync.WaitGroup

	mu    sync.Mutex
	idle  []worker // the one that worked last comes first
	ended bool
}

func newWorkers() *workers { return &workers{} }

// worker does one job at a time, and says how it ended. Its channels are made once and not for every message.
type worker struct {
	jobs chan job
	done chan error
}

// job is a message, and what follows for it.
type job struct {
	next    message.HandlerFunc
	message *message.Message
}

// handle has a worker do what follows, and waits for it. There is one worker for each message that is handled, and some more
// that wait.
func (w *workers) handle(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) ([]*message.Message, error) {
		one := w.take()
		one.jobs <- job{next, m}
		err, lives := <-one.done
		if lives {
			w.put(one)
		}
		return nil, err
	}
}

func (w *workers) take() worker {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := len(w.idle) - 1; last >= 0 {
		one := w.idle[last]
		w.idle = w.idle[:last]
		return one
	}
	one := worker{jobs: make(chan job), done: make(chan error)}
	w.group.Go(one.live)
	return one
}

// put has a worker wait, or lets it go.
func (w *workers) put(one worker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || len(w.idle) == mostIdle {
		close(one.jobs)
		return
	}
	w.idle = append(w.idle, one)
}

// live is the life of a worker. A handler may end it, as a test's does that fails.
func (w worker) live() {
	defer close(w.done)
	for j := range w.jobs {
		w.done <- safely(func() error {
			_, err := j.next(j.message)
			return err
		})
	}
}

// end lets the workers go. All messages have been handled by then.
func (w *workers) end() {
	w.mu.Lock()
	w.ended = true
	for _, one := range w.idle {
		close(one.jobs)
	}
	w.idle = nil
	w.mu.Unlock()
	w.group.Wait()
}

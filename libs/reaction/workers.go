package reaction

import (
	"sync"
	"sync/atomic"

	"github.com/ThreeDotsLabs/watermill/message"
)

// mostIdle is the most workers of a consumer that wait for the next message.
const mostIdle = 512

// workers handle messages. The router has a goroutine for each message, and handling needs a deep stack: growing one anew for
// every message took a tenth of all computing when a list was paid. A worker's stack has grown already.
type workers struct {
	work  chan func()
	idle  atomic.Int64
	ended chan struct{}
	group sync.WaitGroup
}

func newWorkers() *workers { return &workers{work: make(chan func()), ended: make(chan struct{})} }

// handle has a worker do what follows, and waits for it. There is one worker for each message that is handled, and some more
// that wait.
func (w *workers) handle(next message.HandlerFunc) message.HandlerFunc {
	return func(m *message.Message) (_ []*message.Message, err error) {
		done := make(chan struct{})
		job := func() {
			defer close(done)
			err = safely(func() error {
				_, err := next(m)
				return err
			})
		}
		select {
		case w.work <- job:
		default:
			w.group.Go(func() { w.live(job) })
		}
		<-done
		return nil, err
	}
}

// live is the life of a worker.
func (w *workers) live(job func()) {
	for {
		job()
		if w.idle.Add(1) > mostIdle {
			w.idle.Add(-1)
			return
		}
		select {
		case job = <-w.work:
			w.idle.Add(-1)
		case <-w.ended:
			return
		}
	}
}

// end lets the workers go. All messages have been handled by then.
func (w *workers) end() {
	close(w.ended)
	w.group.Wait()
}

package foundation_test

import (
	"context"
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/reaction"
	"github.com/songan-vn/songan/libs/testkit"
)

// A bell tower is a service: what rings is appended to its log, goes over the bus, and is reacted to. Its log, its bus
// and its reactions are opened, and closed, together.
func ExampleOpen() {
	t, done := testkit.Example()
	defer done()
	tower, err := foundation.Open(t.Context(), deps(t), options())
	if err != nil {
		fmt.Println(err)
		return
	}
	heard := make(chan string, 1)
	err = tower.React("ears", 4, reaction.On(func(_ context.Context, _ events.Recorded, e rung) error {
		heard <- e.Bell
		return nil
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	run(t, tower) // in earnest: service.Service{Runners: tower.Runners(), Ready: tower.Ready}
	_, err = tower.Log.Append(t.Context(), eventstore.Append{Stream: "bell-1", Facts: []events.Event{rung{Bell: "the big one"}}})
	if err != nil {
		fmt.Println(err)
	}
	select {
	case bell := <-heard:
		fmt.Println("heard:", bell)
	case <-time.After(time.Minute):
		fmt.Println("nobody heard anything")
	}
	// Output: heard: the big one
}

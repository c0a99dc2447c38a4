package reaction_test

import (
	"context"
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/reaction"
)

// A fact of the desk service becomes a command of ours. Its cause is the fact's ID: given twice, it is one command.
func ExampleOn() {
	clock := func() time.Time { return time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC) }
	handler := reaction.On(func(_ context.Context, r events.Recorded, e noted) error {
		m := reaction.Meta(r, "service:archive", clock())
		fmt.Printf("archive step %d of %s, because of %s\n", e.Step, e.Desk, m.Cause)
		return nil // in earnest: _, err := eventstore.Execute(ctx, log, "archive-"+e.Desk, Archive{...}, m)
	})
	fact := events.Recorded{Stream: "desk-7", Version: 3, Event: noted{Desk: "7", Step: 2}}
	if err := reaction.Try(context.Background(), handler, fact); err != nil {
		fmt.Println(err)
	}
	// Output: archive step 2 of 7, because of desk/desk-7/3
}

package history_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/history"
)

// rung is what happens to a bell.
type rung struct {
	Times int `json:"times"`
}

func (rung) EventName() string { return "tower.rung.v1" }

func ExampleOf() {
	noon := time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)
	life := history.Of([]events.Recorded{{
		Position: 7, Stream: "bell-1", Version: 1, Event: rung{Times: 12}, RecordedAt: noon.Add(time.Second),
		Meta: events.Meta{Actor: "officer:lan", OccurredAt: noon},
	}})
	text, err := json.MarshalIndent(life, "", "  ")
	fmt.Println(string(text), err)
	// Output:
	// {
	//   "items": [
	//     {
	//       "version": 1,
	//       "position": 7,
	//       "type": "tower.rung.v1",
	//       "actor": "officer:lan",
	//       "occurred_at": "2026-11-21T12:00:00Z",
	//       "recorded_at": "2026-11-21T12:00:01Z",
	//       "fact": {
	//         "times": 12
	//       }
	//     }
	//   ]
	// } <nil>
}

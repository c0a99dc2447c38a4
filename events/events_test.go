package events_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
)

func TestAFactIsNamedByServiceStreamAndVersion(t *testing.T) {
	t.Parallel()
	r := events.Recorded{Position: 41, Stream: "room-7", Version: 3, Event: moved{}}
	if got, want := r.ID(), "inn/room-7/3"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestTheServiceIsWhatStandsBeforeTheFirstDot(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"accommodation.stay_notified.v1": "accommodation",
		"identity.matched.v12":           "identity",
		"nodots":                         "nodots",
		"":                               "",
	} {
		if got := events.Service(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestMetaIsStoredWithoutItsEmptyParts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	cases := []struct {
		name string
		meta events.Meta
		want string
	}{
		{"only the time", events.Meta{OccurredAt: at}, `{"occurred_at":"2026-11-21T12:00:00Z"}`},
		{
			"everything",
			events.Meta{Cause: "c", Correlation: "r", Actor: "facility:1", Trace: "00-t", Fingerprint: "f", OccurredAt: at},
			`{"cause":"c","correlation":"r","actor":"facility:1","trace":"00-t","fingerprint":"f","occurred_at":"2026-11-21T12:00:00Z"}`,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data, err := json.Marshal(c.meta)
			if err != nil || string(data) != c.want {
				t.Fatalf("got %s and %v, want %s", data, err, c.want)
			}
			var again events.Meta
			if err := json.Unmarshal(data, &again); err != nil || !reflect.DeepEqual(again, c.meta) {
				t.Fatalf("read again: %+v and %v, want %+v", again, err, c.meta)
			}
		})
	}
}

func ExampleRecorded_ID() {
	r := events.Recorded{Position: 41, Stream: "room-7", Version: 3, Event: moved{Number: 204}}
	fmt.Println(r.ID())
	// Output: inn/room-7/3
}

package servicetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m, testkit.Roles{"alone": alone}) }

// echo is a service that tells callers what they sent, and refuses POST.
func echo(_ context.Context, deps service.Deps) (service.Service, error) {
	return service.Service{Name: "echo", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Songan-Position", r.Header.Get("Songan-After"))
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte(`{"code":"no","errors":[{"pointer":"/a","code":"b"},{"pointer":"","code":"c"}]}`))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"path": r.URL.Path, "key": r.Header.Get("Authorization"), "at": deps.Now().Format(time.DateOnly), "number": 1,
		})
	})}, nil
}

func TestAServiceIsCalledAsAnActorAndStartedAgainWithTheSameKeys(t *testing.T) {
	t.Parallel()
	s := servicetest.Prepare(t, servicetest.Options{
		Name: "echo", At: time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC),
		Staff: map[string]access.Principal{"police": {ID: "lan", Role: access.CommunePolice, Unit: "00004"}},
	})
	stop := s.Start(t, echo)
	first := s.Get(t, "police", "/things", "7")
	first.Want(t, http.StatusOK)
	got := []string{first.Text(t, "path"), first.Text(t, "at"), first.Text(t, "number"), first.Position()}
	if diff := cmp.Diff([]string{"/echo/v1/things", "2026-11-21", "", "7"}, got); diff != "" {
		t.Errorf("what the service saw (-want +got):\n%s", diff)
	}
	stop()
	s.Clock.Advance(24 * time.Hour)
	s.Start(t, echo)
	again := s.Get(t, "police", "/things", "")
	if key := again.Text(t, "key"); key == "Bearer " || key != first.Text(t, "key") || again.Text(t, "at") != "2026-11-22" {
		t.Errorf("the second start saw %s", again.Body)
	}
	if key := s.Get(t, "", "/things", "").Text(t, "key"); key != "" {
		t.Error("nobody has a key")
	}
	refused := s.Post(t, "police", "/things", "key", struct{}{})
	refused.Refused(t, http.StatusConflict, "no")
	if diff := cmp.Diff([]string{"/a b", "c"}, refused.Faults(t)); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// rung is what the neighbour says.
type rung struct {
	Bell string `json:"bell"`
}

func (rung) EventName() string { return "tower.rung.v1" }

func TestWhatANeighbourSaysStandsInItsLogAndIsHeardOverKafka(t *testing.T) {
	t.Parallel()
	s := servicetest.Prepare(t, servicetest.Options{Name: "echo", At: time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)})
	tower := s.Neighbour(t, "tower", []events.Event{rung{}})
	servicetest.Say(t, tower, "bell-1", rung{Bell: "first"})
	servicetest.Say(t, tower, "bell-1", rung{Bell: "second"}, rung{Bell: "third"})
	recorded, err := tower.Log.Load(t.Context(), "bell-1")
	if err != nil {
		t.Fatal(err)
	}
	var got []events.Event
	for _, r := range recorded {
		got = append(got, r.Event)
	}
	if diff := cmp.Diff([]events.Event{rung{Bell: "first"}, rung{Bell: "second"}, rung{Bell: "third"}}, got); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
	testkit.Eventually(t, func() error { return heard(t, s.Config.Topics+".tower.v1", 3) })
}

// heard counts the messages of a topic.
func heard(t *testing.T, topic string, want int64) error {
	t.Helper()
	client, ask := testkit.Kafka(t).Client(), map[string][]kafka.OffsetRequest{}
	for partition := range 6 {
		ask[topic] = append(ask[topic], kafka.LastOffsetOf(partition))
	}
	answer, err := client.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: ask})
	if err != nil {
		return err
	}
	var found int64
	for _, p := range answer.Topics[topic] {
		found += p.LastOffset
	}
	if found != want {
		return fmt.Errorf("%d messages in %s, want %d", found, topic, want)
	}
	return nil
}

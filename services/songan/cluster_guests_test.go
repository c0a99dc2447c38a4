package songan_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/services/simulators/people"
)

const guests = 20

// welcome has guests stay in a hotel, so that the services of the house have facts to lose, to read twice and to rebuild.
func (c *cluster) welcome(t *testing.T) {
	t.Helper()
	post := func(path, actor string, body map[string]any, answer any) {
		t.Helper()
		status, said, err := c.call(t.Context(), http.MethodPost, path, actor, fmt.Sprint("welcome-", time.Now().UnixNano()), body)
		if err == nil && status == http.StatusCreated && answer != nil {
			err = json.Unmarshal(said, answer)
		}
		if err != nil || status != http.StatusCreated {
			t.Fatalf("%s: %d %s %v", path, status, said, err)
		}
	}
	var hotel struct{ ID string }
	const facilities = "/accommodation/v1/facilities"
	post(facilities, "police", map[string]any{
		"name": "Khách sạn Trúc Bạch", "kind": "tourist", "unit": "00004", "address": "18 Trấn Vũ", "organisation": true,
	}, &hotel)
	var key struct{ Token string }
	post(facilities+"/"+hotel.ID+"/keys", "police", map[string]any{}, &key)
	actor := c.demo.Actors["police"]
	actor.Token = key.Token
	c.demo.Actors["hotel"] = actor
	register, err := people.New(people.Options{Seed: 6})
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(guests) {
		post("/accommodation/v1/notices", "hotel", map[string]any{
			"guest": register.At(i), "arrived_at": time.Now().Format(time.RFC3339), "reason": "tourism",
		}, nil)
	}
}

// judgeGuests sees to it that every guest is noticed once, was checked, and that the house knows the result once.
func (c *cluster) judgeGuests(t *testing.T) {
	t.Helper()
	counted := query[int](t, c.machine, "accommodation", `
select unnest(array[count(*) filter (where type = 'accommodation.stay_notified.v1'),
    count(*) filter (where type = 'accommodation.identity_recorded.v1')]) from events`)
	if diff := cmp.Diff([]int{guests, guests}, counted); diff != "" {
		t.Errorf("notices and results of checks (-guests +log):\n%s", diff)
	}
}

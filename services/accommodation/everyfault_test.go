package accommodation_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/service/servicetest"
)

// mistake is one thing that is wrong with a notice, and how it is said.
type mistake struct {
	change func(stay, guest object)
	fault  string
}

// mistakes are of every kind that there is: of form, of the guest's own rules, of the clock, of another notice.
func mistakes() []mistake {
	return []mistake{
		{func(s, _ object) { s["colour"] = "red" }, "/colour unknown_field"},
		{func(s, _ object) { s["reason"] = 7 }, "/reason wrong_type"},
		{func(_, g object) { g["full_name"] = "Nguyễn B1 Mật" }, "/guest/full_name name_digit"},
		{func(_, g object) { g["sex"] = "female" }, "/guest/document/number citizen_id_sex_mismatch"},
		{func(_, g object) { g["entry"] = object{"date": "2027-01-01", "gate": "Nội Bài"} }, "/guest/entry/date entry_in_future"},
		{func(s, _ object) { s["arrived_at"] = noon.AddDate(0, 0, 1).Format(time.RFC3339) }, "/arrived_at arrived_in_future"},
		{func(s, _ object) { s["expected_departure"] = "2026-11-01" }, "/expected_departure departure_before_arrival"},
		{func(s, _ object) { s["accompanied_by"] = "nobody" }, "/accompanied_by accompanied_by_unknown"},
	}
}

// Whichever mistakes somebody makes in one notice, one answer names all of them, and nothing is stored.
func TestEveryCombinationOfMistakesIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	before := held(t, h)
	var bodies []string
	var want [][]string
	for which := 1; which < 1<<len(mistakes()); which++ {
		guest := guestOf("Nguyễn Bí Mật")
		stay := stayOf(guest)
		var faults []string
		for i, m := range mistakes() {
			if which&(1<<i) != 0 {
				m.change(stay, guest)
				faults = append(faults, m.fault)
			}
		}
		body, err := json.Marshal(stay)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(faults)
		bodies, want = append(bodies, string(body)), append(want, faults)
	}
	for name, send := range map[string]func(t *testing.T) servicetest.Answer{
		"as an array": func(t *testing.T) servicetest.Answer {
			return sendBatch(t, h, "application/json", "["+strings.Join(bodies, ",")+"]")
		},
		"as lines": func(t *testing.T) servicetest.Answer {
			return sendBatch(t, h, "application/x-ndjson", strings.Join(bodies, "\n"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := send(t)
			if diff := cmp.Diff(want, saidOf(t, answer.Body)); diff != "" {
				t.Error(diff)
			}
			wantNoValues(t, answer.Body)
		})
	}
	t.Run("one by one", func(t *testing.T) {
		t.Parallel()
		for i := 0; i < len(bodies); i += 7 {
			header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {fmt.Sprint("one-", i)}}
			refused := h.Send(t, servicetest.Request{Method: http.MethodPost, Actor: "hotel", Path: "/notices", Header: header, Body: []byte(bodies[i])})
			refused.Want(t, http.StatusUnprocessableEntity)
			got := refused.Faults(t)
			slices.Sort(got)
			if diff := cmp.Diff(want[i], got); diff != "" {
				t.Error(diff)
			}
			wantNoValues(t, refused.Body)
		}
	})
	t.Cleanup(func() {
		if after := held(t, h); after != before {
			t.Errorf("facts and rows of the vault: %v before, %v after", before, after)
		}
	})
}

func sendBatch(t *testing.T, h *house, media, body string) servicetest.Answer {
	t.Helper()
	answer := h.Send(t, servicetest.Request{
		Method: http.MethodPost, Actor: "hotel", Path: "/notices/batch", Body: []byte(body),
		Header: http.Header{"Content-Type": {media}, "Idempotency-Key": {media}},
	})
	answer.Want(t, http.StatusOK)
	return answer
}

// saidOf lists the faults of each verdict, of an array's answer or of lines.
func saidOf(t *testing.T, answer []byte) (said [][]string) {
	t.Helper()
	type verdict struct {
		Problem struct {
			Errors []struct{ Pointer, Code string }
		}
	}
	var whole struct{ Items []verdict }
	if json.Unmarshal(answer, &whole) != nil {
		for line := range bytes.Lines(answer) {
			var v verdict
			if err := json.Unmarshal(line, &v); err != nil {
				t.Fatal(err)
			}
			whole.Items = append(whole.Items, v)
		}
	}
	for _, v := range whole.Items {
		var faults []string
		for _, f := range v.Problem.Errors {
			faults = append(faults, f.Pointer+" "+f.Code)
		}
		slices.Sort(faults)
		said = append(said, faults)
	}
	return said
}

func wantNoValues(t *testing.T, answer []byte) {
	t.Helper()
	for _, value := range []string{"Nguy", "B1", "001090", "nobody", "2027-01", "2026-11-22", "2026-11-01", "Bài"} {
		if bytes.Contains(answer, []byte(value)) {
			t.Errorf("%s is repeated: %s", value, answer)
		}
	}
}

// What changes a stay or registers a facility is answered in one round, too.
func TestChangesAreToldEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	made := h.Post(t, "hotel", "/notices", "stay", stayOf(guestOf("Nguyễn Bí Mật")))
	made.Want(t, http.StatusCreated)
	stay := "/notices/" + made.Text(t, "id")
	h.facility(t, "rival")
	var keys struct{ Items []struct{ Key string } }
	h.Get(t, "police", "/facilities/"+h.hotel+"/keys", "").Into(t, &keys)
	key := keys.Items[0].Key
	before := held(t, h)
	unborn := guestOf("Nguyễn Bí Mật")
	unborn["birth_date"], unborn["phone"], unborn["document"] = "2027", "x", object{"type": "none", "number": "1"}
	for _, c := range []struct {
		actor, path string
		body        object
		faults      []string
	}{
		{
			"hotel", stay + "/departure",
			object{"departed_at": noon.AddDate(0, 0, 1), "note": "x"},
			[]string{"/departed_at departed_in_future", "/note unknown_field"},
		},
		{
			"hotel", stay + "/departure",
			object{"departed_at": noon.AddDate(0, 0, -1), "note": "x"},
			[]string{"/departed_at departure_before_arrival", "/note unknown_field"},
		},
		{"rival", stay + "/departure", object{"departed_at": noon.AddDate(0, 0, -1), "note": "x"}, []string{"/note unknown_field"}},
		{
			"hotel", stay + "/extension",
			object{"expected_departure": "2026-11-01", "note": "x"},
			[]string{"/expected_departure departure_before_arrival", "/note unknown_field"},
		},
		{
			"hotel", stay + "/correction", object{"guest": unborn}, []string{
				"/guest/birth_date birth_date_in_future", "/guest/document/explanation explanation_required",
				"/guest/document/number number_without_document", "/guest/phone phone_characters", "/reason required",
			},
		},
		{
			"police", "/facilities",
			object{"kind": "castle", "unit": "99999", "name": "x", "address": "x"},
			[]string{"/kind not_allowed", "/unit unit_unknown"},
		},
		{
			"police", "/facilities",
			object{"kind": "castle", "unit": "00008", "name": "x", "address": "x"},
			[]string{"/kind not_allowed", "/unit unit_not_yours"},
		},
		{
			"police", "/facilities/" + h.hotel + "/keys",
			object{"expires_at": noon, "for": "x"},
			[]string{"/expires_at key_expired", "/for unknown_field"},
		},
		{
			"police", "/facilities/" + h.hotel + "/keys/" + key + "/rotation",
			object{"expires_at": noon.AddDate(3, 0, 0), "old_until": noon.AddDate(1, 0, 0)},
			[]string{"/expires_at key_life_too_long", "/old_until overlap_out_of_range"},
		},
		{
			"police", "/facilities/" + h.hotel + "/keys/" + key + "/rotation",
			object{"expires_at": "soon", "old_until": noon.AddDate(1, 0, 0)},
			[]string{"/expires_at invalid_date_time", "/old_until overlap_out_of_range"},
		},
	} {
		refused := h.Post(t, c.actor, c.path, "bad", c.body)
		refused.Want(t, http.StatusUnprocessableEntity)
		got := refused.Faults(t)
		slices.Sort(got)
		if diff := cmp.Diff(c.faults, got); diff != "" {
			t.Errorf("%s by %s: %s", c.path, c.actor, diff)
		}
		wantNoValues(t, refused.Body)
	}
	if after := held(t, h); after != before {
		t.Errorf("facts and rows of the vault: %v before, %v after", before, after)
	}
}

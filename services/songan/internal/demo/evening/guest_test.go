package evening

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/songan/internal/demo/crowd"
)

func at(t testing.TB, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestArrivals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		late      bool
		now, want string
	}{
		"a guest in time arrives now":             {false, "2026-11-21T14:05:07+07:00", "2026-11-21T14:05:07+07:00"},
		"shortly before 23:00 it is too close":    {false, "2026-11-21T22:55:00+07:00", "2026-11-21T23:00:00+07:00"},
		"shortly before 08:00 as well":            {false, "2026-11-21T00:59:59Z", "2026-11-21T08:00:00+07:00"},
		"at 23:00 there is time until morning":    {false, "2026-11-21T23:00:00+07:00", "2026-11-21T23:00:00+07:00"},
		"a late guest came yesterday":             {true, "2026-11-21T14:05:07+07:00", "2026-11-20T14:00:00+07:00"},
		"yesterday is the day before in Vietnam":  {true, "2026-11-21T18:00:00Z", "2026-11-21T14:00:00+07:00"},
		"a late guest is late right after 00:00":  {true, "2026-11-21T00:00:01+07:00", "2026-11-20T14:00:00+07:00"},
		"a late guest is late right before 23:00": {true, "2026-11-21T22:59:59+07:00", "2026-11-20T14:00:00+07:00"},
	} {
		g := Guest{late: c.late}
		if got := g.Arrival(at(t, c.now)); !got.Equal(at(t, c.want)) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// due is the deadline of the law, written down once more.
func due(arrival time.Time) time.Time {
	local := arrival.In(vn.Zone)
	day := vn.DateOf(arrival)
	switch {
	case local.Hour() < 8:
		return day.At(8, 0)
	case local.Hour() < 23:
		return day.At(23, 0)
	default:
		return day.AddDays(1).At(8, 0)
	}
}

func TestTheOutcomeIsKnownWhateverTheHourIs(t *testing.T) {
	t.Parallel()
	start := at(t, "2026-11-20T00:00:00+07:00")
	rapid.Check(t, func(t *rapid.T) {
		now := start.Add(time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "now")))
		inTime, late := (&Guest{}).Arrival(now), (&Guest{late: true}).Arrival(now)
		if left := due(inTime).Sub(now); left < closeCall || inTime.Sub(now) > 15*time.Minute {
			t.Fatalf("at %s a guest in time has %s left and arrives at %s", now, left, inTime)
		}
		if !due(late).Before(now) {
			t.Fatalf("at %s a late guest is in time: due %s", now, due(late))
		}
	})
}

func someone(t testing.TB, foreign bool) people.Person {
	t.Helper()
	register, err := people.New(people.Options{Seed: 6})
	if err != nil {
		t.Fatal(err)
	}
	today := vn.MustDate(2026, time.November, 21)
	if foreign {
		return register.Foreigner(7, today)
	}
	return crowd.New(crowd.Options{Register: register, Today: today}, nil).Adult()
}

func decoded(t testing.TB, body []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestANoticeSaysWhatTheFrontDeskKnows(t *testing.T) {
	t.Parallel()
	g := Guest{Person: someone(t, false), reason: "medical_carer", room: "101", group: "x-1", nights: 2}
	e := Entry{Now: at(t, "2026-11-21T20:00:00+07:00"), Arrival: at(t, "2026-11-21T20:00:00+07:00"), Companion: "abc", Ref: "guest-1"}
	body, err := g.Notice(e)
	if err != nil {
		t.Fatal(err)
	}
	got := decoded(t, body)
	if person, ok := got["guest"].(map[string]any); !ok || person["full_name"] != g.Person.FullName {
		t.Error("the guest is not in the notice")
	}
	delete(got, "guest")
	want := map[string]any{
		"arrived_at": "2026-11-21T20:00:00+07:00", "expected_departure": "2026-11-23", "room": "101", "group": "x-1",
		"reason": "medical_carer", "accompanied_by": "abc", "client_ref": "guest-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notice (-want +got):\n%s", diff)
	}
}

func TestAPatientWithoutPapersHasAnExplanation(t *testing.T) {
	t.Parallel()
	g := Guest{Person: someone(t, false), explanation: "lost"}
	body, err := g.Notice(Entry{Arrival: at(t, "2026-11-21T20:00:00+07:00")})
	if err != nil {
		t.Fatal(err)
	}
	person, _ := decoded(t, body)["guest"].(map[string]any)
	if diff := cmp.Diff(map[string]any{"type": "none", "explanation": "lost"}, person["document"]); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

// differing lists the pointers at which two documents differ.
func differing(pointer string, a, b any) []string {
	left, isMap := a.(map[string]any)
	right, both := b.(map[string]any)
	if !isMap || !both {
		if cmp.Equal(a, b) {
			return nil
		}
		return []string{pointer}
	}
	names := map[string]bool{}
	for name := range left {
		names[name] = true
	}
	for name := range right {
		names[name] = true
	}
	var all []string
	for name := range names {
		all = append(all, differing(pointer+"/"+name, left[name], right[name])...)
	}
	slices.Sort(all)
	return all
}

func TestAMistakeSpoilsOneThing(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"citizen_id_sex_mismatch": "/guest/sex", "citizen_id_year_mismatch": "/guest/birth_date",
		"citizen_id_length": "/guest/document/number", "citizen_id_not_digits": "/guest/document/number",
		"number_required": "/guest/document/number", "required": "/guest/full_name", "unknown_field": "/room_rate",
		"impossible_date": "/guest/birth_date", "country_unknown": "/guest/nationality",
		"passport_expiry_required": "/guest/document/expires", "not_allowed": "/reason",
		"arrived_in_future": "/arrived_at /expected_departure", "departure_before_arrival": "/expected_departure",
		"accompanied_by_unknown": "/accompanied_by",
	}
	citizen, foreigner := someone(t, false), someone(t, true)
	now := at(t, "2026-11-21T20:00:00+07:00")
	got := map[string]string{}
	for _, m := range mistakes() {
		g := Guest{Person: citizen, reason: "tourism", room: "101", nights: 1}
		if m.foreigner {
			g.Person = foreigner
		}
		e := Entry{Now: now, Arrival: now}
		right, err := g.Notice(e)
		if err != nil {
			t.Fatal(err)
		}
		g.mistake = &m
		wrong, err := g.Notice(e)
		if err != nil {
			t.Fatal(err)
		}
		if m.raw != nil {
			if slices.Equal(right, wrong) || m.unreadable == json.Valid(wrong) {
				t.Errorf("%s: the text is not spoilt, or more than it says", m.code)
			}
			continue
		}
		got[m.code] = strings.Join(differing("", decoded(t, right), decoded(t, wrong)), " ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what mistakes spoil (-want +got):\n%s", diff)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	g := Guest{Person: someone(t, true), Papers: someone(t, false), Want: Outcome{Room: "101A", Nights: 5}}
	e := Entry{Now: at(t, "2026-11-21T22:55:00+07:00"), Arrival: at(t, "2026-11-21T23:00:00+07:00")}
	got := map[Verb]any{}
	for _, verb := range []Verb{Depart, Extend, Move, Cancel} {
		body, err := g.Change(verb, e)
		if err != nil {
			t.Fatal(err)
		}
		got[verb] = decoded(t, body)
	}
	want := map[Verb]any{
		Depart: map[string]any{"departed_at": "2026-11-21T23:00:00+07:00"}, // nobody leaves before they arrive
		Extend: map[string]any{"expected_departure": "2026-11-26"},
		Move:   map[string]any{"room": "101A"},
		Cancel: map[string]any{"reason": "khách đổi ý, không nhận phòng"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	body, err := g.Change(Correct, e)
	if err != nil {
		t.Fatal(err)
	}
	if person, _ := decoded(t, body)["guest"].(map[string]any); person["full_name"] != g.Papers.FullName {
		t.Error("the correction does not name the person of the papers")
	}
	for _, verb := range []Verb{Notify, NotifyMany, Repeat} {
		if _, err := g.Change(verb, e); err == nil {
			t.Errorf("%s has the body of a change", verb)
		}
	}
}

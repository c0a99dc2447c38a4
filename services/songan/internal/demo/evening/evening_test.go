package evening_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/simulators/population"
	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
)

// hanoi is the register and the communes that all tests share: both never change.
var hanoi = sync.OnceValues(func() (evening.Options, error) { //nolint:gochecknoglobals // made once, never written
	directory, err := units.Load()
	if err != nil {
		return evening.Options{}, err
	}
	register, err := people.New(people.Options{Seed: 6})
	today := vn.MustDate(2026, time.November, 21)
	province, _ := directory.Find("01", today)
	return evening.Options{
		Seed: 1, Name: "test", Facilities: 60, CheckIns: 2_000, Over: time.Minute, Today: today,
		Register: register, Communes: directory.Communes(province, today),
	}, err
})

func options(t testing.TB) evening.Options {
	t.Helper()
	o, err := hanoi()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// comparable leaves out what points back, so that plans can be compared.
func comparable(e evening.Evening) string {
	var b strings.Builder
	fmt.Fprintln(&b, e.Facilities)
	for _, g := range e.Guests {
		fmt.Fprintln(&b, g.Number, g.Party, g.Person.FullName, g.Person.Document, g.With, g.Want)
	}
	for _, act := range e.Acts {
		fmt.Fprintln(&b, act.At, act.Verb, act.Facility, act.Key, act.Code, act.Guests[0].Number)
	}
	return b.String()
}

func TestTheSameNameIsTheSameEvening(t *testing.T) {
	t.Parallel()
	o := options(t)
	first := evening.Plan(o)
	if diff := cmp.Diff(comparable(first), comparable(evening.Plan(o))); diff != "" {
		t.Errorf("planned twice (-first +second):\n%s", diff)
	}
	o.Name = "another"
	another := evening.Plan(o)
	if diff := cmp.Diff(first.Facilities, another.Facilities); diff != "" {
		t.Errorf("another evening has other facilities:\n%s", diff)
	}
	met := map[string]bool{}
	for _, g := range first.Guests {
		met[g.Person.Document.Number] = true
	}
	again := 0
	for _, g := range another.Guests {
		if met[g.Person.Document.Number] {
			again++
		}
	}
	if again > 0 {
		t.Errorf("%d guests of one evening came to the other", again)
	}
}

func TestMoreFacilitiesLeaveTheFirstOnesAsTheyAre(t *testing.T) {
	t.Parallel()
	o := options(t)
	few := evening.Plan(o)
	o.Facilities, o.CheckIns = 200, 10
	many := evening.Plan(o)
	if diff := cmp.Diff(few.Facilities, many.Facilities[:60]); diff != "" {
		t.Errorf("the first 60 of 200 differ:\n%s", diff)
	}
	communes := map[string]bool{}
	for _, c := range o.Communes {
		communes[c.Code] = true
	}
	kinds := map[people.Kind]bool{}
	for i, f := range many.Facilities {
		if kinds[f.Kind] = true; i == 5 && len(kinds) != 6 {
			t.Errorf("the first six facilities are of %d kinds", len(kinds))
		}
		if !communes[f.Unit] {
			t.Errorf("facility %d stands in %s", i, f.Unit)
		}
	}
}

func TestAnEveningHoldsTogether(t *testing.T) {
	t.Parallel()
	base := options(t)
	rapid.Check(t, func(t *rapid.T) {
		o := base
		o.Seed = rapid.Uint64().Draw(t, "seed")
		o.Name = rapid.StringMatching(`[0-9A-Za-z._-]{1,24}`).Draw(t, "name")
		o.Facilities = rapid.IntRange(1, 80).Draw(t, "facilities")
		o.CheckIns = rapid.IntRange(1, 600).Draw(t, "check-ins")
		e := evening.Plan(o)
		if len(e.Facilities) != o.Facilities || len(e.Guests) != o.CheckIns {
			t.Fatalf("%d facilities and %d guests", len(e.Facilities), len(e.Guests))
		}
		checkActs(t, e, o.Over)
		checkSums(t, e)
	})
}

// checkActs sees that everybody is entered once, in time, after whom they depend on, and with a key of their own.
func checkActs(t *rapid.T, e evening.Evening, over time.Duration) {
	afterwards := over/3 + time.Second // the last changes
	entered, keys, done := map[int]int{}, map[string]bool{}, map[*evening.Act]bool{}
	last := time.Duration(0)
	for _, act := range e.Acts {
		switch {
		case act.At < last || act.At > over+afterwards:
			t.Fatalf("%s at %s, after %s", act.Verb, act.At, last)
		case act.After != nil && !done[act.After]:
			t.Fatalf("%s stands before what it depends on", act.Verb)
		case len(act.Key) > 200 || act.Facility >= len(e.Facilities) || len(act.Guests) == 0:
			t.Fatalf("%s cannot be sent", act.Verb)
		}
		last, done[act] = act.At, true
		sameKey := act.Verb == evening.Repeat || act.Guests[0].Want.Code == "idempotency_key_reused"
		if keys[act.Key] != sameKey {
			t.Fatalf("%s of guest %d: the key was used before: %t", act.Verb, act.Guests[0].Number, keys[act.Key])
		}
		keys[act.Key] = true
		for _, g := range act.Guests {
			if act.Verb == evening.Notify || act.Verb == evening.NotifyMany {
				entered[g.Number]++
			}
			if g.With >= 0 && act.Verb == evening.Notify && !waitsFor(act, g.With) {
				t.Fatalf("guest %d does not wait for whom they accompany", g.Number)
			}
		}
	}
	for _, g := range e.Guests {
		if entered[g.Number] != 1 {
			t.Fatalf("guest %d is entered %d times", g.Number, entered[g.Number])
		}
	}
}

// waitsFor tells whether an act comes after the answer about a guest.
func waitsFor(act *evening.Act, guest int) bool {
	for before := act.After; before != nil; before = before.After {
		if before.Guests[0].Number == guest {
			return true
		}
	}
	return false
}

func checkSums(t *rapid.T, e evening.Evening) {
	f := e.Expected()
	refused, parties := 0, 0
	for name, n := range f {
		if strings.HasPrefix(name, evening.Refused("")) {
			refused += n
		}
	}
	for _, p := range evening.Parties() {
		parties += e.Size(p)
	}
	checked := f[evening.Matched] + f[evening.Mismatched] + f[evening.NotFound] + f[evening.Unavailable]
	got := []int{f[evening.Accepted] + refused, parties, checked + f[evening.Cancelled]}
	want := []int{f[evening.CheckIns], f[evening.CheckIns], f[evening.Accepted]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("accepted and refused, parties, checked and cancelled (-want +got):\n%s", diff)
	}
}

func TestNobodyComesTwice(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.CheckIns = 5_000
	seen := map[string]int{}
	for _, g := range evening.Plan(o).Guests {
		papers := g.Person.Document.Type + g.Person.Document.Number
		if before, twice := seen[papers]; twice {
			t.Errorf("guests %d and %d are one person", before, g.Number)
		}
		seen[papers] = g.Number
	}
}

func TestAnEveningHasEverything(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.CheckIns, o.Facilities = 5_000, 200
	e := evening.Plan(o)
	f := e.Expected()
	for _, name := range []string{
		evening.Accepted, evening.Late, string(evening.Foreigners), evening.Matched, evening.Mismatched, evening.NotFound,
		evening.Unavailable, evening.Departed, evening.Cancelled, evening.Extended, evening.Moved, evening.Corrected,
		evening.Repeated, evening.ChangeRefused("notice_departed"), evening.ChangeRefused("notice_unknown"),
		evening.Refused("idempotency_key_reused"), evening.Refused("citizen_id_sex_mismatch"), evening.Refused("unknown_field"),
		evening.Refused("impossible_date"), evening.Refused("arrived_in_future"), evening.Refused("number_required"),
	} {
		if f[name] < 5 {
			t.Errorf("%s: only %d", name, f[name])
		}
	}
	if share := f[evening.Accepted] * 100 / f[evening.CheckIns]; share < 90 || share > 99 {
		t.Errorf("%d %% of the check-ins are right", share)
	}
	lists := 0
	for _, act := range e.Acts {
		if act.Verb == evening.NotifyMany && len(act.Guests) > 10 {
			lists++
		}
	}
	if lists < 10 {
		t.Errorf("only %d lists", lists)
	}
}

// The simulated population database itself is asked about everybody, and about those who are corrected once more.
func TestThePopulationDatabaseSaysWhatThePlanExpects(t *testing.T) {
	t.Parallel()
	o := options(t)
	simulator, err := population.New(population.Options{Key: "key", Seed: 6})
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]int{}
	for _, g := range evening.Plan(o).Guests {
		if g.Want.Code != "" || g.Want.Identity == evening.Unavailable {
			continue // foreigners and guests without papers: nobody is asked about them
		}
		asked[g.Want.Identity]++
		answer := ask(t, simulator, g.Person)
		want := population.Answer{Result: g.Want.Identity, Differs: append([]string{}, g.Want.Fields...)}
		answer.Notes = nil // about accents, which are no mismatch
		if g.Want.Identity == evening.Matched && answer.Result == evening.Mismatched {
			answer = ask(t, simulator, g.Papers)
		}
		if diff := cmp.Diff(want, answer); diff != "" {
			t.Errorf("guest %d (-want +got):\n%s", g.Number, diff)
		}
	}
	if asked[evening.Matched] < 1_000 || asked[evening.Mismatched] < 10 || asked[evening.NotFound] < 10 {
		t.Errorf("asked about too few: %v", asked)
	}
}

func ask(t *testing.T, simulator http.Handler, p people.Person) population.Answer {
	t.Helper()
	body, err := json.Marshal(population.Question{
		Number: p.Document.Number, FullName: p.FullName, BirthDate: p.BirthDate.String(), Sex: string(p.Sex),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/checks", strings.NewReader(string(body)))
	r.Header.Set("Authorization", "Bearer key")
	w := httptest.NewRecorder()
	simulator.ServeHTTP(w, r)
	var answer population.Answer
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d: %v", w.Code, err)
	}
	return answer
}

func TestEveryFigureHasAName(t *testing.T) {
	t.Parallel()
	want := map[evening.Verb]string{
		evening.Notify: "accepted", evening.NotifyMany: "accepted", evening.Repeat: "repeated, same answer",
		evening.Depart: "departed", evening.Extend: "extended", evening.Move: "moved",
		evening.Correct: "corrected", evening.Cancel: "cancelled",
	}
	got := map[evening.Verb]string{}
	for verb := range want {
		got[verb] = evening.Changed(verb)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("names of figures (-want +got):\n%s", cmp.Diff(want, got))
	}
	for name, refusal := range map[string]bool{evening.Refused("x"): true, evening.ChangeRefused("x"): true, "accepted": false} {
		if evening.IsRefusal(name) != refusal {
			t.Errorf("%q is a refusal: %t", name, !refusal)
		}
	}
}

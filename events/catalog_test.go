package events_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/songan-vn/songan/events"
)

// The life of one fact in three shapes: v1 knew a name of a room, v2 a number, v3 a floor as well.
type movedV1 struct {
	Room string `json:"room"`
}

func (movedV1) EventName() string { return "inn.moved.v1" }

func (m movedV1) Upcast() events.Event { return movedV2{Number: len(m.Room)} }

type movedV2 struct {
	Number int `json:"number"`
}

func (movedV2) EventName() string { return "inn.moved.v2" }

func (m movedV2) Upcast() events.Event { return moved{Number: m.Number, Floor: m.Number / 100} }

type moved struct {
	Number int `json:"number"`
	Floor  int `json:"floor"`
}

func (moved) EventName() string { return "inn.moved.v3" }

// ouroboros is an upcast that never ends, as a slip of the pen would make it.
type ouroboros struct{}

func (ouroboros) EventName() string      { return "inn.ouroboros.v1" }
func (o ouroboros) Upcast() events.Event { return o }

func innFacts() []events.Event { return []events.Event{movedV1{}, movedV2{}, moved{}} }

func TestDecodeReturnsTheNewestShapeOfAFact(t *testing.T) {
	t.Parallel()
	catalog := events.NewCatalog(innFacts())
	cases := []struct {
		name, stored, data string
		want               events.Event
	}{
		{"the newest shape stays as it is", "inn.moved.v3", `{"number":204,"floor":2}`, moved{Number: 204, Floor: 2}},
		{"the shape before is upcast once", "inn.moved.v2", `{"number":204}`, moved{Number: 204, Floor: 2}},
		{"the oldest shape is upcast through all of them", "inn.moved.v1", `{"room":"abc"}`, moved{Number: 3}},
		{"a field that somebody added since is no obstacle", "inn.moved.v3", `{"number":1,"later":true}`, moved{Number: 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := catalog.Decode(c.stored, []byte(c.data))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestDecodeRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	catalog := events.NewCatalog(innFacts(), []events.Event{ouroboros{}})
	cases := []struct{ name, stored, data, want string }{
		{"an unknown name is an error, never skipped", "inn.burnt.v1", `{}`, `fact "inn.burnt.v1" is not in the catalog`},
		{"the empty name is unknown", "", `{}`, `fact "" is not in the catalog`},
		{"a body that is not JSON", "inn.moved.v3", `{`, "decode fact inn.moved.v3"},
		{"a field of another type", "inn.moved.v3", `{"number":"two"}`, "decode fact inn.moved.v3"},
		{"an upcast that never ends", "inn.ouroboros.v1", `{}`, "upcasts for ever"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := catalog.Decode(c.stored, []byte(c.data))
			if got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v and %v, want an error with %q", got, err, c.want)
			}
		})
	}
}

func TestADecodeErrorCanBeLookedInto(t *testing.T) {
	t.Parallel()
	_, err := events.NewCatalog(innFacts()).Decode("inn.moved.v3", []byte(`{"number":"two"}`))
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok {
		t.Fatalf("got %v, want a *json.UnmarshalTypeError in the chain", err)
	}
}

func TestTheZeroCatalogKnowsNothing(t *testing.T) {
	t.Parallel()
	var catalog events.Catalog
	if _, err := catalog.Decode("inn.moved.v3", []byte(`{}`)); err == nil {
		t.Fatal("a fact came out of an empty catalog")
	}
	if catalog.Knows("inn.moved.v3") || len(catalog.Names()) != 0 {
		t.Fatal("an empty catalog knows a fact")
	}
}

func TestACatalogListsItsNamesInOrder(t *testing.T) {
	t.Parallel()
	catalog := events.NewCatalog([]events.Event{moved{}}, []events.Event{movedV2{}, movedV1{}})
	want := []string{"inn.moved.v1", "inn.moved.v2", "inn.moved.v3"}
	if got := catalog.Names(); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if !catalog.Knows("inn.moved.v2") || catalog.Knows("inn.moved.v4") {
		t.Fatal("the catalog does not know what it lists")
	}
}

func TestTwoFactsWithOneNamePanic(t *testing.T) {
	t.Parallel()
	cases := map[string][][]events.Event{
		"within one service":        {{moved{}, moved{}}},
		"across services":           {{moved{}}, {movedV1{}, moved{}}},
		"another type, by accident": {{moved{}}, {impostor{}}},
	}
	for name, facts := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "inn.moved.v3 names both") {
					t.Fatalf("got %v", r)
				}
			}()
			events.NewCatalog(facts...)
		})
	}
}

type impostor struct{}

func (impostor) EventName() string { return "inn.moved.v3" }

func ExampleCatalog_Decode() {
	catalog := events.NewCatalog(innFacts())

	// A fact written years ago comes out in the shape of today.
	fact, err := catalog.Decode("inn.moved.v2", []byte(`{"number":204}`))
	fmt.Printf("%+v %v\n", fact, err)

	// What the catalog does not know is an error: skipping it would be guessing.
	_, err = catalog.Decode("inn.burnt.v1", []byte(`{}`))
	fmt.Println(err)
	// Output:
	// {Number:204 Floor:2} <nil>
	// fact "inn.burnt.v1" is not in the catalog
}

// hidden is a fact that stays at home.
type hidden struct{}

func (hidden) EventName() string { return "inn.hidden.v1" }
func (hidden) Private()          {}

func TestACatalogSaysOfANameWhetherItIsPrivateOrOld(t *testing.T) {
	t.Parallel()
	catalog := events.NewCatalog(innFacts(), []events.Event{hidden{}})
	for name, want := range map[string][2]bool{
		"inn.hidden.v1": {true, false}, "inn.moved.v1": {false, true}, "inn.moved.v3": {false, false}, "inn.unheard.v1": {false, false},
	} {
		if got := [2]bool{catalog.Private(name), catalog.Old(name)}; got != want {
			t.Errorf("%s is private, old: %v, want %v", name, got, want)
		}
	}
}

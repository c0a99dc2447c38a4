package decidertest

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
)

const longestHistory = 12 // of those that are drawn

// room is how much more than its elements a list of a fact can hold, as a decoder leaves it. Two states that both append to
// the list of a fact would write into the same place.
const room = 2

// leavesFactsAlone fails if folding changes a fact: a decoded fact is shared by all who read it. Histories are drawn without
// regard to what makes sense; one over which Evolve panics has been looked at up to there.
func leavesFactsAlone[S decider.State[S]](t *testing.T, catalog []events.Event) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		history := make([]events.Event, rapid.IntRange(1, longestHistory).Draw(t, "length"))
		for i := range history {
			v := reflect.New(reflect.TypeOf(rapid.SampledFrom(catalog).Draw(t, "fact"))).Elem()
			fill(t, v)
			history[i] = v.Interface().(events.Event)
		}
		if diff := changedByFolding[S](history); diff != "" {
			t.Fatalf("%T changed a fact that others read (-before +after):\n%s", *new(S), diff)
		}
	})
}

// changedByFolding says what folding changes in a history.
func changedByFolding[S decider.State[S]](history []events.Event) string {
	facts, changed := watched(history)
	func() {
		defer func() { _ = recover() }()
		decider.Fold(*new(S), facts...)
	}()
	return changed()
}

// watched returns the facts with room behind their lists, and what tells whether anything in them has changed since, the room
// included.
func watched(given []events.Event) (facts []events.Event, changed func() string) {
	facts = make([]events.Event, len(given))
	for i, e := range given {
		facts[i] = clone(reflect.ValueOf(e), false).Interface().(events.Event)
	}
	whole := func() []events.Event {
		all := make([]events.Event, len(facts))
		for i, e := range facts {
			all[i] = clone(reflect.ValueOf(e), true).Interface().(events.Event)
		}
		return all
	}
	before := whole()
	return facts, func() string { return cmp.Diff(before, whole()) }
}

// clone copies a value with all that it points to. Lists get room; if whole, theirs becomes visible.
func clone(v reflect.Value, whole bool) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	switch kind := v.Kind(); {
	case kind == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				c.Field(i).Set(clone(v.Field(i), whole))
			}
		}
	case kind == reflect.Slice && !v.IsNil():
		c.Set(cloneList(v, whole))
	case kind == reflect.Map && !v.IsNil():
		c.Set(reflect.MakeMap(v.Type()))
		for key, value := range v.Seq2() {
			c.SetMapIndex(key, clone(value, whole))
		}
	case kind == reflect.Pointer && !v.IsNil():
		c.Set(reflect.New(v.Type().Elem()))
		c.Elem().Set(clone(v.Elem(), whole))
	}
	return c
}

func cloneList(v reflect.Value, whole bool) reflect.Value {
	if whole {
		v = v.Slice(0, v.Cap())
	}
	c := reflect.MakeSlice(v.Type(), v.Len(), v.Len()+room)
	for i := range v.Len() {
		c.Index(i).Set(clone(v.Index(i), whole))
	}
	return c
}

// fill draws what stands in a fact. There are few different values, so that facts speak of the same things.
func fill(t *rapid.T, v reflect.Value) {
	const most = 3 // elements of a list
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(Noon().Add(time.Duration(rapid.IntRange(-most, most).Draw(t, "hours")) * time.Hour)))
		return
	case v.CanInt():
		v.SetInt(int64(rapid.IntRange(0, most).Draw(t, "number")))
		return
	case v.CanUint():
		v.SetUint(uint64(rapid.IntRange(0, most).Draw(t, "number")))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{"", "a", "b", "2026-11-21"}).Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "flag"))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, most).Draw(t, "length"), most))
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, most).Draw(t, "length") {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, key)
			fill(t, value)
			v.SetMapIndex(key, value)
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	}
}

package strict_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/httpapi/strict"
	"github.com/songan-vn/songan/libs/problem"
)

// What could be read of a body with faults is there for other rules: with zeros where a fault is, and with objects that are
// there, whatever is wrong within.
func TestWhatCouldBeReadIsKeptBesideTheFaults(t *testing.T) {
	t.Parallel()
	type party struct {
		Name   string `json:"name" maxLength:"3"`
		Nights int8   `json:"nights,omitzero"`
	}
	type booking struct {
		Party *party   `json:"party,omitzero"`
		Phone *string  `json:"phone,omitzero"`
		Tags  []string `json:"tags,omitzero"`
	}
	_, err := strict.For[booking]().Read([]byte(`{"party":{"name":"long","nights":2},"phone":7,"tags":["a",1]}`))
	faulty, ok := errors.AsType[*strict.Faulty[booking]](err)
	if !ok {
		t.Fatalf("%T %v", err, err)
	}
	if d := cmp.Diff(booking{Party: &party{Nights: 2}, Tags: []string{"a", ""}}, faulty.Value); d != "" {
		t.Error(d)
	}
	var found problem.Faults
	for _, place := range []string{"/party/name", "/party/nights", "/tags/1", "/tags/1/x", "/tags/0", "/party", ""} {
		found.At(place, problem.Fault{Code: "found"})
	}
	faulty.Add(found)
	want := []string{
		"/party/name too_long", "/phone wrong_type", "/tags/1 wrong_type", "/party/nights found", "/tags/0 found", "/party found", "found",
	}
	if d := cmp.Diff(want, faults(err)); d != "" {
		t.Error(d)
	}
	for range 200 {
		faulty.Add(problem.Faults{{Code: "more"}, {Pointer: "/phone", Code: "more"}})
		found = append(found, problem.Fault{Pointer: "/new", Code: "more"})
	}
	faulty.Add(found)
	if n := len(faults(err)); n != 101 {
		t.Errorf("%d faults", n)
	}
	for _, body := range []string{`[]`, `7`, `{"tags":[`, ``} {
		if _, err := strict.For[booking]().Read([]byte(body)); errors.As(err, &faulty) {
			t.Errorf("of %s something could be read", body)
		}
	}
}

package decidertest

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/decider"
)

// listed is a fact with all that can be shared.
type listed struct {
	Words  []string
	Rows   []row
	Named  map[string][]string
	Single *row
}

type row struct{ Text string }

func (listed) EventName() string { return "test.listed.v1" }

// sharing keeps what the first fact holds, and does something with it at every later one.
type sharing[do careless] struct{ kept *listed }

type careless interface{ to(kept *listed) }

func (s sharing[do]) Evolve(e events.Event) sharing[do] {
	if s.kept == nil {
		fact := e.(listed)
		s.kept = &fact
		return s
	}
	(*new(do)).to(s.kept)
	return s
}

type (
	overwrites struct{}
	appends    struct{}
	nested     struct{}
	entries    struct{}
	pointed    struct{}
	copies     struct{}
)

func (overwrites) to(l *listed) { l.Words[0] = "other" }
func (appends) to(l *listed)    { l.Words = append(l.Words, "more") }
func (nested) to(l *listed)     { l.Rows[0].Text = "other" }
func (entries) to(l *listed)    { l.Named["a"] = nil }
func (pointed) to(l *listed)    { l.Single.Text = "other" }

func (copies) to(l *listed) {
	l.Words = append(slices.Clone(l.Words), "more")
	l.Single = &row{"other"}
}

func TestAStateThatChangesAFactIsFound(t *testing.T) {
	t.Parallel()
	first := listed{
		Words: []string{"a"}, Rows: []row{{"a"}}, Named: map[string][]string{"a": {"b"}}, Single: &row{"a"},
	}
	for name, c := range map[string]struct {
		fold  func([]events.Event) string
		found bool
	}{
		"it overwrites an element":    {changedByFolding[sharing[overwrites]], true},
		"it appends to a list":        {changedByFolding[sharing[appends]], true},
		"it overwrites a member":      {changedByFolding[sharing[nested]], true},
		"it changes a map":            {changedByFolding[sharing[entries]], true},
		"it writes through a pointer": {changedByFolding[sharing[pointed]], true},
		"it copies before it changes": {changedByFolding[sharing[copies]], false},
	} {
		if diff := c.fold([]events.Event{first, listed{}}); (diff != "") != c.found {
			t.Errorf("%s: %q", name, diff)
		}
	}
}

// A drawn fact has to have something in it that can be changed.
func TestEverythingInAFactIsDrawn(t *testing.T) {
	t.Parallel()
	var full listed
	rapid.Check(t, func(t *rapid.T) {
		var l listed
		fill(t, reflect.ValueOf(&l).Elem())
		if len(l.Words) > 0 && cap(l.Words) > len(l.Words) {
			full.Words = l.Words
		}
		if len(l.Rows) > 0 && l.Rows[0].Text != "" {
			full.Rows = l.Rows
		}
		if len(l.Named["a"]) > 0 {
			full.Named = l.Named
		}
		if l.Single != nil {
			full.Single = l.Single
		}
	})
	if full.Words == nil || full.Rows == nil || full.Named == nil || full.Single == nil {
		t.Errorf("of a hundred facts none was full: %+v", full)
	}
}

var _ decider.State[sharing[copies]] = sharing[copies]{}

package releaser

import (
	"errors"
	"testing"

	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// Only a look whose findings were all recorded says that nothing is left to be removed.
func TestALookCountsIfAllThatItFoundIsRemoved(t *testing.T) {
	t.Parallel()
	found := []payroll.Removal{{Line: "p1"}, {Line: "p2"}}
	for name, c := range map[string]struct {
		look    *Look
		removed map[string]bool
		want    string
	}{
		"nothing was found":           {&Look{Draft: 2, People: "s"}, nil, "s"},
		"all of it is removed":        {&Look{Draft: 2, People: "s", Found: found}, map[string]bool{"p1": true, "p2": true, "p3": true}, "s"},
		"one press was not recorded":  {&Look{Draft: 2, People: "s", Found: found}, map[string]bool{"p1": true}, ""},
		"another draft was looked at": {&Look{Draft: 1, People: "s"}, nil, ""},
		"nobody looked":               {nil, nil, ""},
		"nobody looked at the others": {nil, map[string]bool{"p1": true}, ""},
	} {
		if got := c.look.clean(2, c.removed); got != c.want {
			t.Errorf("%s: %q instead of %q", name, got, c.want)
		}
	}
}

// A list is found in the read model as soon as its release is recorded, which may be before whoever recorded it can say so.
func TestALookIsThereBeforeTheReleaseIs(t *testing.T) {
	t.Parallel()
	r := New(Deps{})
	press := func(record func() error) error { return r.Press(Look{Payroll: "p", People: "s"}, record) }
	taken := func() string {
		if look := r.take("p"); look != nil {
			return look.People
		}
		return ""
	}

	refused := errors.New("refused")
	if err := press(func() error { return refused }); !errors.Is(err, refused) {
		t.Errorf("a refusal became %v", err)
	}
	if taken() != "" || len(r.called) > 0 {
		t.Error("a press that was refused left its look")
	}
	if err := press(func() error {
		if taken() != "s" {
			t.Error("no look while the release was recorded")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if <-r.called != "p" || taken() != "" {
		t.Error("the list was not called for, or its look is there for a second pass")
	}
	if err := press(func() error { // and meanwhile one presses in vain, and one who found it released
		_ = r.Press(Look{Payroll: "p"}, func() error { return refused })
		return r.Press(Look{Payroll: "p"}, func() error { return nil })
	}); err != nil {
		t.Fatal(err)
	}
	if taken() != "s" {
		t.Error("another press took the look away")
	}
}

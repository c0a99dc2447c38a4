package releaser

import (
	"testing"

	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// Only a look whose findings were all recorded says that nothing is left to be removed.
func TestALookCountsIfAllThatItFoundIsRemoved(t *testing.T) {
	t.Parallel()
	found := []payroll.Removal{{Line: "p1"}, {Line: "p2"}}
	for name, c := range map[string]struct {
		look    Look
		removed map[string]bool
		want    string
	}{
		"nothing was found":           {Look{People: "s"}, nil, "s"},
		"all of it is removed":        {Look{People: "s", Found: found}, map[string]bool{"p1": true, "p2": true, "p3": true}, "s"},
		"one press was not recorded":  {Look{People: "s", Found: found}, map[string]bool{"p1": true}, ""},
		"nobody looked":               {Look{}, nil, ""},
		"nobody looked at the others": {Look{}, map[string]bool{"p1": true}, ""},
	} {
		if got := c.look.clean(c.removed); got != c.want {
			t.Errorf("%s: %q instead of %q", name, got, c.want)
		}
	}
}

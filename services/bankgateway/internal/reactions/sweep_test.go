package reactions

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// story is what happens to the sweeps of a bank: facts that are recorded, and how far the queue shows them.
type story struct {
	records int64 // a fact about what was sent; 0 if none
	rushing bool
	shows   int64 // how far the queue is when the next sweep begins
	goesOn  bool  // it begins where this one ended
}

func TestARoundEndsWhenTheQueueShowsWhatWasSent(t *testing.T) {
	t.Parallel()
	for name, stories := range map[string][]story{
		"nothing was sent":                {{}, {}},
		"it is shown at once":             {{records: 3, shows: 3}, {records: 4, shows: 4}, {shows: 4}},
		"it is shown a little later":      {{records: 3, goesOn: true}, {shows: 3}},
		"there is always something more":  {{records: 3, shows: 2, goesOn: true}, {records: 5, shows: 4}, {records: 7, shows: 4, goesOn: true}, {records: 9, shows: 6}},
		"a rush":                          {{records: 3, rushing: true, goesOn: true}, {records: 9, rushing: true, shows: 3, goesOn: true}, {shows: 8, goesOn: true}, {records: 12, shows: 9}, {shows: 11, goesOn: true}, {shows: 12}},
		"another process sent up to here": {{shows: 0, goesOn: true}},
	} {
		r := round{met: map[string]int64{}}
		if name == "another process sent up to here" {
			r.mark, r.latest = 2, 2
		}
		var got, want []bool
		for i, s := range stories {
			r.after, r.met["a"] = int64(i+1), 1
			r.recorded(s.records, s.rushing)
			o := Outbox{Shows: func(_ context.Context, position int64) bool { return position <= s.shows }}
			r = o.begin(t.Context(), r)
			goesOn := r.after > 0
			if goesOn != (len(r.met) > 0) {
				t.Errorf("%s: what was met is kept as long as the place: %+v", name, r)
			}
			got, want = append(got, goesOn), append(want, s.goesOn)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

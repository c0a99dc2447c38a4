package reactions

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/pace"
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
	now := time.Now()
	for name, c := range map[string]struct {
		begins  round
		stories []story
	}{
		"nothing was sent":               {round{began: now}, []story{{}, {}}},
		"it is shown at once":            {round{began: now}, []story{{records: 3, shows: 3}, {records: 4, shows: 4}, {shows: 4}}},
		"it is shown a little later":     {round{began: now}, []story{{records: 3, goesOn: true}, {shows: 3}}},
		"there is always something more": {round{began: now}, []story{{records: 3, shows: 2, goesOn: true}, {records: 5, shows: 4}, {records: 7, shows: 4, goesOn: true}, {records: 9, shows: 6}}},
		"a rush":                         {round{began: now}, []story{{records: 3, rushing: true, goesOn: true}, {records: 9, rushing: true, shows: 3, goesOn: true}, {shows: 8, goesOn: true}, {records: 12, shows: 9}, {shows: 11, goesOn: true}, {shows: 12}}},
		"a rush without an end": {round{began: now.Add(-pace.Patience)}, []story{
			{records: 3, rushing: true, shows: 2, goesOn: true}, {records: 5, rushing: true, shows: 3},
		}},
		"another process sent up to here": {round{mark: 2, latest: 2, began: now}, []story{{shows: 0, goesOn: true}}},
	} {
		r := c.begins
		r.met = map[string]int64{}
		var got, want []bool
		for i, s := range c.stories {
			r.after, r.met["a"] = int64(i+1), 1
			r.recorded(s.records, s.rushing)
			o := Outbox{Shows: func(_ context.Context, position int64) bool { return position <= s.shows }}
			r = o.next(t.Context(), r)
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

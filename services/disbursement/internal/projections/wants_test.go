package projections

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// What a projection does not name with Of never reaches it. So whatever changes its rows has to be named.
func TestAProjectionNamesAllFactsThatConcernIt(t *testing.T) {
	t.Parallel()
	all := slices.Concat(disbursement.Catalog(), payroll.PrivateFacts())
	// Most change something even if they say nothing; these do not.
	telling := append(slices.Clone(all), payroll.LinesComputed{Lines: []payroll.Line{{}}}, disbursement.EnrolmentResumed{FromMonth: "2026-12"})
	suspended := Enrolment{Suspensions: []entitlement.Suspension{{}}}
	for _, p := range []struct {
		projection *projection.Projection
		concerned  func(events.Recorded) bool
	}{
		{Enrolments(), func(r events.Recorded) bool { return !reflect.DeepEqual(applyToEnrolment(suspended, r), suspended) }},
		{Payrolls(), func(r events.Recorded) bool { _, concerned := payrollKey(r); return concerned }},
		{Lines(), func(r events.Recorded) bool { return !reflect.DeepEqual(changesOf([]events.Recorded{r}), changed{}) }},
	} {
		wanted, concerned := p.projection.Wants(events.NewCatalog(all)), map[string]bool{}
		for _, fact := range telling {
			r := events.Recorded{Stream: "some-1", Version: 1, Position: 1, Event: fact}
			concerned[fact.EventName()] = concerned[fact.EventName()] || p.concerned(r)
		}
		if diff := cmp.Diff(concerned, wanted); diff != "" {
			t.Errorf("%s (-changes its rows +is named): %s", p.projection.Name(), diff)
		}
	}
}

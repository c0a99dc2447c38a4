package projections

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
)

// What the queue does not name with Of never reaches it. So whatever changes a row has to be named.
func TestTheQueueNamesAllFactsThatConcernIt(t *testing.T) {
	t.Parallel()
	all := slices.Concat(accounts.Catalog(), disbursement.Catalog(), bankgateway.Catalog())
	concerned := map[string]bool{}
	for _, fact := range all {
		_, concerned[fact.EventName()] = dispatchKey(events.Recorded{Event: fact})
	}
	if diff := cmp.Diff(concerned, Dispatches().Wants(events.NewCatalog(all))); diff != "" {
		t.Errorf("(-has a row +is named): %s", diff)
	}
}

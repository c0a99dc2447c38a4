package bankgateway

import (
	"testing"

	"github.com/songan-vn/songan/libs/httpapi"
)

func TestWhoReachesNothingIsNotTakenForWhoReachesEverything(t *testing.T) {
	t.Parallel()
	a := &app{} // nothing is even looked up
	banks, err := a.listBanks(t.Context(), httpapi.Call[struct{}]{})
	if err != nil || len(banks.Items) != 0 {
		t.Error(banks, err)
	}
	dispatches, err := a.listDispatches(t.Context(), httpapi.Call[ListDispatches]{})
	if err != nil || len(dispatches.Items) != 0 {
		t.Error(dispatches, err)
	}
}

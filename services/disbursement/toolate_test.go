package disbursement_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/disbursement/audit"
)

// Cash is handed over that took over a payment of November, and in the same moment the bank says that it credited November after
// all (decision 17). Nothing can undo that; people see it, and the audit names it until the bank gives the money back.
func TestACreditThatIsHeardOfAsCashIsHandedOverIsFound(t *testing.T) {
	t.Parallel()
	o, g, november, taker := takenOver(t)
	g.tell(t, taker, "sent", "RJCT AC04")
	taker = o.stands(t, taker, "rejected")
	o.Post(t, "treasurer", "/payments/"+taker.ID+"/cash", "moved", object{}).Want(t, http.StatusOK)
	o.Post(t, "cashier", "/payments/"+taker.ID+"/cash", "handed", object{"collected_on": "2026-11-21", "receipt": "PC-1"}).Want(t, http.StatusOK)
	g.tell(t, november, "contradictory ACCC FT0")
	o.contests(t, november, true)
	var got struct {
		Exceptions []struct{ Code, Payment string }
	}
	o.Get(t, "auditor", "/reconciliations/"+november.Payroll, "").Into(t, &got)
	if len(got.Exceptions) != 1 || got.Exceptions[0].Code != "contradictory" || got.Exceptions[0].Payment != november.ID {
		t.Errorf("the reconciliation shows %+v", got.Exceptions)
	}
	eleven := []string{"payment " + november.ID + " was credited after all, and " + taker.ID + " paid the same money again"}
	if diff := cmp.Diff(eleven, o.violated(t, g)["I11"]); diff != "" {
		t.Errorf("I11 (-want +found):\n%s", diff)
	}
	g.tell(t, november, "contradictory RTND AC04")
	o.contests(t, november, false)
	o.audited(t, g)
}

// violated are the violations that an audit names, by invariant. It waits until the audit is not ahead of the read models.
func (o *office) violated(t *testing.T, g *gateway) (found map[string][]string) {
	t.Helper()
	testkit.Eventually(t, func() error {
		report, err := audit.Run(t.Context(), audit.Sources{Accounts: o.people.base.Pool, Disbursement: o.Pool, Gateway: poolOf(g)})
		found = map[string][]string{}
		for _, f := range report.Findings {
			if !f.OK {
				found[f.ID] = f.Violations
			}
		}
		return errorUnless(err == nil && len(found["I6"]) == 0, "%v (%v)", found, err)
	})
	return found
}

package accounts_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/testkit"
)

// A bank refuses a payment because the holder died (MD07). It is a case for an officer, and nothing is paid meanwhile.
func TestABankThatReportsADeathOpensACaseForAnOfficer(t *testing.T) {
	t.Parallel()
	o := open(t)
	gateway := o.neighbour(t, "bankgateway", bankgateway.Catalog())
	lives, died, refused := o.register(t, 1), o.register(t, 2), o.register(t, 3)
	o.issue(t, "i", vietin, lives, died, refused)
	for _, id := range []string{lives, died} {
		gateway.say(t, bankgateway.OpeningReported{
			Account: id + "-1", Beneficiary: id, Bank: vietin, Status: "opened", Number: "0193a5c0-7d3e-7c41-9b52-6f1e8a4d2c70", Mark: "mark-" + id, HolderMatch: "match",
		})
		o.status(t, id, "opened")
		gateway.say(t, bankgateway.DeathReported{
			Instruction: bankgateway.Instruction{EndToEndID: "SA-" + id, Payment: "p-" + id, Attempt: 1, Bank: vietin}, Account: id + "-1",
		})
		o.status(t, id, "suspended")
	}
	gateway.say(t, bankgateway.OpeningReported{Account: refused + "-1", Beneficiary: refused, Bank: vietin, Status: "refused", Reason: "MD07"})
	o.status(t, refused, "refused")
	reported := func() string {
		var page struct {
			Items []struct {
				ID            string
				DeathReported struct{ Account, Of string } `json:"death_reported"`
			}
		}
		o.get(t, "colleague", "/beneficiaries?ids_only=true&death_reported=true", "").into(t, &page)
		var cases []string
		for _, item := range page.Items {
			cases = append(cases, strings.NewReplacer(lives, "lives", died, "died", refused, "refused").Replace(item.ID+" "+item.DeathReported.Account+" "+item.DeathReported.Of))
		}
		return strings.Join(slices.Sorted(slices.Values(cases)), "; ")
	}
	is := func(want string) {
		t.Helper()
		testkit.Eventually(t, 20*time.Second, func() error {
			if got := reported(); got != want {
				return fmt.Errorf("cases: %s", got)
			}
			return nil
		})
	}
	is("died died-1 beneficiary; lives lives-1 beneficiary; refused refused-1 beneficiary")
	why := object{"reason": "đến nhận tiền tại phường"}
	o.post(t, "chairman", "/accounts/"+lives+"-1/reinstatement", "r", why).refused(t, http.StatusUnprocessableEntity, "death_reported")
	o.post(t, "accountant", "/beneficiaries/"+lives+"/death/dismissal", "d0", why).want(t, http.StatusForbidden)
	o.post(t, "stranger", "/beneficiaries/"+lives+"/death/dismissal", "d1", why).refused(t, http.StatusNotFound, "beneficiary_unknown")
	o.post(t, "maker", "/beneficiaries/"+lives+"/death/dismissal", "d2", why).want(t, http.StatusOK)
	o.status(t, lives, "opened")
	o.post(t, "maker", "/beneficiaries/"+died+"/death", "d3", object{"date": "2026-11-01", "source": "civil_registry"}).want(t, http.StatusOK)
	o.status(t, died, "closed")
	is("refused refused-1 beneficiary")
	o.post(t, "maker", "/beneficiaries/"+died+"/death/dismissal", "d4", why).refused(t, http.StatusUnprocessableEntity, "death_not_reported")
}

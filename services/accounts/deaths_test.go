package accounts_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

// A bank refuses a payment because the holder died (MD07). It is a case for an officer, and nothing is paid meanwhile.
func TestABankThatReportsADeathOpensACaseForAnOfficer(t *testing.T) {
	t.Parallel()
	o := open(t)
	gateway := o.Neighbour(t, "bankgateway", bankgateway.Catalog())
	lives, died, refused := o.register(t, 1), o.register(t, 2), o.register(t, 3)
	o.issue(t, "i", vietin, lives, died, refused)
	for _, id := range []string{lives, died} {
		servicetest.Say(t, gateway, "account-"+id+"-1", bankgateway.OpeningReported{
			Account: id + "-1", Beneficiary: id, Bank: vietin, Status: "opened", Number: "0193a5c0-7d3e-7c41-9b52-6f1e8a4d2c70", Mark: "mark-" + id, HolderMatch: "match",
		})
		o.status(t, id, "opened")
		servicetest.Say(t, gateway, "instruction-"+id, bankgateway.DeathReported{
			Instruction: bankgateway.Instruction{EndToEndID: "SA-" + id, Payment: "p-" + id, Attempt: 1, Bank: vietin}, Account: id + "-1",
		})
		o.status(t, id, "suspended")
	}
	servicetest.Say(t, gateway, "account-"+refused+"-1", bankgateway.OpeningReported{Account: refused + "-1", Beneficiary: refused, Bank: vietin, Status: "refused", Reason: "MD07"})
	o.status(t, refused, "refused")
	reported := func() string {
		var page struct {
			Items []struct {
				ID            string
				DeathReported struct{ Account, Of string } `json:"death_reported"`
			}
		}
		o.Get(t, "colleague", "/beneficiaries?ids_only=true&death_reported=true", "").Into(t, &page)
		var cases []string
		for _, item := range page.Items {
			cases = append(cases, strings.NewReplacer(lives, "lives", died, "died", refused, "refused").Replace(item.ID+" "+item.DeathReported.Account+" "+item.DeathReported.Of))
		}
		return strings.Join(slices.Sorted(slices.Values(cases)), "; ")
	}
	is := func(want string) {
		t.Helper()
		testkit.Eventually(t, func() error {
			if got := reported(); got != want {
				return fmt.Errorf("cases: %s", got)
			}
			return nil
		})
	}
	is("died died-1 beneficiary; lives lives-1 beneficiary; refused refused-1 beneficiary")
	why := object{"reason": "đến nhận tiền tại phường"}
	o.Post(t, "chairman", "/accounts/"+lives+"-1/reinstatement", "r", why).Refused(t, http.StatusUnprocessableEntity, "death_reported")
	o.Post(t, "accountant", "/beneficiaries/"+lives+"/death/dismissal", "d0", why).Want(t, http.StatusForbidden)
	o.Post(t, "stranger", "/beneficiaries/"+lives+"/death/dismissal", "d1", why).Refused(t, http.StatusNotFound, "beneficiary_unknown")
	o.Post(t, "maker", "/beneficiaries/"+lives+"/death/dismissal", "d2", why).Want(t, http.StatusOK)
	o.status(t, lives, "opened")
	o.Post(t, "maker", "/beneficiaries/"+died+"/death", "d3", object{"date": "2026-11-01", "source": "civil_registry"}).Want(t, http.StatusOK)
	o.status(t, died, "closed")
	is("refused refused-1 beneficiary")
	o.Post(t, "maker", "/beneficiaries/"+died+"/death/dismissal", "d4", why).Refused(t, http.StatusUnprocessableEntity, "death_not_reported")
}

// The death was recorded for another person of that name. Somebody else takes it back; the account is asked for anew.
func TestADeathThatWasRecordedWronglyIsRevoked(t *testing.T) {
	t.Parallel()
	o := open(t)
	id := o.register(t, 1)
	o.issue(t, "i", vietin, id)
	path, body := "/beneficiaries/"+id+"/death/revocation", object{"document": "118/TP-HT", "reason": "trùng tên với Trần Thị Hoa"}
	o.Post(t, "colleague", path, "r0", body).Refused(t, http.StatusUnprocessableEntity, "death_not_recorded")
	o.Post(t, "maker", "/beneficiaries/"+id+"/death", "d", object{"date": "2026-11-01", "source": "officer"}).Want(t, http.StatusOK)
	o.Post(t, "accountant", path, "r1", body).Want(t, http.StatusForbidden)
	o.Post(t, "stranger", path, "r2", body).Refused(t, http.StatusNotFound, "beneficiary_unknown")
	for _, same := range []string{"maker", "maker_approves"} {
		o.Post(t, same, path, "r3", body).Refused(t, http.StatusUnprocessableEntity, "same_person")
	}
	done := o.Post(t, "chairman", path, "r4", body)
	done.Want(t, http.StatusOK)
	var b beneficiaryView
	done.Into(t, &b)
	if b.DiedOn != "" || b.Account.Status != "closed" || b.Account.Reason != "died" {
		t.Fatalf("%s", done.Body)
	}
	if again := o.Post(t, "chairman", path, "r4", body); again.Header.Get("Idempotent-Replay") != "true" {
		t.Fatalf("%s", again.Body)
	}
	var living struct{ Items []beneficiaryView }
	o.Get(t, "maker", "/beneficiaries?living=true&ids_only=true", done.Position()).Into(t, &living)
	if len(living.Items) != 1 {
		t.Fatalf("%+v", living)
	}
	o.issue(t, "again", vietin, id)
	o.Post(t, "colleague", "/beneficiaries/"+id+"/death", "d2", object{"date": "2026-11-20", "source": "civil_registry"}).Want(t, http.StatusOK)
}

package disbursement_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/witness"
)

// Who pays has to know how much, and not that it is for an illness. What they see of somebody who is ill differs in nothing
// but the amount from what they see of others: a gap would tell as well.
func TestTheTreasurerDoesNotLearnOfAnIllness(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.someone(t, "ill", unit, "")
	o.someone(t, "lame", unit, vietcombank)
	o.enrol(t, "lisa", decision("lame", "social_assistance", "c6_severe", "2026-08-03"))
	last := o.Post(t, "lisa", "/enrolments", "ill", decision("ill", "social_assistance", "c8", "2026-08-03"))
	last.Want(t, http.StatusCreated)
	o.seen(t, `true`)
	for _, c := range []struct{ actor, of, want string }{
		{"lisa", "ill", "810000 C8 1.5 true cash no_account"},
		{"accountant", "ill", "810000 C8 1.5 true cash no_account"},
		{"approver", "ill", "810000 C8 1.5 true cash no_account"},
		{"approver", "lame", "1080000 C6-d 2.0 true account "},
		{"treasurer", "ill", "810000   false cash no_account"},
		{"treasurer", "lame", "1080000   false account "},
	} {
		answer := o.Get(t, c.actor, "/entitlements/"+c.of+"?month=2026-08", last.Position())
		answer.Want(t, http.StatusOK)
		var got struct {
			Amount     int64
			Chosen     []struct{ Rule, Coefficient string }
			Rejected   []object
			LegalBasis []string `json:"legal_basis"`
			Unverified bool
			Method     string
			CashReason string `json:"cash_reason"`
		}
		answer.Into(t, &got)
		rule, coefficient := "", ""
		for _, line := range got.Chosen {
			rule, coefficient = line.Rule, line.Coefficient
		}
		text := fmt.Sprintf("%d %s %s %t %s %s", got.Amount, rule, coefficient, len(got.Chosen)+len(got.Rejected)+len(got.LegalBasis) > 0,
			got.Method, got.CashReason)
		if text != c.want {
			t.Errorf("%s sees %q of %s, want %q: %s", c.actor, text, c.of, c.want, answer.Body)
		}
		if c.actor == "treasurer" && got.Unverified {
			t.Errorf("some categories are unverified: %s", answer.Body)
		}
	}
}

// A person shows that they were paid, or that it was tried, to somebody who believes nobody.
func TestAPaymentIsProvenOffline(t *testing.T) {
	t.Parallel()
	o, g, list := village(t)
	p := o.payments(t, list)["b0"]
	g.tell(t, p, "sent", "ACCC FT0")
	o.becomes(t, list, "b0", "credited")
	verifiers, err := witness.LoadVerifier(filepath.Join(o.Config.Data, "witness-disbursement.key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	for version, fact := range map[string]string{"": "payment_credited.v1", "?version=1": "payment_released.v1"} {
		var proof servicetest.Answer
		testkit.Eventually(t, func() error {
			if proof = o.Get(t, "auditor", "/payments/"+p.ID+"/proof"+version, ""); proof.Status != http.StatusOK {
				return fmt.Errorf("%d %s", proof.Status, proof.Body)
			}
			return nil
		})
		var receipt witness.Receipt
		proof.Into(t, &receipt)
		if _, err := receipt.Verify(verifiers); err != nil || !strings.HasSuffix(receipt.Type, fact) {
			t.Errorf("%q: %v, %+v", version, err, receipt)
		}
	}
	o.Get(t, "stranger", "/payments/"+p.ID+"/proof", "").Want(t, http.StatusNotFound)
}

package accounts_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/testkit/policytest"
	"github.com/songan-vn/songan/libs/vn/person"
)

func TestEachRoleSeesABeneficiaryInItsForm(t *testing.T) {
	t.Parallel()
	o := open(t)
	id := o.register(t, 1)
	number := ""
	for actor, masked := range map[string]bool{"maker": false, "accountant": true, "chairman": true} {
		answer := o.Get(t, actor, "/beneficiaries/"+id, "")
		var got struct {
			Person struct {
				FullName string `json:"full_name"`
				Document struct{ Number string }
			}
		}
		answer.Into(t, &got)
		if got.Person.FullName == "" || strings.HasPrefix(got.Person.Document.Number, "****") != masked {
			t.Errorf("%s sees %s", actor, answer.Body)
		}
		if !masked {
			number = got.Person.Document.Number
		}
	}
	tail := number[len(number)-4:]
	testkit.Eventually(t, func() error {
		if list := string(o.Get(t, "accountant", "/beneficiaries", "").Body); strings.Contains(list, number) || !strings.Contains(list, "****"+tail) {
			return fmt.Errorf("a list shows %s", list)
		}
		return nil
	})
	if hidden := string(o.Get(t, "auditor", "/beneficiaries/"+id, "").Body); strings.Contains(hidden, "person") || strings.Contains(hidden, tail) {
		t.Errorf("the auditor sees %s", hidden)
	}
}

// A field without a line is hidden from everybody: whoever adds one decides here who sees it.
func TestEveryFieldOfAPersonHasALineInTheTable(t *testing.T) {
	t.Parallel()
	table, err := privacy.LoadTable()
	if err != nil {
		t.Fatal(err)
	}
	missing := []string{}
	for _, field := range privacy.FieldsOf[person.Person]("person") {
		if !table.Has(field) {
			missing = append(missing, field)
		}
	}
	if diff := cmp.Diff([]string{}, missing); diff != "" {
		t.Error(diff)
	}
}

// The policies are asked with the purpose for which another service resolves people.
func TestThePoliciesHearWhatPeopleAreResolvedFor(t *testing.T) {
	t.Parallel()
	o := prepare(t)
	o.policy = policytest.Plus(t, o.Clock.Now, policytest.Forbid("curiosity"))
	t.Cleanup(o.start(t))
	id := o.register(t, 1)
	for purpose, status := range map[string]int{"curiosity": http.StatusForbidden, "bank_instruction": http.StatusOK} {
		o.Post(t, "gateway", "/persons", "", object{
			"refs": []string{"01936d4e-0000-7000-8000-000000000000"}, "purpose": purpose, "case": "BD-1",
		}).Want(t, status)
		o.Post(t, "gateway", "/profiles", "", object{"beneficiaries": []string{id}, "purpose": purpose, "case": "BD-1"}).Want(t, status)
	}
}

// What officers read people for, without saying so, the policies hear as it is recorded.
func TestThePoliciesHearWhatOfficersReadPeopleFor(t *testing.T) {
	t.Parallel()
	o := prepare(t)
	o.policy = policytest.Plus(t, o.Clock.Now, policytest.Forbid("beneficiary_administration", "death_check", "account_request", "issuance"))
	t.Cleanup(o.start(t))
	id := o.register(t, 1)
	made := o.Post(t, "maker", "/issuances", "i", object{"unit": "00004", "bank": "ICBVVNVX", "beneficiaries": []string{id}, "note": "của ông An"})
	made.Want(t, http.StatusCreated)
	for _, path := range []string{"/beneficiaries/" + id, "/beneficiaries", "/issuances/" + made.Text(t, "id")} {
		got := o.Get(t, "maker", path, made.Position())
		got.Want(t, http.StatusOK)
		if body := string(got.Body); !strings.Contains(body, id) && !strings.Contains(body, made.Text(t, "id")) || strings.Contains(body, "person\"") || strings.Contains(body, "ông") {
			t.Errorf("%s: %s", path, body)
		}
	}
	o.Post(t, "maker", "/beneficiaries/"+id+"/death", "d", object{"date": "2026-11-20", "source": "family"}).Want(t, http.StatusForbidden)
	o.Post(t, "maker", "/issuances", "all", object{"unit": "00004", "bank": "ICBVVNVX"}).Want(t, http.StatusForbidden)
}

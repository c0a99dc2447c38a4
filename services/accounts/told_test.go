package accounts_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
)

// told is what somebody is told of themselves.
type told struct {
	Holdings []struct {
		Ref, Purpose string
		Content      map[string]any
	}
	Facts     []struct{ Stream, Type string }
	Elsewhere []struct {
		Service  string
		Holdings []struct{ Content string }
	}
}

// tells takes a request for access and answers it.
func (o *office) tells(t *testing.T, file, document string) (got told) {
	t.Helper()
	taken := o.Post(t, "admin", "/subject-requests", file, object{"kind": "access", "case": file, "document": document})
	taken.Want(t, http.StatusCreated)
	answer := o.Post(t, "admin", "/subject-requests/"+taken.Text(t, "id")+"/reply", "", object{})
	answer.Want(t, http.StatusOK)
	answer.Into(t, &got)
	return got
}

// A beneficiary is told what accounts keeps and what the others do, who are asked by the files and accounts that are theirs.
func TestABeneficiaryIsToldWhatEveryServiceKeeps(t *testing.T) {
	t.Parallel()
	o := open(t)
	gateway := o.Neighbour(t, "bankgateway", bankgateway.Catalog())
	id, other := o.register(t, 1), o.register(t, 2)
	o.issue(t, "i", vietin, id, other)
	servicetest.Say(t, gateway, "account-"+id+"-1", bankgateway.OpeningReported{
		Account: id + "-1", Beneficiary: id, Bank: vietin, Status: "opened",
		Number: "0193a5c0-7d3e-7c41-9b52-6f1e8a4d2c70", Mark: "mark", HolderMatch: "match",
	})
	o.status(t, id, "opened")
	corrected := personOf("Nguyễn Văn Ân", 1)
	o.Post(t, "maker", "/beneficiaries/"+id+"/correction", "c", object{"person": corrected, "reason": "nhầm với Trần Thị Hoa"}).Want(t, http.StatusOK)
	got := o.tells(t, "2026/1", "001050000001")
	var said []string
	for _, h := range got.Holdings {
		said = append(said, fmt.Sprintf("%s %v %v", h.Purpose, h.Content["full_name"], h.Content["text"]))
	}
	slices.Sort(said)
	want := []string{"beneficiary Nguyễn Văn An <nil>", "beneficiary Nguyễn Văn Ân <nil>", "note <nil> nhầm với ***"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, f := range got.Facts {
		if f.Stream != "beneficiary-"+id {
			t.Errorf("a fact of %s", f.Stream)
		}
	}
	if len(got.Elsewhere) != 2 || got.Elsewhere[0].Holdings[0].Content != "kept by disbursement" || got.Elsewhere[1].Holdings[0].Content != "kept by bankgateway" {
		t.Errorf("elsewhere: %+v", got.Elsewhere)
	}
	refs := []vault.Ref{vault.Ref(got.Holdings[0].Ref), vault.Ref(got.Holdings[1].Ref)}
	o.wantAsked(t, "disbursement", foundation.AboutPerson{Kind: "access", Case: "2026/1", Keys: subject.Keys{Own: []string{id}, Refs: refs}})
	o.wantAsked(t, "bankgateway", foundation.AboutPerson{Kind: "access", Case: "2026/1", Keys: subject.Keys{Own: []string{id + "-1"}, Refs: refs}})
}

func (o *office) wantAsked(t *testing.T, service string, want foundation.AboutPerson) {
	t.Helper()
	if diff := cmp.Diff(want, o.money.askedAbout(service), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s was asked (-want +got)\n%s", service, diff)
	}
}

// Who receives for somebody is told what names them in the other's file, and the account that is in their name: that is theirs,
// and not the other's.
func TestWhoReceivesForSomebodyIsToldAboutThemselves(t *testing.T) {
	t.Parallel()
	o := open(t)
	body := fileOf("Nguyễn Văn Con", 3)
	body["representative"] = personOf("Trần Thị Mẹ", 4)
	child := personOf("Nguyễn Văn Con", 3)
	child["birth_date"], child["document"] = "2020-01-15", object{"type": "citizen_id", "number": "001220000003"}
	body["person"] = child
	made := o.Post(t, "maker", "/beneficiaries", "child", body)
	made.Want(t, http.StatusCreated)
	id := made.Text(t, "id")
	o.issue(t, "i", vietin, id)
	mother := o.tells(t, "2026/1", "001050000004")
	if len(mother.Holdings) != 1 || mother.Holdings[0].Purpose != "representative" || mother.Holdings[0].Content["full_name"] != "Trần Thị Mẹ" {
		t.Fatalf("%+v", mother.Holdings)
	}
	refs := []vault.Ref{vault.Ref(mother.Holdings[0].Ref)}
	o.wantAsked(t, "disbursement", foundation.AboutPerson{Kind: "access", Case: "2026/1", Keys: subject.Keys{Mentions: []string{id}, Refs: refs}})
	o.wantAsked(t, "bankgateway", foundation.AboutPerson{Kind: "access", Case: "2026/1", Keys: subject.Keys{Own: []string{id + "-1"}, Refs: refs}})
	theirs := o.tells(t, "2026/2", "001220000003")
	refs = []vault.Ref{vault.Ref(theirs.Holdings[0].Ref)}
	o.wantAsked(t, "disbursement", foundation.AboutPerson{Kind: "access", Case: "2026/2", Keys: subject.Keys{Own: []string{id}, Refs: refs}})
	o.wantAsked(t, "bankgateway", foundation.AboutPerson{Kind: "access", Case: "2026/2", Keys: subject.Keys{Refs: refs}})
}

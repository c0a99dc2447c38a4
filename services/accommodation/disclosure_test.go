package accommodation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/testkit/policytest"
	"github.com/songan-vn/songan/libs/witness"
	"github.com/songan-vn/songan/services/accommodation"
)

// shown is what a test looks at of a stay.
type shown struct {
	Reason, Room string
	Masked       bool
	Guest        *struct {
		FullName  string `json:"full_name"`
		BirthDate string `json:"birth_date"`
		Document  struct{ Number string }
		Phone     string
	}
}

// of writes it on one line.
func (s shown) String() string {
	who := "nobody"
	if g := s.Guest; g != nil {
		who = strings.Join([]string{g.FullName, g.BirthDate, g.Document.Number, g.Phone}, ", ")
	}
	return fmt.Sprintf("%s; %s %s masked %t", who, s.Reason, s.Room, s.Masked)
}

// hospital registers a place that lodges the sick and returns one of its stays, and one of the hotel.
func (h *house) hospital(t *testing.T) (sick, well string) {
	t.Helper()
	made := h.Post(t, "police", "/facilities", "facility-hospital", object{
		"name": "Bệnh viện", "kind": "medical", "unit": "00004", "address": "1 Tràng Thi", "phone": "02438253531", "contact": "Lê Thị Hoa",
	})
	made.Want(t, http.StatusCreated)
	issued := h.Post(t, "police", "/facilities/"+made.Text(t, "id")+"/keys", "key-hospital", object{})
	h.Hand("hospital", issued.Text(t, "token"))
	guest := guestOf("Nguyễn Văn An")
	guest["phone"] = "+84912345678"
	stay := stayOf(guest)
	well = h.Post(t, "hotel", "/notices", "well", stay).Text(t, "id")
	stay["reason"] = "medical_treatment"
	sick = h.Post(t, "hospital", "/notices", "sick", stay).Text(t, "id")
	return sick, well
}

func TestEachRoleSeesAGuestInItsForm(t *testing.T) {
	t.Parallel()
	h := open(t)
	sick, well := h.hospital(t)
	const (
		whole  = "Nguyễn Văn An, 1990-01-15, 001090123456, +84912345678; "
		masked = "N. V. An, 1990, ****3456, ; "
		why    = "?purpose=missing_person&case=BD-7"
	)
	for _, c := range []struct{ actor, path, want string }{
		{"hotel", well, whole + "tourism 101 masked false"},
		{"police", well, whole + "tourism 101 masked false"},
		{"admin", well, masked + "tourism 101 masked true"},
		{"auditor", well, masked + "tourism 101 masked true"},
		{"auditor", well + why, masked + "tourism 101 masked true"},
		{"hospital", sick, whole + "medical_treatment 101 masked false"},
		{"police", sick, masked + "  masked true"},
		{"police", sick + why, whole + "medical_treatment 101 masked false"},
		{"police", sick + "?purpose=missing_person", masked + "  masked true"},
		{"admin", sick, "nobody;   masked true"},
		{"admin", sick + why, "nobody;   masked true"},
		{"auditor", sick, "nobody;   masked true"},
	} {
		var got shown
		answer := h.Get(t, c.actor, "/notices/"+c.path, "")
		answer.Want(t, http.StatusOK)
		answer.Into(t, &got)
		if diff := cmp.Diff(c.want, got.String()); diff != "" {
			t.Errorf("%s %s (-want +got)\n%s", c.actor, c.path, diff)
		}
	}
	var recorded int
	const query = `select count(*) from vault_readings where actor = 'officer:lan' and purpose = 'missing_person' and case_ref = 'BD-7' and kind = 'read'`
	if err := h.Pool.QueryRow(t.Context(), query).Scan(&recorded); err != nil || recorded != 1 {
		t.Errorf("%d readings with the purpose and the case, %v", recorded, err)
	}
}

func TestListsLookupsAndHistoriesHideTheSameThings(t *testing.T) {
	t.Parallel()
	h := open(t)
	sick, well := h.hospital(t)
	seen := func(actor, path string) (lines []string) {
		var page struct{ Items []shown }
		testkit.Eventually(t, func() error {
			page.Items = nil
			h.Get(t, actor, path, "").Into(t, &page)
			if len(page.Items) != 2 {
				return fmt.Errorf("%d stays", len(page.Items))
			}
			return nil
		})
		for _, s := range page.Items {
			if s.Masked {
				lines = append(lines, s.String())
			}
		}
		return lines
	}
	if diff := cmp.Diff([]string{"N. V. An, 1990, ****3456, ;   masked true"}, seen("police", "/notices?persons=true")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"nobody;   masked true"}, seen("police", "/notices")); diff != "" {
		t.Error(diff)
	}
	if all := strings.Join(seen("auditor", "/notices?persons=true"), "\n"); strings.Contains(all, "Nguyễn") || strings.Contains(all, "medical") {
		t.Error(all)
	}
	found := h.Post(t, "police", "/lookups", "", object{
		"purpose": "missing_person", "case": "BD-7", "document": object{"type": "citizen_id", "number": "001090123456"},
	})
	if !strings.Contains(string(found.Body), "medical_treatment") {
		t.Errorf("a lookup has a purpose and a case: %s", found.Body)
	}
	for path, whole := range map[string]bool{"/history": false, "/history?purpose=missing_person&case=BD-7": true} {
		history := string(h.Get(t, "police", "/notices/"+sick+path, "").Body)
		if strings.Contains(history, "medical") != whole || strings.Contains(history, `"room":"101"`) != whole {
			t.Errorf("%s: %s", path, history)
		}
	}
	recorded := func(file string) (readings int) {
		const query = `select count(*) from vault_readings where actor = 'officer:lan' and purpose = 'missing_person' and case_ref = $1 and kind = 'read'`
		if err := h.Pool.QueryRow(t.Context(), query, file).Scan(&readings); err != nil {
			t.Fatal(err)
		}
		return readings
	}
	for _, c := range []struct {
		of, file string
		want     int
	}{{sick + "/history", "BD-8", 1}, {sick + "/proof", "BD-9", 1}, {well + "/history", "BD-10", 0}} {
		h.Get(t, "police", "/notices/"+c.of+"?purpose=missing_person&case="+c.file, "")
		if got := recorded(c.file); got != c.want {
			t.Errorf("%s: %d readings are recorded, want %d", c.of, got, c.want)
		}
	}
	for _, path := range []string{"?purpose=nguyen_van_an&case=1", "?purpose=missing_person&case=0912345678"} {
		for _, of := range []string{"", "/history", "/proof"} {
			h.Get(t, "police", "/notices/"+sick+of+path, "").Want(t, http.StatusUnprocessableEntity)
		}
	}
}

// Whoever states a purpose and a case is taken at their word: it is recorded, whatever of the stay they look at.
func TestAPurposeThatOpensASensitiveStayIsRecorded(t *testing.T) {
	t.Parallel()
	h := open(t)
	sick, well := h.hospital(t)
	for _, c := range []struct {
		stay, of, file string
		want           bool
	}{
		{sick, "", "BD-1", true},
		{sick, "/history", "BD-2", true},
		{sick, "/proof", "BD-3", true},
		{well, "/history", "BD-4", false},
		{well, "/proof", "BD-5", false}, // these tell of nobody's health
	} {
		testkit.Eventually(t, func() error {
			answer := h.Get(t, "police", "/notices/"+c.stay+c.of+"?purpose=missing_person&case="+c.file, "")
			if answer.Status != http.StatusOK {
				return fmt.Errorf("%s%s: %d %s", c.stay, c.of, answer.Status, answer.Body)
			}
			return nil
		})
		var recorded bool
		const query = `
select exists (select from vault_readings
                where actor = 'officer:lan' and purpose = 'missing_person' and case_ref = $1 and kind = 'read' and cardinality(refs) = 1)`
		if err := h.Pool.QueryRow(t.Context(), query, c.file).Scan(&recorded); err != nil || recorded != c.want {
			t.Errorf("%s: recorded %t, %v", c.of, recorded, err)
		}
	}
}

func TestASensitiveStayTellsOutsidersNothingOfItsGuest(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.hospital(t)
	guest := guestOf("Nguyễn Văn An")
	guest["document"] = object{"type": "old_id", "number": "012345678"}
	stay := stayOf(guest)
	made := h.Post(t, "hospital", "/notices", "old", stay)
	made.Want(t, http.StatusCreated)
	old := made.Text(t, "id")
	other := guestOf("Nguyễn Văn Ân")
	other["document"] = guest["document"]
	corrected := h.Post(t, "hospital", "/notices/"+old+"/correction", "corrected", object{"guest": other, "reason": "sai"})
	corrected.Want(t, http.StatusOK)
	for _, c := range []struct {
		actor, path  string
		sees, warned bool
	}{
		{"hospital", "", true, true},
		{"police", "", true, false},
		{"admin", "", false, false},
		{"auditor", "", false, false},
		{"hospital", "/history", true, true},
		{"police", "/history", true, false},
		{"admin", "/history", false, false},
		{"auditor", "/history", false, false},
		{"police", "/history?purpose=missing_person&case=BD-7", true, true},
	} {
		body := string(h.Get(t, c.actor, "/notices/"+old+c.path, "").Body)
		if sees := strings.Contains(body, "VNM"); sees != c.sees {
			t.Errorf("%s%s sees the nationality: %t\n%s", c.actor, c.path, sees, body)
		}
		if sees := strings.Contains(body, `"old_id"`); sees != c.sees {
			t.Errorf("%s%s sees the kind of document: %t\n%s", c.actor, c.path, sees, body)
		}
		if warned := strings.Contains(body, "old_id_no_longer_valid"); warned != c.warned {
			t.Errorf("%s%s sees the warning: %t\n%s", c.actor, c.path, warned, body)
		}
	}
}

func TestFacilitiesAreShownWithoutTheirPeople(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.hospital(t)
	for actor, want := range map[string]string{
		"police": "Bệnh viện, 02438253531, Lê Thị Hoa", "auditor": "Bệnh viện, ****3531, L. T. Hoa",
	} {
		testkit.Eventually(t, func() error {
			var page struct {
				Items []struct{ Kind, Name, Phone, Contact string }
			}
			h.Get(t, actor, "/facilities", "").Into(t, &page)
			for _, f := range page.Items {
				if got := strings.Join([]string{f.Name, f.Phone, f.Contact}, ", "); f.Kind == "medical" && got == want {
					return nil
				}
			}
			return fmt.Errorf("%s sees %+v", actor, page.Items)
		})
	}
}

// A guest house shows the notice to an inspector who is offline and believes nobody.
func TestANoticeIsProvenOffline(t *testing.T) {
	t.Parallel()
	h := open(t)
	sick, well := h.hospital(t)
	h.Post(t, "hotel", "/notices/"+well+"/room", "r", object{"room": "202"}).Want(t, http.StatusOK)
	verifiers, err := witness.LoadVerifier(filepath.Join(h.Config.Data, "witness-accommodation.key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	for path, holds := range map[string]string{well + "/proof": "stay_notified.v1", well + "/proof?version=2": "room_changed.v1"} {
		var proof servicetest.Answer
		testkit.Eventually(t, func() error {
			if proof = h.Get(t, "hotel", "/notices/"+path, ""); proof.Status != http.StatusOK {
				return fmt.Errorf("%d %s", proof.Status, proof.Body)
			}
			return nil
		})
		var receipt witness.Receipt
		proof.Into(t, &receipt)
		if _, err := receipt.Verify(verifiers); err != nil || !strings.HasSuffix(receipt.Type, holds) || !strings.HasSuffix(receipt.Stream, well) {
			t.Errorf("%s: %v, %+v", path, err, receipt)
		}
		receipt.Data = strings.Replace(receipt.Data, "101", "102", 1) + " "
		if _, err := receipt.Verify(verifiers); err == nil {
			t.Errorf("%s: another fact is proven as well", path)
		}
	}
	h.Get(t, "hotel", "/notices/"+well+"/proof?version=9", "").Want(t, http.StatusNotFound)
	h.Get(t, "stranger", "/notices/"+well+"/proof", "").Want(t, http.StatusNotFound)
	h.Get(t, "admin", "/notices/"+well+"/proof", "").Want(t, http.StatusForbidden)
	refused := h.Get(t, "police", "/notices/"+sick+"/proof", "")
	refused.Want(t, http.StatusForbidden)
	var problem struct{ Code string }
	if err := json.Unmarshal(refused.Body, &problem); err != nil || problem.Code != "sensitive_stay" {
		t.Errorf("%s", refused.Body)
	}
}

// The policies are asked with the purpose and the case of every reading of people: what they refuse is refused.
func TestThePoliciesHearWhatPeopleAreReadFor(t *testing.T) {
	t.Parallel()
	h := forbidding(t, "curiosity")
	made := h.Post(t, "hotel", "/notices", "1", stayOf(guestOf("Nguyễn Văn An")))
	made.Want(t, http.StatusCreated)
	id := made.Text(t, "id")
	for purpose, status := range map[string]int{"curiosity": http.StatusForbidden, "missing_person": http.StatusOK} {
		document := object{"type": "citizen_id", "number": "001090123456"}
		h.Post(t, "police", "/lookups", "", object{"document": document, "purpose": purpose, "case": "BD-1"}).Want(t, status)
		h.Post(t, "identity", "/persons", "", object{
			"refs": []string{"01936d4e-0000-7000-8000-000000000000"}, "purpose": purpose, "case": "BD-1",
		}).Want(t, status)
		for _, path := range []string{"", "/history"} {
			got := h.Get(t, "police", "/notices/"+id+path+"?purpose="+purpose+"&case=BD-1", "")
			if (got.Status == http.StatusOK) != (status == http.StatusOK) {
				t.Errorf("%s for %s: %d", path, purpose, got.Status)
			}
		}
	}
}

// What is said of readings without a stated purpose is what gets recorded of them.
func TestThePoliciesHearWhatGuestsAreReadForWhereNothingIsSaid(t *testing.T) {
	t.Parallel()
	h := forbidding(t, "stay_supervision", "facility_list")
	made := h.Post(t, "hotel", "/notices", "1", stayOf(guestOf("Nguyễn Văn An")))
	made.Want(t, http.StatusCreated)
	one := "/notices/" + made.Text(t, "id")
	testkit.Eventually(t, func() error {
		if got := h.Get(t, "police", "/notices", made.Position()); !strings.Contains(string(got.Body), made.Text(t, "id")) {
			return fmt.Errorf("%d %s", got.Status, got.Body)
		}
		return nil
	})
	got := map[string]int{}
	for _, path := range []string{one, one + "?purpose=missing_person&case=BD-1", one + "/history", "/notices", "/notices?persons=true", "/facilities"} {
		got[strings.TrimPrefix(path, one)] = h.Get(t, "police", path, made.Position()).Status
	}
	want := map[string]int{
		"": http.StatusNotFound, "?purpose=missing_person&case=BD-1": http.StatusOK, "/history": http.StatusOK,
		"/notices": http.StatusOK, "/notices?persons=true": http.StatusForbidden, "/facilities": http.StatusForbidden,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// forbidding is a house in which nobody reads people for some purposes.
func forbidding(t *testing.T, purposes ...string) *house {
	t.Helper()
	h := &house{Service: servicetest.Prepare(t, servicetest.Options{Name: accommodation.Name, At: noon, Staff: staff()})}
	h.Start(t, func(ctx context.Context, deps service.Deps) (service.Service, error) {
		deps.API.Policy = policytest.Plus(t, h.Clock.Now, policytest.Forbid(purposes...))
		return accommodation.New(ctx, deps)
	})
	h.hotel = h.facility(t, "hotel")
	return h
}

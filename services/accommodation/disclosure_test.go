package accommodation_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/witness"
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
	made := h.post(t, "police", "/facilities", "facility-hospital", object{
		"name": "Bệnh viện", "kind": "medical", "unit": "00004", "address": "1 Tràng Thi", "phone": "02438253531", "contact": "Lê Thị Hoa",
	})
	made.want(t, http.StatusCreated)
	issued := h.post(t, "police", "/facilities/"+made.text(t, "id")+"/keys", "key-hospital", object{})
	h.hand("hospital", issued.text(t, "token"))
	guest := guestOf("Nguyễn Văn An")
	guest["phone"] = "+84912345678"
	stay := stayOf(guest)
	well = h.post(t, "hotel", "/notices", "well", stay).text(t, "id")
	stay["reason"] = "medical_treatment"
	sick = h.post(t, "hospital", "/notices", "sick", stay).text(t, "id")
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
		answer := h.get(t, c.actor, "/notices/"+c.path, "")
		answer.want(t, http.StatusOK)
		answer.into(t, &got)
		if diff := cmp.Diff(c.want, got.String()); diff != "" {
			t.Errorf("%s %s (-want +got)\n%s", c.actor, c.path, diff)
		}
	}
	var recorded int
	const query = `select count(*) from vault_readings where actor = 'officer:lan' and purpose = 'missing_person' and case_ref = 'BD-7' and kind = 'read'`
	if err := h.pool.QueryRow(t.Context(), query).Scan(&recorded); err != nil || recorded != 1 {
		t.Errorf("%d readings with the purpose and the case, %v", recorded, err)
	}
}

func TestListsLookupsAndHistoriesHideTheSameThings(t *testing.T) {
	t.Parallel()
	h := open(t)
	sick, _ := h.hospital(t)
	seen := func(actor, path string) (lines []string) {
		var page struct{ Items []shown }
		testkit.Eventually(t, 10*time.Second, func() error {
			page.Items = nil
			h.get(t, actor, path, "").into(t, &page)
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
	found := h.post(t, "police", "/lookups", "", object{
		"purpose": "missing_person", "case": "BD-7", "document": object{"type": "citizen_id", "number": "001090123456"},
	})
	if !strings.Contains(string(found.body), "medical_treatment") {
		t.Errorf("a lookup has a purpose and a case: %s", found.body)
	}
	for path, whole := range map[string]bool{"/history": false, "/history?purpose=missing_person&case=BD-7": true} {
		history := string(h.get(t, "police", "/notices/"+sick+path, "").body)
		if strings.Contains(history, "medical") != whole || strings.Contains(history, `"room":"101"`) != whole {
			t.Errorf("%s: %s", path, history)
		}
	}
	for _, path := range []string{"?purpose=nguyen_van_an&case=1", "?purpose=missing_person&case=0912345678"} {
		for _, of := range []string{"", "/history", "/proof"} {
			h.get(t, "police", "/notices/"+sick+of+path, "").want(t, http.StatusUnprocessableEntity)
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
		testkit.Eventually(t, 10*time.Second, func() error {
			var page struct {
				Items []struct{ Kind, Name, Phone, Contact string }
			}
			h.get(t, actor, "/facilities", "").into(t, &page)
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
	h.post(t, "hotel", "/notices/"+well+"/room", "r", object{"room": "202"}).want(t, http.StatusOK)
	verifiers, err := witness.LoadVerifier(filepath.Join(h.config.Data, "witness-accommodation.key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	for path, holds := range map[string]string{well + "/proof": "stay_notified.v1", well + "/proof?version=2": "room_changed.v1"} {
		var proof answer
		testkit.Eventually(t, 20*time.Second, func() error {
			if proof = h.get(t, "hotel", "/notices/"+path, ""); proof.status != http.StatusOK {
				return fmt.Errorf("%d %s", proof.status, proof.body)
			}
			return nil
		})
		var receipt witness.Receipt
		proof.into(t, &receipt)
		if _, err := receipt.Verify(verifiers); err != nil || !strings.HasSuffix(receipt.Type, holds) || !strings.HasSuffix(receipt.Stream, well) {
			t.Errorf("%s: %v, %+v", path, err, receipt)
		}
		receipt.Data = strings.Replace(receipt.Data, "101", "102", 1) + " "
		if _, err := receipt.Verify(verifiers); err == nil {
			t.Errorf("%s: another fact is proven as well", path)
		}
	}
	h.get(t, "hotel", "/notices/"+well+"/proof?version=9", "").want(t, http.StatusNotFound)
	h.get(t, "stranger", "/notices/"+well+"/proof", "").want(t, http.StatusNotFound)
	h.get(t, "admin", "/notices/"+well+"/proof", "").want(t, http.StatusForbidden)
	refused := h.get(t, "police", "/notices/"+sick+"/proof", "")
	refused.want(t, http.StatusForbidden)
	var problem struct{ Code string }
	if err := json.Unmarshal(refused.body, &problem); err != nil || problem.Code != "sensitive_stay" {
		t.Errorf("%s", refused.body)
	}
}

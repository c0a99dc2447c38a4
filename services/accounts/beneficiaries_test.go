package accounts_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/service/servicetest"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestABeneficiaryIsRegisteredAndReadBack(t *testing.T) {
	t.Parallel()
	o := open(t)
	first := o.Post(t, "maker", "/beneficiaries", "k1", fileOf("Nguyễn Văn An", 1))
	first.Want(t, http.StatusCreated)
	var b beneficiaryView
	first.Into(t, &b)
	want := beneficiaryView{ID: b.ID, Unit: "00004", Identity: "pending", MayHold: true, Warnings: []struct{ Code string }{}}
	if diff := cmp.Diff(want, b); diff != "" || b.ID == "" {
		t.Fatal(diff)
	}

	t.Run("the same request again answers with the first result", func(t *testing.T) {
		t.Parallel()
		again := o.Post(t, "maker", "/beneficiaries", "k1", fileOf("Nguyễn Văn An", 1))
		again.Want(t, http.StatusCreated)
		if diff := cmp.Diff(string(first.Body), string(again.Body)); diff != "" || again.Header.Get("Idempotent-Replay") != "true" {
			t.Fatal(diff)
		}
	})
	t.Run("the same person and file by another key, another officer or written in another way is refused", func(t *testing.T) {
		t.Parallel()
		o.Post(t, "maker", "/beneficiaries", "k2", fileOf("Nguyễn Văn An", 1)).Refused(t, http.StatusConflict, "beneficiary_exists")
		other := fileOf("NGUYEN VAN AN", 1)
		other["person"].(object)["document"] = object{"type": "birth_certificate", "number": "001050000001"}
		o.Post(t, "province", "/beneficiaries", "k3", other).Refused(t, http.StatusConflict, "beneficiary_exists")
	})
	t.Run("the same person in another file is another beneficiary", func(t *testing.T) {
		t.Parallel()
		other := fileOf("Nguyễn Văn An", 1)
		other["file_number"] = "HP-77/QĐ"
		made := o.Post(t, "maker", "/beneficiaries", "k4", other)
		made.Want(t, http.StatusCreated)
		if made.Text(t, "id") == b.ID {
			t.Fatal("two files are one")
		}
	})
	t.Run("officers of the unit read the person, and the reading is recorded", func(t *testing.T) {
		t.Parallel()
		for _, actor := range []string{"maker", "chairman", "accountant", "province"} {
			var seen beneficiaryView
			o.Get(t, actor, "/beneficiaries/"+b.ID, "").Into(t, &seen)
			if seen.Person == nil || seen.Person.FullName != "Nguyễn Văn An" {
				t.Fatalf("%s sees %+v", actor, seen)
			}
		}
		var readings int
		err := o.Pool.QueryRow(t.Context(), `select count(*) from vault_readings where case_ref = $1`, b.ID).Scan(&readings)
		if err != nil || readings < 4 {
			t.Fatalf("%d readings, %v", readings, err)
		}
	})
	t.Run("auditors and the steering committee see ids and no names", func(t *testing.T) {
		t.Parallel()
		for _, actor := range []string{"auditor", "steering"} {
			one := o.Get(t, actor, "/beneficiaries/"+b.ID, "")
			list := o.Get(t, actor, "/beneficiaries", first.Position())
			one.Want(t, http.StatusOK)
			list.Want(t, http.StatusOK)
			if !bytes.Contains(list.Body, []byte(b.ID)) || bytes.Contains(append(one.Body, list.Body...), []byte("Nguy")) {
				t.Fatalf("%s: %s", actor, list.Body)
			}
		}
	})
	t.Run("to officers of another unit it does not exist", func(t *testing.T) {
		t.Parallel()
		for actor, status := range map[string]int{
			"stranger": http.StatusNotFound, "far_chairman": http.StatusNotFound, "admin": http.StatusForbidden, "": http.StatusUnauthorized,
		} {
			o.Get(t, actor, "/beneficiaries/"+b.ID, "").Want(t, status)
			o.Get(t, actor, "/beneficiaries/"+b.ID+"/history", "").Want(t, status)
		}
		if list := o.Get(t, "stranger", "/beneficiaries", first.Position()); bytes.Contains(list.Body, []byte(b.ID)) {
			t.Fatalf("%s", list.Body)
		}
		if list := o.Get(t, "province", "/beneficiaries?unit=00008", first.Position()); bytes.Contains(list.Body, []byte(b.ID)) {
			t.Fatalf("%s", list.Body)
		}
		died := o.Post(t, "stranger", "/beneficiaries/"+b.ID+"/death", "d", object{"date": "2026-11-01", "source": "family"})
		died.Refused(t, http.StatusNotFound, "beneficiary_unknown")
	})
	t.Run("an adult without capacity may not hold an account", func(t *testing.T) {
		t.Parallel()
		body := fileOf("Phạm Văn Dũng", 8)
		body["lacks_capacity"] = true
		made := o.Post(t, "maker", "/beneficiaries", "k8", body)
		made.Want(t, http.StatusCreated)
		var seen beneficiaryView
		if made.Into(t, &seen); seen.MayHold || len(seen.Warnings) != 1 {
			t.Fatalf("%s", made.Body)
		}
		profile := o.Post(t, "gateway", "/profiles", "", object{"beneficiaries": []string{seen.ID}, "purpose": "enrolment", "case": "e-8"})
		if !bytes.Contains(profile.Body, []byte(`"may_hold":false`)) {
			t.Fatalf("%s", profile.Body)
		}
	})
	t.Run("the surface is documented", func(t *testing.T) {
		t.Parallel()
		document := o.Send(t, servicetest.Request{Method: http.MethodGet, Path: "/../openapi.json"})
		document.Want(t, http.StatusOK)
		for _, path := range []string{"/beneficiaries/batch", "/issuances/{id}/approval", "/accounts/{id}/replacement", "/profiles"} {
			if !bytes.Contains(document.Body, []byte(`"/accounts/v1`+path+`"`)) {
				t.Errorf("%s is not documented", path)
			}
		}
	})
	t.Run("lists narrow and page", func(t *testing.T) {
		t.Parallel()
		last := o.Post(t, "maker", "/beneficiaries", "k5", fileOf("Lê Thị Hoa", 5))
		var page struct {
			Items []beneficiaryView
			Next  string `json:"next_cursor"`
		}
		o.Get(t, "maker", "/beneficiaries?file_number=BTXH-5", last.Position()).Into(t, &page)
		if len(page.Items) != 1 || page.Items[0].Person.FullName != "Lê Thị Hoa" || page.Next != "" {
			t.Fatalf("%+v", page)
		}
		seen := map[string]bool{}
		for cursor, n := "", 0; n < 10; n++ {
			page.Items, page.Next = nil, ""
			o.Get(t, "province", "/beneficiaries?unit=01&account=none&ids_only=true&limit=1&cursor="+cursor, last.Position()).Into(t, &page)
			for _, item := range page.Items {
				seen[item.ID] = true
				if item.Person != nil {
					t.Fatal("a name where ids were asked for")
				}
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if !seen[b.ID] || len(seen) < 2 {
			t.Fatalf("pages of %v", seen)
		}
	})
}

func TestWhatThePopulationDatabaseSaysIsRecorded(t *testing.T) {
	t.Parallel()
	o := open(t)
	register := o.Neighbour(t, "identity", identity.Catalog())
	id := o.register(t, 1)
	var person string
	if err := o.Pool.QueryRow(t.Context(), `select data->>'person' from events where stream = $1`, "beneficiary-"+id).Scan(&person); err != nil {
		t.Fatal(err)
	}
	who := identity.Subject{Person: person, Service: "accounts", Stream: "beneficiary-" + id}
	servicetest.Say(t, register, "person", identity.Matched{Subject: identity.Subject{Person: person, Service: "accommodation", Stream: "beneficiary-" + id}})
	servicetest.Say(t, register, "person", identity.Mismatched{Subject: who, Fields: []string{"birth_date"}})
	testkit.Eventually(t, func() error {
		var b beneficiaryView
		o.Get(t, "maker", "/beneficiaries/"+id, "").Into(t, &b)
		if b.Identity != "mismatched" {
			return fmt.Errorf("identity is %s", b.Identity)
		}
		return nil
	})
	var history struct {
		Items []struct{ Type, Actor string }
	}
	o.Get(t, "auditor", "/beneficiaries/"+id+"/history", "").Into(t, &history)
	want := []struct{ Type, Actor string }{
		{"accounts.beneficiary_registered.v1", "officer:lan"}, {"accounts.beneficiary_identified.v1", "service:accounts"},
	}
	if diff := cmp.Diff(want, history.Items); diff != "" {
		t.Fatal(diff)
	}
}

func TestDeath(t *testing.T) {
	t.Parallel()
	o := open(t)
	id := o.register(t, 1)
	o.issue(t, "i1", vietin, id)
	for body, code := range map[[2]string]string{
		{"2026-11-22", "family"}: "/date died_in_future", {"1950-01-14", "family"}: "/date died_before_birth",
		{"2026-02-30", "family"}: "/date impossible_date", {"2026-11-01", "rumour"}: "/source not_allowed",
	} {
		refused := o.Post(t, "maker", "/beneficiaries/"+id+"/death", "bad"+body[0]+body[1], object{"date": body[0], "source": body[1]})
		refused.Want(t, http.StatusUnprocessableEntity)
		if diff := cmp.Diff([]string{code}, refused.Faults(t)); diff != "" {
			t.Error(diff)
		}
	}
	died := object{"date": "2026-10-31", "source": "civil_registry"}
	done := o.Post(t, "maker", "/beneficiaries/"+id+"/death", "d1", died)
	done.Want(t, http.StatusOK)
	var b beneficiaryView
	done.Into(t, &b)
	if b.DiedOn != "2026-10-31" || b.Account.Status != "closed" || b.Account.Reason != "died" {
		t.Fatalf("%+v", b)
	}
	if again := o.Post(t, "maker", "/beneficiaries/"+id+"/death", "d1", died); again.Header.Get("Idempotent-Replay") != "true" {
		t.Fatalf("%s", again.Body)
	}
	o.Post(t, "maker", "/beneficiaries/"+id+"/death", "d2", died).Refused(t, http.StatusUnprocessableEntity, "beneficiary_died")
	refused := o.Post(t, "maker", "/issuances", "i2", object{"unit": "00004", "bank": vietin, "beneficiaries": []string{id}})
	refused.Want(t, http.StatusUnprocessableEntity)
	if diff := cmp.Diff([]string{"/beneficiaries/0 beneficiary_died"}, refused.Faults(t)); diff != "" {
		t.Fatal(diff)
	}
	o.Post(t, "maker", "/issuances", "i3", object{"unit": "00004", "bank": vietin}).Refused(t, http.StatusUnprocessableEntity, "issuance_empty")
}

func TestACorrection(t *testing.T) {
	t.Parallel()
	o := open(t)
	register := o.Neighbour(t, "identity", identity.Catalog())
	id := o.register(t, 1)
	var before string
	if err := o.Pool.QueryRow(t.Context(), `select data->>'person' from events where stream = $1`, "beneficiary-"+id).Scan(&before); err != nil {
		t.Fatal(err)
	}
	path := "/beneficiaries/" + id + "/correction"
	body := object{"person": personOf("Nguyễn Văn Ân", 1), "representative": personOf("Trần Văn Bình", 2), "reason": "sai dấu"}
	o.Post(t, "stranger", path, "c0", body).Refused(t, http.StatusNotFound, "beneficiary_unknown")
	o.Post(t, "chairman", path, "c0", body).Want(t, http.StatusForbidden)
	other := object{"person": personOf("Nguyễn Văn Ân", 3), "reason": "số khác"}
	o.Post(t, "maker", path, "c1", other).Refused(t, http.StatusUnprocessableEntity, "another_person")
	wrong := o.Post(t, "maker", path, "c2", object{"person": personOf("Nguyễn Văn Ân", 1), "representative": personOf("Nguyễn Văn Ân", 1), "reason": "x"})
	if diff := cmp.Diff([]string{"/representative/document/number represents_oneself"}, wrong.Faults(t)); diff != "" {
		t.Fatal(diff)
	}
	done := o.Post(t, "maker", path, "c3", body)
	done.Want(t, http.StatusOK)
	if again := o.Post(t, "maker", path, "c3", body); again.Header.Get("Idempotent-Replay") != "true" {
		t.Fatalf("%s", again.Body)
	}
	// An answer about the person as they were comes too late, and an answer about them as corrected counts.
	var now string
	err := o.Pool.QueryRow(t.Context(), `select data->>'person' from events where stream = $1 order by version desc limit 1`, "beneficiary-"+id).Scan(&now)
	if err != nil || now == before {
		t.Fatal(now, err)
	}
	subject := identity.Subject{Service: "accounts", Stream: "beneficiary-" + id}
	subject.Person = before
	servicetest.Say(t, register, "person", identity.Matched{Subject: subject})
	subject.Person = now
	servicetest.Say(t, register, "person", identity.NotFound{Subject: subject})
	testkit.Eventually(t, func() error {
		var b beneficiaryView
		o.Get(t, "maker", "/beneficiaries/"+id, "").Into(t, &b)
		if b.Identity != "not_found" || b.Person.FullName != "Nguyễn Văn Ân" || b.Representative == nil {
			return fmt.Errorf("%+v", b)
		}
		return nil
	})
	var list struct{ Items []beneficiaryView }
	o.Get(t, "maker", "/beneficiaries", done.Position()).Into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Person.FullName != "Nguyễn Văn Ân" || list.Items[0].Representative.FullName != "Trần Văn Bình" {
		t.Fatalf("%+v", list)
	}
}

// A keyboard that takes accents apart, and blanks, are no part of a name: banks are sent what is kept.
func TestNamesAreKeptInOneForm(t *testing.T) {
	t.Parallel()
	o := open(t)
	const typed = "  Nguye\u0302\u0303n  Va\u0306n An\n" // accents apart
	file := func(serial int) object {
		f := fileOf(typed, serial)
		f["representative"] = personOf(typed, serial+10)
		return f
	}
	one := o.Post(t, "maker", "/beneficiaries", "one", file(1))
	one.Want(t, http.StatusCreated)
	o.Post(t, "maker", "/beneficiaries/batch", "many", []any{file(2)}).Want(t, http.StatusOK)
	id := o.register(t, 3)
	correction := file(3)
	delete(correction, "file_number")
	delete(correction, "unit")
	correction["reason"] = "gõ nhầm"
	last := o.Post(t, "maker", "/beneficiaries/"+id+"/correction", "c", correction)
	last.Want(t, http.StatusOK)

	var list struct{ Items []beneficiaryView }
	o.Get(t, "maker", "/beneficiaries", last.Position()).Into(t, &list)
	var names []string
	for _, b := range list.Items {
		names = append(names, b.Person.FullName, b.Representative.FullName)
	}
	const kept = "Nguyễn Văn An"
	if diff := cmp.Diff([]string{kept, kept, kept, kept, kept, kept}, names); diff != "" {
		t.Error(diff)
	}
}

func TestOtherServicesResolveReferences(t *testing.T) {
	t.Parallel()
	o := open(t)
	child := fileOf("Trần Bé Na", 1)
	child["person"].(object)["birth_date"] = "2015-05-01"
	child["person"].(object)["document"] = object{"type": "birth_certificate", "number": "45/2015"}
	child["representative"] = personOf("Trần Văn Bình", 2)
	made := o.Post(t, "maker", "/beneficiaries", "c", child)
	made.Want(t, http.StatusCreated)
	id := made.Text(t, "id")

	profiles := o.Post(t, "gateway", "/profiles", "", object{"beneficiaries": []string{id, "nobody"}, "purpose": "enrolment", "case": "e-1"})
	profiles.Want(t, http.StatusOK)
	var known struct {
		Items []struct {
			Beneficiary, Mark, Person, Representative string
			Found                                     bool
			Unit                                      struct {
				Code      string
				ValidFrom string `json:"valid_from"`
			}
			BirthDate string `json:"birth_date"`
			MayHold   bool   `json:"may_hold"`
		}
	}
	profiles.Into(t, &known)
	p := known.Items[0]
	if len(known.Items) != 2 || !p.Found || p.BirthDate != "2015-05-01" || p.MayHold || p.Unit.Code != "00004" || p.Unit.ValidFrom != "2025-07-01" ||
		p.Mark == "" || known.Items[1].Found || known.Items[1].Beneficiary != "nobody" {
		t.Fatalf("%s", profiles.Body)
	}
	erased := "0193a5c0-7d3e-7c41-9b52-6f1e8a4d2c70"
	persons := o.Post(t, "gateway", "/persons", "", object{"refs": []string{p.Representative, erased, p.Person}, "purpose": "account_opening", "case": "a-1"})
	persons.Want(t, http.StatusOK)
	var people struct {
		Items []struct {
			Ref        string
			Person     *personView
			Unreadable bool
		}
	}
	persons.Into(t, &people)
	if len(people.Items) != 3 || people.Items[0].Person.FullName != "Trần Văn Bình" || people.Items[1].Person != nil ||
		people.Items[2].Person.FullName != "Trần Bé Na" {
		t.Fatalf("%s", persons.Body)
	}

	t.Run("names alone for whoever needs no more", func(t *testing.T) {
		t.Parallel()
		names := o.Post(t, "gateway", "/persons", "", object{
			"refs": []string{p.Person, erased}, "purpose": "bank_instruction", "case": "a-3", "names_only": true,
		})
		names.Want(t, http.StatusOK)
		want := fmt.Sprintf(`{"items":[{"ref":%q,"full_name":"Trần Bé Na"},{"ref":%q}]}`, p.Person, erased)
		if got := strings.TrimSpace(string(names.Body)); got != want {
			t.Errorf("%s", got)
		}
		o.Post(t, "gateway", "/persons", "", object{"refs": []string{p.Person}, "names_only": true}).Want(t, http.StatusUnprocessableEntity)
	})
	t.Run("nobody but services", func(t *testing.T) {
		t.Parallel()
		for _, actor := range []string{"maker", "admin", "auditor"} {
			o.Post(t, actor, "/persons", "", object{"refs": []string{p.Person}, "purpose": "x", "case": "y"}).Want(t, http.StatusForbidden)
			o.Post(t, actor, "/profiles", "", object{"beneficiaries": []string{id}, "purpose": "x", "case": "y"}).Want(t, http.StatusForbidden)
		}
	})
	t.Run("a damaged row does not take others with it", func(t *testing.T) {
		t.Parallel()
		_, err := o.Pool.Exec(t.Context(), `update vault set ciphertext = set_byte(ciphertext, 12, get_byte(ciphertext, 12) # 1) where ref = $1`, p.Representative)
		if err != nil {
			t.Fatal(err)
		}
		again := o.Post(t, "gateway", "/persons", "", object{"refs": []string{p.Representative, p.Person}, "purpose": "account_opening", "case": "a-2"})
		again.Into(t, &people)
		if !people.Items[0].Unreadable || people.Items[1].Person == nil {
			t.Fatalf("%s", again.Body)
		}
	})
}

package accounts_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestABeneficiaryIsRegisteredAndReadBack(t *testing.T) {
	t.Parallel()
	o := open(t)
	first := o.post(t, "maker", "/beneficiaries", "k1", fileOf("Nguyễn Văn An", 1))
	first.want(t, http.StatusCreated)
	var b beneficiaryView
	first.into(t, &b)
	want := beneficiaryView{ID: b.ID, Unit: "00004", Identity: "pending", MayHold: true, Warnings: []struct{ Code string }{}}
	if diff := cmp.Diff(want, b); diff != "" || b.ID == "" {
		t.Fatal(diff)
	}

	t.Run("the same request again answers with the first result", func(t *testing.T) {
		t.Parallel()
		again := o.post(t, "maker", "/beneficiaries", "k1", fileOf("Nguyễn Văn An", 1))
		again.want(t, http.StatusCreated)
		if diff := cmp.Diff(string(first.body), string(again.body)); diff != "" || again.header.Get("Idempotent-Replay") != "true" {
			t.Fatal(diff)
		}
	})
	t.Run("the same person and file by another key, another officer or written in another way is refused", func(t *testing.T) {
		t.Parallel()
		o.post(t, "maker", "/beneficiaries", "k2", fileOf("Nguyễn Văn An", 1)).refused(t, http.StatusConflict, "beneficiary_exists")
		other := fileOf("NGUYEN VAN AN", 1)
		other["person"].(object)["document"] = object{"type": "birth_certificate", "number": "001050000001"}
		o.post(t, "province", "/beneficiaries", "k3", other).refused(t, http.StatusConflict, "beneficiary_exists")
	})
	t.Run("the same person in another file is another beneficiary", func(t *testing.T) {
		t.Parallel()
		other := fileOf("Nguyễn Văn An", 1)
		other["file_number"] = "HP-77/QĐ"
		made := o.post(t, "maker", "/beneficiaries", "k4", other)
		made.want(t, http.StatusCreated)
		if made.text(t, "id") == b.ID {
			t.Fatal("two files are one")
		}
	})
	t.Run("officers of the unit read the person, and the reading is recorded", func(t *testing.T) {
		t.Parallel()
		for _, actor := range []string{"maker", "chairman", "accountant", "province"} {
			var seen beneficiaryView
			o.get(t, actor, "/beneficiaries/"+b.ID, "").into(t, &seen)
			if seen.Person == nil || seen.Person.FullName != "Nguyễn Văn An" {
				t.Fatalf("%s sees %+v", actor, seen)
			}
		}
		var readings int
		err := o.pool.QueryRow(t.Context(), `select count(*) from vault_readings where case_ref = $1`, b.ID).Scan(&readings)
		if err != nil || readings < 4 {
			t.Fatalf("%d readings, %v", readings, err)
		}
	})
	t.Run("auditors and the steering committee see ids and no names", func(t *testing.T) {
		t.Parallel()
		for _, actor := range []string{"auditor", "steering"} {
			one := o.get(t, actor, "/beneficiaries/"+b.ID, "")
			list := o.get(t, actor, "/beneficiaries", first.position())
			one.want(t, http.StatusOK)
			list.want(t, http.StatusOK)
			if !bytes.Contains(list.body, []byte(b.ID)) || bytes.Contains(append(one.body, list.body...), []byte("Nguy")) {
				t.Fatalf("%s: %s", actor, list.body)
			}
		}
	})
	t.Run("to officers of another unit it does not exist", func(t *testing.T) {
		t.Parallel()
		for actor, status := range map[string]int{
			"stranger": http.StatusNotFound, "far_chairman": http.StatusNotFound, "admin": http.StatusForbidden, "": http.StatusUnauthorized,
		} {
			o.get(t, actor, "/beneficiaries/"+b.ID, "").want(t, status)
			o.get(t, actor, "/beneficiaries/"+b.ID+"/history", "").want(t, status)
		}
		if list := o.get(t, "stranger", "/beneficiaries", first.position()); bytes.Contains(list.body, []byte(b.ID)) {
			t.Fatalf("%s", list.body)
		}
		if list := o.get(t, "province", "/beneficiaries?unit=00008", first.position()); bytes.Contains(list.body, []byte(b.ID)) {
			t.Fatalf("%s", list.body)
		}
		died := o.post(t, "stranger", "/beneficiaries/"+b.ID+"/death", "d", object{"date": "2026-11-01", "source": "family"})
		died.refused(t, http.StatusNotFound, "beneficiary_unknown")
	})
	t.Run("an adult without capacity may not hold an account", func(t *testing.T) {
		t.Parallel()
		body := fileOf("Phạm Văn Dũng", 8)
		body["lacks_capacity"] = true
		made := o.post(t, "maker", "/beneficiaries", "k8", body)
		made.want(t, http.StatusCreated)
		var seen beneficiaryView
		if made.into(t, &seen); seen.MayHold || len(seen.Warnings) != 1 {
			t.Fatalf("%s", made.body)
		}
		profile := o.post(t, "gateway", "/profiles", "", object{"beneficiaries": []string{seen.ID}, "purpose": "enrolment", "case": "e-8"})
		if !bytes.Contains(profile.body, []byte(`"may_hold":false`)) {
			t.Fatalf("%s", profile.body)
		}
	})
	t.Run("the surface is documented", func(t *testing.T) {
		t.Parallel()
		document := o.send(t, http.MethodGet, "", "/../openapi.json", nil, nil)
		document.want(t, http.StatusOK)
		for _, path := range []string{"/beneficiaries/batch", "/issuances/{id}/approval", "/accounts/{id}/replacement", "/profiles"} {
			if !bytes.Contains(document.body, []byte(`"/accounts/v1`+path+`"`)) {
				t.Errorf("%s is not documented", path)
			}
		}
	})
	t.Run("lists narrow and page", func(t *testing.T) {
		t.Parallel()
		last := o.post(t, "maker", "/beneficiaries", "k5", fileOf("Lê Thị Hoa", 5))
		var page struct {
			Items []beneficiaryView
			Next  string `json:"next_cursor"`
		}
		o.get(t, "maker", "/beneficiaries?file_number=BTXH-5", last.position()).into(t, &page)
		if len(page.Items) != 1 || page.Items[0].Person.FullName != "Lê Thị Hoa" || page.Next != "" {
			t.Fatalf("%+v", page)
		}
		seen := map[string]bool{}
		for cursor, n := "", 0; n < 10; n++ {
			page.Items, page.Next = nil, ""
			o.get(t, "province", "/beneficiaries?unit=01&account=none&ids_only=true&limit=1&cursor="+cursor, last.position()).into(t, &page)
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
	register := o.neighbour(t, "identity", identity.Catalog())
	id := o.register(t, 1)
	var person string
	if err := o.pool.QueryRow(t.Context(), `select data->>'person' from events where stream = $1`, "beneficiary-"+id).Scan(&person); err != nil {
		t.Fatal(err)
	}
	who := identity.Subject{Person: person, Service: "accounts", Stream: "beneficiary-" + id}
	register.say(t, identity.Matched{Subject: identity.Subject{Person: person, Service: "accommodation", Stream: "beneficiary-" + id}})
	register.say(t, identity.Mismatched{Subject: who, Fields: []string{"birth_date"}})
	testkit.Eventually(t, 20*time.Second, func() error {
		var b beneficiaryView
		o.get(t, "maker", "/beneficiaries/"+id, "").into(t, &b)
		if b.Identity != "mismatched" {
			return fmt.Errorf("identity is %s", b.Identity)
		}
		return nil
	})
	var history struct {
		Items []struct{ Type, Actor string }
	}
	o.get(t, "auditor", "/beneficiaries/"+id+"/history", "").into(t, &history)
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
		refused := o.post(t, "maker", "/beneficiaries/"+id+"/death", "bad"+body[0]+body[1], object{"date": body[0], "source": body[1]})
		refused.want(t, http.StatusUnprocessableEntity)
		if diff := cmp.Diff([]string{code}, refused.faults(t)); diff != "" {
			t.Error(diff)
		}
	}
	died := object{"date": "2026-10-31", "source": "civil_registry"}
	done := o.post(t, "maker", "/beneficiaries/"+id+"/death", "d1", died)
	done.want(t, http.StatusOK)
	var b beneficiaryView
	done.into(t, &b)
	if b.DiedOn != "2026-10-31" || b.Account.Status != "closed" || b.Account.Reason != "died" {
		t.Fatalf("%+v", b)
	}
	if again := o.post(t, "maker", "/beneficiaries/"+id+"/death", "d1", died); again.header.Get("Idempotent-Replay") != "true" {
		t.Fatalf("%s", again.body)
	}
	o.post(t, "maker", "/beneficiaries/"+id+"/death", "d2", died).refused(t, http.StatusUnprocessableEntity, "beneficiary_died")
	refused := o.post(t, "maker", "/issuances", "i2", object{"unit": "00004", "bank": vietin, "beneficiaries": []string{id}})
	refused.want(t, http.StatusUnprocessableEntity)
	if diff := cmp.Diff([]string{"/beneficiaries/0 beneficiary_died"}, refused.faults(t)); diff != "" {
		t.Fatal(diff)
	}
	o.post(t, "maker", "/issuances", "i3", object{"unit": "00004", "bank": vietin}).refused(t, http.StatusUnprocessableEntity, "issuance_empty")
}

func TestACorrection(t *testing.T) {
	t.Parallel()
	o := open(t)
	register := o.neighbour(t, "identity", identity.Catalog())
	id := o.register(t, 1)
	var before string
	if err := o.pool.QueryRow(t.Context(), `select data->>'person' from events where stream = $1`, "beneficiary-"+id).Scan(&before); err != nil {
		t.Fatal(err)
	}
	path := "/beneficiaries/" + id + "/correction"
	body := object{"person": personOf("Nguyễn Văn Ân", 1), "representative": personOf("Trần Văn Bình", 2), "reason": "sai dấu"}
	o.post(t, "stranger", path, "c0", body).refused(t, http.StatusNotFound, "beneficiary_unknown")
	o.post(t, "chairman", path, "c0", body).want(t, http.StatusForbidden)
	other := object{"person": personOf("Nguyễn Văn Ân", 3), "reason": "số khác"}
	o.post(t, "maker", path, "c1", other).refused(t, http.StatusUnprocessableEntity, "another_person")
	wrong := o.post(t, "maker", path, "c2", object{"person": personOf("Nguyễn Văn Ân", 1), "representative": personOf("Nguyễn Văn Ân", 1), "reason": "x"})
	if diff := cmp.Diff([]string{"/representative/document/number represents_oneself"}, wrong.faults(t)); diff != "" {
		t.Fatal(diff)
	}
	done := o.post(t, "maker", path, "c3", body)
	done.want(t, http.StatusOK)
	if again := o.post(t, "maker", path, "c3", body); again.header.Get("Idempotent-Replay") != "true" {
		t.Fatalf("%s", again.body)
	}
	// An answer about the person as they were comes too late, and an answer about them as corrected counts.
	var now string
	err := o.pool.QueryRow(t.Context(), `select data->>'person' from events where stream = $1 order by version desc limit 1`, "beneficiary-"+id).Scan(&now)
	if err != nil || now == before {
		t.Fatal(now, err)
	}
	subject := identity.Subject{Service: "accounts", Stream: "beneficiary-" + id}
	subject.Person = before
	register.say(t, identity.Matched{Subject: subject})
	subject.Person = now
	register.say(t, identity.NotFound{Subject: subject})
	testkit.Eventually(t, 20*time.Second, func() error {
		var b beneficiaryView
		o.get(t, "maker", "/beneficiaries/"+id, "").into(t, &b)
		if b.Identity != "not_found" || b.Person.FullName != "Nguyễn Văn Ân" || b.Representative == nil {
			return fmt.Errorf("%+v", b)
		}
		return nil
	})
	var list struct{ Items []beneficiaryView }
	o.get(t, "maker", "/beneficiaries", done.position()).into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Person.FullName != "Nguyễn Văn Ân" || list.Items[0].Representative.FullName != "Trần Văn Bình" {
		t.Fatalf("%+v", list)
	}
}

func TestOtherServicesResolveReferences(t *testing.T) {
	t.Parallel()
	o := open(t)
	child := fileOf("Trần Bé Na", 1)
	child["person"].(object)["birth_date"] = "2015-05-01"
	child["person"].(object)["document"] = object{"type": "birth_certificate", "number": "45/2015"}
	child["representative"] = personOf("Trần Văn Bình", 2)
	made := o.post(t, "maker", "/beneficiaries", "c", child)
	made.want(t, http.StatusCreated)
	id := made.text(t, "id")

	profiles := o.post(t, "gateway", "/profiles", "", object{"beneficiaries": []string{id, "nobody"}, "purpose": "enrolment", "case": "e-1"})
	profiles.want(t, http.StatusOK)
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
	profiles.into(t, &known)
	p := known.Items[0]
	if len(known.Items) != 2 || !p.Found || p.BirthDate != "2015-05-01" || p.MayHold || p.Unit.Code != "00004" || p.Unit.ValidFrom != "2025-07-01" ||
		p.Mark == "" || known.Items[1].Found || known.Items[1].Beneficiary != "nobody" {
		t.Fatalf("%s", profiles.body)
	}
	erased := "0193a5c0-7d3e-7c41-9b52-6f1e8a4d2c70"
	persons := o.post(t, "gateway", "/persons", "", object{"refs": []string{p.Representative, erased, p.Person}, "purpose": "account_opening", "case": "a-1"})
	persons.want(t, http.StatusOK)
	var people struct {
		Items []struct {
			Ref        string
			Person     *personView
			Unreadable bool
		}
	}
	persons.into(t, &people)
	if len(people.Items) != 3 || people.Items[0].Person.FullName != "Trần Văn Bình" || people.Items[1].Person != nil ||
		people.Items[2].Person.FullName != "Trần Bé Na" {
		t.Fatalf("%s", persons.body)
	}

	t.Run("nobody but services", func(t *testing.T) {
		t.Parallel()
		for _, actor := range []string{"maker", "admin", "auditor"} {
			o.post(t, actor, "/persons", "", object{"refs": []string{p.Person}, "purpose": "x", "case": "y"}).want(t, http.StatusForbidden)
			o.post(t, actor, "/profiles", "", object{"beneficiaries": []string{id}, "purpose": "x", "case": "y"}).want(t, http.StatusForbidden)
		}
	})
	t.Run("a damaged row does not take others with it", func(t *testing.T) {
		t.Parallel()
		_, err := o.pool.Exec(t.Context(), `update vault set ciphertext = set_byte(ciphertext, 12, get_byte(ciphertext, 12) # 1) where ref = $1`, p.Representative)
		if err != nil {
			t.Fatal(err)
		}
		again := o.post(t, "gateway", "/persons", "", object{"refs": []string{p.Representative, p.Person}, "purpose": "account_opening", "case": "a-2"})
		again.into(t, &people)
		if !people.Items[0].Unreadable || people.Items[1].Person == nil {
			t.Fatalf("%s", again.body)
		}
	})
}

package accounts_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/service/servicetest"
)

// Whatever is wrong is said at once, nothing is repeated, and nothing is stored.
func TestBadInput(t *testing.T) {
	t.Parallel()
	o := open(t)
	edit := func(change func(object)) object {
		body := fileOf("Nguyễn Bí Mật", 7)
		change(body)
		return body
	}
	of := func(body object, name string) object { return body[name].(object) }
	for _, c := range []struct {
		name, path string
		body       object
		faults     []string
	}{
		{"everything missing", "/beneficiaries", object{}, []string{"/file_number required", "/person required", "/unit required"}},
		{"the other sex", "/beneficiaries", edit(func(b object) { of(b, "person")["sex"] = "female" }), []string{"/person/document/number citizen_id_sex_mismatch"}},
		{
			"a person where a file belongs", "/beneficiaries", edit(func(b object) { b["file_number"] = "001050000007" }),
			[]string{"/file_number looks_like_a_person"},
		},
		{"an unknown member", "/beneficiaries", edit(func(b object) { b["amount"] = 1 }), []string{"/amount unknown_field"}},
		{"a unit that nothing has", "/beneficiaries", edit(func(b object) { b["unit"] = "99999" }), []string{"/unit unit_unknown"}},
		{"a unit of others", "/beneficiaries", edit(func(b object) { b["unit"] = "00008" }), []string{"/unit unit_not_yours"}},
		{
			"everything about a future child and a minor representative at once", "/beneficiaries",
			edit(func(b object) {
				of(b, "person")["birth_date"], of(b, "person")["document"] = "2027-01-01", object{"type": "passport", "number": "C01X00T47"}
				b["representative"] = personOf("Nguyễn Bí Mật", 8)
				of(b, "representative")["birth_date"], of(b, "representative")["document"] = "2015", object{"type": "passport", "number": "C01X00T48"}
			}),
			[]string{"/person/birth_date birth_date_in_future", "/representative/birth_date representative_minor"},
		},
		{
			"a representative who is the beneficiary", "/beneficiaries",
			edit(func(b object) { b["representative"] = b["person"] }),
			[]string{"/representative/document/number represents_oneself"},
		},
		{"no document", "/beneficiaries", edit(func(b object) { of(b, "person")["document"] = object{"type": "none"} }), []string{
			"/person/document/number required", "/person/document/type not_allowed",
		}},
		{"a bank in the wrong form", "/issuances", object{"unit": "00004", "bank": "vietin"}, []string{"/bank wrong_format"}},
		{
			"a bank and a unit that nothing has", "/issuances",
			object{"unit": "99999", "bank": "XXXXVNVX"},
			[]string{"/bank bank_unknown", "/unit unit_unknown"},
		},
		{
			"members who are not there, and one twice", "/issuances",
			object{"unit": "00004", "bank": vietin, "beneficiaries": []string{"nobody", "nobody"}},
			[]string{"/beneficiaries/0 beneficiary_unknown", "/beneficiaries/1 beneficiary_twice"},
		},
		{
			"a form, a unit and a date that are wrong, and a minor representative with a wrong number", "/beneficiaries",
			edit(func(b object) {
				b["amount"], b["file_number"], b["unit"] = 1, "#", "99999"
				of(b, "person")["birth_date"], of(b, "person")["document"] = "2027-01-01", object{"type": "passport", "number": "C01X00T47"}
				b["representative"] = personOf("Nguyễn Bí Mật", 8)
				of(b, "representative")["birth_date"], of(b, "representative")["phone"] = "2015", "x"
			}),
			[]string{
				"/amount unknown_field", "/file_number wrong_format", "/person/birth_date birth_date_in_future",
				"/representative/birth_date representative_minor", "/representative/document/number citizen_id_year_mismatch",
				"/representative/phone phone_characters", "/unit unit_unknown",
			},
		},
		{
			"a bank in the wrong form, a unit of others, and members who are not there", "/issuances",
			object{"unit": "00008", "bank": "vietin", "beneficiaries": []any{"nobody", 7, "nobody"}},
			[]string{
				"/bank wrong_format", "/beneficiaries/0 beneficiary_unknown", "/beneficiaries/1 wrong_type",
				"/beneficiaries/2 beneficiary_twice", "/unit unit_not_yours",
			},
		},
		{"an empty list", "/issuances", object{"unit": "00004", "bank": vietin, "beneficiaries": []string{}}, []string{"/beneficiaries wrong_count"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			refused := o.Post(t, "maker", c.path, "bad-"+strings.ReplaceAll(c.name, " ", "-"), c.body)
			refused.Want(t, http.StatusUnprocessableEntity)
			if bytes.Contains(refused.Body, []byte("Nguy")) || bytes.Contains(refused.Body, []byte("001050")) {
				t.Fatalf("the answer repeats a value: %s", refused.Body)
			}
			got := refused.Faults(t)
			slices.Sort(got)
			if diff := cmp.Diff(c.faults, got); diff != "" {
				t.Fatalf("%s\n%s", diff, refused.Body)
			}
		})
	}
	t.Run("whoever may not register does not", func(t *testing.T) {
		t.Parallel()
		for _, actor := range []string{"chairman", "accountant", "admin", "gateway", "auditor"} {
			o.Post(t, actor, "/beneficiaries", "role", fileOf("Nguyễn Bí Mật", 9)).Want(t, http.StatusForbidden)
		}
	})
	t.Cleanup(func() {
		var facts, rows int
		const query = `select (select count(*) from events), (select count(*) from vault)`
		if err := o.Pool.QueryRow(context.WithoutCancel(t.Context()), query).Scan(&facts, &rows); err != nil || facts+rows > 0 {
			t.Errorf("%d facts and %d rows of the vault were stored: %v", facts, rows, err)
		}
	})
}

// What changes a beneficiary or an account is answered in one round, too.
func TestChangesAreToldEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	id := o.register(t, 1)
	unborn := personOf("Nguyễn Bí Mật", 1)
	unborn["birth_date"], unborn["phone"], unborn["document"] = "2027-01-01", "x", object{"type": "passport", "number": "C01X00T47"}
	for _, c := range []struct {
		actor, path string
		body        object
		faults      []string
	}{
		{
			"maker", "/beneficiaries/" + id + "/correction",
			object{"person": unborn, "representative": unborn},
			[]string{
				"/person/birth_date birth_date_in_future", "/person/phone phone_characters", "/reason required",
				"/representative/birth_date birth_date_in_future", "/representative/birth_date representative_minor",
				"/representative/document/number represents_oneself", "/representative/phone phone_characters",
			},
		},
		{"maker", "/beneficiaries/" + id + "/death", object{"date": "2030-01-01"}, []string{"/date died_in_future", "/source required"}},
		{"maker", "/beneficiaries/another/death", object{"date": "2030-01-01"}, []string{"/source required"}},
		{
			"maker", "/beneficiaries/" + id + "/death/revocation",
			object{"document": "001050000001", "day": "2026-11-01"},
			[]string{"/day unknown_field", "/document looks_like_a_person", "/reason required"},
		},
		{"maker", "/accounts/another/replacement", object{"bank": "XXXXVNVX"}, []string{"/bank bank_unknown", "/reason required"}},
	} {
		refused := o.Post(t, c.actor, c.path, "bad", c.body)
		refused.Want(t, http.StatusUnprocessableEntity)
		got := refused.Faults(t)
		slices.Sort(got)
		if diff := cmp.Diff(c.faults, got); diff != "" {
			t.Errorf("%s: %s", c.path, diff)
		}
	}
}

func TestAnImportHasAVerdictForEachLine(t *testing.T) {
	t.Parallel()
	o := open(t)
	var lines []string
	for _, serial := range []int{1, 2, 1} {
		lines = append(lines, fmt.Sprintf(`{"client_ref":"r-%d","file_number":"F-%d","unit":"00004","person":{"full_name":"Nguyễn Văn An","birth_date":"1950",`+
			`"sex":"male","document":{"type":"citizen_id","number":"001050%06d"},"residence":{"text":"x"}}}`, serial, serial, serial))
	}
	lines = append(lines, "{", strings.Replace(lines[0], `"male"`, `"female"`, 1))
	header := http.Header{"Content-Type": {"application/x-ndjson"}, "Idempotency-Key": {"import"}}
	verdicts := func() []string {
		answer := o.Send(t, servicetest.Request{
			Method: http.MethodPost, Actor: "maker", Path: "/beneficiaries/batch", Header: header, Body: []byte(strings.Join(lines, "\n")),
		})
		answer.Want(t, http.StatusOK)
		var all []string
		for l := range strings.Lines(string(answer.Body)) {
			status := l[strings.Index(l, `"status":`)+len(`"status":`):]
			all = append(all, status[:3])
		}
		slices.Sort(all) // the first and the third line are one person: which of them is first is theirs to race for
		return all
	}
	if diff := cmp.Diff([]string{"201", "201", "409", "422", "422"}, verdicts()); diff != "" {
		t.Fatal(diff)
	}
	if diff := cmp.Diff([]string{"200", "200", "409", "422", "422"}, verdicts()); diff != "" {
		t.Fatalf("the same import again: %s", diff)
	}
}

package entitlement_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// codes returns the faults as pointer and code, and fails for one without texts.
func codes(t *testing.T, faults problem.Faults) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, f := range faults {
		if f.Message == "" || f.MessageVI == "" || found[f.Pointer] != "" {
			t.Errorf("without texts, or a second fault at one place: %+v", f)
		}
		found[f.Pointer] = f.Code
	}
	return found
}

func TestCheckEnrolment(t *testing.T) {
	t.Parallel()
	good := func(edit func(*entitlement.Enrolment)) entitlement.Enrolment {
		e := entitlement.Enrolment{
			ID: "E1", Programme: "social_assistance", Category: "c4", SignedOn: vn.MustDate(2026, time.June, 30),
			Facts:       entitlement.Facts{Children: 2},
			Changes:     []entitlement.Change{{From: month.Must("2026-07"), Facts: entitlement.Facts{Children: 3}}},
			Suspensions: []entitlement.Suspension{{From: month.Must("2026-09"), ResumedFrom: month.Must("2026-12")}, {From: month.Must("2026-12")}},
			StoppedFrom: month.Must("2027-06"),
		}
		edit(&e)
		return e
	}
	for name, c := range map[string]struct {
		edit func(*entitlement.Enrolment)
		want map[string]string
	}{
		"a sensible enrolment has no faults": {func(*entitlement.Enrolment) {}, map[string]string{}},
		"an empty enrolment hears everything at once": {
			func(e *entitlement.Enrolment) { *e = entitlement.Enrolment{} },
			map[string]string{
				"/e/0/id": "id_required", "/e/0/programme": "programme_unknown", "/e/0/category": "category_unknown", "/e/0/signed_on": "signed_on_required",
			},
		},
		"a category belongs to its programme": {
			func(e *entitlement.Enrolment) { e.Programme = "social_pension" }, map[string]string{"/e/0/category": "category_unknown"},
		},
		"a category is known": {
			func(e *entitlement.Enrolment) { e.Category, e.Facts, e.Changes = "c9", entitlement.Facts{}, nil },
			map[string]string{"/e/0/category": "category_unknown"},
		},
		"no right begins before the month of the signature": {
			func(e *entitlement.Enrolment) { e.StartsFrom = month.Must("2026-05") }, map[string]string{"/e/0/starts_from": "starts_before_signature"},
		},
		"no right stops before it begins": {
			func(e *entitlement.Enrolment) { e.StoppedFrom = month.Must("2026-05") }, map[string]string{"/e/0/stopped_from": "stopped_before_start"},
		},
		"a single parent has children": {
			func(e *entitlement.Enrolment) { e.Facts.Children, e.Changes[0].Facts.Children = 0, 31 },
			map[string]string{"/e/0/facts/children": "children_outside", "/e/0/changes/0/facts/children": "children_outside"},
		},
		"nobody else has": {
			func(e *entitlement.Enrolment) { e.Category, e.Changes = "c8", nil }, map[string]string{"/e/0/facts/children": "children_unexpected"},
		},
		"changes come in order, after the start": {
			func(e *entitlement.Enrolment) {
				e.Changes[0].From = month.Must("2026-06")
				e.Changes = append(e.Changes, entitlement.Change{From: month.Must("2026-08"), Facts: e.Facts}, e.Changes[0], entitlement.Change{Facts: e.Facts})
			},
			map[string]string{
				"/e/0/changes/0/from": "change_out_of_order", "/e/0/changes/2/from": "change_out_of_order", "/e/0/changes/3/from": "change_out_of_order",
			},
		},
		"a suspension lasts three months at most": {
			func(e *entitlement.Enrolment) {
				e.Suspensions[0].ResumedFrom, e.Suspensions[1].From = month.Must("2027-01"), month.Must("2027-01")
			},
			map[string]string{"/e/0/suspensions/0/resumed_from": "suspension_too_long"},
		},
		"suspensions come in order, after the start": {
			func(e *entitlement.Enrolment) {
				e.Suspensions[0].From, e.Suspensions[1].From = month.Must("2026-05"), month.Must("2026-06")
				e.Suspensions[0].ResumedFrom = month.Must("2026-07")
			},
			map[string]string{"/e/0/suspensions/0/from": "suspension_out_of_order", "/e/0/suspensions/1/from": "suspension_out_of_order"},
		},
		"nothing follows a suspension that goes on": {
			func(e *entitlement.Enrolment) { e.Suspensions[0].ResumedFrom = month.Month{} },
			map[string]string{"/e/0/suspensions/1/from": "suspension_out_of_order"},
		},
		"a right is resumed after it was suspended": {
			func(e *entitlement.Enrolment) { e.Suspensions[0].ResumedFrom = e.Suspensions[0].From },
			map[string]string{"/e/0/suspensions/0/resumed_from": "resumed_before_suspension"},
		},
		"a history has an end": {
			func(e *entitlement.Enrolment) {
				e.Changes, e.Suspensions = make([]entitlement.Change, 101), make([]entitlement.Suspension, 101)
			},
			map[string]string{"/e/0/changes": "changes_too_many", "/e/0/suspensions": "suspensions_too_many"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults := entitlement.National().CheckEnrolment(good(c.edit), "/e/0")
			if diff := cmp.Diff(c.want, codes(t, faults)); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestValidatePerson(t *testing.T) {
	t.Parallel()
	born := func(s string) vn.PartialDate {
		p, err := vn.ParsePartialDate(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, c := range map[string]struct {
		person entitlement.Person
		want   map[string]string
	}{
		"a year of birth is enough":          {entitlement.Person{BirthDate: born("1946"), Province: "01"}, map[string]string{}},
		"nobody hears everything":            {entitlement.Person{}, map[string]string{"/birth_date": "birth_date_required", "/province": "province_format"}},
		"a death follows a birth":            {entitlement.Person{BirthDate: born("1946-03"), DiedOn: vn.MustDate(1946, time.February, 28), Province: "01"}, map[string]string{"/died_on": "death_before_birth"}},
		"a death may be the day of birth":    {entitlement.Person{BirthDate: born("2026-03-01"), DiedOn: vn.MustDate(2026, time.March, 1), Province: "01"}, map[string]string{}},
		"a province is a code of two digits": {entitlement.Person{BirthDate: born("1946"), Province: "001"}, map[string]string{"/province": "province_format"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var faults problem.Faults
			c.person.Validate(&faults)
			if diff := cmp.Diff(c.want, codes(t, faults)); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

package strict_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/httpapi/strict"
	"github.com/songan-vn/songan/libs/problem"
)

type paging struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type filter struct {
	paging
	Unit   string     `query:"unit,required" pattern:"^[0-9]{5}$"`
	Status string     `query:"status" enum:"notified,departed"`
	From   string     `query:"from" format:"date"`
	Late   *bool      `query:"late"`
	Since  *time.Time `query:"since"`
	Kinds  []string   `query:"kind" enum:"tourist,medical"`
	Level  level      `query:"level"`
}

func (f filter) Validate(faults *problem.Faults) {
	if f.Status == "departed" && f.From == "" {
		faults.At("/from", problem.Fault{Code: "from_needed"})
	}
}

func TestAQueryIsReadByTheSameRules(t *testing.T) {
	t.Parallel()
	late := true
	got, err := strict.ForQuery[filter]().Read("unit=00004&status=&late=true&kind=tourist&kind=medical&from=2026-11-01&level=ward")
	if err != nil {
		t.Fatal(faults(err))
	}
	want := filter{
		paging: paging{50}, Unit: "00004", From: "2026-11-01", Late: &late, Kinds: []string{"tourist", "medical"}, Level: level{"ward"},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(filter{}, level{})); d != "" {
		t.Error(d)
	}
}

func TestEverythingThatIsWrongWithAQueryIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][]string{
		"":                           {"/query/unit required"},
		"unit=00004&unit=00005":      {"/query/unit duplicate_key"},
		"unit=00004&limit=0":         {"/query/limit out_of_range"},
		"unit=00004&limit=ten":       {"/query/limit wrong_type"},
		"unit=00004&sttaus=notified": {"/query/sttaus unknown_field"},
		"unit=00004&%C3%A1=1":        {"/query unknown_field"},
		"unit=00004&since=yesterday": {"/query/since invalid_date_time"},
		"unit=00004&late=yes":        {"/query/late wrong_type"},
		"unit=00004&level=district":  {"/query/level district_abolished"},
		"unit=00004&from=%00":        {"/query/from nul_character"},
		"unit=00004&from=%ff":        {"/query/from invalid_utf8"},
		"unit=00004&status=departed": {"/query/from from_needed"},
		"unit=%zz&status=x&kind=bar": {"/query malformed_query", "/query/unit required", "/query/status not_allowed", "/query/kind not_allowed"},
		"unit=1&from=2026-02-30&z=1": {"/query/unit wrong_format", "/query/from impossible_date", "/query/z unknown_field"},
	} {
		_, err := strict.ForQuery[filter]().Read(query)
		if d := cmp.Diff(want, faults(err)); d != "" {
			t.Errorf("%s: %s", query, d)
		}
	}
}

func TestAQueryWithoutParametersTakesNone(t *testing.T) {
	t.Parallel()
	none := strict.ForQuery[struct{}]()
	if _, err := none.Read(""); err != nil {
		t.Error(err)
	}
	if _, err := none.Read("x=1"); err == nil {
		t.Error("a parameter that nobody reads")
	}
}

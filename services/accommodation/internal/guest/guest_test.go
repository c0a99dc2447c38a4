package guest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
)

func today() time.Time { return time.Date(2026, 11, 21, 14, 0, 0, 0, vn.Zone) }

func an() guest.Guest {
	return guest.Guest{
		FullName: "Nguyễn Văn An", BirthDate: "1990-01-15", Sex: "male", Nationality: "VNM",
		Document: guest.Document{Type: guest.CitizenID, Number: "001090123456"}, Phone: "+84912345678",
	}
}

func greta() guest.Guest {
	return guest.Guest{
		FullName: "Greta Müller", BirthDate: "1988-07", Sex: "female", Nationality: "DEU",
		Document: guest.Document{Type: guest.Passport, Number: "C01X00T47", Expires: "2030-01-01"},
		Visa:     &guest.Visa{Type: "DL", Number: "VN123", Expires: "2026-12-31"},
		Entry:    &guest.Entry{Date: "2026-11-20", Gate: "Nội Bài"},
	}
}

// faults are "pointer code" of everything that Validate and CheckOn say.
func faults(g guest.Guest) []string {
	var found problem.Faults
	g.Validate(&found)
	found = append(found, g.CheckOn(vn.DateOf(today()), "")...)
	var lines []string
	for _, f := range found {
		lines = append(lines, f.Pointer+" "+f.Code)
	}
	slices.Sort(lines)
	return lines
}

func TestWhatIsWrongWithAGuest(t *testing.T) {
	t.Parallel()
	edit := func(g guest.Guest, change func(*guest.Guest)) guest.Guest { change(&g); return g }
	cases := []struct {
		name  string
		guest guest.Guest
		want  []string
	}{
		{"a citizen with a number that agrees is fine", an(), nil},
		{"a foreigner with a passport is fine", greta(), nil},
		{
			"digit 4 says the other sex",
			edit(an(), func(g *guest.Guest) { g.Sex = "female" }),
			[]string{"/document/number citizen_id_sex_mismatch"},
		},
		{
			"digits 5 and 6 say another year",
			edit(an(), func(g *guest.Guest) { g.BirthDate = "1991" }),
			[]string{"/document/number citizen_id_year_mismatch"},
		},
		{
			"everything that is wrong is said at once",
			edit(an(), func(g *guest.Guest) {
				g.FullName, g.Phone, g.Nationality, g.Document.Number, g.BirthDate = "An 2", "+8491", "XYZ", "12345", "2027-01-01"
			}),
			[]string{
				"/birth_date birth_date_in_future", "/document/number citizen_id_length",
				"/document/type passport_required", "/full_name name_digit", "/nationality country_unknown", "/phone phone_length",
			},
		},
		{
			"no document needs an explanation",
			edit(an(), func(g *guest.Guest) { g.Document = guest.Document{Type: guest.NoDocument} }),
			[]string{"/document/explanation explanation_required"},
		},
		{
			"an unidentified patient is fine with an explanation",
			edit(an(), func(g *guest.Guest) { g.Document = guest.Document{Type: guest.NoDocument, Explanation: "cấp cứu"} }), nil,
		},
		{
			"no document has no number",
			edit(an(), func(g *guest.Guest) {
				g.Document = guest.Document{Type: guest.NoDocument, Explanation: "x", Number: "1"}
			}),
			[]string{"/document/number number_without_document"},
		},
		{
			"a document has a number",
			edit(an(), func(g *guest.Guest) { g.Document.Number = "" }),
			[]string{"/document/number number_required"},
		},
		{
			"a foreigner has no citizen number",
			edit(an(), func(g *guest.Guest) { g.Nationality = "FRA" }),
			[]string{"/document/type passport_required"},
		},
		{
			"a foreigner's passport has an expiry",
			edit(greta(), func(g *guest.Guest) { g.Document.Expires = "" }),
			[]string{"/document/expires passport_expiry_required"},
		},
		{
			"nobody enters the country tomorrow",
			edit(greta(), func(g *guest.Guest) { g.Entry = &guest.Entry{Date: "2026-11-22", Gate: "Nội Bài"} }),
			[]string{"/entry/date entry_in_future"},
		},
		{
			"nine digits are not twelve",
			edit(an(), func(g *guest.Guest) { g.Document = guest.Document{Type: guest.OldID, Number: "001090123456"} }),
			[]string{"/document/number old_id_length"},
		},
		{
			"blanks explain nothing",
			edit(an(), func(g *guest.Guest) { g.Document = guest.Document{Type: guest.NoDocument, Explanation: " \u00a0\t"} }),
			[]string{"/document/explanation explanation_required"},
		},
		{
			"a girl's birth certificate has no man's number",
			edit(an(), func(g *guest.Guest) {
				g.Sex, g.BirthDate, g.Document.Type = "female", "2018-05-02", guest.BirthCertificate
			}),
			[]string{"/document/number citizen_id_sex_mismatch", "/document/number citizen_id_year_mismatch"},
		},
		{
			"a birth certificate of before has a number and a book",
			edit(an(), func(g *guest.Guest) {
				g.Document = guest.Document{Type: guest.BirthCertificate, Number: "Số 45, Quyển 01/2020"}
			}), nil,
		},
		{
			"a citizen number is no Vietnamese passport",
			edit(an(), func(g *guest.Guest) { g.Document.Type = guest.Passport }),
			[]string{"/document/number citizen_id_as_passport"},
		},
		{
			"a passport from elsewhere may have twelve digits",
			edit(greta(), func(g *guest.Guest) { g.Document.Number = "001090123456" }), nil,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, faults(c.guest)); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	bare := greta()
	bare.Visa, bare.Entry, bare.Document.Expires = nil, nil, "2026-11-20"
	old, stranger, child, late := an(), an(), an(), greta()
	old.Document = guest.Document{Type: guest.OldID, Number: "012345678"}
	stranger.Document.Number = "999090123456"
	child.BirthDate, child.Document = "2016-05-02", guest.Document{Type: guest.BirthCertificate, Number: "999216123456"}
	late.Document.Expires, late.Visa.Expires = "2026-11-20", "2026-11-20"
	for _, c := range []struct {
		name      string
		guest     guest.Guest
		companion string
		want      []string
	}{
		{"nothing is unusual", an(), "", nil},
		{"an unknown province is unusual, not wrong", stranger, "", []string{vn.WarningUnknownPrefix}},
		{"a nine-digit card is out of date", old, "", []string{vn.WarningOldID}},
		{"a child is alone, with the number of a birth certificate", child, "", []string{vn.WarningUnknownPrefix, guest.WarnChildAlone}},
		{"a child is not alone", child, "N1", []string{vn.WarningUnknownPrefix}},
		{
			"a foreigner without visa and entry, with an old passport", bare, "",
			[]string{guest.WarnPassportExpired, guest.WarnVisaMissing, guest.WarnEntryMissing},
		},
		{"papers that were good until the day before", late, "", []string{guest.WarnPassportExpired, guest.WarnVisaExpired}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := c.guest.Warnings(vn.DateOf(today()), c.companion)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Fatal(diff)
			}
			for _, code := range got {
				if en, vi := guest.WarningText(code); strings.Contains(en, "documentation") || en == "" || vi == "" {
					t.Errorf("%s has no text", code)
				}
			}
		})
	}
}

// One nation has one code, and one name one form, however a passport's reader or a keyboard writes them.
func TestNameAndNationalityAreKeptInOneForm(t *testing.T) {
	t.Parallel()
	for written, kept := range map[string]string{"D": "DEU", "D<<": "DEU", "DEU": "DEU", "VNM": "VNM", "GBD": "GBD", "xyz": "xyz"} {
		g := greta()
		g.FullName, g.Nationality = norm.NFD.String(" Greta  Müller"), written
		var found problem.Faults
		g.Validate(&found)
		want := greta()
		want.Nationality = kept
		if diff := cmp.Diff(want, g); diff != "" {
			t.Errorf("%s: %s", written, diff)
		}
	}
}

func TestMinors(t *testing.T) {
	t.Parallel()
	for birth, minor := range map[string]bool{
		"2008-11-21": false, "2008-11-22": true, "2008": false, "2009": true, "2020-02": true, "": false,
	} {
		if g := (guest.Guest{BirthDate: birth}); g.Minor(vn.DateOf(today())) != minor {
			t.Errorf("born %q: minor is %t", birth, !minor)
		}
	}
}

func TestDocumentsAreFoundHoweverTheyWereWritten(t *testing.T) {
	t.Parallel()
	if got := guest.DocumentIndex(" c01x-00t47 "); got != "C01X00T47" {
		t.Error("blanks, hyphens and case make a difference")
	}
	if got := guest.DocumentIndex("Số 45, Quyển 01/2020"); got != "SO45QUYEN012020" {
		t.Errorf("a birth certificate is searched for as %s", got)
	}
	if guest.NameIndex("Nguyễn Văn  Hoà", "1990") != guest.NameIndex("NGUYEN VAN HÒA", "1990") {
		t.Error("accents make a difference")
	}
}

// Whatever a front desk types, a fault never repeats it.
func TestFaultsNeverRepeatAValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[A-Z0-9]{6,14}`)
		g := guest.Guest{
			FullName: word.Draw(t, "name"), BirthDate: "1990", Sex: "male", Nationality: word.Draw(t, "nationality"), Phone: word.Draw(t, "phone"),
			Document: guest.Document{Type: rapid.SampledFrom([]string{"citizen_id", "old_id", "passport", "none"}).Draw(t, "type"), Number: word.Draw(t, "number")},
		}
		var found problem.Faults
		g.Validate(&found)
		for _, f := range found {
			for _, value := range []string{g.FullName, g.Nationality, g.Phone, g.Document.Number} {
				if strings.Contains(f.Message+f.MessageVI+f.Hint+f.Pointer, value) {
					t.Fatalf("fault %s repeats a value", f.Code)
				}
			}
		}
	})
}

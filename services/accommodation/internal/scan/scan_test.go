package scan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
	"github.com/songan-vn/songan/services/accommodation/internal/scan"
)

func today(t testing.TB) vn.Date {
	t.Helper()
	day, err := vn.ParseDate("2026-11-21")
	if err != nil {
		t.Fatal(err)
	}
	return day
}

func TestATextIsReadForWhatItIs(t *testing.T) {
	t.Parallel()
	an := guest.Guest{
		FullName: "Nguyễn Văn An", BirthDate: "1990-01-15", Sex: "male", Nationality: "VNM",
		Document:  guest.Document{Type: guest.CitizenID, Number: "001090123456"},
		Residence: &guest.Residence{Text: "18 Trấn Vũ, Ba Đình, Hà Nội"},
	}
	qr := "001090123456|012345678|Nguyễn Văn An|15011990|Nam|18 Trấn Vũ, Ba Đình, Hà Nội|10052021"
	bare := strings.NewReplacer("Nguyễn Văn An", "NGUYEN VAN AN", "18 Trấn Vũ, Ba Đình, Hà Nội", "").Replace(qr)
	for name, test := range map[string]struct {
		text string
		want scan.Reading
	}{
		"the QR code of a card":                         {qr, scan.Reading{Kind: scan.CardQR, Guest: an}},
		"a card of 2024 with more fields":               {qr + "||Trần Thị B|0123", scan.Reading{Kind: scan.CardQR, Guest: an}},
		"a scanner's line end":                          {"\t" + qr + "\r\n", scan.Reading{Kind: scan.CardQR, Guest: an}},
		"a scanner that strips marks":                   {bare, scan.Reading{Kind: scan.CardQR, Guest: guest.Guest{FullName: "NGUYEN VAN AN", BirthDate: "1990-01-15", Sex: "male", Nationality: "VNM", Document: an.Document}, Warnings: []string{scan.WarnNoMarks}}},
		"a card whose birth date cannot be read":        {strings.Replace(qr, "15011990", "31021990", 1), scan.Reading{Kind: scan.CardQR, Guest: guest.Guest{FullName: an.FullName, Sex: "male", Nationality: "VNM", Document: an.Document, Residence: an.Residence}, Warnings: []string{scan.WarnPartly}}},
		"a citizen number, which says the sex":          {"001 090 123 456", scan.Reading{Kind: scan.Number, Guest: guest.Guest{Sex: "male", Nationality: "VNM", Document: an.Document}}},
		"an old number, which is not valid any more":    {"012345678", scan.Reading{Kind: scan.Number, Guest: guest.Guest{Nationality: "VNM", Document: guest.Document{Type: guest.OldID, Number: "012345678"}}, Warnings: []string{vn.WarningOldID}}},
		"a passport number":                             {"c1234567", scan.Reading{Kind: scan.Number, Guest: guest.Guest{Document: guest.Document{Type: guest.Passport, Number: "C1234567"}}}},
		"something else":                                {"xin chào", scan.Reading{Kind: scan.Unknown}},
		"a book":                                        {strings.Repeat("a|", 5000), scan.Reading{Kind: scan.Unknown}},
		"the specimen passport of ICAO 9303 part 4":     {"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10", scan.Reading{Kind: scan.MRZ, Guest: guest.Guest{FullName: "ERIKSSON ANNA MARIA", BirthDate: "1974-08-12", Sex: "female", Document: guest.Document{Type: guest.Passport, Number: "L898902C3", Expires: "2012-04-15"}}, Warnings: []string{scan.WarnPartly}}},
		"a German passport, whose country is D":         {"P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<\nC01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4", scan.Reading{Kind: scan.MRZ, Guest: guest.Guest{FullName: "MUSTERMANN ERIKA", BirthDate: "1964-08-12", Sex: "female", Nationality: "DEU", Document: guest.Document{Type: guest.Passport, Number: "C01X00T47", Expires: "2027-02-28"}}}},
		"a Vietnamese card, whose number has 12 digits": {"IDVNM0901234562001090123456<<4\n9001158M3501151VNM<<<<<<<<<<<8\nNGUYEN<<VAN<AN<<<<<<<<<<<<<<<<", scan.Reading{Kind: scan.MRZ, Guest: guest.Guest{FullName: "NGUYEN VAN AN", BirthDate: "1990-01-15", Sex: "male", Nationality: "VNM", Document: an.Document}, Warnings: []string{scan.WarnNoMarks}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.want.Suggestions == nil {
				test.want.Suggestions = []scan.Suggestion{}
			}
			if test.want.Warnings == nil {
				test.want.Warnings = []string{}
			}
			if diff := cmp.Diff(test.want, scan.Read(test.text, today(t))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAMistakenCharacterIsSuggestedAndNotRepaired(t *testing.T) {
	t.Parallel()
	got := scan.Read("P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<\nCO1XOOT478D<<64O8125F2702283<<<<<<<<<<<<<<<4", today(t))
	if got.Guest.Document.Number != "CO1XOOT47" || got.Guest.BirthDate != "" {
		t.Errorf("%+v was repaired", got.Guest)
	}
	for _, want := range []scan.Suggestion{
		{Pointer: "/document/number", Value: "C01X00T47", Code: "check_digit"},
		{Pointer: "/birth_date", Value: "1964-08-12", Code: "check_digit"},
	} {
		found := false
		for _, s := range got.Suggestions {
			found = found || s == want
		}
		if !found {
			t.Errorf("%+v is missing in %+v", want, got.Suggestions)
		}
	}
}

// TestNoTextIsTooOdd: a scanner can send anything.
func TestNoTextIsTooOdd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.String(), rapid.StringMatching(`[A-Z0-9<]{72}|[A-Z0-9<]{88}|[A-Z0-9<]{90}`), rapid.StringMatching(`([^|]{0,20}\|){6,9}`),
		).Draw(t, "text")
		day, err := vn.ParseDate("2026-11-21")
		if err != nil {
			t.Fatal(err)
		}
		if r := scan.Read(text, day); r.Suggestions == nil || r.Warnings == nil || len(r.Suggestions) > 15 {
			t.Fatal(fmt.Sprint("lists are never null and never long: ", len(r.Suggestions)))
		}
	})
}

package vn_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
)

func citizenIDParts() *rapid.Generator[vn.CitizenIDParts] {
	return rapid.Custom(func(t *rapid.T) vn.CitizenIDParts {
		return vn.CitizenIDParts{
			Prefix:    rapid.IntRange(0, 999).Draw(t, "prefix"),
			Sex:       rapid.SampledFrom([]vn.Sex{vn.Male, vn.Female}).Draw(t, "sex"),
			BirthYear: rapid.IntRange(1900, 2399).Draw(t, "year"),
			Serial:    rapid.IntRange(0, 999_999).Draw(t, "serial"),
		}
	})
}

func citizenID(t testing.TB, number string) vn.CitizenID {
	t.Helper()
	id, err := vn.ParseCitizenID(number)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func birthDate(t rapid.TB, text string) vn.PartialDate {
	t.Helper()
	p, err := vn.ParsePartialDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestANumberIsTwelveDigits(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"001090123456":  "",
		"":              "citizen_id_length",
		"00109012345":   "citizen_id_length",
		"0010901234567": "citizen_id_length",
		"012345678":     "citizen_id_length",
		"00109012345O":  "citizen_id_not_digits",
		"001 090123456": "citizen_id_not_digits",
		"-01090123456":  "citizen_id_not_digits",
		"００１０９０１２３４５６":  "citizen_id_not_digits",
		"٠٠١٠٩٠١٢٣٤٥٦":  "citizen_id_not_digits",
	}
	got := map[string]string{}
	for number := range want {
		got[number] = ""
		if id, err := vn.ParseCitizenID(number); err != nil {
			got[number] = vn.FaultOf(err).Code
		} else if id.Number() != number {
			t.Errorf("%s was read as %s", number, id.Number())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseCitizenID (-want +got):\n%s", diff)
	}
}

func TestANumberGivesItsPartsBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := citizenIDParts().Draw(t, "parts")
		id, err := vn.NewCitizenID(parts)
		if err != nil {
			t.Fatal(err)
		}
		read, err := vn.ParseCitizenID(id.Number())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(parts, read.Parts()); diff != "" {
			t.Fatalf("parts of %s (-want +got):\n%s", id.Number(), diff)
		}
		birth := birthDate(t, fmt.Sprintf("%04d", parts.BirthYear))
		if faults := read.Check(parts.Sex, birth); faults != nil {
			t.Fatalf("%s disagrees with its own parts: %v", id.Number(), faults)
		}
	})
}

func TestNumbersThatCannotBeAreNotMade(t *testing.T) {
	t.Parallel()
	right := vn.CitizenIDParts{Prefix: 1, Sex: vn.Male, BirthYear: 1990, Serial: 123_456}
	for name, spoil := range map[string]func(*vn.CitizenIDParts){
		"prefix":   func(p *vn.CitizenIDParts) { p.Prefix = 1000 },
		"negative": func(p *vn.CitizenIDParts) { p.Serial = -1 },
		"serial":   func(p *vn.CitizenIDParts) { p.Serial = 1_000_000 },
		"sex":      func(p *vn.CitizenIDParts) { p.Sex = "other" },
		"early":    func(p *vn.CitizenIDParts) { p.BirthYear = 1899 },
		"late":     func(p *vn.CitizenIDParts) { p.BirthYear = 2400 },
	} {
		parts := right
		spoil(&parts)
		if id, err := vn.NewCitizenID(parts); err == nil {
			t.Errorf("%s: made %s", name, id.Number())
		}
	}
}

func TestADisagreementNamesTheDigit(t *testing.T) {
	t.Parallel()
	type told struct{ Code, Digits string }
	digits := func(f problem.Fault) told {
		_, rest, _ := strings.Cut(f.Message, "digit")
		text, _, _ := strings.Cut(strings.TrimPrefix(rest, "s"), " of ")
		return told{f.Code, strings.TrimSpace(text)}
	}
	for name, c := range map[string]struct {
		number string
		sex    vn.Sex
		birth  string
		want   []told
	}{
		"all agree":                  {"001090123456", vn.Male, "1990-01-15", nil},
		"year is enough":             {"001090123456", vn.Male, "1990", nil},
		"born after 2000":            {"001305123456", vn.Female, "2005-06", nil},
		"other sex":                  {"001090123456", vn.Female, "1990", []told{{"citizen_id_sex_mismatch", "4"}}},
		"other year":                 {"001090123456", vn.Male, "1991-01-15", []told{{"citizen_id_year_mismatch", "5 and 6"}}},
		"other century":              {"001005123456", vn.Male, "2005", []told{{"citizen_id_year_mismatch", "4"}}},
		"other century and year":     {"001090123456", vn.Male, "2005", []told{{"citizen_id_year_mismatch", "4, 5 and 6"}}},
		"both":                       {"001191123456", vn.Male, "1990", []told{{"citizen_id_sex_mismatch", "4"}, {"citizen_id_year_mismatch", "5 and 6"}}},
		"no sex given":               {"001191123456", "", "1991", nil},
		"no birth date given":        {"001191123456", vn.Female, "", nil},
		"nothing given":              {"001191123456", "", "", nil},
		"nineteenth-century parents": {"001090123456", vn.Male, "1890", []told{{"citizen_id_year_mismatch", "4"}}},
	} {
		var birth vn.PartialDate
		if c.birth != "" {
			birth = birthDate(t, c.birth)
		}
		var got []told
		for _, f := range citizenID(t, c.number).Check(c.sex, birth) {
			got = append(got, digits(f))
			if f.MessageVI == "" || f.Hint == "" || strings.Contains(f.Message+f.MessageVI+f.Hint, c.number[6:]) {
				t.Errorf("%s: the fault is incomplete or tells the number: %+v", name, f)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAnUnknownPrefixIsAWarning(t *testing.T) {
	t.Parallel()
	got := map[string][]string{}
	for _, number := range []string{"001090123456", "096090123456", "003090123456", "000090123456", "999090123456"} {
		got[number[:3]] = citizenID(t, number).Warnings()
	}
	unknown := []string{"unknown_citizen_id_prefix"}
	want := map[string][]string{"001": nil, "096": nil, "003": unknown, "000": unknown, "999": unknown}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestPrefixesAreTheProvincesOfTheirTime(t *testing.T) {
	t.Parallel()
	directory, err := units.Load()
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for u := range directory.All(units.Province, vn.MustDate(2025, time.June, 30)) {
		want["0"+u.Code] = u.ShortName()
	}
	for _, prefix := range vn.CitizenPrefixes() {
		got[prefix], _ = vn.CitizenPrefix(prefix)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 63 {
		t.Errorf("%d prefixes (-want +got):\n%s", len(got), diff)
	}
	for _, wrong := range []string{"", "1", "0", "# p", "01\t", "abc", "0011"} {
		if province, known := vn.CitizenPrefix(wrong); known {
			t.Errorf("the prefix %q is known as %s", wrong, province)
		}
	}
}

func TestPrintingDoesNotTellTheNumber(t *testing.T) {
	t.Parallel()
	id := citizenID(t, "001090123456")
	phone, err := vn.ParsePhone("0912345678")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]any{"id": id, "phone": phone})
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%s %v %+v %#v %q %s", id, id, struct{ ID vn.CitizenID }{id}, id, id, data) +
		fmt.Sprintf("%s %v %+v %#v %q", phone, phone, struct{ P vn.Phone }{phone}, phone, phone)
	if strings.Contains(printed, "0901234") || strings.Contains(printed, "9123456") {
		t.Errorf("printed: %s", printed)
	}
}

func FuzzParseCitizenID(f *testing.F) {
	for _, seed := range []string{"001090123456", "00109012345", "abc", "", "001090123456\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := vn.ParseCitizenID(text)
		if err != nil {
			return
		}
		again, err := vn.NewCitizenID(id.Parts())
		if err != nil || again.Number() != text {
			t.Errorf("%q was put together again as %q, %v", text, again.Number(), err)
		}
	})
}

// A front desk typed the year wrongly: the answer says where to look, and does not repeat what was typed.
func ExampleCitizenID_Check() {
	id, err := vn.ParseCitizenID("001090123456")
	if err != nil {
		fmt.Println(vn.FaultOf(err).Message)
		return
	}
	birth, err := vn.ParsePartialDate("1991-01-15")
	if err != nil {
		fmt.Println(vn.FaultOf(err).Message)
		return
	}
	var faults problem.Faults
	for _, fault := range id.Check(vn.Male, birth) {
		faults.At("/guest/document/number", fault)
	}
	for _, fault := range faults {
		fmt.Println(fault.Pointer, fault.Code)
		fmt.Println(fault.Message)
		fmt.Println(fault.MessageVI)
	}
	// Output:
	// /guest/document/number citizen_id_year_mismatch
	// digits 5 and 6 of the citizen number say another birth year
	// chữ số thứ 5 và 6 của số định danh chỉ năm sinh khác
}

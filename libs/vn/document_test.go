package vn_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vn"
)

// read is what a parser made of a text, or the code of its refusal.
func read(parse func(string) (string, error), texts map[string]string) map[string]string {
	got := map[string]string{}
	for text := range texts {
		value, err := parse(text)
		if err != nil {
			value = vn.FaultOf(err).Code
		}
		got[text] = value
	}
	return got
}

func TestDocumentNumbersHaveTheirForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parse func(string) (string, error)
		want  map[string]string
	}{
		"old identity card": {vn.ParseOldID, map[string]string{
			"012345678":    "012345678",
			"01234567":     "old_id_length",
			"0123456789":   "old_id_length",
			"001090123456": "old_id_length",
			"01234567A":    "old_id_not_digits",
			"":             "old_id_length",
		}},
		"passport": {vn.ParsePassport, map[string]string{
			"B1234567":               "B1234567",
			"b 123-4567":             "B1234567",
			"C01X00T47<<":            "C01X00T47",
			"123456789":              "123456789",
			"1234":                   "passport_length",
			strings.Repeat("1", 16):  "passport_length",
			"":                       "passport_length",
			"ABCDEFG":                "passport_characters",
			"B12345é":                "passport_characters",
			"B12345\n":               "passport_characters",
			"ſ123456":                "S123456", // the long s is an S in upper case
			"B1234567; drop table x": "passport_characters",
		}},
		"birth certificate": {vn.ParseBirthCertificate, map[string]string{
			"001224123456":           "001224123456",
			" Số 45,  Quyển 01/2020": "Số 45, Quyển 01/2020",
			"123/2019":               "123/2019",
			"":                       "birth_certificate_length",
			strings.Repeat("1", 41):  "birth_certificate_length",
			"không rõ":               "birth_certificate_characters",
			"123<script>":            "birth_certificate_characters",
		}},
		"sex": {func(s string) (string, error) { v, err := vn.ParseSex(s); return string(v), err }, map[string]string{
			"male": "male", "female": "female", "Male": "sex_unknown", "nam": "sex_unknown", "": "sex_unknown",
		}},
	} {
		if diff := cmp.Diff(c.want, read(c.parse, c.want)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCountriesAreThoseOfPassports(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"VNM": "VNM",
		"DEU": "DEU",
		"D":   "DEU",
		"D<<": "DEU",
		"KOR": "KOR",
		"XXA": "XXA",
		"GBN": "GBN",
		"RKS": "RKS",
		"vnm": "country_unknown",
		"VN":  "country_unknown",
		"":    "country_unknown",
		"<<<": "country_unknown",
		"704": "country_unknown",
		"001": "country_unknown", // the world, for x/text
		"SUN": "country_unknown",
		"YUG": "country_unknown",
		"ZZZ": "country_unknown",
		"UTO": "country_unknown", // Utopia, of specimen passports
		"XKX": "country_unknown", // passports say RKS
	}
	got := read(func(text string) (string, error) { c, err := vn.ParseCountry(text); return string(c), err }, want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("countries (-want +got):\n%s", diff)
	}
	if vn.Vietnam.Foreign() || !vn.Country("LAO").Foreign() {
		t.Error("who is a foreigner?")
	}
}

func TestThereAreAsManyCountriesAsInTheStandard(t *testing.T) {
	t.Parallel()
	var special, all int
	for i := range 26 * 26 * 26 {
		code := string([]byte{byte('A' + i/676), byte('A' + i/26%26), byte('A' + i%26)})
		if _, err := vn.ParseCountry(code); err != nil {
			continue
		}
		all++
		if strings.HasPrefix(code, "X") || strings.HasPrefix(code, "UN") || code == "EUE" || code == "RKS" ||
			strings.HasPrefix(code, "GB") && code != "GBR" {
			special++
		}
	}
	// ISO 3166-1 has 249 countries; ICAO 9303 adds the others.
	if all-special != 249 || special != 16 {
		t.Errorf("%d countries of ISO 3166-1 and %d additions", all-special, special)
	}
}

func TestPhonesAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"+84912345678":        "+84912345678",
		"0912345678":          "+84912345678",
		"0912.345.678":        "+84912345678",
		"84 912 345 678":      "+84912345678",
		"0084-912-345-678":    "+84912345678",
		"+84 (0) 912 345 678": "+84912345678",
		"0561234567":          "+84561234567",
		"0312345678":          "+84312345678", // no network has 031, yet
		"024 3825 3536":       "+842438253536",
		"(0203) 3825536":      "+842033825536",
		"+1 202 555 0143":     "+12025550143",
		"0044 20 7946 0958":   "+442079460958",
		"091234567":           "phone_length",
		"09123456789":         "phone_length",
		"01234567890":         "phone_length", // eleven digits were abolished in 2018
		"0243825353":          "phone_length",
		"+1234567890123456":   "phone_length",
		"+1234":               "phone_length",
		"912345678":           "phone_country",
		"+0912345678":         "phone_country",
		"00":                  "phone_country",
		"":                    "phone_characters",
		"+":                   "phone_characters",
		"09123a5678":          "phone_characters",
		"0912345678;ext=1":    "phone_characters",
		"٠٩١٢٣٤٥٦٧٨":          "phone_characters",
	}
	got := read(func(text string) (string, error) {
		p, err := vn.ParsePhone(text)
		return p.Number(), err
	}, want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("phones (-want +got):\n%s", diff)
	}
}

func FuzzParsePhone(f *testing.F) {
	for _, seed := range []string{"0912345678", "+84 912 345 678", "0044 20 7946 0958", "84", "+"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := vn.ParsePhone(text)
		if err != nil {
			return
		}
		if again, err := vn.ParsePhone(p.Number()); err != nil || again != p {
			t.Errorf("%q was read as %s, and that as %s, %v", text, p.Number(), again.Number(), err)
		}
	})
}

func FuzzParsePassport(f *testing.F) {
	for _, seed := range []string{"B1234567", "b 123-4567", "<<<", "ß12345"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		number, err := vn.ParsePassport(text)
		if err != nil {
			return
		}
		if again, err := vn.ParsePassport(number); err != nil || again != number {
			t.Errorf("%q was read as %q, and that as %q, %v", text, number, again, err)
		}
	})
}

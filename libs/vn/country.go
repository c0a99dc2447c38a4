package vn

import (
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Country is a nationality as passports state it: an ISO 3166-1 alpha-3 code, or one of the codes that
// ICAO 9303 adds for people without an ordinary nationality. The zero Country is none.
type Country string

// Vietnam is the nationality whose people have citizen numbers.
const Vietnam Country = "VNM"

// ParseCountry accepts an alpha-3 code in upper case. Germany's machine-readable "D" and "D<<" are read as DEU.
func ParseCountry(s string) (Country, error) {
	code := strings.TrimRight(s, "<")
	if code == "D" {
		code = "DEU"
	}
	if isSpecial(code) || isCountry(code) {
		return Country(code), nil
	}
	return "", refuse("country_unknown",
		"a country is a three-letter code of ISO 3166-1 or ICAO 9303", "mã quốc gia gồm 3 chữ cái theo ISO 3166-1 hoặc ICAO 9303")
}

// Foreign tells whether people of this nationality are foreigners in Vietnam.
func (c Country) Foreign() bool { return c != Vietnam }

// isCountry knows the countries of today. x/text also reads numbers, groups of countries, states of the past (which have
// no name there) and territories that have a code by courtesy only and issue no passports.
func isCountry(code string) bool {
	for i := range len(code) {
		if code[i] < 'A' || code[i] > 'Z' {
			return false
		}
	}
	r, err := language.ParseRegion(code)
	if err != nil || len(code) != 3 || !r.IsCountry() || r.ISO3() != code || r.Canonicalize() != r {
		return false
	}
	courtesy := strings.Contains("ASC CPT DGA TAA XKK", code)
	return !courtesy && display.English.Regions().Name(r) != ""
}

// isSpecial knows the codes that ICAO 9303 part 3 section 5 adds to ISO 3166-1.
func isSpecial(code string) bool {
	switch code {
	case "GBD", "GBN", "GBO", "GBP", "GBS", // British, but not citizens of the United Kingdom
		"RKS", "UNK", // Kosovo
		"EUE", "UNO", "UNA", "XOM", "XPO", // organisations, and the Order of Malta
		"XXA", "XXB", "XXC", "XXX": // stateless people, refugees, people of no stated nationality
		return true
	}
	return false
}

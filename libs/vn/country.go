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
	if en, _ := specialNationality(Country(code)); en != "" {
		return Country(code), nil
	}
	if _, ok := region(code); ok {
		return Country(code), nil
	}
	return "", refuse("country_unknown",
		"a country is a three-letter code of ISO 3166-1 or ICAO 9303", "mã quốc gia gồm 3 chữ cái theo ISO 3166-1 hoặc ICAO 9303")
}

// Foreign tells whether people of this nationality are foreigners in Vietnam.
func (c Country) Foreign() bool { return c != Vietnam }

// Name returns the country's name in Vietnamese.
func (c Country) Name() string { return c.in(language.Vietnamese) }

// EnglishName returns the country's name in English.
func (c Country) EnglishName() string { return c.in(language.English) }

func (c Country) in(lang language.Tag) string {
	if en, vi := specialNationality(c); en != "" {
		if lang == language.Vietnamese {
			return vi
		}
		return en
	}
	if r, ok := region(string(c)); ok {
		return display.Regions(lang).Name(r)
	}
	return string(c)
}

// region finds a country of today. x/text also reads numbers, groups of countries, states of the past (which have
// no name there) and territories that have a code by courtesy only and issue no passports.
func region(code string) (language.Region, bool) {
	for i := range len(code) {
		if code[i] < 'A' || code[i] > 'Z' {
			return language.Region{}, false
		}
	}
	r, err := language.ParseRegion(code)
	if err != nil || len(code) != 3 || !r.IsCountry() || r.ISO3() != code || r.Canonicalize() != r {
		return language.Region{}, false
	}
	courtesy := strings.Contains("ASC CPT DGA TAA XKK", code)
	return r, !courtesy && display.English.Regions().Name(r) != ""
}

// specialNationality names the codes that ICAO 9303 part 3 section 5 adds to ISO 3166-1.
func specialNationality(c Country) (en, vi string) {
	switch c {
	case "GBD":
		return "British Overseas Territories citizen", "Công dân lãnh thổ hải ngoại thuộc Anh"
	case "GBN":
		return "British National (Overseas)", "Quốc tịch Anh (hải ngoại)"
	case "GBO":
		return "British Overseas citizen", "Công dân hải ngoại thuộc Anh"
	case "GBP":
		return "British protected person", "Người được Anh bảo hộ"
	case "GBS":
		return "British subject", "Thần dân Anh"
	case "RKS":
		return "Kosovo", "Kosovo"
	case "EUE":
		return "European Union (laissez-passer)", "Liên minh châu Âu (giấy thông hành)"
	case "UNO", "UNA":
		return "United Nations (laissez-passer)", "Liên hợp quốc (giấy thông hành)"
	case "UNK":
		return "United Nations Interim Administration Mission in Kosovo", "Phái bộ Liên hợp quốc tại Kosovo"
	case "XOM":
		return "Sovereign Military Order of Malta", "Dòng Chiến sĩ Toàn quyền Malta"
	case "XPO":
		return "Interpol", "Interpol"
	case "XXA":
		return "stateless person", "Người không quốc tịch"
	case "XXB", "XXC":
		return "refugee", "Người tị nạn"
	case "XXX":
		return "person of unspecified nationality", "Người không rõ quốc tịch"
	}
	return "", ""
}

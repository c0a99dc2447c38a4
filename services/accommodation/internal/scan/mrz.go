package scan

import (
	"strings"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
)

// zone is a machine-readable zone cut into its fields, by ICAO 9303 parts 4, 5 and 6.
type zone struct {
	code, country, nationality string
	number, birth, sex, expiry field
	optional, names            string
}

// field is a part of the zone with the check digit behind it.
type field struct{ text, digit string }

// The shapes: lines and characters of each.
const (
	td1Lines, td1Width = 3, 30
	td2Lines, td2Width = 2, 36
	td3Lines, td3Width = 2, 44
)

// zoneOf recognises a machine-readable zone. Scanners send its lines with or without line ends.
func zoneOf(text string) (zone, bool) {
	all := strings.ToUpper(strings.Join(strings.Fields(text), ""))
	for i := range len(all) {
		if c := all[i]; c != '<' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return zone{}, false
		}
	}
	switch len(all) {
	case td1Lines * td1Width:
		return td1(all), true
	case td2Lines * td2Width:
		return td23(all, td2Width), true
	case td3Lines * td3Width:
		return td23(all, td3Width), true
	}
	return zone{}, false
}

// td1 is the shape of cards.
func td1(all string) zone {
	one, two, three := all[:td1Width], all[td1Width:2*td1Width], all[2*td1Width:]
	return zone{
		code: one[:2], country: one[2:5], number: field{one[5:14], one[14:15]}, optional: one[15:30],
		birth: field{two[:6], two[6:7]}, sex: field{two[7:8], ""}, expiry: field{two[8:14], two[14:15]},
		nationality: two[15:18], names: three,
	}
}

// td23 is the shape of passports, and of the older, larger cards.
func td23(all string, width int) zone {
	one, two := all[:width], all[width:]
	return zone{
		code: one[:2], country: one[2:5], names: one[5:],
		number: field{two[:9], two[9:10]}, nationality: two[10:13], birth: field{two[13:19], two[19:20]},
		sex: field{two[20:21], ""}, expiry: field{two[21:27], two[27:28]}, optional: two[28:],
	}
}

// zone fills in the guest.
func (r Reading) zone(z zone, today vn.Date) Reading {
	r.Kind = MRZ
	if country, err := vn.ParseCountry(strings.TrimRight(z.nationality, "<")); err == nil {
		r.Guest.Nationality = string(country)
	}
	r.Guest.FullName = nameOf(z.names)
	r.Guest.Sex = map[string]string{"M": "male", "F": "female"}[z.sex.text]
	r.Guest.Document = documentOf(z)
	if r.Guest.Document.Type == guest.Passport && !z.number.right() {
		r = r.doubt("/document/number", z.number, func(s string) string { return strings.TrimRight(s, "<") })
	}
	born := func(s string) string { return dateOf(s, today.Year()%century) }
	if r.Guest.BirthDate = born(z.birth.text); !z.birth.right() {
		r = r.doubt("/birth_date", z.birth, born)
	}
	expires := func(s string) string { return dateOf(s, century-1) }
	if r.Guest.Foreigner() {
		r.Guest.Document.Expires = expires(z.expiry.text)
	}
	if !z.expiry.right() {
		r = r.doubt("/document/expires", z.expiry, expires)
	}
	if r.Guest.Nationality == string(vn.Vietnam) {
		r.Warnings = append(r.Warnings, WarnNoMarks)
	}
	if r.Guest.Nationality == "" || r.Guest.BirthDate == "" || r.Guest.Sex == "" {
		r.Warnings = append(r.Warnings, WarnPartly)
	}
	return r
}

// documentOf tells cards from passports. A Vietnamese card has the twelve digits in its optional field, because the
// field of the number has only nine places.
func documentOf(z zone) guest.Document {
	number := strings.TrimRight(z.number.text, "<")
	if z.country == string(vn.Vietnam) && z.code[0] == 'I' {
		const digits = len("001090123456")
		if id, err := vn.ParseCitizenID(z.optional[:digits]); err == nil {
			return guest.Document{Type: guest.CitizenID, Number: id.Number()}
		}
	}
	return guest.Document{Type: guest.Passport, Number: number}
}

// nameOf reads "NGUYEN<<VAN<AN": the family name, then the others. Vietnamese names are written in this order too.
func nameOf(names string) string {
	family, given, _ := strings.Cut(strings.TrimRight(names, "<"), "<<")
	return vn.NormalizeName(strings.ReplaceAll(family+" "+given, "<", " "))
}

const century = 100

// dateOf reads YYMMDD. Years above last belong to the century before.
func dateOf(s string, last int) string {
	if len(s) != len("900115") || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	year := int(s[0]-'0')*10 + int(s[1]-'0')
	prefix := "20"
	if year > last {
		prefix = "19"
	}
	day, err := vn.ParseDate(prefix + s[:2] + "-" + s[2:4] + "-" + s[4:])
	if err != nil {
		return ""
	}
	return day.String()
}

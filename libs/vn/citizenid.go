package vn

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/songan-vn/songan/libs/problem"
)

// WarningUnknownPrefix is the warning about a citizen number whose first three digits name no known place.
const WarningUnknownPrefix = "unknown_citizen_id_prefix"

const citizenIDLength = len("001090123456")

// citizenPrefixes lists the places of birth registration, one per line: prefix, tab, name.
//
//go:embed data/citizen_id_prefixes.tsv
var citizenPrefixes string

// CitizenID is a 12-digit personal identification number. It prints as stars, because it is personal data;
// [CitizenID.Number] is the only way to the digits. Keep it in exported fields: fmt cannot ask an unexported one.
type CitizenID struct{ number string }

// ParseCitizenID accepts exactly twelve digits. Whether they agree with a person is asked by [CitizenID.Check].
func ParseCitizenID(s string) (CitizenID, error) {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return CitizenID{}, refuse("citizen_id_not_digits",
				"a citizen number has digits only", "số định danh cá nhân chỉ gồm chữ số")
		}
	}
	if len(s) != citizenIDLength {
		return CitizenID{}, refuse("citizen_id_length",
			"a citizen number has 12 digits", "số định danh cá nhân có đúng 12 chữ số")
	}
	return CitizenID{s}, nil
}

// FindCitizenID returns the citizen number that stands on a paper, whatever paper it is and however its digits are grouped, as in
// "001 090 123 456" or "001.090.123.456". A slash belongs to a register: "12345678/2019" is number and year.
func FindCitizenID(number string) (CitizenID, bool) {
	id, err := ParseCitizenID(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '.' || r == '-' {
			return -1
		}
		return r
	}, number))
	return id, err == nil
}

// CitizenIDParts is what a citizen number is made of.
type CitizenIDParts struct {
	// Prefix is the place of birth registration, 0-999.
	Prefix int
	Sex    Sex
	// BirthYear lies within 1900-2399, the five centuries that the fourth digit can say.
	BirthYear int
	// Serial is the six last digits, 0-999999.
	Serial int
}

// NewCitizenID puts a number together, for simulators and tests: real numbers are given out by the police.
func NewCitizenID(p CitizenIDParts) (CitizenID, error) {
	sexDigit, known := map[Sex]int{Male: 0, Female: 1}[p.Sex]
	inRange := p.Prefix >= 0 && p.Prefix <= 999 && p.Serial >= 0 && p.Serial <= 999_999
	if !known || !inRange || p.BirthYear < 1900 || p.BirthYear > 2399 {
		return CitizenID{}, refuse("citizen_id_parts", "no citizen number has these parts", "không có số định danh như vậy")
	}
	century := 2*(p.BirthYear/100-19) + sexDigit
	return CitizenID{fmt.Sprintf("%03d%d%02d%06d", p.Prefix, century, p.BirthYear%100, p.Serial)}, nil
}

// Number returns the twelve digits.
func (id CitizenID) Number() string { return id.number }

// String hides the number.
func (id CitizenID) String() string { return strings.Repeat("*", len(id.number)) }

// GoString hides the number from %#v too.
func (id CitizenID) GoString() string { return "vn.CitizenID{" + id.String() + "}" }

// Parts takes the number apart.
func (id CitizenID) Parts() CitizenIDParts {
	prefix, _ := strconv.Atoi(id.number[:3])
	serial, _ := strconv.Atoi(id.number[6:])
	return CitizenIDParts{Prefix: prefix, Sex: id.Sex(), BirthYear: id.BirthYear(), Serial: serial}
}

// Prefix returns the first three digits, the place of birth registration.
func (id CitizenID) Prefix() string { return id.number[:3] }

// Sex returns what the fourth digit says: even is male, odd is female.
func (id CitizenID) Sex() Sex {
	if (id.number[3]-'0')%2 == 1 {
		return Female
	}
	return Male
}

// BirthYear returns what the digits 4 to 6 say: century and year.
func (id CitizenID) BirthYear() int {
	digit := func(i int) int { return int(id.number[i] - '0') }
	return 1900 + digit(3)/2*100 + digit(4)*10 + digit(5)
}

// Check compares the number with sex and birth date and says which digits disagree. Without a birth date only
// the sex is compared, and the other way round.
func (id CitizenID) Check(sex Sex, birth PartialDate) []problem.Fault {
	var faults []problem.Fault
	if sex != "" && sex != id.Sex() {
		faults = append(faults, problem.Fault{
			Code:      "citizen_id_sex_mismatch",
			Message:   "digit 4 of the citizen number says the other sex (even: male, odd: female)",
			MessageVI: "chữ số thứ 4 của số định danh chỉ giới tính khác (chẵn: nam, lẻ: nữ)",
			Hint:      "check digit 4 and the sex",
		})
	}
	if fault, differs := id.yearFault(birth); differs {
		faults = append(faults, fault)
	}
	return faults
}

func (id CitizenID) yearFault(birth PartialDate) (problem.Fault, bool) {
	if birth.IsZero() || birth.Year() == id.BirthYear() {
		return problem.Fault{}, false
	}
	fault := problem.Fault{Code: "citizen_id_year_mismatch"}
	sameCentury, sameYear := birth.Year()/100 == id.BirthYear()/100, birth.Year()%100 == id.BirthYear()%100
	switch {
	case sameCentury:
		fault.Message = "digits 5 and 6 of the citizen number say another birth year"
		fault.MessageVI = "chữ số thứ 5 và 6 của số định danh chỉ năm sinh khác"
		fault.Hint = "check digits 5 and 6 and the birth year"
	case sameYear:
		fault.Message = "digit 4 of the citizen number says another century of birth"
		fault.MessageVI = "chữ số thứ 4 của số định danh chỉ thế kỷ sinh khác"
		fault.Hint = "check digit 4 and the birth year"
	default:
		fault.Message = "digits 4, 5 and 6 of the citizen number say another birth year"
		fault.MessageVI = "chữ số thứ 4, 5 và 6 của số định danh chỉ năm sinh khác"
		fault.Hint = "check digits 4 to 6 and the birth year"
	}
	return fault, true
}

// Warnings lists the codes of what is unusual but accepted.
func (id CitizenID) Warnings() []string {
	if _, known := CitizenPrefix(id.Prefix()); !known {
		return []string{WarningUnknownPrefix}
	}
	return nil
}

// CitizenPrefix returns the province that gives out numbers with this prefix. The name is the one of the time
// when prefixes were handed out; many of these provinces were merged away in 2025.
func CitizenPrefix(prefix string) (province string, known bool) {
	if len(prefix) != 3 {
		return "", false
	}
	_, rest, known := strings.Cut(citizenPrefixes, "\n"+prefix+"\t")
	province, _, _ = strings.Cut(rest, "\n")
	return province, known
}

// CitizenPrefixes lists the known prefixes in ascending order.
func CitizenPrefixes() []string {
	var prefixes []string
	for line := range strings.Lines(citizenPrefixes) {
		if prefix, _, ok := strings.Cut(line, "\t"); ok && isDigit(line[0]) {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

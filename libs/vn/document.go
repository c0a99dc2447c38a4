package vn

import (
	"strings"
	"unicode/utf8"
)

// WarningOldID is the warning about a nine-digit identity card: none of them is valid any more, but they still
// stand in records.
const WarningOldID = "old_id_no_longer_valid"

// Limits of document numbers. ICAO 9303 has nine places for a passport number; some states print more.
const (
	passportShortest   = 5
	passportLongest    = 15
	certificateLongest = 40
	oldIDLength        = 9
)

// ParseOldID accepts the nine digits of an identity card from before 2021.
func ParseOldID(s string) (string, error) {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return "", refuse("old_id_not_digits",
				"an old identity card number has digits only", "số CMND chỉ gồm chữ số")
		}
	}
	switch len(s) {
	case oldIDLength:
		return s, nil
	case citizenIDLength:
		return "", otherDocument("old_id_length")
	}
	return "", refuse("old_id_length", "an old identity card number has 9 digits", "số CMND có đúng 9 chữ số")
}

// ParsePassport accepts letters and digits and returns them in upper case. Spaces, hyphens and the filler "<"
// of the machine-readable zone are left out: they are not part of the number.
func ParsePassport(s string) (string, error) {
	number := strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '<' {
			return -1
		}
		return r
	}, strings.ToUpper(s))
	digits := 0
	for i := range len(number) {
		switch c := number[i]; {
		case isDigit(c):
			digits++
		case c < 'A' || c > 'Z':
			return "", refuse("passport_characters",
				"a passport number has the letters A-Z and digits only", "số hộ chiếu chỉ gồm chữ cái A-Z và chữ số")
		}
	}
	if len(number) < passportShortest || len(number) > passportLongest {
		return "", refuse("passport_length",
			"a passport number has 5 to 15 characters", "số hộ chiếu có từ 5 đến 15 ký tự")
	}
	if digits == 0 {
		return "", refuse("passport_characters",
			"a passport number has at least one digit", "số hộ chiếu có ít nhất một chữ số")
	}
	return number, nil
}

// ParseVietnamesePassport is [ParsePassport] for Vietnam's own, whose numbers begin with a letter: twelve digits are a citizen
// number that was entered as something else, and would be compared with nothing.
func ParseVietnamesePassport(s string) (string, error) {
	number, err := ParsePassport(s)
	if _, citizen := FindCitizenID(number); err == nil && citizen {
		return "", otherDocument("citizen_id_as_passport")
	}
	return number, err
}

func otherDocument(code string) error {
	return refuse(code, "this has 12 digits: send it as document type citizen_id", "số này có 12 chữ số: hãy gửi với loại giấy tờ citizen_id")
}

// ParseBirthCertificate accepts what stands on a birth certificate: a citizen number, or number and book as in
// "123/2019" or "Số 45, Quyển 01/2020".
func ParseBirthCertificate(s string) (string, error) {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" || utf8.RuneCountInString(s) > certificateLongest {
		return "", refuse("birth_certificate_length",
			"a birth certificate number has 1 to 40 characters", "số giấy khai sinh có từ 1 đến 40 ký tự")
	}
	digit := false
	for _, r := range s {
		digit = digit || r >= '0' && r <= '9'
		if !isNameRune(r) && (r < '0' || r > '9') && !strings.ContainsRune(" /,", r) {
			return "", refuse("birth_certificate_characters",
				"a birth certificate number has letters, digits, spaces and / . , - only",
				"số giấy khai sinh chỉ gồm chữ cái, chữ số, dấu cách và các dấu / . , -")
		}
	}
	if !digit {
		return "", refuse("birth_certificate_characters",
			"a birth certificate number has at least one digit", "số giấy khai sinh có ít nhất một chữ số")
	}
	return s, nil
}

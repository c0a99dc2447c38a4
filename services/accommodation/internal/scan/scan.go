// Package scan reads what a scanner at the front desk types: the QR code of a citizen card, the machine-readable zone
// of a passport or card (ICAO 9303), or a bare number.
//
//  1. The QR code of a chip card is UTF-8 text: number|old number|full name|DDMMYYYY|Nam or Nữ|address|DDMMYYYY. Cards
//     from July 2024 on carry more fields behind these; they are left alone. Scanners add CR, LF or TAB.
//  2. A machine-readable zone has check digits. Where one fails, the characters that look alike (O/0, I/1, B/8, S/5,
//     Z/2) are tried, and what then fits is suggested, never taken.
//  3. Names in a machine-readable zone have no Vietnamese marks; that is said, so that the desk completes them.
//  4. What was read is checked like what is typed in: nothing here makes a notice valid.
//
// The text is personal data from its first to its last character. No error holds a part of it.
package scan

import (
	"strings"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
)

// The kinds of text.
const (
	CardQR   = "card_qr"
	MRZ      = "mrz"
	Number   = "number"
	Unknown  = "unknown"
	longest  = 8000 // bytes; the longest card of 2024 has about 600 characters
	qrFields = 7
)

// The warnings about a reading.
const (
	WarnNoMarks    = "name_without_marks"
	WarnCheckDigit = "check_digit_wrong"
	WarnPartly     = "read_in_part"
)

// Reading is what a text says: a guest as far as it goes, and what the front desk should look at.
type Reading struct {
	Kind  string      `json:"kind" enum:"card_qr,mrz,number,unknown"`
	Guest guest.Guest `json:"guest"`
	// Suggestions are values that would make a wrong check digit right.
	Suggestions []Suggestion `json:"suggestions"`
	Warnings    []string     `json:"warnings"`
}

// Suggestion is a value that fits better than the one that was read.
type Suggestion struct {
	// Pointer names the field of the guest.
	Pointer string `json:"pointer"`
	Value   string `json:"value"`
	// Code says why: check_digit, a character was mistaken for one that looks alike.
	Code string `json:"code"`
}

// Read finds out what a text is. today decides about centuries: nobody is born in the future.
func Read(text string, today vn.Date) Reading {
	text = strings.TrimSpace(text)
	r := Reading{Kind: Unknown, Suggestions: []Suggestion{}, Warnings: []string{}}
	if len(text) > longest {
		return r
	}
	if fields := strings.Split(text, "|"); len(fields) >= qrFields {
		return r.card(fields)
	}
	if zone, ok := zoneOf(text); ok {
		return r.zone(zone, today)
	}
	return r.number(text)
}

// card takes the fields of a citizen card's QR code.
func (r Reading) card(fields []string) Reading {
	const number, name, birth, sex, address = 0, 2, 3, 4, 5
	r.Kind = CardQR
	r.Guest.Nationality = string(vn.Vietnam)
	r = r.number(fields[number])
	r.Kind = CardQR
	if r.Guest.FullName = vn.NormalizeName(fields[name]); r.Guest.FullName == vn.Fold(r.Guest.FullName) {
		r.Warnings = append(r.Warnings, WarnNoMarks)
	}
	born, ok := dayMonthYear(fields[birth])
	r.Guest.BirthDate = born
	r.Guest.Sex = map[string]string{"NAM": "male", "NU": "female"}[vn.Fold(fields[sex])]
	if text := strings.Join(strings.Fields(fields[address]), " "); text != "" {
		r.Guest.Residence = &guest.Residence{Text: text}
	}
	if !ok || r.Guest.Sex == "" || r.Guest.Document.Number == "" {
		r.Warnings = append(r.Warnings, WarnPartly)
	}
	return r
}

// dayMonthYear turns DDMMYYYY into a calendar day.
func dayMonthYear(s string) (string, bool) {
	const length = len("15011990")
	if s = strings.TrimSpace(s); len(s) != length {
		return "", false
	}
	day, err := vn.ParseDate(s[4:] + "-" + s[2:4] + "-" + s[:2])
	if err != nil {
		return "", false
	}
	return day.String(), true
}

// number takes a bare document number. Twelve digits say sex and year of birth as well.
func (r Reading) number(text string) Reading {
	text = strings.Map(func(c rune) rune {
		if strings.ContainsRune(" .-\t\r\n", c) {
			return -1
		}
		return c
	}, text)
	if id, err := vn.ParseCitizenID(text); err == nil {
		r.Kind = Number
		r.Guest.Nationality = string(vn.Vietnam)
		r.Guest.Document = guest.Document{Type: guest.CitizenID, Number: id.Number()}
		r.Guest.Sex = string(id.Sex())
		return r
	}
	if old, err := vn.ParseOldID(text); err == nil {
		r.Kind = Number
		r.Guest.Nationality = string(vn.Vietnam)
		r.Guest.Document = guest.Document{Type: guest.OldID, Number: old}
		r.Warnings = append(r.Warnings, vn.WarningOldID)
		return r
	}
	if passport, err := vn.ParsePassport(text); err == nil && len(text) <= len("C12345678") {
		r.Kind = Number
		r.Guest.Document = guest.Document{Type: guest.Passport, Number: passport}
	}
	return r
}

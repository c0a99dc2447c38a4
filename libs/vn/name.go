package vn

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits of a person's name. Vietnamese letters carry two marks at most and no script
// in use more than four, so a longer row is noise.
const (
	nameLongest  = 100
	marksLongest = 4
)

// NormalizeName returns the name as it is stored: NFC, without spaces around it and with single spaces inside.
// Letters, case and marks stay as they were written.
func NormalizeName(s string) string {
	if strings.TrimSpace(s) == s && !hasGap(s) {
		return norm.NFC.String(s)
	}
	return norm.NFC.String(strings.Join(strings.Fields(s), " "))
}

// hasGap tells whether there is white space other than single spaces.
func hasGap(s string) bool {
	before := rune(0)
	for _, r := range s {
		if unicode.IsSpace(r) && (r != ' ' || before == ' ') {
			return true
		}
		before = r
	}
	return false
}

// ParseName returns the normalised name of a person: letters of any script with their marks, spaces, and
// ' ’ - . · between them.
func ParseName(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", refuse("name_encoding", "the name is not valid UTF-8", "họ tên không đúng mã UTF-8")
	}
	name := NormalizeName(s)
	if name == "" {
		return "", refuse("name_empty", "the name is empty", "họ tên trống")
	}
	if utf8.RuneCountInString(name) > nameLongest {
		return "", refuse("name_too_long", "a name has at most 100 characters", "họ tên có nhiều nhất 100 ký tự")
	}
	if err := checkNameRunes(s, name); err != nil {
		return "", err
	}
	return name, nil
}

func checkNameRunes(written, name string) error {
	if strings.ContainsFunc(strings.TrimSpace(written), unicode.IsControl) {
		return refuse("name_control_character",
			"the name holds a control character", "họ tên chứa ký tự điều khiển")
	}
	if isPlainName(name) {
		return nil
	}
	letters, marks := 0, 0
	for _, r := range norm.NFD.String(name) {
		if !unicode.IsMark(r) {
			marks = 0
		}
		switch {
		case unicode.IsLetter(r):
			letters++
		case unicode.IsMark(r):
			marks++
		case unicode.IsDigit(r):
			return refuse("name_digit", "a name holds no digits", "họ tên không chứa chữ số")
		case r != ' ' && !isNameRune(r):
			return refuse("name_character",
				"a name has letters, spaces, apostrophes, hyphens and full stops only",
				"họ tên chỉ gồm chữ cái, dấu cách, dấu nháy, gạch nối và dấu chấm")
		}
		if marks > marksLongest || marks > 0 && letters == 0 {
			return refuse("name_character", "a letter of the name carries too many marks", "một chữ cái trong họ tên có quá nhiều dấu")
		}
	}
	if letters == 0 {
		return refuse("name_no_letter", "a name has at least one letter", "họ tên có ít nhất một chữ cái")
	}
	return nil
}

// isPlainName tells whether a name is made of letters and what may stand between them, with no mark that is not part of
// a letter: none of those carries more than three. Nearly all names are, and need not be taken apart.
func isPlainName(name string) bool {
	letters := 0
	for _, r := range name {
		switch {
		case unicode.IsLetter(r):
			letters++
		case r != ' ' && !strings.ContainsRune(between, r):
			return false
		}
	}
	return letters > 0
}

// between is what stands between letters.
const between = "'’-.·"

func isNameRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || strings.ContainsRune(between, r)
}

// Fold returns the form that names are searched and compared by: no marks, Đ as D, upper case, single spaces.
// Hòa and Hoà fold to HOA, as does HÒA. It is never stored in place of the name, and it is still personal data.
func Fold(s string) string {
	if folded, ok := foldVietnamese(s); ok {
		return folded
	}
	return foldAny(s)
}

// The letters A to Z of which a block of Unicode makes others; a dot is none of them.
const (
	fromAGrave    = "AAAAAA.CEEEEIIIIDNOOOOO.OUUUUY..AAAAAA.CEEEEIIIIDNOOOOO.OUUUUY.Y"                           // À to ÿ
	fromADotBelow = "AAAAAAAAAAAAAAAAAAAAAAAAEEEEEEEEEEEEEEEEIIIIOOOOOOOOOOOOOOOOOOOOOOOOUUUUUUUUUUUUUUYYYYYYYY" // Ạ to ỹ
)

// foldVietnamese folds the letters of Vietnamese, each written as one character: what nearly all names are made of. Taking
// them apart and forgetting the marks, as foldAny does, takes ten times as long.
func foldVietnamese(s string) (string, bool) {
	folded := make([]byte, 0, len(s))
	gap := false
	for _, r := range s {
		var letter byte
		switch {
		case r == ' ':
			gap = len(folded) > 0
			continue
		case r >= 'A' && r <= 'Z':
			letter = byte(r)
		case r >= 'a' && r <= 'z':
			letter = byte(r) - 'a' + 'A'
		case r >= 'À' && r <= 'ÿ':
			letter = fromAGrave[r-'À']
		case r >= 'Ạ' && r <= 'ỹ':
			letter = fromADotBelow[r-'Ạ']
		default:
			letter = foldExtended(r)
		}
		if letter == '.' {
			return "", false
		}
		if gap {
			folded, gap = append(folded, ' '), false
		}
		folded = append(folded, letter)
	}
	return string(folded), true
}

// foldExtended folds the letters of Vietnamese that stand in a block with those of many languages.
func foldExtended(r rune) byte {
	switch r {
	case 'Ă', 'ă':
		return 'A'
	case 'Đ', 'đ':
		return 'D'
	case 'Ĩ', 'ĩ':
		return 'I'
	case 'Ơ', 'ơ':
		return 'O'
	case 'Ũ', 'ũ', 'Ư', 'ư':
		return 'U'
	}
	return '.'
}

func foldAny(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	gap := false
	for _, r := range norm.NFD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r):
			continue
		case unicode.IsSpace(r):
			gap = b.Len() > 0
			continue
		case gap:
			b.WriteByte(' ')
			gap = false
		}
		writeFolded(&b, r)
	}
	return b.String()
}

// writeFolded undoes what NFD does not: letters with a stroke have no decomposition. Keyboards and scanners mix up
// the Vietnamese Đ with the Icelandic Ð and the African Ɖ, which look the same.
func writeFolded(b *strings.Builder, r rune) {
	switch r {
	case 'Đ', 'đ', 'Ð', 'ð', 'Ɖ', 'ɖ':
		b.WriteString("D")
	case 'Ł', 'ł':
		b.WriteString("L")
	case 'Ø', 'ø':
		b.WriteString("O")
	case 'Æ', 'æ':
		b.WriteString("AE")
	case 'Œ', 'œ':
		b.WriteString("OE")
	case 'ß', 'ẞ':
		b.WriteString("SS")
	case 'ı':
		b.WriteString("I")
	case '’', 'ʼ', 'ʻ', '`':
		b.WriteString("'")
	default:
		b.WriteRune(unicode.ToUpper(r))
	}
}

// Likeness says how alike two written names are.
type Likeness uint8

// The degrees of [Likeness].
const (
	// OtherName is two names.
	OtherName Likeness = iota
	// OtherAccents is the same letters with other accents, or without: Nguyễn and NGUYEN. A machine-readable
	// zone and many foreign systems have no accents, but Hà and Hạ are two names as well.
	OtherAccents
	// SameName differs at most in case, spaces, Unicode form and in where the tone mark stands: Hòa and Hoà.
	SameName
)

// CompareNames says how alike two written names are.
func CompareNames(a, b string) Likeness {
	switch {
	case a == b: // as nearly always
		return SameName
	case Fold(a) != Fold(b):
		return OtherName
	case tones(a) != tones(b):
		return OtherAccents
	default:
		return SameName
	}
}

// tones writes a name with the tone of each word after it, because Hòa and Hoà differ only in where it stands.
func tones(s string) string {
	var b strings.Builder
	for _, word := range strings.Fields(norm.NFD.String(s)) {
		var tone []rune
		for _, r := range word {
			switch r {
			case '\u0300', '\u0301', '\u0303', '\u0309', '\u0323': // grave, acute, tilde, hook, dot below
				tone = append(tone, r)
			case 'Đ', 'đ', 'Ð', 'ð', 'Ɖ', 'ɖ':
				b.WriteRune('Đ')
			default:
				b.WriteRune(unicode.ToUpper(r))
			}
		}
		b.WriteString(string(tone) + " ")
	}
	return b.String()
}

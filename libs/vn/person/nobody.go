package person

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
)

// CheckNobody refuses what looks like somebody in a text that goes where it cannot be erased, into a fact or a register: the
// number of a file or decision, of a room, a code, a case. It finds the numbers of documents and telephones, however
// they are grouped, passports, and Vietnamese names, those of the mountains too; a name of another country is not told from a word.
// Whoever needs free text seals it in a vault instead.
func CheckNobody(f *problem.Faults, pointer, value string) {
	value = withoutIDs(value)
	switch {
	case holdsNumber(value):
		f.At(pointer, problem.Fault{
			Code: "looks_like_a_person", Message: "this holds a long number; do not put people's numbers here",
			MessageVI: "trường này chứa dãy số dài; không ghi số giấy tờ của người vào đây",
		})
	case holdsName(value), holdsUpland(value):
		f.At(pointer, problem.Fault{
			Code: "looks_like_a_person", Message: "this looks like somebody's name; do not name people here",
			MessageVI: "trường này giống tên người; không ghi tên người vào đây",
		})
	}
}

const (
	// numberDigits is the shortest number of a document, or of a telephone, that people type where it does not belong.
	numberDigits = 9
	// passportLetters and passportDigits are how passports of most countries are numbered: C1234567, AB123456.
	passportLetters, passportDigits = 2, 6
)

// holdsNumber looks at runs of digits, alone and joined over what people put between groups of them.
func holdsNumber(value string) bool {
	run, joined := 0, []byte{}
	for at := range len(value) {
		c := value[at]
		switch {
		case '0' <= c && c <= '9':
			joined = append(joined, c)
			if run++; run == numberDigits {
				return true
			}
			continue
		case run > 0 && strings.IndexByte(" .-()+", c) >= 0:
		case strings.IndexByte(" .-()+", c) < 0:
			joined = joined[:0]
		}
		if run >= passportDigits && letter(c) {
			return true // digits run into letters: C01X00T47
		}
		run = 0
		if grouped(string(joined)) {
			return true
		}
	}
	return grouped(string(joined)) || passport(value)
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// grouped tells whether digits that stood in groups are a citizen number or a Vietnamese telephone. A date with a serial
// number is neither.
func grouped(digits string) bool {
	const citizen, trunk, abroad = 12, 10, 11
	switch len(digits) {
	case citizen:
		_, err := vn.ParseCitizenID(digits)
		return err == nil && digits[0] == '0'
	case trunk:
		return digits[0] == '0' && strings.IndexByte("23456789", digits[1]) >= 0
	case abroad:
		return strings.HasPrefix(digits, "84") || strings.HasPrefix(digits, "02") // 02 and the area: a landline
	}
	return false
}

// passport looks for one or two letters with six to eight digits behind, that stand alone.
func passport(value string) bool {
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		digits := strings.TrimLeftFunc(word, func(r rune) bool { return !unicode.IsDigit(r) })
		letters := len(word) - len(digits)
		only := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) < 0
		if only && letters >= 1 && letters <= passportLetters && len(digits) >= passportDigits && len(digits) < numberDigits {
			return true
		}
	}
	return false
}

// surnames are those of nine in ten Vietnamese, folded. The ambiguous ones are words of other languages, too, or of places,
// and count only in front of two more words.
const (
	surnames = " NGUYEN TRAN PHAM HUYNH HOANG PHAN VO DANG BUI NGO DUONG DINH TRINH DOAN LUONG LUU TRUONG QUACH THACH VUONG NGHIEM NONG KHUAT "
	//nolint:dupword // these are names
	ambiguous = " LE VU HO DO LY MAI HA TO DAO CAO LAM TA CHU THAI PHUNG KIEU DAM TONG THAN CHAU QUAN LA LO VI HUA TANG "
)

// holdsName looks for a surname with other words of letters behind it.
func holdsName(value string) bool {
	all := words(value)
	for i, word := range all {
		behind := 0
		for _, next := range all[i+1:] {
			if !syllable(next) {
				break
			}
			behind++
		}
		known := " " + word + " "
		if behind >= 1 && strings.Contains(surnames, known) || behind >= 2 && strings.Contains(ambiguous, known) {
			return true
		}
	}
	return false
}

// syllable tells whether a folded word may be part of a name behind a Vietnamese surname.
func syllable(word string) bool {
	const longest = 12
	return len(word) <= longest && strings.IndexFunc(word, func(r rune) bool { return r < 'A' || r > 'Z' }) < 0 && strings.ContainsAny(word, "AEIOUY")
}

// words are the words of a text, folded: a change from small letters to capitals parts them, and so does whatever is no
// letter. Digits are words of their own.
func words(value string) (all []string) {
	value = strings.ToValidUTF8(value, "?")
	start, last := 0, rune(0)
	flush := func(end int) {
		if end > start {
			all = append(all, vn.Fold(value[start:end]))
		}
	}
	for at, r := range value {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsMark(r):
			flush(at)
			start = at + utf8.RuneLen(r)
			if unicode.IsDigit(r) {
				all = append(all, string(r))
			}
		case unicode.IsUpper(r) && unicode.IsLower(last):
			flush(at)
			start = at
		}
		last = r
	}
	flush(len(value))
	return all
}

// ourID is as long as the ids that this system makes of 16 bytes, in one of the two cases and of letters and the digits 2 to 7. Six of
// those in a row are nobody's number.
const ourID = 26

// withoutIDs leaves our own ids out: offices quote them.
func withoutIDs(value string) string {
	if len(value) < ourID {
		return value
	}
	alphabets := []string{"abcdefghijklmnopqrstuvwxyz234567", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"}
	word := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for _, part := range strings.FieldsFunc(value, word) {
		for _, alphabet := range alphabets {
			if len(part) == ourID && strings.Trim(part, alphabet) == "" {
				value = strings.ReplaceAll(value, part, "#0#") // neither a letter nor a number beside what stands around it
			}
		}
	}
	return value
}

package vn

import "strings"

// Limits of E.164: country code and number together.
const (
	phoneShortest = 8
	phoneLongest  = 15
)

// Phone is a telephone number in E.164. It prints as stars, because it is personal data; [Phone.Number] is the
// only way to the digits. The zero Phone is none.
type Phone struct{ number string }

// ParsePhone accepts "+84912345678", "0912345678", "84 912 345 678", "0084-912-345-678" and numbers of other
// countries with + or 00. Spaces, dots, hyphens and brackets are left out.
func ParsePhone(s string) (Phone, error) {
	digits, err := phoneDigits(s)
	if err != nil {
		return Phone{}, err
	}
	national, vietnamese := strings.CutPrefix(digits, "84")
	if vietnamese {
		national = strings.TrimPrefix(national, "0") // people write +84 0912...
		digits = "84" + national
	}
	if len(digits) < phoneShortest || len(digits) > phoneLongest || vietnamese && !vietnameseLength(national) {
		return Phone{}, refuse("phone_length", "the phone number has too few or too many digits", "số điện thoại thiếu hoặc thừa chữ số")
	}
	return Phone{"+" + digits}, nil
}

// phoneDigits returns country code and number.
func phoneDigits(s string) (string, error) {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .-()\u00a0", r) {
			return -1
		}
		return r
	}, s)
	digits, international := strings.CutPrefix(s, "+")
	if digits == "" || strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) {
		return "", refuse("phone_characters", "a phone number has digits only, after an optional +", "số điện thoại chỉ gồm chữ số, có thể bắt đầu bằng dấu +")
	}
	switch {
	case international:
	case strings.HasPrefix(digits, "00"):
		digits = digits[2:]
	case strings.HasPrefix(digits, "0"):
		digits = "84" + digits[1:]
	case !strings.HasPrefix(digits, "84"):
		return "", refuse("phone_country", "the phone number lacks its country code or its leading 0", "số điện thoại thiếu mã quốc gia hoặc số 0 ở đầu")
	}
	if strings.HasPrefix(digits, "0") || digits == "" {
		return "", refuse("phone_country", "no country code starts with 0", "mã quốc gia không bắt đầu bằng số 0")
	}
	return digits, nil
}

// vietnameseLength knows that mobile numbers have nine digits after +84 and fixed lines, which start with 2, ten.
func vietnameseLength(national string) bool {
	if strings.HasPrefix(national, "2") {
		return len(national) == 10
	}
	return len(national) == 9
}

// IsZero tells whether there is no number.
func (p Phone) IsZero() bool { return p.number == "" }

// Equal tells whether both are one number; go-cmp uses it to compare whole facts and commands.
func (p Phone) Equal(other Phone) bool { return p == other }

// Number returns the number in E.164: "+84912345678".
func (p Phone) Number() string { return p.number }

// String hides the number.
func (p Phone) String() string { return strings.Repeat("*", len(p.number)) }

// GoString hides the number from %#v too.
func (p Phone) GoString() string { return "vn.Phone{" + p.String() + "}" }

package scan

import "strings"

// weigh is the check digit of ICAO 9303: weights 7, 3, 1; letters count from 10, fillers 0.
func weigh(s string) int {
	sum := 0
	for i := range len(s) {
		value := 0
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			value = int(c - '0')
		case c >= 'A' && c <= 'Z':
			value = int(c-'A') + 10
		}
		sum += value * [...]int{7, 3, 1}[i%3]
	}
	return sum % 10
}

// right tells whether the check digit fits.
func (f field) right() bool {
	return len(f.digit) == 1 && f.digit[0] >= '0' && f.digit[0] <= '9' && int(f.digit[0]-'0') == weigh(f.text)
}

const (
	// mostTries bounds the readings that are tried: all of eight doubtful characters.
	mostTries = 256
	// mostShown is how many suggestions help rather than confuse.
	mostShown = 5
)

// doubt warns of a wrong check digit, and suggests what it would be right for.
func (r Reading) doubt(pointer string, f field, show func(string) string) Reading {
	r.Warnings = append(r.Warnings, WarnCheckDigit)
	shown := 0
	for _, tried := range f.alike() {
		value := show(tried.text)
		if value == "" || !tried.right() || shown == mostShown {
			continue
		}
		shown++
		r.Suggestions = append(r.Suggestions, Suggestion{Pointer: pointer, Value: value, Code: "check_digit"})
	}
	return r
}

// alike lists the field with every choice of characters that look alike, the fewest changes first.
func (f field) alike() []field {
	const pairs = "O0I1B8S5Z2"
	all := []field{f}
	whole := f.text + f.digit
	for i := range len(whole) {
		at := strings.IndexByte(pairs, whole[i])
		if at < 0 {
			continue
		}
		other := pairs[at^1]
		for _, known := range all {
			if len(all) == mostTries {
				return all[1:]
			}
			changed := []byte(known.text + known.digit)
			changed[i] = other
			all = append(all, field{string(changed[:len(f.text)]), string(changed[len(f.text):])})
		}
	}
	return all[1:]
}

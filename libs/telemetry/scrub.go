package telemetry

import (
	"regexp"
	"strings"
)

// longestText bounds one logged string, in bytes: it also bounds the work of scrubbing it.
const longestText = 8 << 10

// secrets are compiled once, because every logged text passes them. A pattern is tried only on texts that hold one of
// its marks, in lower case: most texts hold none.
//
//nolint:gochecknoglobals // a constant table; regexps cannot be constants
var secrets = []struct {
	marks   []string
	pattern *regexp.Regexp
	with    string
}{
	{
		[]string{"authorization"},
		regexp.MustCompile(`(?i)\b(authorization)["']?\s*[:=]\s*["']?(?:[a-z]+\s+)?[^\s"',;]+`), "$1: " + hidden,
	},
	{[]string{"bearer"}, regexp.MustCompile(`(?i)\b(bearer)\s+[\w.~+/=-]{6,}`), "$1 " + hidden},
	{[]string{"eyj"}, regexp.MustCompile(`\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?`), hidden},
	{
		[]string{"=", `":`, `" :`}, regexp.MustCompile(
			`(?i)((?:password|passwd|pwd|secret|token|api_?key|cookie)(?:"\s*:\s*"|\s*=\s*))[^\s"&;,]+`), "${1}" + hidden,
	},
	{[]string{"://"}, regexp.MustCompile(`(://)[^\s/@]+@`), "${1}" + hidden + "@"},
	{[]string{"_"}, regexp.MustCompile(`\b[a-z][a-z0-9]{1,11}_[A-Za-z0-9]{4,40}_[A-Za-z0-9-]{20,}\w*`), hidden},
}

// shortestSecret is how long a text must be to hold a secret with its mark.
const shortestSecret = len("pwd=x")

// Scrub replaces in a text what looks like a citizen number (12 digits, also in groups), a Vietnamese phone number, a
// bearer token, an API key, a JSON web token, a password or the user part of a URL, and cuts what is too long.
func Scrub(text string) string {
	if len(text) > longestText {
		text = strings.ToValidUTF8(text[:longestText], "") + "... (cut)"
	}
	text = scrubNumbers(text)
	if len(text) < shortestSecret {
		return text
	}
	lower := strings.ToLower(text)
	for _, s := range secrets {
		if containsAny(lower, s.marks) {
			text = s.pattern.ReplaceAllString(text, s.with)
		}
	}
	return text
}

// scrubNumbers replaces personal numbers and steps over UUIDs, whose digits are nobody's.
func scrubNumbers(text string) string {
	if !strings.ContainsAny(text, "0123456789") {
		return text
	}
	out := strings.Builder{}
	from := 0
	for at := 0; at < len(text); {
		if isUUID(text, at) {
			at += uuidLength
			continue
		}
		if !isDigit(text[at]) {
			at++
			continue
		}
		if end := personalNumber(text, at); end > 0 {
			out.WriteString(text[from:at])
			out.WriteString(hidden)
			from, at = end, end
			continue
		}
		at = endOfDigits(text, at)
	}
	return out.String() + text[from:]
}

// personalNumber returns where the personal number that begins at start ends, 0 if there is none. Groups of digits may
// be apart by one space, dot or hyphen; then the number must begin with 0 (or +84), because a date with a time of day
// has twelve digits as well.
func personalNumber(text string, start int) int {
	const most = 12
	digits := make([]byte, 0, most)
	found := 0
	for at := start; ; at++ {
		end := endOfDigits(text, at)
		if len(digits)+end-at > most {
			return found
		}
		digits = append(digits, text[at:end]...)
		together := end-start == len(digits)
		if isCitizen(digits, together) || isPhone(digits, together || start > 0 && text[start-1] == '+') {
			found = end
		}
		if end+1 >= len(text) || strings.IndexByte(" .-", text[end]) < 0 || !isDigit(text[end+1]) {
			return found
		}
		at = end
	}
}

func isCitizen(digits []byte, together bool) bool {
	return len(digits) == 12 && (digits[0] == '0' || together)
}

// isPhone knows 0912345678 and +84912345678.
func isPhone(digits []byte, international bool) bool {
	const mobile = "35789"
	switch len(digits) {
	case 10:
		return digits[0] == '0' && strings.IndexByte(mobile, digits[1]) >= 0
	case 11:
		return international && digits[0] == '8' && digits[1] == '4' && strings.IndexByte(mobile, digits[2]) >= 0
	}
	return false
}

func endOfDigits(text string, at int) int {
	for at < len(text) && isDigit(text[at]) {
		at++
	}
	return at
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

const uuidLength = len("00000000-0000-0000-0000-000000000000")

// isUUID reports whether a UUID begins at a place in text.
func isUUID(text string, at int) bool {
	if len(text)-at < uuidLength || text[at+8] != '-' || at > 0 && isHex(text[at-1]) {
		return false
	}
	for i, b := range []byte(text[at : at+uuidLength]) {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (b == '-') || !hyphen && !isHex(b) {
			return false
		}
	}
	return true
}

func isHex(b byte) bool { return isDigit(b) || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F' }

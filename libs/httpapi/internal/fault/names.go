package fault

import "strings"

const (
	maxShownName   = 40 // of a member that we do not know, in a pointer
	maxShownDigits = 2
	maxDistance    = 2 // letters that differ between a name and the one that was meant
)

// Showable tells whether an unknown member's name may be repeated in a pointer. It is what the sender wrote,
// so it may be anything: a name, a number, a whole document. Only what looks like the name of a field is shown.
func Showable(name string) bool {
	if name == "" || len(name) > maxShownName {
		return false
	}
	digits := 0
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '-':
		case '0' <= c && c <= '9':
			digits++
		default:
			return false
		}
	}
	return digits <= maxShownDigits
}

// Nearest returns the one of our names that was probably meant, or nothing.
func Nearest(name string, known []string) string {
	if len(name) > maxShownName {
		return ""
	}
	best, distance := "", maxDistance+1
	for _, k := range known {
		d := editDistance(bare(name), bare(k))
		if d < distance && d < len(bare(k)) {
			best, distance = k, d
		}
	}
	return best
}

// bare makes fullName, full-name and full_name the same.
func bare(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}

// editDistance counts the letters to change, add or remove (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}

// VisibleASCII tells whether s has 1 to most characters between ! and ~.
func VisibleASCII(s string, most int) bool {
	if s == "" || len(s) > most {
		return false
	}
	for _, c := range []byte(s) {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

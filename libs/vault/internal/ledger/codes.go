package ledger

import (
	"fmt"
	"strings"
)

const (
	longestCode = 64
	longestID   = 200
)

// CheckCode accepts words of a fixed vocabulary: lower case, digits, "_", ".", "-". Free text could name somebody.
func CheckCode(what, code string) error {
	if code == "" || len(code) > longestCode || code[0] < 'a' || code[0] > 'z' {
		return fmt.Errorf("%s must be a code like stay_guest", what)
	}
	for i := range len(code) {
		c := code[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return fmt.Errorf("%s must be a code like stay_guest", what)
		}
	}
	return nil
}

// CheckID accepts ids and principals: visible ASCII without spaces.
func CheckID(what, id string) error {
	if id == "" || len(id) > longestID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return fmt.Errorf("%s must be an id of at most %d characters without spaces", what, longestID)
	}
	return nil
}

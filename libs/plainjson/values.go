package plainjson

import (
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

func writeBool(b []byte, v reflect.Value) ([]byte, error) {
	return strconv.AppendBool(b, v.Bool()), nil
}

func writeInt(b []byte, v reflect.Value) ([]byte, error) {
	return strconv.AppendInt(b, v.Int(), 10), nil
}

// writeTime leaves years of five digits and offsets of a day to the library, which refuses them.
func writeTime(b []byte, v reflect.Value) ([]byte, error) {
	b = append(b, '"')
	b, err := timeIn(v).AppendText(b)
	if err != nil {
		return b, errNotPlain
	}
	return append(b, '"'), nil
}

func timeIn(v reflect.Value) time.Time {
	if v.CanAddr() {
		return *v.Addr().Interface().(*time.Time)
	}
	return v.Interface().(time.Time)
}

func (s style) writeString(b []byte, v reflect.Value) ([]byte, error) {
	text := v.String()
	if !s.plain(text) {
		return b, errNotPlain
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"'), nil
}

// Bytes of a text.
const (
	stands  = iota // as it is
	escaped        // by the library
	letter         // part of a character that is not of ASCII: it may be broken
)

// bytesOf says what every byte of a text is.
func bytesOf(escapeHTML bool) *[256]byte {
	var is [256]byte
	for c := range is {
		switch {
		case c >= utf8.RuneSelf:
			is[c] = letter
		case c < ' ', c == '"', c == '\\', escapeHTML && (c == '<' || c == '>' || c == '&'):
			is[c] = escaped
		}
	}
	return &is
}

// plain tells whether a text stands in JSON as it is.
func (s style) plain(text string) bool {
	var all byte
	for i := range len(text) {
		all |= s.is[text[i]]
	}
	return all == stands || all == letter && plainLetters(text)
}

func plainLetters(text string) bool {
	const lineSeparator, paragraphSeparator = '\u2028', '\u2029' // encoding/json escapes them
	for _, r := range text {
		if r == utf8.RuneError || r == lineSeparator || r == paragraphSeparator { // a whole U+FFFD is rare enough
			return false
		}
	}
	return true
}

package httpapi

import (
	"encoding/base64"

	"github.com/go-json-experiment/json"

	"github.com/songan-vn/songan/libs/httpapi/strict"
	"github.com/songan-vn/songan/libs/problem"
)

// Paging is embedded into the parameters of a list. K is where a page ends: the values the list is ordered by, the last
// of them unique. It stands in URLs, so it holds no personal data.
type Paging[K any] struct {
	Cursor Cursor[K] `query:"cursor" maxLength:"512" doc:"next_cursor of the page before; opaque."`
	Limit  int       `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Most items of the page."`
}

// Cursor is a place in a list, opaque to callers. It is checked, not signed: a forged one is a place where its forger
// could have paged to anyway, because what a caller may see is decided by the query and never by the cursor.
type Cursor[K any] struct {
	// At is where the page before ended; nil for the first page.
	At *K
}

func errCursor() error {
	return problem.New(problem.Malformed, "invalid_cursor",
		"this is not a cursor of this list", "con trỏ trang không hợp lệ")
}

// UnmarshalText reads a cursor that [NextCursor] wrote for the same list.
func (c *Cursor[K]) UnmarshalText(text []byte) error {
	data, err := base64.RawURLEncoding.DecodeString(string(text))
	if err != nil {
		return errCursor()
	}
	at, err := strict.For[K]().Read(data)
	if err != nil {
		return errCursor()
	}
	c.At = &at
	return nil
}

// Page is one page of a list.
type Page[T any] struct {
	Items []T `json:"items"`
	// Next is empty on the last page.
	Next string `json:"next_cursor,omitzero" doc:"Send it as cursor to get the next page; absent on the last one."`
}

// NextCursor writes the place where a page ends.
func NextCursor[K any](at K) string {
	data, err := json.Marshal(at)
	if err != nil {
		return "" // a K that cannot be written cannot be read either: strict.For refuses it at the first page
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

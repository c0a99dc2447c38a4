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

// More is how many rows a list asks for: one more than the page has room for tells that there is another page.
func (p Paging[K]) More() int { return p.Limit + 1 }

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

// UnmarshalText reads a cursor that [Cut] wrote for the same list.
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

// PageOf shows the rows that a list found, of which it asked for [Paging.More]. at is where a row stands in the list.
func PageOf[R, T, K any](p Paging[K], rows []R, show func(R) T, at func(R) K) Page[T] {
	rows, next := Cut(p, rows, at)
	page := Page[T]{Items: make([]T, 0, len(rows)), Next: next}
	for _, row := range rows {
		page.Items = append(page.Items, show(row))
	}
	return page
}

// Cut is [PageOf] for those who show rows themselves: it leaves as many as a page has room for, and says where the next one begins.
func Cut[R, K any](p Paging[K], rows []R, at func(R) K) (shown []R, next string) {
	if len(rows) <= p.Limit {
		return rows, ""
	}
	data, err := json.Marshal(at(rows[p.Limit-1]))
	if err != nil {
		return rows[:p.Limit], "" // a K that cannot be written cannot be read either: strict.For refuses it at the first page
	}
	return rows[:p.Limit], base64.RawURLEncoding.EncodeToString(data)
}

package entitlement

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

const maxFileBytes = 1 << 20

func read(file []byte) (Data, error) {
	if len(file) > maxFileBytes {
		return Data{}, errors.New("the file is larger than 1 MiB")
	}
	if err := repeated(file); err != nil {
		return Data{}, err
	}
	var data Data
	dec := json.NewDecoder(bytes.NewReader(file))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&data); err != nil {
		return Data{}, fmt.Errorf("decode: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Data{}, errors.New("something follows the rules")
	}
	return data, nil
}

// repeated refuses a member that stands twice in one object: encoding/json would silently take the last one.
func repeated(file []byte) error {
	dec := json.NewDecoder(bytes.NewReader(file))
	var w walk
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("decode: %w", err)
		}
		if err := w.step(token); err != nil {
			return err
		}
	}
}

// A walk goes through a document token by token.
type walk struct {
	open []map[string]bool // the members seen of every open object, nil for an array
	name bool              // the next token is the name of a member, or the end of its object
}

func (w *walk) step(token json.Token) error {
	switch t := token.(type) {
	case json.Delim:
		w.open = nest(w.open, t)
	case string:
		if w.name {
			w.name = false
			return w.member(t)
		}
	}
	w.name = len(w.open) > 0 && w.open[len(w.open)-1] != nil
	return nil
}

// member compares without case, as encoding/json does when it looks for a field.
func (w *walk) member(name string) error {
	seen, folded := w.open[len(w.open)-1], strings.ToLower(name)
	if seen[folded] {
		return fmt.Errorf("member %q stands twice in one object", name)
	}
	seen[folded] = true
	return nil
}

func nest(open []map[string]bool, d json.Delim) []map[string]bool {
	switch d {
	case '{':
		return append(open, make(map[string]bool))
	case '[':
		return append(open, nil)
	default:
		return open[:len(open)-1]
	}
}

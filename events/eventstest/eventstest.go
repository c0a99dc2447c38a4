// Package eventstest keeps the promise of a stored fact: what was written once can be read for ever.
//
// A golden is one JSON file per fact and version, testdata/<stored name>.json, with every field filled.
//
//  1. A golden is added, never edited and never deleted: it stands for all the facts of that shape in the logs.
//  2. Every field of a fact is filled in its golden, so that a field which gets lost or renamed is found.
//  3. Read and written again, a golden is the same to the byte: no field is dropped, renamed or retyped.
//  4. A golden of an old shape still becomes the newest one through the catalog.
//
// Services use it as well, for the private facts that never leave them.
package eventstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/events"
)

// Goldens checks the goldens in dir, usually "testdata", against the facts of a catalog.
func Goldens(t *testing.T, dir string, facts []events.Event) {
	t.Helper()
	for _, e := range facts {
		t.Run(e.EventName(), func(t *testing.T) {
			t.Parallel()
			if err := Check(dir, e, events.NewCatalog(facts)); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("every golden ever added still has its fact", func(t *testing.T) {
		t.Parallel()
		if err := Orphans(dir, events.NewCatalog(facts)); err != nil {
			t.Error(err)
		}
	})
}

// Check tells what is wrong with the golden of one fact.
func Check(dir string, e events.Event, catalog events.Catalog) error {
	name := e.EventName()
	golden, err := os.ReadFile(filepath.Join(dir, name+".json"))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("fact %s has no golden: write %s with every field filled", name, filepath.Join(dir, name+".json"))
	}
	if err != nil {
		return fmt.Errorf("read golden: %w", err)
	}
	decoded := reflect.New(reflect.TypeOf(e))
	strict := json.NewDecoder(bytes.NewReader(golden))
	strict.DisallowUnknownFields()
	if err := strict.Decode(decoded.Interface()); err != nil {
		return fmt.Errorf("golden of %s: %w", name, err)
	}
	if empty := emptyFields(decoded.Elem(), ""); len(empty) > 0 {
		return fmt.Errorf("golden of %s leaves fields empty: %s", name, strings.Join(empty, ", "))
	}
	again, err := json.MarshalIndent(decoded.Elem().Interface(), "", "  ")
	if err != nil {
		return fmt.Errorf("write golden of %s again: %w", name, err)
	}
	if again = append(again, '\n'); !bytes.Equal(golden, again) {
		return fmt.Errorf("golden of %s is not the same when read and written again:\n%s", name, again)
	}
	return newest(name, golden, decoded.Elem().Interface(), catalog)
}

// newest checks that the catalog reads the golden into the newest shape of its fact.
func newest(name string, golden []byte, want any, catalog events.Catalog) error {
	got, err := catalog.Decode(name, golden)
	if err != nil {
		return fmt.Errorf("golden of %s through the catalog: %w", name, err)
	}
	if _, old := want.(events.Upcaster); old {
		if !catalog.Knows(got.EventName()) {
			return fmt.Errorf("fact %s becomes %s, which the catalog does not know", name, got.EventName())
		}
		return nil
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("golden of %s through the catalog: got %+v, want %+v", name, got, want)
	}
	return nil
}

// Orphans tells which goldens in dir no longer have a fact in the catalog, so that history could not be read.
func Orphans(dir string, catalog events.Catalog) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return fmt.Errorf("list goldens: %w", err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); !catalog.Knows(name) {
			return fmt.Errorf("golden %s has no fact in the catalog: facts of this name are in the logs for ever", file)
		}
	}
	return nil
}

// emptyFields lists the paths of zero values below v.
func emptyFields(v reflect.Value, path string) []string {
	if v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
		return []string{path}
	}
	var empty []string
	switch {
	case v.Kind() == reflect.Pointer:
		return emptyFields(v.Elem(), path)
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Map:
		for key, part := range v.Seq2() {
			empty = append(empty, emptyFields(part, fmt.Sprintf("%s[%v]", path, key))...)
		}
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for field, part := range v.Fields() { // facts have exported fields only, or they would not be stored
			empty = append(empty, emptyFields(part, path+"."+field.Name)...)
		}
	}
	return empty
}

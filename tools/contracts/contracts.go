// Package contracts compares what is written down about the facts with the facts themselves.
//
//  1. Every fact of every catalog has a JSON Schema (events/schemas) and stands in events/asyncapi.yaml, and nothing
//     stands there that is no fact.
//  2. A schema says neither more nor less than the struct: the same fields, required where the struct always writes
//     them.
//  3. The goldens, which have every field filled, are valid; what lacks a required field or has another type is not.
//  4. No field is named like something that belongs into a vault, unless it is a reference into one. What goes to a bank
//     and comes from it is no fact, and may.
//  5. What was released is never edited.
//
// It is a module of its own because events may be built with the standard library alone.
package contracts

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/events/identity"
)

// Folder is where the contracts stand, as seen from this package.
const Folder = "../../events"

// Catalogs lists the published facts of every service. A new package of events joins here.
func Catalogs() map[string][]events.Event {
	return map[string][]events.Event{
		"accommodation": accommodation.Catalog(),
		"accounts":      accounts.Catalog(),
		"bankgateway":   bankgateway.Catalog(),
		"disbursement":  disbursement.Catalog(),
		"identity":      identity.Catalog(),
	}
}

// Messages lists what goes between Song An and one bank, by channel. They are no facts of a log and, on topics that only
// this bank and the gateway reach, the only messages with personal data.
func Messages() map[string][]events.Event {
	return map[string][]events.Event{"bankInstructions": bank.Instructions(), "bankReports": bank.Reports()}
}

// Schema is a JSON Schema as it is written, with the file that its references are relative to.
type Schema struct {
	file string
	node map[string]any
}

// Load reads the schema of a file in the folder of schemas.
func Load(file string) (Schema, error) {
	data, err := os.ReadFile(filepath.Join(Folder, "schemas", file))
	if err != nil {
		return Schema{}, fmt.Errorf("read schema: %w", err)
	}
	s := Schema{file: file}
	if err := json.Unmarshal(data, &s.node); err != nil {
		return Schema{}, fmt.Errorf("read schema %s: %w", file, err)
	}
	return s, nil
}

// Resolve follows a reference, "file.json#/$defs/name" or "#/$defs/name", and returns s itself when it is none.
func (s Schema) Resolve() (Schema, error) {
	ref, isRef := s.node["$ref"].(string)
	if !isRef {
		return s, nil
	}
	file, pointer, _ := strings.Cut(ref, "#")
	if file == "" {
		file = s.file
	}
	target, err := Load(file)
	if err != nil {
		return Schema{}, err
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		next, ok := target.node[part].(map[string]any)
		if !ok {
			return Schema{}, fmt.Errorf("%s refers to %s, which is not there", s.file, ref)
		}
		target.node = next
	}
	return target.Resolve()
}

// Properties returns the schema of each field of an object.
func (s Schema) Properties() map[string]Schema {
	all := map[string]Schema{}
	properties, _ := s.node["properties"].(map[string]any)
	for name, p := range properties {
		if node, ok := p.(map[string]any); ok {
			all[name] = Schema{file: s.file, node: node}
		}
	}
	return all
}

// Items returns the schema of the elements of a list.
func (s Schema) Items() (Schema, bool) {
	node, ok := s.node["items"].(map[string]any)
	return Schema{file: s.file, node: node}, ok
}

// Format is the format of a text, such as "uuid" for a reference into a vault.
func (s Schema) Format() string {
	format, _ := s.node["format"].(string)
	return format
}

// Required lists the fields that must be there.
func (s Schema) Required() []string {
	list, _ := s.node["required"].([]any)
	names := make([]string, 0, len(list))
	for _, name := range list {
		names = append(names, fmt.Sprint(name))
	}
	return names
}

package contracts_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/tools/contracts"
)

func TestEveryFactHasASchemaAndEverySchemaAFact(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, e := range facts() {
		want = append(want, e.EventName())
	}
	files, err := filepath.Glob(filepath.Join(contracts.Folder, "schemas", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".json"); !strings.HasSuffix(name, ".terms") {
			got = append(got, name)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("facts and schemas (-facts +schemas):\n%s", diff)
	}
}

func TestEveryPackageOfFactsIsLookedAt(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob(filepath.Join(contracts.Folder, "*", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, dir := range dirs {
		got = append(got, filepath.Base(filepath.Dir(dir)))
	}
	want := append(slices.Collect(maps.Keys(contracts.Catalogs())), "bank")
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("packages (-contracts.Catalogs +events):\n%s", diff)
	}
}

func TestEveryGoldenIsValid(t *testing.T) {
	t.Parallel()
	for _, e := range facts() {
		t.Run(e.EventName(), func(t *testing.T) {
			t.Parallel()
			if err := compile(t, e).Validate(golden(t, e)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestASchemaRefusesWhatTheFactIsNot(t *testing.T) {
	t.Parallel()
	for _, e := range facts() {
		t.Run(e.EventName(), func(t *testing.T) {
			t.Parallel()
			schema, full := compile(t, e), golden(t, e)
			for name := range full {
				other := maps.Clone(full)
				other[name] = map[string]any{"another": "type"}
				if schema.Validate(other) == nil {
					t.Errorf("%s may be anything", name)
				}
				other[name] = nil
				if schema.Validate(other) == nil {
					t.Errorf("%s may be null", name)
				}
			}
			for _, name := range load(t, e).Required() {
				other := maps.Clone(full)
				delete(other, name)
				if schema.Validate(other) == nil {
					t.Errorf("%s is required and may be absent", name)
				}
			}
		})
	}
}

func TestASchemaHasTheFieldsOfItsStruct(t *testing.T) {
	t.Parallel()
	for _, e := range facts() {
		t.Run(e.EventName(), func(t *testing.T) {
			t.Parallel()
			compare(t, reflect.TypeOf(e), load(t, e), e.EventName())
		})
	}
}

// personal are names of fields that only a vault may have.
func personal() []string {
	return []string{
		"name", "full_name", "surname", "given_name", "birth_date", "sex", "phone", "email", "address", "residence",
		"number", "document", "document_number", "citizen_id", "account_number", "holder", "holder_name", "text", "comment",
	}
}

// compare says where the fields of a struct and the properties of its schema differ, all the way down.
func compare(t *testing.T, typ reflect.Type, schema contracts.Schema, at string) {
	t.Helper()
	schema, err := schema.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case typ.Kind() == reflect.Pointer:
		compare(t, typ.Elem(), schema, at)
	case typ.Kind() == reflect.Slice:
		items, ok := schema.Items()
		if !ok {
			t.Errorf("%s: the schema has no items", at)
			return
		}
		compare(t, typ.Elem(), items, at+"[]")
	case typ.Kind() == reflect.Struct && typ != reflect.TypeFor[time.Time]():
		compareFields(t, typ, schema, at)
	}
}

func compareFields(t *testing.T, typ reflect.Type, schema contracts.Schema, at string) {
	t.Helper()
	var always, names []string
	properties := schema.Properties()
	for _, f := range fields(typ) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
		if !strings.Contains(options, "omit") {
			always = append(always, name)
		}
		if slices.Contains(personal(), name) && !isReference(t, properties[name]) && !strings.HasPrefix(at, "bank.") {
			t.Errorf("%s: a field named %q belongs into a vault", at, name)
		}
		if p, ok := properties[name]; ok {
			compare(t, f.Type, p, at+"."+name)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(properties))); diff != "" {
		t.Errorf("%s: fields (-struct +schema):\n%s", at, diff)
	}
	slices.Sort(always)
	if diff := cmp.Diff(always, slices.Sorted(slices.Values(schema.Required()))); diff != "" {
		t.Errorf("%s: fields that are always there (-struct +schema's required):\n%s", at, diff)
	}
}

// isReference tells whether a field is but the name of a row in a vault.
func isReference(t *testing.T, schema contracts.Schema) bool {
	t.Helper()
	schema, err := schema.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	return schema.Format() == "uuid"
}

// fields lists the fields as JSON sees them: those of an embedded struct stand among the others.
func fields(typ reflect.Type) []reflect.StructField {
	var all []reflect.StructField
	for f := range typ.Fields() {
		if f.Anonymous && f.Tag.Get("json") == "" {
			all = append(all, fields(f.Type)...)
		} else {
			all = append(all, f)
		}
	}
	return all
}

func facts() []events.Event {
	var all []events.Event
	for _, catalog := range contracts.Catalogs() {
		all = append(all, catalog...)
	}
	for _, messages := range contracts.Messages() {
		all = append(all, messages...)
	}
	return all
}

func load(t *testing.T, e events.Event) contracts.Schema {
	t.Helper()
	schema, err := contracts.Load(e.EventName() + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func compile(t *testing.T, e events.Event) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	schema, err := compiler.Compile(filepath.Join(contracts.Folder, "schemas", e.EventName()+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func golden(t *testing.T, e events.Event) map[string]any {
	t.Helper()
	name := e.EventName()
	data, err := os.ReadFile(filepath.Join(contracts.Folder, events.Service(name), "testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var value map[string]any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func ExampleSchema_Properties() {
	schema, err := contracts.Load("accommodation.departed.v1.json")
	fmt.Println(slices.Sorted(maps.Keys(schema.Properties())), schema.Required(), err)
	// Output: [departed_at notice] [notice departed_at] <nil>
}

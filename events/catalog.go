package events

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
)

// Catalog knows every fact a reader may meet, by stored name. The zero Catalog knows none.
type Catalog struct {
	types map[string]reflect.Type
	read  func(data []byte, v any) error // nil is encoding/json
}

// NewCatalog joins the facts of one or several services. It panics on two facts with one name,
// which is a mistake of the programmer and is found by the first test.
func NewCatalog(facts ...[]Event) Catalog {
	c := Catalog{types: map[string]reflect.Type{}}
	for _, group := range facts {
		for _, e := range group {
			if t, taken := c.types[e.EventName()]; taken {
				panic(fmt.Sprintf("events: %s names both %s and %T", e.EventName(), t, e)) //nolint:forbidigo // a slip of the programmer, found by the first test
			}
			c.types[e.EventName()] = reflect.TypeOf(e)
		}
	}
	return c
}

// ReadBy returns a catalog that reads facts by another decoder than encoding/json, which is to understand JSON the same
// way. Who reads a whole log cares how long it takes.
func (c Catalog) ReadBy(read func(data []byte, v any) error) Catalog {
	return Catalog{types: c.types, read: read}
}

// Decode returns the fact that data holds, upcast to its newest shape. A name that the catalog does
// not know is an error: skipping a fact that one does not understand would be guessing.
func (c Catalog) Decode(name string, data []byte) (Event, error) {
	t, known := c.types[name]
	if !known {
		return nil, fmt.Errorf("fact %q is not in the catalog", name)
	}
	read := c.read
	if read == nil {
		read = json.Unmarshal
	}
	v := reflect.New(t)
	if err := read(data, v.Interface()); err != nil {
		return nil, fmt.Errorf("decode fact %s: %w", name, err)
	}
	e := v.Elem().Interface().(Event)
	for range len(c.types) {
		old, ok := e.(Upcaster)
		if !ok {
			return e, nil
		}
		e = old.Upcast()
	}
	return nil, fmt.Errorf("fact %s upcasts for ever", name)
}

// Private tells whether facts of this stored name never leave their service.
func (c Catalog) Private(name string) bool { return c.is(name, reflect.TypeFor[Private]()) }

// Old tells whether this stored name is of a shape that [Catalog.Decode] upcasts.
func (c Catalog) Old(name string) bool { return c.is(name, reflect.TypeFor[Upcaster]()) }

func (c Catalog) is(name string, kind reflect.Type) bool {
	t, known := c.types[name]
	return known && t.Implements(kind)
}

// Knows tells whether a fact of this stored name is in the catalog.
func (c Catalog) Knows(name string) bool {
	_, known := c.types[name]
	return known
}

// Names lists the stored names, sorted.
func (c Catalog) Names() []string {
	names := make([]string, 0, len(c.types))
	for name := range c.types {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Stored lists the stored names whose facts are wanted, old shapes included that are upcast to such.
func (c Catalog) Stored(wanted func(name string) bool) map[string]bool {
	names := make(map[string]bool, len(c.types))
	for name := range c.types {
		e, err := c.Decode(name, []byte("{}"))
		names[name] = err != nil || wanted(e.EventName()) // with an error, only its own body can tell what becomes of it
	}
	return names
}

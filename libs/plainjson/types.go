package plainjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
)

// look finds out how values of a type are written; nil if they are not plain. within are the types around it: one that
// holds itself is not plain.
func (s style) look(t reflect.Type, within []reflect.Type) writer {
	if t == reflect.TypeFor[time.Time]() {
		return writeTime
	}
	if t.Kind() != reflect.Pointer && ownWay(t) || slices.Contains(within, t) {
		return nil
	}
	within = append(slices.Clone(within), t)
	switch t.Kind() {
	case reflect.String:
		return s.writeString
	case reflect.Bool:
		return writeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return writeInt
	case reflect.Slice:
		return s.slice(t, within)
	case reflect.Pointer:
		return s.pointer(t, within)
	case reflect.Struct:
		return s.object(t, within)
	}
	return nil
}

// ownWay tells whether a type says itself how it is written.
func ownWay(t reflect.Type) bool {
	for _, way := range []reflect.Type{
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextAppender](),
		reflect.TypeFor[jsonv2.MarshalerTo](),
	} {
		if t.Implements(way) || reflect.PointerTo(t).Implements(way) {
			return true
		}
	}
	return t == reflect.TypeFor[time.Duration]() // version 2 asks for its unit
}

func (s style) slice(t reflect.Type, within []reflect.Type) writer {
	element := s.look(t.Elem(), within)
	if element == nil || t.Elem().Kind() == reflect.Uint8 {
		return nil
	}
	null := "null"
	if s.nilIsEmpty {
		null = "[]"
	}
	return func(b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return append(b, null...), nil
		}
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = element(b, v.Index(i)); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	}
}

func (s style) pointer(t reflect.Type, within []reflect.Type) writer {
	element := s.look(t.Elem(), within)
	if element == nil {
		return nil
	}
	return func(b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		return element(b, v.Elem())
	}
}

// member is a field of a struct, or of one embedded in it.
type member struct {
	index []int
	name  string // with quotes and colon
	write writer
	omit  func(reflect.Value) bool // nil: never
}

func (s style) object(t reflect.Type, within []reflect.Type) writer {
	members, ok := s.members(t, nil, within)
	if !ok {
		return nil
	}
	return func(b []byte, v reflect.Value) ([]byte, error) {
		separator := byte('{')
		for i := range members {
			m := &members[i]
			f := m.in(v)
			if m.omit != nil && m.omit(f) {
				continue
			}
			b = append(append(b, separator), m.name...)
			separator = ','
			var err error
			if b, err = m.write(b, f); err != nil {
				return b, err
			}
		}
		if separator == '{' {
			b = append(b, separator)
		}
		return append(b, '}'), nil
	}
}

func (m *member) in(v reflect.Value) reflect.Value {
	f := v.Field(m.index[0])
	for _, i := range m.index[1:] {
		f = f.Field(i)
	}
	return f
}

// members lists the fields of a struct at index, those of embedded structs in their place.
func (s style) members(t reflect.Type, index []int, within []reflect.Type) (list []member, ok bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("json")
		at := append(slices.Clone(index), i)
		switch {
		case tag == "-":
		case f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct && f.IsExported() && !ownWay(f.Type):
			embedded, ok := s.members(f.Type, at, append(slices.Clone(within), f.Type))
			if !ok {
				return nil, false
			}
			list = append(list, embedded...)
		case f.Anonymous:
			return nil, false
		case f.IsExported():
			m, ok := s.member(f, tag, within)
			if !ok {
				return nil, false
			}
			m.index = at
			list = append(list, m)
		case tagged:
			return nil, false // version 2 refuses it
		}
	}
	return list, distinct(list)
}

// distinct tells whether no name stands there twice: which of them counts is left to the library.
func distinct(list []member) bool {
	seen := map[string]bool{}
	for _, m := range list {
		if seen[m.name] {
			return false
		}
		seen[m.name] = true
	}
	return true
}

func (s style) member(f reflect.StructField, tag string, within []reflect.Type) (m member, ok bool) {
	name, options, _ := strings.Cut(tag, ",")
	if name == "" || strings.ContainsFunc(name, oddInName) {
		return m, false
	}
	m.name = `"` + name + `":`
	switch options {
	case "":
	case "omitempty":
		if m.omit = s.empty(f.Type); m.omit == nil {
			return m, false
		}
	case "omitzero":
		if m.omit = isZero(f.Type); m.omit == nil {
			return m, false
		}
	default:
		return m, false
	}
	m.write = s.look(f.Type, within)
	return m, m.write != nil
}

func oddInName(r rune) bool {
	return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
}

// empty tells when a field is left out as empty; nil if only the library knows: version 2 asks what it is written as.
func (s style) empty(t reflect.Type) func(reflect.Value) bool {
	switch {
	case t.Kind() == reflect.String, t.Kind() == reflect.Slice:
		return func(v reflect.Value) bool { return v.Len() == 0 }
	case s.nilIsEmpty:
		return nil
	case t.Kind() == reflect.Struct:
		return func(reflect.Value) bool { return false }
	}
	return reflect.Value.IsZero
}

// isZero is nil for a type that says itself what its zero is, other than a time.
func isZero(t reflect.Type) func(reflect.Value) bool {
	type zeroer interface{ IsZero() bool }
	switch t {
	case reflect.TypeFor[time.Time]():
		return func(v reflect.Value) bool { return timeIn(v).IsZero() }
	case reflect.TypeFor[*time.Time]():
		return func(v reflect.Value) bool { return v.IsNil() || timeIn(v.Elem()).IsZero() }
	}
	if t.Implements(reflect.TypeFor[zeroer]()) || reflect.PointerTo(t).Implements(reflect.TypeFor[zeroer]()) {
		return nil
	}
	return reflect.Value.IsZero
}

package strict

import (
	"encoding"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// AppendMeaning appends what a document means, whichever way it was written: two that were read into equal values have the same
// meaning, and no others do. The order of members, white space, escapes, the zone of an instant, the sender's own reference, and
// whether a member is absent, null or, being a list, empty, make no difference.
//
// It is for telling documents apart, not for reading. It changes when a field is renamed, or a type writes its text in another way.
func (r *Reader[T]) AppendMeaning(dst []byte, v *T) []byte {
	return r.root.meaning(dst, reflect.ValueOf(v).Elem())
}

// appendText appends a text that ends where it says, so that ("ab", "c") and ("a", "bc") differ.
func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func (o *object) meaning(dst []byte, v reflect.Value) []byte {
	for i := range o.fields {
		f := &o.fields[i]
		value := v.FieldByIndex(f.index)
		if empty(value) {
			continue
		}
		named := appendText(dst, f.name)
		with := f.node.meaning(named, value)
		if nothing := len(with) == len(named)+1; nothing && value.Kind() == reflect.Struct {
			continue // an object of which all members are empty
		}
		dst = with
	}
	return append(dst, 0) // the end: no name is empty
}

func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}

func (o *optional) meaning(dst []byte, v reflect.Value) []byte { return o.node.meaning(dst, v) }

func (p *pointer) meaning(dst []byte, v reflect.Value) []byte { return p.node.meaning(dst, v.Elem()) }

func (l *list) meaning(dst []byte, v reflect.Value) []byte {
	dst = binary.AppendUvarint(dst, uint64(v.Len()))
	for _, element := range v.Seq2() {
		dst = l.node.meaning(dst, element)
	}
	return dst
}

func (m *dict) meaning(dst []byte, v reflect.Value) []byte {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	dst = binary.AppendUvarint(dst, uint64(len(keys)))
	for _, key := range keys {
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(v.MapIndex(key))
		dst = m.node.meaning(appendText(dst, key.String()), value)
	}
	return dst
}

func (t *text) meaning(dst []byte, v reflect.Value) []byte { return appendText(dst, v.String()) }

func (n *integer) meaning(dst []byte, v reflect.Value) []byte {
	if v.CanUint() {
		return binary.AppendUvarint(dst, v.Uint())
	}
	return binary.AppendVarint(dst, v.Int())
}

func (b boolean) meaning(dst []byte, v reflect.Value) []byte {
	if v.Bool() {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func (m moment) meaning(dst []byte, v reflect.Value) []byte {
	t := *v.Addr().Interface().(*time.Time)
	dst = binary.AppendVarint(dst, t.Unix())
	return binary.AppendUvarint(dst, uint64(t.Nanosecond()))
}

func (c *custom) meaning(dst []byte, v reflect.Value) []byte {
	s, _ := v.Addr().Interface().(encoding.TextMarshaler).MarshalText() // what was read can be written
	return appendText(dst, string(s))
}

func (scalar) meaning(dst []byte, v reflect.Value) []byte {
	s, _ := v.Addr().Interface().(json.Marshaler).MarshalJSON() // what was read can be written
	return appendText(dst, string(s))
}

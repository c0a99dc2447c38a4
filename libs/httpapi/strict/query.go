package strict

import (
	"net/url"
	"reflect"
	"slices"

	"github.com/songan-vn/songan/libs/httpapi/internal/fault"
)

// Query reads query strings into T, whose fields carry `query:"name"` or `query:"name,required"`.
//
// A parameter without a value counts as absent, and one that is given twice is a fault unless the field is a
// slice. Faults point to "/query/<name>".
type Query[T any] struct{ root *object }

// ForQuery compiles the plan for T, and panics like [For].
func ForQuery[T any]() *Query[T] {
	p := planner{tag: "query", known: map[reflect.Type]*object{}}
	o := p.object(reflect.TypeFor[T]())
	for _, f := range o.fields {
		if _, ok := leafOf(f.node); !ok {
			p.refuse(reflect.TypeFor[T](), "the parameter "+f.name+" is not a plain value or a list of them")
		}
	}
	return &Query[T]{root: o}
}

// Read returns the parameters; the error is a *problem.Problem.
func (q *Query[T]) Read(raw string) (T, error) {
	var v T
	if raw == "" && len(q.root.fields) == 0 {
		return v, nil
	}
	d := &decoding{path: []step{{name: "query"}}}
	values, err := url.ParseQuery(raw)
	if err != nil {
		d.fault(fault.MalformedQuery())
	}
	d.query(q.root, values, reflect.ValueOf(&v).Elem())
	if err := d.err(); err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

func (d *decoding) query(o *object, values url.Values, v reflect.Value) {
	for i := range o.fields {
		f := &o.fields[i]
		d.push(step{name: f.name})
		d.parameter(f, values[f.name], v.FieldByIndex(f.index))
		d.pop()
		delete(values, f.name)
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		d.strangeParameter(o, name)
	}
	if o.validates {
		d.validate(v)
	}
}

func (d *decoding) strangeParameter(o *object, name string) {
	if fault.Showable(name) {
		d.push(step{name: name})
		defer d.pop()
	}
	d.fault(fault.UnknownMember(fault.Nearest(name, o.names), fault.Showable(name)))
}

func (d *decoding) parameter(f *field, given []string, v reflect.Value) {
	given = slices.DeleteFunc(given, func(s string) bool { return s == "" })
	if len(given) == 0 && f.fallback != "" {
		given = []string{f.fallback}
	}
	l, _ := leafOf(f.node)
	isList := v.Kind() == reflect.Slice
	switch {
	case len(given) == 0 && f.required:
		d.fault(fault.Required())
	case len(given) > 1 && !isList:
		d.fault(fault.Duplicate())
	case len(given) > maxItems:
		d.fault(fault.WrongCount(0, maxItems))
	default:
		for _, s := range given {
			d.given(l, s, v)
		}
	}
}

// given parses one value, through pointers, and adds it if v is a list.
func (d *decoding) given(l leaf, s string, v reflect.Value) {
	if !d.clean(s) {
		return
	}
	switch v.Kind() {
	case reflect.Slice:
		element := reflect.New(v.Type().Elem()).Elem()
		l.parse(d, s, element)
		v.Set(reflect.Append(v, element))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		l.parse(d, s, v.Elem())
	default:
		l.parse(d, s, v)
	}
}

// leafOf returns what reads the plain value within a node.
func leafOf(n node) (leaf, bool) {
	switch n := n.(type) {
	case *optional:
		return leafOf(n.node)
	case *pointer:
		return leafOf(n.node)
	case *list:
		return leafOf(n.node)
	case leaf:
		return n, true
	}
	return nil, false
}

package strict

import (
	"bytes"
	"reflect"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/songan-vn/songan/libs/httpapi/internal/fault"
	"github.com/songan-vn/songan/libs/problem"
)

// optional reads what may be absent: null leaves the zero value.
type optional struct{ node node }

func (o *optional) read(d *decoding, v reflect.Value) {
	if !d.null() {
		o.node.read(d, v)
	}
}

// pointer reads what a pointer points to.
type pointer struct{ node node }

func (p *pointer) read(d *decoding, v reflect.Value) {
	target := reflect.New(v.Type().Elem())
	before := len(d.faults)
	p.node.read(d, target.Elem())
	if _, isObject := p.node.(*object); isObject || len(d.faults) == before {
		v.Set(target) // an object with faults is there all the same
	}
}

// list reads slices.
type list struct {
	node        node
	least, most int
}

func (l *list) read(d *decoding, v reflect.Value) {
	if !d.enter(jsontext.KindBeginArray, fault.NoList) {
		return
	}
	n := 0
	items := reflect.MakeSlice(v.Type(), 0, 0)
	for ; d.more(jsontext.KindEndArray); n++ {
		if n >= l.most {
			d.skip()
			continue
		}
		items = reflect.Append(items, reflect.Zero(v.Type().Elem()))
		d.push(step{index: n})
		l.node.read(d, items.Index(n))
		d.pop()
	}
	if !d.over() && (n < l.least || n > l.most) {
		d.fault(fault.WrongCount(l.least, l.most))
	}
	v.Set(items)
}

// dict reads maps from texts to anything.
type dict struct{ node node }

func (m *dict) read(d *decoding, v reflect.Value) {
	if !d.enter(jsontext.KindBeginObject, fault.NoObject) {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for d.more(jsontext.KindEndObject) {
		name, ok := d.text()
		if d.broken {
			return
		}
		if !ok || v.Len() >= maxItems {
			d.skip()
			continue
		}
		m.entry(d, name, v)
	}
}

func (m *dict) entry(d *decoding, name string, v reflect.Value) {
	if fault.Showable(name) {
		d.push(step{name: name})
		defer d.pop()
	}
	key := reflect.ValueOf(name).Convert(v.Type().Key())
	if v.MapIndex(key).IsValid() {
		d.fault(fault.Duplicate())
		d.skip()
		return
	}
	value := reflect.New(v.Type().Elem()).Elem()
	m.node.read(d, value)
	v.SetMapIndex(key, value)
}

// object reads structs.
type object struct {
	fields    []field
	byName    map[string]int
	names     []string
	validates bool
}

// field is one member of an object of ours.
type field struct {
	name     string
	index    []int // through embedded structs
	node     node
	required bool
	fallback string // of a query parameter
}

// seen marks which fields stood in the document.
type seen [maxFields / 64]uint64

func (s *seen) mark(i int) (again bool) {
	bit := uint64(1) << (i % 64)
	again = s[i/64]&bit != 0
	s[i/64] |= bit
	return again
}

func (s *seen) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (o *object) read(d *decoding, v reflect.Value) {
	if !d.enter(jsontext.KindBeginObject, fault.NoObject) {
		return
	}
	var found seen
	for d.more(jsontext.KindEndObject) {
		o.member(d, v, &found)
	}
	if d.over() {
		return
	}
	o.finish(d, v, &found)
}

// member reads one name and its value.
func (o *object) member(d *decoding, v reflect.Value, found *seen) {
	raw, ok := d.raw()
	if !ok {
		return
	}
	i, known := o.lookup(raw)
	if !known {
		o.stranger(d, raw)
		return
	}
	f := &o.fields[i]
	d.push(step{name: f.name})
	defer d.pop()
	if found.mark(i) {
		d.fault(fault.Duplicate())
		d.skip()
		return
	}
	f.node.read(d, v.FieldByIndex(f.index))
}

// lookup finds a field by its name as it was written, without allocating for the usual case.
func (o *object) lookup(raw jsontext.Value) (int, bool) {
	if bytes.IndexByte(raw, '\\') < 0 {
		i, known := o.byName[string(raw[1:len(raw)-1])]
		return i, known
	}
	name, _ := unquote(raw)
	i, known := o.byName[name]
	return i, known
}

// stranger deals with a member that the type does not have.
func (o *object) stranger(d *decoding, raw jsontext.Value) {
	name, _ := unquote(raw)
	if name == d.refName && name != "" && len(d.path) == 0 {
		d.readRef()
		return
	}
	if fault.Showable(name) {
		d.push(step{name: name})
		defer d.pop()
	}
	d.fault(fault.UnknownMember(fault.Nearest(name, o.names), fault.Showable(name)))
	d.skip()
}

// readRef reads the text by which the sender of a batch knows the item again.
func (d *decoding) readRef() {
	d.push(step{name: d.refName})
	defer d.pop()
	if d.null() {
		return
	}
	s, ok := d.text()
	if !ok {
		return
	}
	if !fault.VisibleASCII(s, fault.MaxRef) {
		d.fault(fault.InvalidRef())
		return
	}
	d.ref = s
}

// finish looks for what is missing, and then at the rules of the type itself.
func (o *object) finish(d *decoding, v reflect.Value, found *seen) {
	for i := range o.fields {
		if o.fields[i].required && !found.has(i) {
			d.push(step{name: o.fields[i].name})
			d.fault(fault.Required())
			d.pop()
		}
	}
	if o.validates {
		d.validate(v)
	}
}

// validate reports what the type itself finds, except about places that are at fault already.
func (d *decoding) validate(v reflect.Value) {
	var own problem.Faults
	v.Addr().Interface().(Validator).Validate(&own)
	if len(own) > 0 {
		d.faults = also(d.faults, d.pointer(), own)
	}
}

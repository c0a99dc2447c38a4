package strict

import (
	"encoding"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/songan-vn/songan/libs/httpapi/internal/fault"
	"github.com/songan-vn/songan/libs/httpapi/internal/form"
	"github.com/songan-vn/songan/libs/problem"
)

// reading is what reads a part of a document.
type reading interface {
	read(d *decoding, v reflect.Value)
}

// node reads one value of one type from JSON.
type node interface {
	reading
	// meaning appends what a value means; see [Reader.AppendMeaning].
	meaning(dst []byte, v reflect.Value) []byte
}

// leaf is a node without children; it can be read from a query string as well.
type leaf interface {
	node
	parse(d *decoding, s string, v reflect.Value)
}

// text reads strings, also named ones.
type text struct {
	required  bool
	enum      []string
	format    string
	least     int
	most      int // 0 is without limit
	pattern   *regexp.Regexp
	described string // what the pattern asks for
}

func (t *text) read(d *decoding, v reflect.Value) {
	if s, ok := d.text(); ok {
		t.parse(d, s, v)
	}
}

func (t *text) parse(d *decoding, s string, v reflect.Value) {
	if f := t.check(s); f.Code != "" {
		d.fault(f)
		return
	}
	v.SetString(s)
}

// check returns the first thing that is wrong with s.
func (t *text) check(s string) problem.Fault {
	switch {
	case t.required && strings.TrimSpace(s) == "":
		return fault.Blank()
	case t.enum != nil && !slices.Contains(t.enum, s):
		return fault.NotListed(strings.Join(t.enum, ", "))
	case t.most > 0 && utf8.RuneCountInString(s) > t.most:
		return fault.TooLong(t.most)
	case utf8.RuneCountInString(s) < t.least:
		return fault.TooShort(t.least)
	case t.pattern != nil && !t.pattern.MatchString(s):
		return fault.WrongPattern(t.described)
	}
	return form.Date(t.format, s)
}

// integer reads whole numbers of any width, signed and unsigned.
type integer struct {
	least, most int64
	hint        string
}

func (n *integer) read(d *decoding, v reflect.Value) {
	if d.tokens.PeekKind() != jsontext.KindNumber {
		d.mismatch(fault.NoNumber)
		return
	}
	if raw, ok := d.raw(); ok {
		n.parse(d, string(raw), v)
	}
}

func (n *integer) parse(d *decoding, s string, v reflect.Value) {
	i, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil && !form.Whole(s):
		d.fault(fault.NoNumber())
	case err != nil, i < n.least, i > n.most:
		d.fault(fault.OutOfRange(n.hint))
	case v.CanUint():
		v.SetUint(uint64(i))
	default:
		v.SetInt(i)
	}
}

// boolean reads true and false.
type boolean struct{}

func (b boolean) read(d *decoding, v reflect.Value) {
	switch d.tokens.PeekKind() {
	case jsontext.KindTrue, jsontext.KindFalse:
		if raw, ok := d.raw(); ok {
			v.SetBool(raw.Kind() == jsontext.KindTrue)
		}
	default:
		d.mismatch(fault.NoBool)
	}
}

func (b boolean) parse(d *decoding, s string, v reflect.Value) {
	if s != "true" && s != "false" {
		d.fault(fault.NoBool())
		return
	}
	v.SetBool(s == "true")
}

// moment reads time.Time.
type moment struct{}

func (m moment) read(d *decoding, v reflect.Value) {
	if s, ok := d.text(); ok {
		m.parse(d, s, v)
	}
}

func (m moment) parse(d *decoding, s string, v reflect.Value) {
	t, f := form.Instant(s)
	if f.Code != "" {
		d.fault(f)
		return
	}
	v.Set(reflect.ValueOf(t))
}

// custom reads types that know how they are written as text.
type custom struct{ form text }

func (c *custom) read(d *decoding, v reflect.Value) {
	if s, ok := d.text(); ok {
		c.parse(d, s, v)
	}
}

func (c *custom) parse(d *decoding, s string, v reflect.Value) {
	if f := c.form.check(s); f.Code != "" {
		d.fault(f)
		return
	}
	if s == "" { // optional: the same as absent
		return
	}
	if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
		d.fault(faultOf(err))
		v.SetZero()
	}
}

// scalar reads types that know how they are written as one JSON number, string or literal.
type scalar struct{}

func (scalar) read(d *decoding, v reflect.Value) {
	switch d.tokens.PeekKind() {
	case jsontext.KindBeginObject, jsontext.KindBeginArray, jsontext.KindNull, jsontext.KindInvalid:
		d.mismatch(fault.InvalidValue)
		return
	}
	raw, ok := d.raw()
	if !ok {
		return
	}
	if raw.Kind() == jsontext.KindString {
		s, valid := unquote(raw)
		if !valid {
			d.fault(fault.InvalidUTF8())
			return
		}
		if !d.clean(s) {
			return
		}
	}
	if err := v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(raw); err != nil {
		d.fault(faultOf(err))
		v.SetZero()
	}
}

// faultOf takes over what a type says about its text, if it says it in our vocabulary. Any other error may
// quote the value.
func faultOf(err error) problem.Fault {
	p, ok := problem.Of(err)
	if !ok {
		return fault.InvalidValue()
	}
	if len(p.Faults) > 0 {
		return p.Faults[0]
	}
	return problem.Fault{Code: p.Code, Message: p.Detail, MessageVI: p.DetailVI}
}

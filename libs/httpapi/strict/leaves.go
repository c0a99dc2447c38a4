package strict

import (
	"encoding"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/songan-vn/songan/libs/httpapi/internal/fault"
	"github.com/songan-vn/songan/libs/problem"
)

// node reads one value of one type from JSON.
type node interface {
	read(d *decoding, v reflect.Value)
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
	return checkDate(t.format, s)
}

// checkDate checks formats of calendar days. Other formats are documentation.
func checkDate(format, s string) problem.Fault {
	const layout, hint = "2006-01-02", "YYYY-MM-DD, such as 2026-11-21"
	switch format {
	case "date":
		if !hasShape(s, layout) {
			return fault.InvalidDate(hint)
		}
	case "partial-date":
		if !hasShape(s, layout[:4]) && !hasShape(s, layout[:7]) && !hasShape(s, layout) {
			return fault.InvalidDate("YYYY-MM-DD, or YYYY-MM, or YYYY when no more is known")
		}
	default:
		return problem.Fault{}
	}
	day, err := time.Parse(layout[:len(s)], s)
	if err != nil {
		return fault.ImpossibleDate()
	}
	return checkYear(day)
}

func checkYear(t time.Time) problem.Fault {
	if t.Year() < fault.FirstYear || t.Year() > fault.LastYear {
		return fault.DateRange()
	}
	return problem.Fault{}
}

// hasShape tells whether s has digits where layout has, and the same everywhere else.
func hasShape(s, layout string) bool {
	if len(s) != len(layout) {
		return false
	}
	for i := range len(s) {
		isDigit, wanted := '0' <= s[i] && s[i] <= '9', '0' <= layout[i] && layout[i] <= '9'
		if isDigit != wanted || !wanted && s[i] != layout[i] {
			return false
		}
	}
	return true
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
	case err != nil && !isWhole(s):
		d.fault(fault.NoNumber())
	case err != nil, i < n.least, i > n.most:
		d.fault(fault.OutOfRange(n.hint))
	case v.CanUint():
		v.SetUint(uint64(i))
	default:
		v.SetInt(i)
	}
}

// isWhole tells whether s is a whole number, perhaps one that is too large for us.
func isWhole(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
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
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); err != nil || !isInstant(s) {
		if len(s) >= 10 && hasShape(s[:10], "2006-01-02") && checkDate("date", s[:10]).Code == "impossible_date" {
			d.fault(fault.ImpossibleDate())
			return
		}
		d.fault(fault.InvalidTime())
		return
	}
	if f := checkYear(t); f.Code != "" {
		d.fault(f)
		return
	}
	v.Set(reflect.ValueOf(t))
}

// isInstant tells whether s is written as RFC 3339 has it. [time.Time.UnmarshalText] is not that strict (go.dev/issue/54580):
// it takes hours of one digit, commas and offsets of a whole day, with which an answer could not be written.
func isInstant(s string) bool {
	const layout = "2006-01-02T15:04:05"
	if len(s) <= len(layout) || !hasShape(s[:len(layout)], layout) {
		return false
	}
	zone := s[len(layout):]
	if fraction, ok := strings.CutPrefix(zone, "."); ok {
		zone = strings.TrimLeft(fraction, "0123456789")
		if len(zone) == len(fraction) {
			return false
		}
	}
	return zone == "Z" || isOffset(zone)
}

// isOffset tells whether s is an offset that some place on Earth has, or could have.
func isOffset(s string) bool {
	const most = "14:00"
	if len(s) != len("+")+len(most) || s[0] != '+' && s[0] != '-' {
		return false
	}
	return hasShape(s[1:], most) && s[1:] <= most && s[4] < '6'
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

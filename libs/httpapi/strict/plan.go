package strict

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/songan-vn/songan/libs/httpapi/internal/fault"
)

// planner compiles types. It keeps the objects that it has met, so that a type may contain itself.
type planner struct {
	tag   string // "json" or "query"
	known map[reflect.Type]*object
}

// constraints is what the tags of a field say about its value.
type constraints struct {
	required bool
	tag      reflect.StructTag
}

// node plans a type, or panics with what is wrong with it: the programmer reads that at the first start.
func (p *planner) node(t reflect.Type, c constraints) node {
	n := p.bare(t, c)
	if c.required {
		return n
	}
	return &optional{n}
}

func (p *planner) bare(t reflect.Type, c constraints) node {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return moment{}
	case t.Kind() == reflect.Pointer:
		if c.required {
			p.refuse(t, "a pointer may be nil, so its field needs omitzero")
		}
		return &pointer{p.bare(t.Elem(), c)}
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		if p.tag == "json" && !reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			p.refuse(t, "what it means cannot be told, without MarshalText")
		}
		return &custom{form: *p.text(c)}
	case reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()):
		if p.tag == "json" && !reflect.PointerTo(t).Implements(reflect.TypeFor[json.Marshaler]()) {
			p.refuse(t, "what it means cannot be told, without MarshalJSON")
		}
		return scalar{}
	}
	return p.byKind(t, c)
}

func (p *planner) byKind(t reflect.Type, c constraints) node {
	element := constraints{required: true, tag: c.tag}
	switch t.Kind() {
	case reflect.String:
		return p.text(c)
	case reflect.Bool:
		return boolean{}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return p.integer(t, c)
	case reflect.Struct:
		return p.object(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			p.refuse(t, "bytes have no one way to be written")
		}
		return &list{p.node(t.Elem(), element), c.integer("minItems", 0), c.integer("maxItems", maxItems)}
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			p.refuse(t, "the names of a JSON object are texts")
		}
		return &dict{p.node(t.Elem(), element)}
	}
	p.refuse(t, "only texts, whole numbers, bool, times, structs, slices and maps have a strict reading")
	return nil
}

func (p *planner) refuse(t reflect.Type, why string) {
	panic(fmt.Sprintf("strict: %s cannot be read: %s", t, why)) //nolint:forbidigo // a type of ours, met at start, not input
}

func (p *planner) text(c constraints) *text {
	t := &text{
		required: c.required, format: c.tag.Get("format"), described: c.tag.Get("patternDescription"),
		least: c.integer("minLength", 0), most: c.integer("maxLength", 0),
	}
	if enum := c.tag.Get("enum"); enum != "" {
		t.enum = strings.Split(enum, ",")
	}
	if pattern := c.tag.Get("pattern"); pattern != "" {
		t.pattern = regexp.MustCompile(pattern)
	}
	return t
}

func (p *planner) integer(t reflect.Type, c constraints) *integer {
	least, most := int64(math.MinInt64), int64(math.MaxInt64)
	if t.Bits() < 64 {
		least, most = -1<<(t.Bits()-1), 1<<(t.Bits()-1)-1
	}
	if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 {
		least = 0
		if t.Bits() < 64 {
			most = 1<<t.Bits() - 1
		}
	}
	least, most = max(least, c.integer64("minimum", least)), min(most, c.integer64("maximum", most))
	return &integer{least: least, most: most, hint: fmt.Sprintf("from %d to %d", least, most)}
}

func (c constraints) integer(name string, fallback int) int {
	return int(c.integer64(name, int64(fallback)))
}

func (c constraints) integer64(name string, fallback int64) int64 {
	s, ok := c.tag.Lookup(name)
	if !ok {
		return fallback
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("strict: the tag %s is not a whole number", name)) //nolint:forbidigo // a tag of ours, met at start
	}
	return n
}

func (p *planner) object(t reflect.Type) *object {
	if o, ok := p.known[t]; ok {
		return o
	}
	o := &object{byName: map[string]int{}, validates: reflect.PointerTo(t).Implements(reflect.TypeFor[Validator]())}
	p.known[t] = o
	p.addFields(o, t, nil)
	if len(o.fields) > maxFields {
		p.refuse(t, fmt.Sprintf("more than %d fields", maxFields))
	}
	return o
}

// addFields adds the fields of t, which stands at index in the object: embedded structs lend theirs.
func (p *planner) addFields(o *object, t reflect.Type, index []int) {
	for f := range t.Fields() {
		at := append(append([]int{}, index...), f.Index...)
		tag, tagged := f.Tag.Lookup(p.tag)
		switch {
		case f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct:
			p.addFields(o, f.Type, at)
		case !f.IsExported() || tag == "-":
		case !tagged:
			p.refuse(t, "the field "+f.Name+" has no tag "+p.tag)
		default:
			p.addField(o, f, at)
		}
	}
}

func (p *planner) addField(o *object, f reflect.StructField, index []int) {
	name, options, _ := strings.Cut(f.Tag.Get(p.tag), ",")
	c := constraints{required: !strings.Contains(options, "omitzero") && !strings.Contains(options, "omitempty"), tag: f.Tag}
	if p.tag == "query" {
		c.required = options == "required"
	}
	if _, taken := o.byName[name]; taken || !fault.Showable(name) {
		p.refuse(f.Type, "the field "+f.Name+" has no name of its own, or not one of letters, _ and -")
	}
	o.byName[name] = len(o.fields)
	o.names = append(o.names, name)
	o.fields = append(o.fields, field{
		name: name, index: index, node: p.node(f.Type, c), required: c.required, fallback: f.Tag.Get("default"),
	})
}

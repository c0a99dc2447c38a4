package strict

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/songan-vn/songan/libs/httpapi/internal/fault"
	"github.com/songan-vn/songan/libs/problem"
)

// decoding is the state of reading one document.
type decoding struct {
	source  bytes.Buffer
	tokens  *jsontext.Decoder
	data    []byte
	path    []step
	faults  problem.Faults
	broken  bool // the JSON ends here: nothing that follows can be read
	refName string
	ref     string
}

// step is one part of the pointer to where the reader stands: a name of ours, or a place in a list.
type step struct {
	name  string
	index int
}

func newDecoding() *decoding {
	d := &decoding{}
	d.tokens = jsontext.NewDecoder(&d.source)
	return d
}

// reset starts a new document. What jsontext would stop at (repeated names, broken UTF-8) is allowed there
// and found here, where reading can go on.
func (d *decoding) reset(data []byte, refName string) {
	d.source = *bytes.NewBuffer(data)
	d.tokens.Reset(&d.source, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	d.data, d.path, d.faults, d.broken, d.refName, d.ref = data, d.path[:0], nil, false, refName, ""
}

// document reads the whole of the data, and nothing may follow it.
func (d *decoding) document(root reading, v reflect.Value) {
	switch {
	case blank(d.data):
		d.stop(fault.BodyMissing())
		return
	case hasByteOrderMark(d.data):
		d.stop(fault.WrongEncoding())
		return
	}
	root.read(d, v)
	if d.over() {
		return
	}
	if _, err := d.tokens.ReadToken(); !errors.Is(err, io.EOF) {
		d.path = d.path[:0]
		d.stop(fault.TrailingData())
	}
}

func blank(data []byte) bool {
	for _, c := range data {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// hasByteOrderMark tells whether data starts as UTF-16, UTF-32 or marked UTF-8 does.
func hasByteOrderMark(data []byte) bool {
	return bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) || bytes.HasPrefix(data, []byte("\xff\xfe")) ||
		bytes.HasPrefix(data, []byte("\xfe\xff")) || bytes.IndexByte(data[:min(4, len(data))], 0) >= 0
}

func (d *decoding) err() error {
	err := d.faults.Err()
	if p, ok := problem.Of(err); ok && d.broken {
		p.Kind, p.Code = problem.Malformed, "malformed_body"
		p.Detail, p.DetailVI = "the body cannot be read", "không đọc được nội dung gửi lên"
	}
	return err
}

// fault notes what is wrong at the place where the reader stands.
func (d *decoding) fault(f problem.Fault) { d.faultAt(d.pointer(), f) }

func (d *decoding) faultAt(pointer string, f problem.Fault) { d.faults = limited(d.faults, pointer, f) }

// limited adds a fault, unless there are too many.
func limited(faults problem.Faults, pointer string, f problem.Fault) problem.Faults {
	switch {
	case len(faults) < fault.MaxFaults:
		faults.At(pointer, f)
	case len(faults) == fault.MaxFaults:
		faults.At("", fault.TooMany())
	}
	return faults
}

// also adds what rules find in a value that stands at a place, except about places that are at fault already.
func also(known problem.Faults, at string, found problem.Faults) problem.Faults {
	all := known
	for _, f := range found {
		place := at + f.Pointer
		if !slices.ContainsFunc(known, func(k problem.Fault) bool { return covers(k.Pointer, place) }) {
			all = limited(all, place, f)
		}
	}
	return all
}

// covers tells whether place is pointer or lies beneath it. The whole document covers only itself.
func covers(pointer, place string) bool {
	return place == pointer || pointer != "" && strings.HasPrefix(place, pointer+"/")
}

// over tells whether there is no use in reading on: the JSON has broken off, or there are more faults than anybody reads.
func (d *decoding) over() bool { return d.broken || len(d.faults) > fault.MaxFaults }

// readThrough tells whether the document is an object that was read to its end.
func (d *decoding) readThrough() bool {
	return !d.over() && bytes.HasPrefix(bytes.TrimLeft(d.data, " \t\r\n"), []byte("{"))
}

// stop notes a fault after which nothing can be read any more.
func (d *decoding) stop(f problem.Fault) {
	d.faultAt("", f)
	d.broken = true
}

// breakOff says where the JSON breaks off. The text of jsontext's own error is not used: it quotes the input.
func (d *decoding) breakOff(err error) {
	offset := int64(len(d.data))
	if at, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = min(at.ByteOffset, offset)
	}
	before := d.data[:offset]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[1+bytes.LastIndexByte(before, '\n'):])
	d.stop(fault.Malformed(line, column))
}

func (d *decoding) pointer() string {
	if len(d.path) == 0 {
		return ""
	}
	var b strings.Builder
	for _, s := range d.path {
		b.WriteByte('/')
		if s.name == "" {
			b.WriteString(strconv.Itoa(s.index))
			continue
		}
		b.WriteString(s.name) // ours, or one that looks as ours do: nothing to escape
	}
	return b.String()
}

func (d *decoding) push(s step) { d.path = append(d.path, s) }
func (d *decoding) pop()        { d.path = d.path[:len(d.path)-1] }

// raw returns the next value as it was written. It is valid until the next call.
func (d *decoding) raw() (jsontext.Value, bool) {
	raw, err := d.tokens.ReadValue()
	if err != nil {
		d.breakOff(err)
		return nil, false
	}
	return raw, true
}

// token moves over the next token.
func (d *decoding) token() bool {
	if _, err := d.tokens.ReadToken(); err != nil {
		d.breakOff(err)
		return false
	}
	return true
}

// enter goes into an object or a list, unless something else stands there.
func (d *decoding) enter(open jsontext.Kind, wrong func() problem.Fault) bool {
	if d.tokens.PeekKind() != open {
		d.mismatch(wrong)
		return false
	}
	if d.tokens.StackDepth() >= fault.MaxDepth {
		d.skip()
		return false
	}
	return d.token()
}

// more tells whether another member or element follows; it moves over the end of the object or list.
func (d *decoding) more(end jsontext.Kind) bool {
	if d.over() {
		return false
	}
	switch d.tokens.PeekKind() {
	case end:
		d.token()
		return false
	case jsontext.KindInvalid:
		d.token() // says what is wrong
		return false
	}
	return true
}

// null moves over a null, if that is what stands there.
func (d *decoding) null() bool {
	return d.tokens.PeekKind() == jsontext.KindNull && d.token()
}

// mismatch notes that something of another type stands here, and moves over it.
func (d *decoding) mismatch(wrong func() problem.Fault) {
	switch d.tokens.PeekKind() {
	case jsontext.KindBeginObject, jsontext.KindBeginArray:
		d.fault(wrong())
		d.skip()
	case jsontext.KindNull:
		if d.token() {
			d.fault(fault.Required())
		}
	default:
		if d.token() { // else it is no value at all, and that was said
			d.fault(wrong())
		}
	}
}

// skip moves over a value that nobody reads, and notes when it is too deep.
func (d *decoding) skip() {
	start, deep := d.tokens.StackDepth(), false
	for !d.broken {
		if d.tokens.StackDepth() > fault.MaxDepth && !deep {
			deep = true
			d.fault(fault.TooDeep())
		}
		if !d.token() || d.tokens.StackDepth() <= start {
			return
		}
	}
}

// text returns the string that stands here, when it is one that can be stored.
func (d *decoding) text() (string, bool) {
	if d.tokens.PeekKind() != jsontext.KindString {
		d.mismatch(fault.NoText)
		return "", false
	}
	raw, ok := d.raw()
	if !ok {
		return "", false
	}
	s, valid := unquote(raw)
	if !valid {
		d.fault(fault.InvalidUTF8())
		return "", false
	}
	return s, d.clean(s)
}

// clean notes what no text may contain.
func (d *decoding) clean(s string) bool {
	switch {
	case strings.IndexByte(s, 0) >= 0:
		d.fault(fault.NUL())
	case !utf8.ValidString(s):
		d.fault(fault.InvalidUTF8())
	default:
		return true
	}
	return false
}

// unquote returns the text of a JSON string; false for broken UTF-8 and for halves of surrogate pairs.
func unquote(raw jsontext.Value) (string, bool) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	s, err := jsontext.AppendUnquote(nil, raw)
	return string(s), err == nil
}

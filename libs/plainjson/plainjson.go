// Package plainjson writes plain values as JSON, in half of the time that the libraries take whose output it writes: every
// notice is written three times, as a fact, as a sealed person and as an answer, which was a ninth of what accepting it cost.
//
//  1. Plain are structs (of tagged fields), slices and pointers of texts, signed integers, booleans and times.
//  2. Whatever is not plain, be it a type or a single character, is left to the library, as a whole: the output is the same
//     to the byte, or the same error.
//  3. There is no code to be generated and nothing unsafe: types are looked at once, values by reflection.
package plainjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"

	jsonv2 "github.com/go-json-experiment/json"
)

// Encoder writes as one of two libraries does. It is safe for concurrent use, and to be kept: it remembers types.
type Encoder struct {
	style
	slow    func(v any) ([]byte, error)
	known   sync.Map  // reflect.Type to writer; nil if the type is not plain
	scratch sync.Pool // *[]byte
}

// style is in what the libraries differ about plain values.
type style struct {
	is         *[256]byte // what the bytes of a text are
	nilIsEmpty bool       // a slice that is nil is [], not null
}

const mostScratch = 64 << 10 // bytes that are kept for the next value

// writer appends a value of one type.
type writer func(b []byte, v reflect.Value) ([]byte, error)

// errNotPlain says that the library has to write this value.
var errNotPlain = errors.New("the value is not plain")

// Standard returns an encoder that writes as encoding/json does.
func Standard() *Encoder {
	return &Encoder{style: style{is: bytesOf(true)}, slow: json.Marshal}
}

// Strict returns an encoder that writes as version 2 of it does (go-json-experiment), maps sorted.
func Strict() *Encoder {
	return &Encoder{style: style{is: bytesOf(false), nilIsEmpty: true}, slow: func(v any) ([]byte, error) {
		return jsonv2.Marshal(v, jsonv2.Deterministic(true))
	}}
}

// Append appends v to b. When it fails, what stands behind b is of no use. The error is the library's, and may quote v.
func (e *Encoder) Append(b []byte, v any) ([]byte, error) {
	if v == nil {
		return e.leave(b, v)
	}
	write := e.writerOf(reflect.TypeOf(v))
	if write == nil {
		return e.leave(b, v)
	}
	longer, err := write(b, reflect.ValueOf(v))
	if err != nil {
		return e.leave(b, v)
	}
	return longer, nil
}

// Marshal returns v in memory of its own.
func (e *Encoder) Marshal(v any) ([]byte, error) {
	scratch, ok := e.scratch.Get().(*[]byte)
	if !ok {
		scratch = &[]byte{}
	}
	text, err := e.Append((*scratch)[:0], v)
	if err != nil {
		return nil, err
	}
	own := bytes.Clone(text)
	clear(text) // it may have been a person
	if cap(text) <= mostScratch {
		*scratch = text
		e.scratch.Put(scratch)
	}
	return own, nil
}

// Plain tells whether values like v are written here, unless a text in them is odd.
func (e *Encoder) Plain(v any) bool { return e.writerOf(reflect.TypeOf(v)) != nil }

// leave leaves v to the library.
func (e *Encoder) leave(b []byte, v any) ([]byte, error) {
	text, err := e.slow(v)
	if err != nil {
		return b, fmt.Errorf("write %T as JSON: %w", v, err)
	}
	return append(b, text...), nil
}

func (e *Encoder) writerOf(t reflect.Type) writer {
	if known, ok := e.known.Load(t); ok {
		return known.(writer)
	}
	w := e.look(t, nil)
	e.known.Store(t, w)
	return w
}

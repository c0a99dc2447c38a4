// Package strict reads JSON bodies and query strings into Go types, and says everything that is wrong with
// them at once.
//
// One pass does it all: a tokenizer (jsontext) runs once over the bytes, a plan that was compiled from the Go
// type says what may stand where. There is no quick way for good bodies and another for bad ones, hence
// nothing that the two could disagree about.
//
//  1. `json:"name"` is required, `json:"name,omitzero"` is optional; null means absent. A required text is not blank.
//  2. Field tags narrow a value, and are the same that the OpenAPI document is made of: enum, format (date,
//     partial-date), minLength, maxLength (in characters), pattern, minimum, maximum, minItems, maxItems.
//  3. Unknown and repeated members, wrong types, NUL characters and broken UTF-8 are faults. The first of two
//     equal members is read.
//  4. A struct on any level may implement [Validator]. Its faults are reported together with those of the
//     format; what it says about a place that is at fault already is dropped.
//  5. A value that was sent never appears in a fault. Names of members do only if they look like names.
//  6. What could be read of an object with faults is kept beside them ([Faulty]), so that rules that need more than the
//     body (a clock, another record) are asked about it as well and answered together with the rest.
//  7. A body of another nesting than the type is walked, not followed: no depth, length or number of faults
//     is without a limit.
package strict

import (
	"reflect"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/songan-vn/songan/libs/httpapi/internal/fault"
	"github.com/songan-vn/songan/libs/problem"
)

// The limits of one document. Its length in bytes is the caller's to limit.
const (
	maxItems  = 10_000
	maxFields = 128 // of one object of ours
)

// Validator is implemented by types with rules of their own.
//
// Validate adds what is wrong, with pointers that start at the value itself ("/number"). It says nothing about
// zero fields: they are optional, or the reader has spoken about them already. For the same reason it compares
// two fields only when both are there. With a pointer as receiver it may also write a good field in the one form in which it is
// kept, which it has at hand: what is read, and what it means ([Reader.AppendMeaning]), is then that form.
type Validator interface{ Validate(*problem.Faults) }

// Reader reads JSON documents into T. It is safe for concurrent use.
type Reader[T any] struct {
	root node
	ref  string
	pool sync.Pool
}

// For compiles the plan for T. It panics on a type that cannot be read strictly (a float, an interface, an
// optional pointer without omitzero), which the first test of the route finds.
func For[T any]() *Reader[T] {
	p := planner{tag: "json", known: map[reflect.Type]*object{}}
	return &Reader[T]{root: p.node(reflect.TypeFor[T](), constraints{required: true}), pool: pool()}
}

// WithRef returns a reader whose top object may have one member more: a text by which the sender knows the
// item again, at most 64 visible ASCII characters, returned by [Reader.ReadItem].
func (r *Reader[T]) WithRef(name string) *Reader[T] {
	return &Reader[T]{root: r.root, ref: name, pool: pool()}
}

func pool() sync.Pool { return sync.Pool{New: func() any { return newDecoding() }} }

// Read returns the document that data holds. The error is always a problem: Malformed when data is not JSON, Invalid
// when it is JSON of another shape; a [Faulty] holds what of it could be read. Data may be used again afterwards.
func (r *Reader[T]) Read(data []byte) (T, error) {
	v, _, err := r.ReadItem(data)
	return v, err
}

// ReadItem is [Reader.Read] for an item of a batch; ref is there even if the item has faults.
func (r *Reader[T]) ReadItem(data []byte) (value T, ref string, err error) {
	d := r.pool.Get().(*decoding)
	defer r.pool.Put(d)
	d.reset(data, r.ref)
	var v T
	d.document(r.root, reflect.ValueOf(&v).Elem())
	if len(d.faults) == 0 {
		return v, d.ref, nil
	}
	if err = d.err(); d.readThrough() {
		err = &Faulty[T]{Value: v, err: err}
	}
	var zero T
	return zero, d.ref, err
}

// Elements takes a JSON array apart without reading its elements: they are parts of data. At most so many are
// allowed. The error is a *problem.Problem.
func Elements(data []byte, most int) ([]jsontext.Value, error) {
	d := newDecoding()
	d.reset(data, "")
	var elements elementList
	elements.most = most
	d.document(&elements, reflect.Value{})
	if elements.over {
		return nil, problem.New(problem.TooLarge, "batch_too_large",
			"there are more items than one request may have; send lines of JSON (application/x-ndjson) instead",
			"số mục vượt quá giới hạn của một yêu cầu; hãy gửi từng dòng JSON (application/x-ndjson)")
	}
	return elements.values, d.err()
}

// elementList notes where the elements of an array stand.
type elementList struct {
	values []jsontext.Value
	most   int
	over   bool
}

func (l *elementList) read(d *decoding, _ reflect.Value) {
	if !d.enter(jsontext.KindBeginArray, fault.NoList) {
		return
	}
	for d.more(jsontext.KindEndArray) {
		raw, ok := d.raw()
		if !ok {
			return
		}
		if l.over = len(l.values) == l.most; l.over {
			d.broken = true // enough is enough
			return
		}
		end := d.tokens.InputOffset()
		l.values = append(l.values, d.data[end-int64(len(raw)):end])
	}
}

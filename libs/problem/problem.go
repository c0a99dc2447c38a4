// Package problem is the one vocabulary of refusals that a caller may see.
//
// A refusal has a kind (what can the caller do about it), a stable code, and texts in English and Vietnamese.
// Texts are fixed: there is deliberately no way to format a value into them, because the value may be somebody's
// name or number and a refusal ends up on screens, in logs and in other people's systems. Which field is
// wrong is said by a JSON pointer (RFC 6901). httpapi alone knows which status code a kind has.
package problem

import (
	"errors"
	"time"
)

// Kind says what a caller can do about a refusal.
type Kind uint8

// The kinds. Everything that is not a *Problem is Internal.
const (
	Internal         Kind = iota // our fault; try again later
	Malformed                    // not what the format allows: cannot even be read
	Invalid                      // readable, but fields are wrong: see Faults
	Unauthenticated              // nobody said who they are
	Forbidden                    // known, but not allowed
	NotFound                     // no such thing, or not yours
	Conflict                     // somebody else was faster; load again and decide again
	Rejected                     // a rule of the domain forbids it in the present state
	TooLarge                     // more than the limit
	UnsupportedMedia             // a content type or encoding that is not read here
	TooMany                      // slow down; see RetryAfter
	Unavailable                  // overloaded or a dependency is away; see RetryAfter
	TimedOut                     // the caller was too slow, or the wait too long
)

// Problem is a refusal.
type Problem struct {
	Kind Kind
	// Code is stable and machine-readable: "idempotency_key_reused".
	Code string
	// Detail and DetailVI are fixed texts for people. They never hold a value from the request.
	Detail   string
	DetailVI string
	// Faults lists everything that is wrong with the body, at once.
	Faults []Fault
	// RetryAfter says when trying again is worth it; 0 when the caller has to change something.
	RetryAfter time.Duration
}

// Fault is one thing that is wrong at one place of the body.
type Fault struct {
	// Pointer is a JSON pointer, "/guest/document/number"; "" is the whole body.
	Pointer   string `json:"pointer"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	MessageVI string `json:"message_vi"`
	// Hint says what to do about it, when that is not obvious.
	Hint string `json:"hint,omitempty"`
}

// Error returns the code and the fixed detail; faults are counted, never spelled out.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// Is makes errors.Is compare codes, so that tests and callers never match on text.
func (p *Problem) Is(target error) bool {
	t, ok := target.(*Problem)
	return ok && t.Code == p.Code
}

// Reject says that a rule of the domain forbids the command in the present state.
func Reject(code, detail, detailVI string) error {
	return &Problem{Kind: Rejected, Code: code, Detail: detail, DetailVI: detailVI}
}

// New returns a refusal of another kind.
func New(kind Kind, code, detail, detailVI string) error {
	return &Problem{Kind: kind, Code: code, Detail: detail, DetailVI: detailVI}
}

// Of returns the problem in err's chain.
func Of(err error) (*Problem, bool) { return errors.AsType[*Problem](err) }

// CodeOf returns the code of the problem in err's chain, or "internal".
func CodeOf(err error) string {
	if p, ok := Of(err); ok {
		return p.Code
	}
	return "internal"
}

// Faults collects everything that is wrong with a body, so that the caller hears it all at once.
type Faults []Fault

// At adds a fault at a JSON pointer.
func (f *Faults) At(pointer string, fault Fault) {
	fault.Pointer = pointer
	*f = append(*f, fault)
}

// Err returns a problem of kind Invalid that lists the faults, or nil when there are none.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Problem{
		Kind: Invalid, Code: "invalid_body",
		Detail:   "the body has faults; every one of them is listed",
		DetailVI: "nội dung gửi lên có lỗi; tất cả lỗi được liệt kê",
		Faults:   f,
	}
}

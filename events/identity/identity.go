// Package identity declares the facts about checks of people against the national population database.
//
// Streams: "check-<person reference>". A person is named by the vault reference of the service that asked.
package identity

import "github.com/songan-vn/songan/events"

// Catalog lists every published fact of this package; logs and the bus decode only these.
func Catalog() []events.Event {
	return []events.Event{Matched{}, Mismatched{}, NotFound{}, Unavailable{}}
}

// Subject says who was checked, and for whom.
type Subject struct {
	// Person is the vault reference of the person in the asking service.
	Person string `json:"person"`
	// Service is the asking service: accommodation, accounts.
	Service string `json:"service"`
	// Stream is the asking stream, "notice-<id>"; the answer concerns it.
	Stream string `json:"stream"`
}

// What a check may come to, as those record it who asked.
const (
	ResultMatched     = "matched"
	ResultMismatched  = "mismatched"
	ResultNotFound    = "not_found"
	ResultUnavailable = "unavailable"
)

// Answer is what a check came to, whichever fact says it.
type Answer struct {
	Subject
	Result string
	// Fields are those of a mismatch.
	Fields []string
}

// AnswerOf reads the answer out of a fact; false if it is none of this package.
func AnswerOf(fact events.Event) (Answer, bool) {
	switch e := fact.(type) {
	case Matched:
		return Answer{Subject: e.Subject, Result: ResultMatched}, true
	case Mismatched:
		return Answer{Subject: e.Subject, Result: ResultMismatched, Fields: e.Fields}, true
	case NotFound:
		return Answer{Subject: e.Subject, Result: ResultNotFound}, true
	case Unavailable:
		return Answer{Subject: e.Subject, Result: ResultUnavailable}, true
	}
	return Answer{}, false
}

// Matched says that the register knows the number, and name, birth date and sex agree.
type Matched struct{ Subject }

// EventName is the fact's name in the log and on the bus.
func (Matched) EventName() string { return "identity.matched.v1" }

// Mismatched says that the register knows the number, but something differs.
type Mismatched struct {
	Subject
	// Fields names what differs: full_name, birth_date, sex. Never a value.
	Fields []string `json:"fields"`
}

// EventName is the fact's name in the log and on the bus.
func (Mismatched) EventName() string { return "identity.mismatched.v1" }

// NotFound says that the register does not know the number.
type NotFound struct{ Subject }

// EventName is the fact's name in the log and on the bus.
func (NotFound) EventName() string { return "identity.not_found.v1" }

// Unavailable says that the person cannot be checked: no document that the register knows, or the
// person was erased before the check.
type Unavailable struct {
	Subject
	// Reason is document_not_in_register or person_erased.
	Reason string `json:"reason"`
}

// EventName is the fact's name in the log and on the bus.
func (Unavailable) EventName() string { return "identity.unavailable.v1" }

// Package vn knows what is particular to Vietnam: citizen numbers, names, dates, phones, countries of guests.
// It is pure: no clock, no files but its own embedded lists, no network.
//
//  1. A citizen number is PPP G YY RRRRRR: place of birth registration, century and sex, birth year, six random
//     digits. There is no check digit, so all that can be said is whether it agrees with sex and birth date,
//     and then which digit does not.
//  2. An unknown place prefix is a warning and never a refusal: countries have codes as well, and a number
//     keeps the prefix of a province that was merged away.
//  3. A birth date may be known to the year or to the month only. That is an answer, not a gap.
//  4. The clock is UTC+7 all year round. A day is a calendar day there, whatever the server's zone.
//  5. Names are stored as they were written, in NFC. Folding is for search and comparison and never replaces
//     the written name.
//  6. Whoever refuses a value says what is wrong with it in two languages and never repeats the value: it may
//     be somebody's number. See [Refusal].
//
// Administrative units, which change by law from one day to the next, stand in the package units.
package vn

import (
	"errors"

	"github.com/songan-vn/songan/libs/problem"
)

// Refusal is the error of every Parse function here: it carries the fault to report. The caller adds the
// JSON pointer with [problem.Faults.At].
type Refusal struct{ Fault problem.Fault }

// Error returns the fault's code, which never holds the refused value.
func (r *Refusal) Error() string { return r.Fault.Code }

// Is makes errors.Is compare codes, so that [Refused] can be written down in tests.
func (r *Refusal) Is(target error) bool {
	t, ok := target.(*Refusal)
	return ok && t.Fault.Code == r.Fault.Code
}

// Refused names a refusal by its code, for errors.Is.
func Refused(code string) error { return &Refusal{Fault: problem.Fault{Code: code}} }

// FaultOf returns the fault in err's chain. Any other error becomes the fault "invalid_value", so that a
// caller can always report something.
func FaultOf(err error) problem.Fault {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Fault
	}
	return problem.Fault{Code: "invalid_value", Message: "the value cannot be read", MessageVI: "không đọc được giá trị"}
}

func refuse(code, message, messageVI string) error {
	return &Refusal{Fault: problem.Fault{Code: code, Message: message, MessageVI: messageVI}}
}

// Sex is male or female, as the law and every register here know it.
type Sex string

// The two values of [Sex].
const (
	Male   Sex = "male"
	Female Sex = "female"
)

// ParseSex accepts exactly "male" and "female".
func ParseSex(s string) (Sex, error) {
	if sex := Sex(s); sex == Male || sex == Female {
		return sex, nil
	}
	return "", refuse("sex_unknown", `sex is "male" or "female"`, `giới tính là "male" (nam) hoặc "female" (nữ)`)
}

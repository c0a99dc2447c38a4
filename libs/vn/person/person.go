// Package person is somebody as an officer enters them: a beneficiary, a representative. It is pure.
//
// Everything in a [Person] is personal data. It goes into a vault as it was written and nowhere else; facts carry a
// reference to it. A fault names the field and the rule, never the value.
//
//  1. A person has a document with a number: without one no bank opens an account, and nobody can tell two people of one
//     name apart.
//  2. A citizen number agrees with sex and birth year, or the fault says which digit does not.
//  3. A birth date may be known to the year or to the month only. Ages are counted so that nobody is older than can be
//     proven.
//  4. Documents and names are searched for in one form each, however they were written; see [DocumentIndex] and
//     [NameIndex]. [Person.Key] is what is the same about a person who is entered twice.
package person

import (
	"strings"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
)

// The types of document.
const (
	CitizenID        = "citizen_id"
	OldID            = "old_id"
	Passport         = "passport"
	BirthCertificate = "birth_certificate"
)

// Person is a person as an officer enters them.
type Person struct {
	FullName string `json:"full_name" maxLength:"200" doc:"as written on the document" example:"Nguyễn Văn An"`
	// BirthDate is a day, or only a month or a year when that is all a document says.
	BirthDate string    `json:"birth_date" format:"partial-date" example:"1950-01-15"`
	Sex       string    `json:"sex" enum:"male,female"`
	Document  Document  `json:"document"`
	Residence Residence `json:"residence"`
	Phone     string    `json:"phone,omitzero" maxLength:"32" example:"+84912345678"`
}

// Document is what names the person.
type Document struct {
	Type   string `json:"type" enum:"citizen_id,old_id,passport,birth_certificate"`
	Number string `json:"number" maxLength:"40" example:"001050123456"`
}

// Residence is where the person lives.
type Residence struct {
	Text string `json:"text" maxLength:"300" example:"12 Đội Cấn, Phường Ba Đình"`
	// Unit is the code of the commune, when it is known.
	Unit string `json:"unit,omitzero" pattern:"^[0-9]{5}$"`
}

// Validate says everything that is wrong with the person, whatever the day is. See [Person.CheckOn] for the rest.
// Fields that are missing were spoken of by the reader.
func (p Person) Validate(f *problem.Faults) {
	Check(f, "/full_name", p.FullName, vn.ParseName)
	Check(f, "/phone", p.Phone, vn.ParsePhone)
	const number = "/document/number"
	switch p.Document.Type {
	case CitizenID:
		CheckCitizenID(f, number, p.Document.Number, p.Sex, p.BirthDate)
	case OldID:
		Check(f, number, p.Document.Number, vn.ParseOldID)
	case Passport:
		Check(f, number, p.Document.Number, vn.ParsePassport)
	case BirthCertificate:
		Check(f, number, p.Document.Number, vn.ParseBirthCertificate)
	}
}

// Check reports what a parser of package vn refuses about a field that is there.
func Check[T any](f *problem.Faults, pointer, value string, parse func(string) (T, error)) {
	if value == "" {
		return
	}
	if _, err := parse(value); err != nil {
		f.At(pointer, vn.FaultOf(err))
	}
}

// CheckCitizenID reports what is wrong with a citizen number, and which of its digits disagree with sex and birth date.
// A sex or birth date that cannot be read has a fault of its own and is left out here.
func CheckCitizenID(f *problem.Faults, pointer, number, sexText, birthText string) {
	if number == "" {
		return
	}
	id, err := vn.ParseCitizenID(number)
	if err != nil {
		f.At(pointer, vn.FaultOf(err))
		return
	}
	birth, err := vn.ParsePartialDate(birthText)
	if err != nil {
		birth = vn.PartialDate{}
	}
	sex, err := vn.ParseSex(sexText)
	if err != nil {
		sex = ""
	}
	for _, fault := range id.Check(sex, birth) {
		f.At(pointer, fault)
	}
}

// CheckOn says what is wrong with the person's birth date on a day. The pointer is where the person stands in the body.
func (p Person) CheckOn(day vn.Date, pointer string) problem.Faults {
	var faults problem.Faults
	if birth, err := vn.ParsePartialDate(p.BirthDate); err == nil {
		for _, fault := range birth.CheckBirth(day) {
			faults.At(pointer+"/birth_date", fault)
		}
	}
	return faults
}

// AgeOn is how many years the person has surely lived by a day; 0 when the birth date cannot be read.
func (p Person) AgeOn(day vn.Date) int {
	birth, err := vn.ParsePartialDate(p.BirthDate)
	if err != nil {
		return 0
	}
	return max(0, birth.Latest().YearsUntil(day))
}

// Key is what stays the same about a person however they are written down: the citizen number, or for other documents,
// whose numbers are not unique in the country, number, name and birth date. Nothing but a keyed digest of it (vault.Name)
// may leave the vault.
func (p Person) Key() []string {
	number := DocumentIndex(p.Document.Number)
	if id, err := vn.ParseCitizenID(number); err == nil {
		return []string{CitizenID, id.Number()}
	}
	return []string{p.Document.Type, number, NameIndex(p.FullName, p.BirthDate)}
}

// DocumentIndex is the form in which a document number is searched for: letters A-Z and digits only, whatever paper it
// stood on and however it was written. It is empty when there is nothing to search for.
func DocumentIndex(number string) string {
	if !strings.ContainsFunc(number, unlikeIndex) {
		return number
	}
	return strings.Map(func(r rune) rune {
		if unlikeIndex(r) {
			return -1
		}
		return r
	}, vn.Fold(number))
}

// unlikeIndex finds what an index never holds.
func unlikeIndex(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }

// NameIndex is what an exact search by name and birth date looks for.
func NameIndex(fullName, birthDate string) string {
	return vn.Fold(fullName) + "|" + birthDate
}

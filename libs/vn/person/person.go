// Package person is somebody as an officer enters them: a beneficiary, a representative. It is pure.
//
// Everything in a [Person] is personal data. It goes into a vault as it was written, the name in NFC with single spaces, and
// nowhere else; facts carry a reference to it. A fault names the field and the rule, never the value.
//
//  1. A person has a document with a number: without one no bank opens an account, and nobody can tell two people of one
//     name apart.
//  2. Twelve digits are a citizen number, on a birth certificate too. It agrees with sex and birth year, or the fault says which
//     digit does not.
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

// Validate says everything that is wrong with the person, whatever the day is, and puts the name into the form that is kept. See
// [Person.CheckOn] for the rest. Fields that are missing were spoken of by the reader.
func (p *Person) Validate(f *problem.Faults) {
	Keep(f, "/full_name", &p.FullName, vn.ParseName)
	Check(f, "/phone", p.Phone, vn.ParsePhone)
	p.CheckNumber(f, "/document/number")
}

// CheckNumber reports what is wrong with the number of a Vietnamese document. Twelve digits are looked up as a citizen number
// whatever paper they stand on ([Person.Key]), so they are checked as one.
func (p *Person) CheckNumber(f *problem.Faults, pointer string) {
	switch p.Document.Type {
	case CitizenID:
		p.checkCitizenID(f, pointer)
	case OldID:
		Check(f, pointer, p.Document.Number, vn.ParseOldID)
	case Passport:
		Check(f, pointer, p.Document.Number, vn.ParseVietnamesePassport)
	case BirthCertificate:
		if _, found := vn.FindCitizenID(p.Document.Number); found {
			p.checkCitizenID(f, pointer)
			return
		}
		Check(f, pointer, p.Document.Number, vn.ParseBirthCertificate)
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

// Keep puts a field that is there into the form in which a parser of package vn returns it, or reports what the parser refuses.
func Keep[T ~string](f *problem.Faults, pointer string, field *string, parse func(string) (T, error)) {
	if *field == "" {
		return
	}
	kept, err := parse(*field)
	if err != nil {
		f.At(pointer, vn.FaultOf(err))
		return
	}
	*field = string(kept)
}

// checkCitizenID reports what is wrong with a citizen number, and which of its digits disagree with sex and birth date.
// A sex or birth date that cannot be read has a fault of its own and is left out here.
func (p *Person) checkCitizenID(f *problem.Faults, pointer string) {
	if p.Document.Number == "" {
		return
	}
	id, err := vn.ParseCitizenID(p.Document.Number)
	if err != nil {
		f.At(pointer, vn.FaultOf(err))
		return
	}
	birth, err := vn.ParsePartialDate(p.BirthDate)
	if err != nil {
		birth = vn.PartialDate{}
	}
	sex, err := vn.ParseSex(p.Sex)
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
	if id, found := vn.FindCitizenID(p.Document.Number); found {
		return []string{CitizenID, id.Number()}
	}
	return []string{p.Document.Type, DocumentIndex(p.Document.Number), NameIndex(p.FullName, p.BirthDate)}
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

// CheckSearched refuses the number of a document to look for that no document can have: it would be looked for nowhere, and what is
// not looked for is not found.
func CheckSearched(f *problem.Faults, pointer, number string) {
	if number != "" && DocumentIndex(number) == "" {
		f.At(pointer, problem.Fault{
			Code: "document_empty", Message: "a document's number has letters or digits", MessageVI: "số giấy tờ phải có chữ hoặc số",
		})
	}
}

// unlikeIndex finds what an index never holds.
func unlikeIndex(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }

// NameIndex is what an exact search by name and birth date looks for.
func NameIndex(fullName, birthDate string) string {
	return vn.Fold(fullName) + "|" + birthDate
}

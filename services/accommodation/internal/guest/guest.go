// Package guest is the person who stays: what a facility enters, and what is wrong with it.
//
// Everything in a [Guest] is personal data. It goes into the vault as it was written, the name in NFC with single spaces, and
// nowhere else; facts carry a reference to it. A fault names the field and the rule, never the value.
//
//  1. A Vietnamese guest shows a citizen number, an old nine-digit number, a passport or, as a child, the
//     personal number of the birth certificate.
//  2. The citizen number agrees with sex and birth year, or the fault says which digit does not: on a birth certificate too.
//     A Vietnamese passport has no such number.
//  3. A foreigner shows a passport with its expiry; visa and entry may be missing (exemption, residence card),
//     with a warning.
//  4. A guest without any document is accepted with an explanation: emergency patients and newborns exist.
//  5. A nationality is three letters: what a machine-readable zone writes as "D<<" is kept as DEU, and is one nation in facts and
//     statistics.
//  6. What is unusual is judged on the day of arrival: papers that expire later were good when they were shown.
package guest

import (
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/person"
)

// The types of document.
const (
	CitizenID        = "citizen_id"
	OldID            = "old_id"
	Passport         = "passport"
	BirthCertificate = "birth_certificate"
	NoDocument       = "none"
)

// Guest is a person as the front desk enters them.
type Guest struct {
	FullName string `json:"full_name" maxLength:"200" doc:"as written on the document" example:"Nguyễn Văn An"`
	// BirthDate is a day, or only a month or a year when that is all a document says.
	BirthDate   string     `json:"birth_date" format:"partial-date" example:"1990-01-15"`
	Sex         string     `json:"sex" enum:"male,female"`
	Nationality string     `json:"nationality" maxLength:"3" doc:"ISO 3166-1 alpha-3" example:"VNM"`
	Document    Document   `json:"document"`
	Residence   *Residence `json:"residence,omitzero"`
	Phone       string     `json:"phone,omitzero" maxLength:"32" example:"+84912345678"`
	Visa        *Visa      `json:"visa,omitzero"`
	Entry       *Entry     `json:"entry,omitzero"`
}

// Document is what the guest showed.
type Document struct {
	Type   string `json:"type" enum:"citizen_id,old_id,passport,birth_certificate,none"`
	Number string `json:"number,omitzero" maxLength:"40" example:"001090123456"`
	// Explanation says why there is no document.
	Explanation string `json:"explanation,omitzero" maxLength:"500"`
	// Expires is a calendar day; foreigners' passports need it.
	Expires string `json:"expires,omitzero" format:"date"`
}

// Residence is where the guest lives.
type Residence struct {
	Text string `json:"text" maxLength:"300"`
	// Unit is the code of the commune, when the front desk knows it.
	Unit string `json:"unit,omitzero" pattern:"^[0-9]{5}$"`
}

// Visa is a foreigner's visa.
type Visa struct {
	Type    string `json:"type" maxLength:"20"`
	Number  string `json:"number" maxLength:"40"`
	Expires string `json:"expires" format:"date"`
}

// Entry is when and where a foreigner entered the country.
type Entry struct {
	Date string `json:"date" format:"date"`
	Gate string `json:"gate" maxLength:"100"`
}

// Foreigner tells whether the guest must also be declared to the immigration police.
func (g Guest) Foreigner() bool { return vn.Country(g.Nationality).Foreign() }

// DocumentIndex is the form in which a document number is searched for; see [person.DocumentIndex].
func DocumentIndex(number string) string { return person.DocumentIndex(number) }

// NameIndex is what an exact search by name and birth date looks for; see [person.NameIndex].
func NameIndex(fullName, birthDate string) string { return person.NameIndex(fullName, birthDate) }

package guest

import (
	"strings"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/person"
)

// Validate says everything that is wrong with the person, whatever the day is, and puts name and nationality into the form that is
// kept. See [Guest.CheckOn] for the rest. Fields that are missing were spoken of by the reader.
func (g *Guest) Validate(f *problem.Faults) {
	person.Keep(f, "/full_name", &g.FullName, vn.ParseName)
	person.Keep(f, "/nationality", &g.Nationality, vn.ParseCountry)
	person.Check(f, "/phone", g.Phone, vn.ParsePhone)
	g.checkNumber(f)
	if g.Nationality != "" && g.Foreigner() {
		g.checkForeigner(f)
	}
}

func (g *Guest) checkNumber(f *problem.Faults) {
	const pointer = "/document/number"
	d := g.Document
	if d.Type == NoDocument && strings.TrimSpace(d.Explanation) == "" {
		f.At("/document/explanation", problem.Fault{
			Code: "explanation_required", Message: "say why there is no document", MessageVI: "hãy nêu lý do không có giấy tờ",
		})
	}
	switch {
	case d.Type == NoDocument && d.Number != "":
		f.At(pointer, problem.Fault{
			Code: "number_without_document", Message: "a guest without a document has no number", MessageVI: "khách không có giấy tờ thì không có số giấy tờ",
			Hint: "choose the type of document, or leave the number out",
		})
	case d.Type != "" && d.Type != NoDocument && d.Number == "":
		f.At(pointer, problem.Fault{
			Code: "number_required", Message: "the document has a number", MessageVI: "thiếu số giấy tờ",
			Hint: "without any document, use the type none with an explanation",
		})
	}
	if d.Type == Passport && g.Foreigner() {
		person.Check(f, pointer, d.Number, vn.ParsePassport)
		return
	}
	holder := person.Person{BirthDate: g.BirthDate, Sex: g.Sex, Document: person.Document{Type: d.Type, Number: d.Number}}
	holder.CheckNumber(f, pointer)
}

func (g *Guest) checkForeigner(f *problem.Faults) {
	switch g.Document.Type {
	case CitizenID, OldID, BirthCertificate:
		f.At("/document/type", problem.Fault{
			Code: "passport_required", Message: "a foreigner shows a passport", MessageVI: "khách nước ngoài dùng hộ chiếu",
			Hint: "check the nationality, or use the type passport",
		})
	case Passport:
		if g.Document.Expires == "" {
			f.At("/document/expires", problem.Fault{
				Code: "passport_expiry_required", Message: "the passport's expiry is needed", MessageVI: "thiếu ngày hết hạn hộ chiếu",
			})
		}
	}
}

// CheckOn says what is wrong with the person's dates on the day of the notice. The pointer is where the guest
// stands in the body.
func (g Guest) CheckOn(day vn.Date, pointer string) problem.Faults {
	var faults problem.Faults
	if birth, err := vn.ParsePartialDate(g.BirthDate); err == nil {
		for _, fault := range birth.CheckBirth(day) {
			faults.At(pointer+"/birth_date", fault)
		}
	}
	if g.Entry == nil {
		return faults
	}
	if entered, err := vn.ParseDate(g.Entry.Date); err == nil && entered.After(day) {
		faults.At(pointer+"/entry/date", problem.Fault{
			Code: "entry_in_future", Message: "the entry lies in the future", MessageVI: "ngày nhập cảnh nằm trong tương lai",
		})
	}
	return faults
}

// adult is the age from which a guest may come alone (Civil Code 91/2015/QH13 Art. 20).
const adult = 18

// Minor tells whether the guest is surely under 18 on a day.
func (g Guest) Minor(day vn.Date) bool {
	birth, err := vn.ParsePartialDate(g.BirthDate)
	return err == nil && birth.Earliest().YearsUntil(day) < adult
}

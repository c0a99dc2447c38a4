package person_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/person"
)

func today() vn.Date { return vn.MustDate(2026, time.November, 21) }

func an() person.Person {
	return person.Person{
		FullName: "Nguyễn Văn An", BirthDate: "1950-01-15", Sex: "male", Phone: "+84912345678",
		Document:  person.Document{Type: person.CitizenID, Number: "001050123456"},
		Residence: person.Residence{Text: "12 Đội Cấn", Unit: "00004"},
	}
}

func edit(change func(*person.Person)) person.Person {
	p := an()
	change(&p)
	return p
}

// faults are "pointer code" of everything that Validate and CheckOn say.
func faults(p person.Person) []string {
	var found problem.Faults
	p.Validate(&found)
	found = append(found, p.CheckOn(today(), "")...)
	var lines []string
	for _, f := range found {
		lines = append(lines, f.Pointer+" "+f.Code)
	}
	slices.Sort(lines)
	return lines
}

func TestWhatIsWrongWithAPerson(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		person person.Person
		want   []string
	}{
		{"a citizen with a number that agrees is fine", an(), nil},
		{"only a year of birth is fine", edit(func(p *person.Person) { p.BirthDate = "1950" }), nil},
		{"no telephone is fine", edit(func(p *person.Person) { p.Phone = "" }), nil},
		{
			"digit 4 says the other sex",
			edit(func(p *person.Person) { p.Sex = "female" }),
			[]string{"/document/number citizen_id_sex_mismatch"},
		},
		{
			"everything that is wrong is said at once",
			edit(func(p *person.Person) {
				p.FullName, p.Phone, p.Document.Number, p.BirthDate = "An 2", "+8491", "12345", "2027-01-01"
			}),
			[]string{
				"/birth_date birth_date_in_future", "/document/number citizen_id_length", "/full_name name_digit", "/phone phone_length",
			},
		},
		{
			"a birth date that cannot be read is the reader's to report",
			edit(func(p *person.Person) { p.BirthDate, p.Sex = "x", "y" }), nil,
		},
		{
			"nine digits are not twelve",
			edit(func(p *person.Person) { p.Document = person.Document{Type: person.OldID, Number: "001050123456"} }),
			[]string{"/document/number old_id_length"},
		},
		{
			"a child's birth certificate is fine",
			edit(func(p *person.Person) {
				p.BirthDate, p.Document = "2020-03-01", person.Document{Type: person.BirthCertificate, Number: "Số 45, Quyển 01/2020"}
			}), nil,
		},
		{
			"a citizen number on a child's birth certificate agrees with the child",
			edit(func(p *person.Person) {
				p.BirthDate, p.Sex, p.Document = "2018-03-01", "female", person.Document{Type: person.BirthCertificate, Number: "001090123456"}
			}),
			[]string{"/document/number citizen_id_sex_mismatch", "/document/number citizen_id_year_mismatch"},
		},
		{
			"a citizen number on a birth certificate has nothing around it, or it would be looked up nowhere",
			edit(func(p *person.Person) {
				p.Document = person.Document{Type: person.BirthCertificate, Number: "001 050.123456 "}
			}),
			[]string{"/document/number citizen_id_not_digits"},
		},
		{
			"a citizen number is no passport",
			edit(func(p *person.Person) { p.Document = person.Document{Type: person.Passport, Number: "001 050-123456"} }),
			[]string{"/document/number citizen_id_as_passport"},
		},
		{
			"a passport has letters and digits",
			edit(func(p *person.Person) { p.Document = person.Document{Type: person.Passport, Number: "!"} }),
			[]string{"/document/number passport_characters"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, faults(c.person)); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestANameIsKeptInOneForm(t *testing.T) {
	t.Parallel()
	p := edit(func(p *person.Person) { p.FullName = "  " + norm.NFD.String("Nguyễn  Văn An") + "\n" })
	if found := faults(p); found != nil {
		t.Error(found)
	}
	var none problem.Faults
	p.Validate(&none)
	if diff := cmp.Diff(an(), p); diff != "" {
		t.Error(diff)
	}
	wrong := edit(func(p *person.Person) { p.FullName = " An  2" })
	if wrong.Validate(&none); wrong.FullName != " An  2" {
		t.Error("a name that was refused became another")
	}
}

func TestNobodyIsOlderThanCanBeProven(t *testing.T) {
	t.Parallel()
	for birth, age := range map[string]int{
		"2011-11-21": 15, "2011-11-22": 14, "2011": 14, "2010": 15, "2011-10": 15, "": 0, "2026-12-01": 0,
	} {
		if got := (person.Person{BirthDate: birth}).AgeOn(today()); got != age {
			t.Errorf("born %q: %d years, want %d", birth, got, age)
		}
	}
}

func TestAPersonWhoIsEnteredTwiceHasOneKey(t *testing.T) {
	t.Parallel()
	child := edit(func(p *person.Person) { p.Document.Type = person.BirthCertificate })
	if diff := cmp.Diff(an().Key(), child.Key()); diff != "" {
		t.Errorf("a citizen number on two documents: %s", diff)
	}
	spaced := edit(func(p *person.Person) { p.Document.Number, p.FullName = "001 050-123456", "NGUYEN VAN AN" })
	if diff := cmp.Diff(an().Key(), spaced.Key()); diff != "" {
		t.Errorf("written in another way: %s", diff)
	}
	book := edit(func(p *person.Person) {
		p.Document = person.Document{Type: person.BirthCertificate, Number: "12345678/2019"}
	})
	if diff := cmp.Diff(person.BirthCertificate, book.Key()[0]); diff != "" {
		t.Errorf("number and year of a register are no citizen number: %s", diff)
	}
	paper := person.Document{Type: person.BirthCertificate, Number: "45/2020"}
	one := edit(func(p *person.Person) { p.Document = paper })
	two := edit(func(p *person.Person) { p.Document, p.FullName = paper, "Lê Thị Hoa" })
	if cmp.Equal(one.Key(), two.Key()) {
		t.Error("two communes gave out the same number, and two people became one")
	}
}

// Whatever an officer types, a fault never repeats it.
func TestFaultsNeverRepeatAValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[A-Z0-9]{6,14}`)
		p := person.Person{
			FullName: word.Draw(t, "name"), BirthDate: "1950", Sex: "male", Phone: word.Draw(t, "phone"),
			Document: person.Document{
				Type:   rapid.SampledFrom([]string{"citizen_id", "old_id", "passport", "birth_certificate"}).Draw(t, "type"),
				Number: word.Draw(t, "number"),
			},
		}
		var found problem.Faults
		p.Validate(&found)
		for _, f := range found {
			for _, value := range []string{p.FullName, p.Phone, p.Document.Number} {
				if strings.Contains(f.Message+f.MessageVI+f.Hint+f.Pointer, value) {
					t.Fatalf("fault %s repeats a value", f.Code)
				}
			}
		}
	})
}

func ExamplePerson_Validate() {
	p := person.Person{
		FullName: "Nguyễn Văn An", BirthDate: "1950", Sex: "female",
		Document: person.Document{Type: person.CitizenID, Number: "001050123456"},
	}
	var found problem.Faults
	p.Validate(&found)
	for _, f := range found {
		fmt.Println(f.Pointer, f.Code)
	}
	// Output: /document/number citizen_id_sex_mismatch
}

package songan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/roll"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// canaries is how many persons are planted; representatives come on top.
const canaries = 1000

// disguise turns somebody into canary number n: age, sex and commune stay, everything else is distinctive.
func disguise(t *testing.T, p people.Person, n int) people.Person {
	t.Helper()
	const serials, phones = 1_000_000, 10_000_000
	id, err := vn.NewCitizenID(vn.CitizenIDParts{
		Prefix: 1, Sex: p.Sex, BirthYear: p.BirthDate.Year(), Serial: (n*7919 + 123_457) % serials,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.FullName = "Nguyễn " + wordOf("x", n) + " Ẩn"
	p.Nationality = "VNM"
	p.Document = people.Document{Type: people.CitizenID, Number: id.Number()}
	p.Phone = fmt.Sprintf("+8497%07d", (n*7919+1_234_567)%phones)
	p.Residence = &people.Residence{Text: fmt.Sprintf("ngõ %s, số %d", wordOf("j", n), n), Unit: p.Residence.Unit}
	p.Visa, p.Entry = nil, nil
	return p
}

// plant turns everybody on a roll into canaries, and teaches the scanner what is known of them.
func plant(t *testing.T, s *scanner, all []*roll.Beneficiary) (planted []people.Person) {
	t.Helper()
	register, err := people.New(people.Options{Seed: onemachine.Seed})
	if err != nil {
		t.Fatal(err)
	}
	add := func(p people.Person) people.Person {
		n := len(planted)
		p = disguise(t, p, n)
		s.word(wordOf("x", n), "the name of a person")
		s.word(wordOf("j", n), "the address of a person")
		s.number(p.Document.Number, "the document of a person")
		s.number(p.Phone, "the phone of a person")
		s.number("0"+p.Phone[len("+84"):], "the phone of a person")
		planted = append(planted, p)
		return p
	}
	for _, b := range all {
		b.Person = add(b.Person)
		// One in three is unknown to the population database, one in three known under another name.
		b.Identity = []string{roll.Matched, roll.Mismatched, roll.NotFound}[b.Number%3]
		if _, taken := register.Lookup(b.Person.Document.Number); taken && b.Identity == roll.NotFound {
			b.Identity = roll.Mismatched // somebody in the register happens to have the number
		}
	}
	for _, b := range all {
		if b.Representative != nil {
			guardian := add(*b.Representative)
			b.Representative = &guardian
		}
	}
	return planted
}

// foreigners is how many guests from abroad are planted.
const foreigners = 30

// plantForeigner is a guest from abroad, as a hotel notifies them, of whom the scanner knows name, passport and visa.
func plantForeigner(s *scanner, n int) map[string]any {
	name := wordOf("f", n)
	s.word(name, "the name of a foreigner")
	s.code(passportOf(n), "the passport of a foreigner")
	s.code(passportOf(foreigners+n), "the visa of a foreigner")
	day := vn.DateOf(time.Now())
	return map[string]any{
		"full_name": name + " Muster", "birth_date": "1980-02-03", "sex": "female", "nationality": "DEU",
		"document": map[string]any{"type": people.Passport, "number": passportOf(n), "expires": day.AddDays(900).String()},
		"visa":     map[string]any{"type": "EV", "number": passportOf(foreigners + n), "expires": day.AddDays(60).String()},
		"entry":    map[string]any{"date": day.AddDays(-3).String(), "gate": "Nội Bài"},
	}
}

// known is how the population database is told of those canaries that it has to know.
func known(all []*roll.Beneficiary) (entries []map[string]string) {
	for _, b := range all {
		name := b.Person.FullName
		if b.Identity == roll.NotFound {
			continue
		}
		if b.Identity == roll.Mismatched {
			name = "Trần Văn Khác"
		}
		birth, _ := b.Person.BirthDate.MarshalText()
		entries = append(entries, map[string]string{
			"number": b.Person.Document.Number, "full_name": name, "birth_date": string(birth), "sex": string(b.Person.Sex),
		})
	}
	return entries
}

// guestOf is a canary as a hotel notifies them.
func guestOf(p people.Person) map[string]any {
	return map[string]any{
		"full_name": p.FullName, "birth_date": p.BirthDate, "sex": p.Sex, "nationality": "VNM", "document": p.Document,
		"residence": p.Residence, "phone": p.Phone,
	}
}

func TestNoTwoCanariesAreAlike(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for n := range 12 * 12 * 12 {
		for _, kind := range []string{"x", "j", "f"} {
			word := fold(wordOf(kind, n))
			if seen[word] || len(word) != wordLength || !slices.Contains([]byte("xjf"), word[2]) {
				t.Fatalf("%s is no good for %d", word, n)
			}
			seen[word] = true
		}
	}
}

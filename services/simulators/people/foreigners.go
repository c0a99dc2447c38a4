package people

import (
	"fmt"
	"strings"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

// country says how the people of a country are called and what they show.
type country struct {
	code     vn.Country
	exempt   bool   // from visas, for a short stay
	passport string // @ is a letter, # a digit
	order    string // S surname, G given name
	surnames map[vn.Sex][]string
	given    map[vn.Sex][]string
}

func newCountries() (*weighted[country], error) {
	rows, err := lines("countries.tsv", 7)
	if err != nil {
		return nil, err
	}
	all := &weighted[country]{}
	for _, row := range rows {
		code, err := vn.ParseCountry(row[0])
		if err != nil {
			return nil, fmt.Errorf("read country %s: %w", row[0], err)
		}
		c := country{
			code: code, exempt: row[2] == "exempt", passport: row[3], order: row[4],
			surnames: bySex(row[5]), given: bySex(row[6]),
		}
		if err := all.add(c, row[1]); err != nil {
			return nil, fmt.Errorf("countries.tsv: %w", err)
		}
	}
	return all, nil
}

// Foreigner returns a guest from abroad who came into the country shortly before today. No register here knows
// foreigners. Person and passport follow from the index; visa and entry from the day as well.
func (r *Register) Foreigner(index uint64, today vn.Date) Person {
	d := dice.New(r.seed, 'f', index)
	c := r.countries.draw(d)
	sex := dice.Pick(d, []vn.Sex{vn.Male, vn.Female})
	p := Person{
		Index: index, FullName: c.name(d, sex), Sex: sex, Nationality: c.code,
		BirthDate: birthDate(d, r.asOf.Year()-d.Between(2, 78)),
		Document:  Document{Type: Passport, Number: form(d, c.passport), Expires: today.AddDays(d.Between(20, 3600))},
		Entry:     &Entry{Date: today.AddDays(-d.Between(0, 12)), Gate: gate(d, c.code)},
	}
	if !c.exempt {
		p.Visa = visa(d, p.Entry.Date)
	}
	return p
}

func (c country) name(d *dice.Dice, sex vn.Sex) string {
	surname, given := dice.Pick(d, c.surnames[sex]), dice.Pick(d, c.given[sex])
	if c.order == "GS" {
		return given + " " + surname
	}
	return surname + " " + given
}

func visa(d *dice.Dice, entry vn.Date) *Visa {
	kind, days := "DL", 30
	if d.OneIn(2) {
		kind, days = "EV", 90
	}
	return &Visa{Type: kind, Number: form(d, "@@#######"), Expires: entry.AddDays(days)}
}

// gate is where people of that country mostly come in.
func gate(d *dice.Dice, from vn.Country) string {
	byLand := map[vn.Country][]string{"CHN": {"Móng Cái", "Hữu Nghị", "Lào Cai"}, "KHM": {"Mộc Bài", "Xà Xía"}, "LAO": {"Lao Bảo", "Cầu Treo"}}
	if gates := byLand[from]; gates != nil && d.OneIn(3) {
		return dice.Pick(d, gates)
	}
	return dice.Pick(d, []string{"Nội Bài", "Nội Bài", "Tân Sơn Nhất", "Tân Sơn Nhất", "Tân Sơn Nhất", "Đà Nẵng", "Đà Nẵng", "Cam Ranh", "Phú Quốc"})
}

// form fills in a pattern of letters (@) and digits (#).
func form(d *dice.Dice, pattern string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '@':
			return 'A' + rune(d.Below(26))
		case '#':
			return '0' + rune(d.Below(10))
		}
		return r
	}, pattern)
}

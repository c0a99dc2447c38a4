package evening

import (
	"math/rand/v2"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/people"
)

// crowd is who is on the road this evening. Nobody is met twice.
type crowd struct {
	register *people.Register
	today    vn.Date
	dice     *rand.Rand

	adults, children, foreigners uint64 // the next index of each
}

// newCrowd starts somewhere in the register that follows from the name of the evening. Neighbours in the register have
// nothing in common, so whoever comes next is anybody. Adults and children are looked for in different halves.
func newCrowd(o Options, dice *rand.Rand) *crowd {
	start := hash(o.Name) ^ o.Seed
	size := o.Register.Size()
	return &crowd{
		register: o.Register, today: o.Today, dice: dice,
		adults: start % size, children: (start%size + size/2) % size, foreigners: start,
	}
}

// tries bounds a search. A fifth of the people are children, so even a tenth of the tries would do.
const tries = 1_000

// adulthood is the age from which a guest may come alone.
const adulthood = 18

// adult returns somebody of age with a citizen number.
func (c *crowd) adult() people.Person {
	return c.next(&c.adults, func(p people.Person) bool {
		return p.BirthDate.Latest().YearsUntil(c.today) >= adulthood && p.Document.Type == people.CitizenID
	})
}

// child returns somebody who shows a birth certificate.
func (c *crowd) child() people.Person {
	return c.next(&c.children, func(p people.Person) bool { return p.Document.Type == people.BirthCertificate })
}

func (c *crowd) next(index *uint64, fits func(people.Person) bool) people.Person {
	var p people.Person
	for range tries {
		p = c.register.At(*index)
		*index = (*index + 1) % c.register.Size()
		if fits(p) {
			break
		}
	}
	return p
}

func (c *crowd) foreigner() people.Person {
	c.foreigners++
	return c.register.Foreigner(c.foreigners, c.today)
}

// misspelt gives p the name of somebody else of the same sex.
func (c *crowd) misspelt(p people.Person) people.Person {
	name := c.next(&c.adults, func(other people.Person) bool {
		return other.Sex == p.Sex && vn.CompareNames(other.FullName, p.FullName) == vn.OtherName
	}).FullName
	p.FullName = name
	return p
}

// misdated moves p's birthday within its year, so that the citizen number still agrees. It returns false when the
// register itself does not know the day.
func (c *crowd) misdated(p people.Person) (people.Person, bool) {
	day, full := p.BirthDate.Full()
	if !full {
		return p, false
	}
	moved := day.AddDays(40)
	if moved.Year() != day.Year() {
		moved = day.AddDays(-40)
	}
	birth, err := vn.ParsePartialDate(moved.String())
	if err != nil {
		return p, false
	}
	p.BirthDate = birth
	return p, true
}

// strange gives p a consistent number that nobody in the register has.
func (c *crowd) strange(p people.Person) (people.Person, bool) {
	id, err := vn.ParseCitizenID(p.Document.Number)
	if err != nil {
		return p, false
	}
	parts := id.Parts()
	for range tries {
		parts.Serial = c.dice.IntN(1_000_000)
		id, err := vn.NewCitizenID(parts)
		if err != nil {
			return p, false
		}
		if _, known := c.register.Lookup(id.Number()); !known {
			p.Document.Number = id.Number()
			return p, true
		}
	}
	return p, false
}

// unaccented is p as a front desk types them that has no Vietnamese keyboard. To the register it is the same name.
func unaccented(p people.Person) people.Person {
	if plain := vn.Fold(p.FullName); vn.CompareNames(plain, p.FullName) != vn.OtherName {
		p.FullName = plain
	}
	return p
}

// Package crowd finds people for the demo in the register of the simulators, and spoils what an officer or a front desk
// types of them. Nobody is met twice.
package crowd

import (
	"hash/fnv"
	"math/rand/v2"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/people"
)

// Crowd is who comes by this time.
type Crowd struct {
	register *people.Register
	today    vn.Date
	dice     *rand.Rand

	adults, children, foreigners uint64 // the next index of each
}

// Options say whom to meet.
type Options struct {
	// Seed and Name choose the people: another name is other people.
	Seed uint64
	Name string
	// Register is where they live.
	Register *people.Register
	Today    vn.Date
}

// New starts somewhere in the register that follows from the name. Neighbours in the register have nothing in common,
// so whoever comes next is anybody. Adults and children are looked for in different halves.
func New(o Options, dice *rand.Rand) *Crowd {
	start := Hash(o.Name) ^ o.Seed
	size := o.Register.Size()
	return &Crowd{
		register: o.Register, today: o.Today, dice: dice,
		adults: start % size, children: (start%size + size/2) % size, foreigners: start,
	}
}

// Hash is a name as a number.
func Hash(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // hashes do not fail
	return h.Sum64()
}

// Tag is a word that differs from name to name, for the numbers of files. Digits and letters mixed, as of a hash in
// hexadecimal, look like a passport's number now and then, and are refused where people must not be named.
func Tag(name string) string {
	const letters, length = "bcdfghjklmnpqrstvwxz", 8
	tag, rest := make([]byte, length), Hash(name)
	for i := range tag {
		tag[i] = letters[rest%uint64(len(letters))]
		rest /= uint64(len(letters))
	}
	return string(tag)
}

// tries bounds a search. A fifth of the people are children, so even a tenth of the tries would do.
const tries = 1_000

// adulthood is the age from which a guest may come alone.
const adulthood = 18

// Adult returns somebody of age with a citizen number.
func (c *Crowd) Adult() people.Person {
	return c.next(&c.adults, func(p people.Person) bool {
		return p.BirthDate.Latest().YearsUntil(c.today) >= adulthood && p.Document.Type == people.CitizenID
	})
}

// Child returns somebody who shows a birth certificate.
func (c *Crowd) Child() people.Person {
	return c.next(&c.children, func(p people.Person) bool { return p.Document.Type == people.BirthCertificate })
}

// Aged returns somebody from least to most years old, whatever they show. A band of few people (two years of the very
// old) may find nobody within its tries.
func (c *Crowd) Aged(least, most int) people.Person {
	return c.next(&c.adults, func(p people.Person) bool {
		return p.BirthDate.Earliest().YearsUntil(c.today) <= most && p.BirthDate.Latest().YearsUntil(c.today) >= least
	})
}

func (c *Crowd) next(index *uint64, fits func(people.Person) bool) people.Person {
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

// Foreigner returns somebody from abroad.
func (c *Crowd) Foreigner() people.Person {
	c.foreigners++
	return c.register.Foreigner(c.foreigners, c.today)
}

// Misspelt gives p the name of somebody else of the same sex.
func (c *Crowd) Misspelt(p people.Person) people.Person {
	name := c.next(&c.adults, func(other people.Person) bool {
		return other.Sex == p.Sex && vn.CompareNames(other.FullName, p.FullName) == vn.OtherName
	}).FullName
	p.FullName = name
	return p
}

// Misdated moves p's birthday within its year, so that the citizen number still agrees. It returns false when the
// register itself does not know the day.
func (c *Crowd) Misdated(p people.Person) (people.Person, bool) {
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

// Strange gives p a consistent number that nobody in the register has.
func (c *Crowd) Strange(p people.Person) (people.Person, bool) {
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

// Unaccented is p as a front desk types them that has no Vietnamese keyboard. To the register it is the same name.
func Unaccented(p people.Person) people.Person {
	if plain := vn.Fold(p.FullName); vn.CompareNames(plain, p.FullName) != vn.OtherName {
		p.FullName = plain
	}
	return p
}

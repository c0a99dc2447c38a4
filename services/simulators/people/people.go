// Package people makes up the inhabitants of Vietnam, and their guests from abroad: names, birth dates, citizen
// numbers, addresses, phones, and the facilities they sleep in. None of them exists.
//
//  1. Everything follows from a seed. The same seed gives the same people on every machine, with any version of Go.
//  2. [Register.At] makes person number n in constant time, and [Register.Lookup] finds the person behind a citizen
//     number as fast: the number carries the index, through a keyed permutation. A register of many millions
//     needs no memory and no storage.
//  3. Citizen numbers are consistent: province of birth, sex and birth year agree with the person. No two people
//     of a register share a number.
//  4. The people are as many as there are: by province, sex and age, with the surnames of their region and the given
//     names of their generation.
//  5. JSON tags are those of a guest in the accommodation service's contract, so that a person can be posted as is.
package people

import (
	"fmt"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

// DefaultSize is the size of a register if nothing else is asked for.
const DefaultSize = 5_000_000

// Document types, as in the contract.
const (
	CitizenID        = "citizen_id"
	Passport         = "passport"
	BirthCertificate = "birth_certificate"
)

// cardAge is the age from which everybody carries an identity card; younger children show their birth
// certificate, which has their citizen number too.
const cardAge = 14

// Options say which register to make.
type Options struct {
	Seed uint64
	// Size is the number of citizens; 0 is [DefaultSize].
	Size uint64
	// AsOf is the day on which ages, addresses and documents are as the register says; no date is 2026-10-01. It
	// is part of the seed: another day is another register.
	AsOf vn.Date
}

// Register makes people. It never changes and may be used from everywhere at once.
type Register struct {
	seed      uint64
	size      uint64
	asOf      vn.Date
	cells     *cells
	order     dice.Permutation
	names     *namebook
	homes     *homes
	countries *weighted[country]
	places    map[string]*weighted[facilityPattern]
	brands    []string
}

// Person is somebody who could check in.
type Person struct {
	// Index is the person's place in the register.
	Index       uint64         `json:"-"`
	FullName    string         `json:"full_name"`
	BirthDate   vn.PartialDate `json:"birth_date"`
	Sex         vn.Sex         `json:"sex"`
	Nationality vn.Country     `json:"nationality"`
	Document    Document       `json:"document"`
	Residence   *Residence     `json:"residence,omitzero"`
	Phone       string         `json:"phone,omitzero"`
	Visa        *Visa          `json:"visa,omitzero"`
	Entry       *Entry         `json:"entry,omitzero"`
}

// Document is what the person shows.
type Document struct {
	Type    string  `json:"type"`
	Number  string  `json:"number"`
	Expires vn.Date `json:"expires,omitzero"`
}

// Residence is where a citizen is at home.
type Residence struct {
	Text string `json:"text"`
	// Unit is the code of the commune on the register's day.
	Unit string `json:"unit"`
}

// Visa is what lets a foreigner stay.
type Visa struct {
	Type    string  `json:"type"`
	Number  string  `json:"number"`
	Expires vn.Date `json:"expires"`
}

// Entry is when and where a foreigner came into the country.
type Entry struct {
	Date vn.Date `json:"date"`
	Gate string  `json:"gate"`
}

// New makes a register. It takes some milliseconds, most of them for reading the administrative units.
func New(o Options) (*Register, error) {
	if o.Size == 0 {
		o.Size = DefaultSize
	}
	if o.AsOf.IsZero() {
		o.AsOf = vn.MustDate(2026, time.October, 1)
	}
	r := &Register{seed: o.Seed, size: o.Size, asOf: o.AsOf}
	r.order = dice.NewPermutation(r.size, dice.Mix(o.Seed^uint64(o.AsOf.Year())))
	directory, err := units.Load()
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() (err error) { r.cells, err = newCells(o.Size, o.AsOf); return err },
		func() (err error) { r.names, err = newNamebook(); return err },
		func() (err error) { r.homes, err = newHomes(directory, o.AsOf); return err },
		func() (err error) { r.countries, err = newCountries(); return err },
		func() (err error) { r.places, r.brands, err = newPlaces(); return err },
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("make register of people: %w", err)
		}
	}
	return r, nil
}

// Size returns how many citizens there are.
func (r *Register) Size() uint64 { return r.size }

// At returns the citizen with that index; an index beyond the size starts again from 0.
func (r *Register) At(index uint64) Person {
	index %= r.size
	w, within := r.cells.find(r.order.Apply(index))
	return r.citizen(index, w, within)
}

// Lookup returns the citizen with that number, or false if the register knows none.
func (r *Register) Lookup(number string) (Person, bool) {
	id, err := vn.ParseCitizenID(number)
	if err != nil {
		return Person{}, false
	}
	parts := id.Parts()
	w, found := r.cells.of(parts)
	if !found {
		return Person{}, false
	}
	within := r.serials(w).Invert(uint64(parts.Serial))
	if within >= r.cells.count(w.cell) {
		return Person{}, false
	}
	return r.citizen(r.order.Invert(r.cells.starts[w.cell]+within), w, within), true
}

// serials turns ranks within a cell into the six last digits.
func (r *Register) serials(w where) dice.Permutation {
	return dice.NewPermutation(serials, dice.Mix(r.seed)^dice.Mix(uint64(w.cell)))
}

func (r *Register) citizen(index uint64, w where, within uint64) Person {
	d := dice.New(r.seed, 'c', uint64(w.cell), within)
	birth := birthDate(d, w.birthYear)
	id, err := vn.NewCitizenID(vn.CitizenIDParts{
		Prefix: w.place.prefix, Sex: w.sex, BirthYear: w.birthYear, Serial: int(r.serials(w).Apply(within)),
	})
	if err != nil {
		panic(fmt.Sprintf("people: no citizen number for cell %d: %v", w.cell, err)) //nolint:forbidigo // cells hold 1926-2025 only
	}
	p := Person{
		Index: index, FullName: r.names.citizen(d, w), BirthDate: birth, Sex: w.sex, Nationality: vn.Vietnam,
		Document: Document{Type: CitizenID, Number: id.Number()}, Residence: r.homes.draw(d, w.place),
	}
	if birth.Latest().YearsUntil(r.asOf) < cardAge {
		p.Document.Type = BirthCertificate
		return p
	}
	p.Phone = phone(d)
	return p
}

// yearOnly is the birth year before which some people only know the year of their birth.
const yearOnly = 1955

func birthDate(d *dice.Dice, year int) vn.PartialDate {
	text := vn.MustDate(year, time.January, 1).AddDays(d.Between(0, 364)).String()
	if year < yearOnly && d.OneIn(25) {
		text = text[:4]
	}
	date, err := vn.ParsePartialDate(text)
	if err != nil {
		panic("people: " + err.Error()) //nolint:forbidigo // the text was made from a date
	}
	return date
}

// phone returns a mobile number of one of the networks.
func phone(d *dice.Dice) string {
	prefix := dice.Pick(d, []string{
		"32", "33", "34", "35", "36", "37", "38", "39", "52", "56", "58", "70", "76", "77", "78", "79",
		"81", "82", "83", "84", "85", "86", "88", "89", "90", "91", "93", "94", "96", "97", "98",
	})
	return fmt.Sprintf("+84%s%07d", prefix, d.Below(10_000_000))
}

package evening

import (
	"math/rand/v2"

	"github.com/songan-vn/songan/services/simulators/people"
)

// kinds is how many of a hundred facilities are of each kind. The first six facilities are one of each.
func kindOf(n int, dice *rand.Rand) people.Kind {
	if all := people.Kinds(); n < len(all) {
		return all[n]
	}
	switch roll := dice.IntN(100); {
	case roll < 46:
		return people.Tourist
	case roll < 66:
		return people.BoardingHouse
	case roll < 80:
		return people.Household
	case roll < 88:
		return people.Medical
	case roll < 94:
		return people.Dormitory
	default:
		return people.Other
	}
}

// facilities draws them from the seed alone, each from its own number, so that every evening has the same ones however
// many are asked for.
func (p *planner) facilities() {
	p.byKind = map[people.Kind]*beds{}
	for n := range p.Facilities {
		dice := rand.New(rand.NewPCG(p.Seed, uint64(n)))
		kind := kindOf(n, dice)
		f := p.Register.Facility(kind, p.Communes[dice.IntN(len(p.Communes))], uint64(n))
		p.evening.Facilities = append(p.evening.Facilities, f)
		if p.byKind[kind] == nil {
			p.byKind[kind] = &beds{}
		}
		p.byKind[kind].add(n, f.Beds)
	}
}

// beds finds a facility for a guest: one with more beds more often.
type beds struct {
	facilities []int
	upTo       []int // beds of the facilities up to and with this one
}

func (b *beds) add(facility, count int) {
	if len(b.upTo) > 0 {
		count += b.upTo[len(b.upTo)-1]
	}
	b.facilities, b.upTo = append(b.facilities, facility), append(b.upTo, count)
}

func (b *beds) draw(dice *rand.Rand) int {
	bed := dice.IntN(b.upTo[len(b.upTo)-1])
	for i, upTo := range b.upTo {
		if bed < upTo {
			return b.facilities[i]
		}
	}
	return b.facilities[0]
}

// place returns a facility of one of the kinds, the first more often than the second, and so on.
func (p *planner) place(kinds ...people.Kind) int {
	for _, kind := range kinds[:len(kinds)-1] {
		if !p.oneIn(len(kinds)) {
			return p.of(kind)
		}
	}
	return p.of(kinds[len(kinds)-1])
}

func (p *planner) of(kind people.Kind) int {
	if b := p.byKind[kind]; b != nil {
		return b.draw(p.dice)
	}
	return p.dice.IntN(p.Facilities) // an evening with fewer than six facilities
}

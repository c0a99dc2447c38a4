// Package roll plans a payday: who receives social assistance in which commune, by which decisions, at which bank, and
// how much that is a month. It pays nothing and asks nobody.
//
//  1. A roll follows from its seed and its name. The same two give the same people, another name gives other people.
//  2. Everybody's amount is known beforehand, from a table of the law of the demo's own: what the services compute is
//     compared with it, line by line.
//  3. Ages keep their distance from the limits of the law, so that a list of any of the next twelve months pays the
//     same, and a birthday that was typed wrongly changes no amount.
//  4. Who may not hold an account (children, and some of the old and the disabled) has a representative who does.
//  5. Some have two decisions: a single parent who is disabled has both amounts, anybody else only the higher.
//  6. Some people are entered wrongly. The population database will say so; the money is theirs all the same.
package roll

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/songan/internal/demo/crowd"
)

// The programmes that the demo pays.
const (
	Assistance  = "social_assistance"
	Pension     = "social_pension"
	Meritorious = "meritorious_services"
)

// Programmes lists them in the order in which they are paid.
func Programmes() []string { return []string{Assistance, Pension, Meritorious} }

// Options say which roll to plan.
type Options struct {
	// Seed and Name choose the people.
	Seed uint64
	Name string
	// Programme is what they receive.
	Programme string
	// Beneficiaries is how many there are in all communes together.
	Beneficiaries int
	Today         vn.Date
	Register      *people.Register
	// Communes are where they live, Province the name of what lies above, for their addresses.
	Communes []units.Unit
	Province string
	// Banks are the BICs of those that open accounts.
	Banks []string
}

// Decision grants a category.
type Decision struct {
	Category string
	// Children of a single parent; 0 for every other category.
	Children int
	Number   string
	SignedOn vn.Date
}

// Beneficiary is somebody on the roll.
type Beneficiary struct {
	Number int
	// Person is as the officer types them.
	Person people.Person
	// Representative receives for them; nil when they do themselves.
	Representative *people.Person
	Commune        string
	FileNumber     string
	Decisions      []Decision
	// Monthly is what they are entitled to for a month, in dong.
	Monthly int64
	// Bank is where an account is asked for; empty for those who want none.
	Bank string
	// Identity is what the population database will say: matched, mismatched or not_found.
	Identity string
}

// What the population database will have said, as in the contract.
const (
	Matched    = "matched"
	Mismatched = "mismatched"
	NotFound   = "not_found"
)

// Plan plans a roll. It fails only when there is nowhere to live, nowhere to bank, or nothing to get.
func Plan(o Options) ([]*Beneficiary, error) {
	kinds := kinds(o.Programme)
	if len(o.Communes) == 0 || len(o.Banks) == 0 || len(kinds) == 0 {
		return nil, errors.New("a roll needs communes, banks, and a programme that there is")
	}
	dice := rand.New(rand.NewPCG(o.Seed, crowd.Hash(o.Name)))
	p := &planner{Options: o, kinds: kinds, dice: dice, crowd: crowd.New(crowd.Options{
		Seed: o.Seed, Name: "payday " + o.Name, Register: o.Register, Today: o.Today,
	}, dice)}
	all := make([]*Beneficiary, 0, o.Beneficiaries)
	for n := range o.Beneficiaries {
		all = append(all, p.beneficiary(n))
	}
	return all, nil
}

// planner is a roll in the making.
type planner struct {
	Options

	kinds []kind
	dice  *rand.Rand
	crowd *crowd.Crowd
}

// beneficiary draws number n. Communes take turns, so that every one of them has people of every kind.
func (p *planner) beneficiary(n int) *Beneficiary {
	k := p.kinds[p.weighted(weights(p.kinds))]
	commune := p.Communes[n%len(p.Communes)]
	b := &Beneficiary{
		Number: n, Person: p.resident(commune, k.least, k.most), Commune: commune.Code, Identity: Matched,
		FileNumber: fmt.Sprintf("BTXH-%s-%d", crowd.Tag(fmt.Sprint(p.Seed, p.Name)), n),
	}
	if p.dice.IntN(1000) < k.represented {
		guardian := p.resident(commune, youngestGuardian, oldestGuardian)
		b.Representative = &guardian
	}
	for i, category := range k.categories {
		b.Decisions = append(b.Decisions, p.decision(category, b, i))
	}
	b.Monthly = monthly(k, b.Decisions)
	p.mistype(b)
	b.Bank = p.bank()
	return b
}

const youngestGuardian, oldestGuardian = 25, 58

// resident is somebody of that age, who lives in the commune whatever the register draws.
func (p *planner) resident(commune units.Unit, least, most int) people.Person {
	who := p.crowd.Aged(least, most)
	who.Residence = &people.Residence{
		Text: fmt.Sprintf("tổ %d, %s, %s", 1+p.dice.IntN(40), commune.Name, p.Province), Unit: commune.Code,
	}
	return who
}

// decision is signed on a day of this month: the right starts with it, so nothing is owed for earlier ones.
func (p *planner) decision(category string, b *Beneficiary, nth int) Decision {
	d := Decision{
		Category: category, SignedOn: p.Today.AddDays(-p.dice.IntN(p.Today.Day())),
		Number: fmt.Sprintf("%d/QĐ-UBND", 1000+10*b.Number+nth),
	}
	if category == singleParent {
		d.Children = 1 + p.dice.IntN(3)
	}
	return d
}

// mistype spoils some of what the officer types.
func (p *planner) mistype(b *Beneficiary) {
	switch roll := p.dice.IntN(1000); {
	case roll < 20:
		b.Person, b.Identity = p.crowd.Misspelt(b.Person), Mismatched
	case roll < 34:
		if misdated, ok := p.crowd.Misdated(b.Person); ok {
			b.Person, b.Identity = misdated, Mismatched
		}
	case roll < 44:
		if strange, ok := p.crowd.Strange(b.Person); ok {
			b.Person, b.Identity = strange, NotFound
		}
	case roll < 80:
		b.Person = crowd.Unaccented(b.Person)
	}
}

// withoutBank is how many of a thousand want no account.
const withoutBank = 90

// bank draws one, the first more often than the last; some want none.
func (p *planner) bank() string {
	if p.dice.IntN(1000) < withoutBank {
		return ""
	}
	weights := make([]int, len(p.Banks))
	for i := range weights {
		weights[i] = 1 + len(weights) - i
	}
	return p.Banks[p.weighted(weights)]
}

// weighted draws an index, heavier ones more often.
func (p *planner) weighted(weights []int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	roll := p.dice.IntN(total)
	for i, w := range weights {
		if roll < w {
			return i
		}
		roll -= w
	}
	return 0
}

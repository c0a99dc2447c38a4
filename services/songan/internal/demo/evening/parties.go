package evening

import (
	"fmt"
	"net/http"

	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/songan/internal/demo/crowd"
)

// parties makes companies until everybody is there: of each kind its share, and the rest come alone.
func (p *planner) parties() [][]*Act {
	var parties [][]*Act
	for _, share := range []struct {
		perMille int
		party    func(most int) []*Act
	}{
		{140, p.friends},
		{140, p.family},
		{90, p.foreigners},
		{100, p.coach},
		{50, p.students},
		{100, p.hospital},
		{25, p.mistaken},
		{1000, p.alone},
	} {
		quota := min(len(p.evening.Guests)+p.CheckIns*share.perMille/1000, p.CheckIns)
		for len(p.evening.Guests) < quota {
			parties = append(parties, share.party(quota-len(p.evening.Guests)))
		}
	}
	return parties
}

// guest puts somebody before a front desk, entered without a mistake.
func (p *planner) guest(party Party, who people.Person, reason string) *Guest {
	g := &Guest{
		Number: len(p.evening.Guests), Party: party, Person: who, With: -1, reason: reason,
		room: fmt.Sprintf("%d%02d", p.between(1, 9), p.between(1, 24)), nights: p.between(1, 4),
	}
	g.Want = Outcome{
		Status: http.StatusCreated, Foreigner: who.Nationality.Foreign(), Identity: Unavailable,
		State: Notified, Room: g.room, Nights: g.nights,
	}
	if !g.Want.Foreigner {
		g.Want.Identity = Matched // children have their number on the birth certificate
	}
	p.evening.Guests = append(p.evening.Guests, g)
	return g
}

// citizen is a guest from Vietnam: most are entered as their card says, some not quite, some late.
func (p *planner) citizen(party Party, reason string) *Guest {
	who := p.crowd.Adult()
	g := p.guest(party, who, reason)
	g.Papers = who
	switch roll := p.dice.IntN(1000); {
	case roll < 22:
		g.entered(p.crowd.Misspelt(who), Mismatched, "full_name")
	case roll < 36:
		if misdated, ok := p.crowd.Misdated(who); ok {
			g.entered(misdated, Mismatched, "birth_date")
		}
	case roll < 56:
		if strange, ok := p.crowd.Strange(who); ok {
			g.entered(strange, NotFound)
		}
	case roll < 86:
		g.entered(crowd.Unaccented(who), Matched)
	case roll < 126:
		p.late(g)
	}
	return g
}

// entered says how the front desk typed the guest, and what the population database will say to that.
func (g *Guest) entered(as people.Person, identity string, fields ...string) {
	g.Person, g.Want.Identity, g.Want.Fields = as, identity, fields
}

func (p *planner) late(g *Guest) { g.late, g.Want.Late = true, true }

// enter is the act of entering a guest.
func (p *planner) enter(facility int, g *Guest) *Act {
	return &Act{Verb: Notify, Facility: facility, Guests: []*Guest{g}, Key: p.key("%d", g.Number)}
}

// company enters guests one after the other under one mark.
func (p *planner) company(facility int, guests []*Guest) []*Act {
	var acts []*Act
	for _, g := range guests {
		act := p.enter(facility, g)
		if len(guests) > 1 {
			g.group = fmt.Sprintf("%s-%d", p.Name, guests[0].Number)
		}
		if len(acts) > 0 {
			act.After = acts[len(acts)-1]
		}
		acts = append(acts, act)
	}
	return acts
}

func (p *planner) alone(int) []*Act {
	facility := p.place(people.Tourist, people.BoardingHouse, people.Household, people.Other)
	g := p.citizen(Alone, []string{"tourism", "business", "work", "other"}[p.dice.IntN(4)])
	return p.andThen(p.enter(facility, g))
}

func (p *planner) mistaken(int) []*Act {
	g := p.guest(Alone, p.crowd.Adult(), "tourism")
	p.err(g)
	return []*Act{p.enter(p.place(people.Tourist, people.BoardingHouse), g)}
}

func (p *planner) friends(most int) []*Act {
	var guests []*Guest
	for range min(p.between(2, 4), most) {
		guests = append(guests, p.citizen(Friends, "tourism"))
	}
	return p.company(p.place(people.Tourist, people.Other, people.Household), guests)
}

// family is one or two adults and their children. The children come with the first of them.
func (p *planner) family(most int) []*Act {
	guests := []*Guest{p.citizen(Family, "family_visit")}
	if most > 1 && p.oneIn(2) {
		guests = append(guests, p.citizen(Family, "family_visit"))
	}
	for range min(p.between(1, 3), most-len(guests)) {
		child := p.guest(Family, p.crowd.Child(), "family_visit")
		child.With = guests[0].Number
		guests = append(guests, child)
	}
	return p.company(p.place(people.Tourist, people.Household), guests)
}

func (p *planner) foreigners(most int) []*Act {
	var guests []*Guest
	for range min(p.between(1, 3), most) {
		g := p.guest(Foreigners, p.crowd.Foreigner(), "tourism")
		if p.oneIn(20) {
			p.late(g)
		}
		guests = append(guests, g)
	}
	return p.company(p.of(people.Tourist), guests)
}

// noPapers is how many patients there are to one who comes without any document.
const noPapers = 6

// hospital is a patient, and the relatives who look after them.
func (p *planner) hospital(most int) []*Act {
	who := p.crowd.Adult()
	if p.oneIn(4) {
		who = p.crowd.Child()
	}
	patient := p.guest(Hospital, who, "medical_treatment")
	if p.oneIn(noPapers) {
		patient.explanation, patient.Want.Identity = "cấp cứu, người nhà chưa mang giấy tờ đến", Unavailable
	}
	guests := []*Guest{patient}
	for range min(p.between(0, 2), most-1) {
		carer := p.citizen(Hospital, "medical_carer")
		carer.With = patient.Number
		guests = append(guests, carer)
	}
	return p.company(p.of(people.Medical), guests)
}

func (p *planner) coach(most int) []*Act {
	return p.list(Coach, p.of(people.Tourist), "tourism", min(p.between(15, 60), most))
}

func (p *planner) students(most int) []*Act {
	return p.list(Students, p.of(people.Dormitory), "study", min(p.between(20, 80), most))
}

// list is a batch: one request for many guests. One line in so many is wrong.
func (p *planner) list(party Party, facility int, reason string, size int) []*Act {
	const wrongOneIn = 25
	act := &Act{Verb: NotifyMany, Facility: facility, Key: p.key("list-%d", len(p.evening.Guests))}
	for range size {
		if p.oneIn(wrongOneIn) {
			g := p.guest(party, p.crowd.Adult(), reason)
			p.err(g)
			g.Want.Status = http.StatusUnprocessableEntity
			act.Guests = append(act.Guests, g)
			continue
		}
		act.Guests = append(act.Guests, p.citizen(party, reason))
	}
	return []*Act{act}
}

package evening

import "net/http"

// andThen adds what a front desk does later about a guest who came alone: most often nothing.
func (p *planner) andThen(first *Act) []*Act {
	g := first.Guests[0]
	acts := []*Act{first}
	add := func(verb Verb, code string) *Act {
		act := &Act{
			Verb: verb, Facility: first.Facility, Guests: first.Guests, After: acts[len(acts)-1], Code: code,
			Key: p.key("%d-%s", g.Number, verb),
		}
		acts = append(acts, act)
		return act
	}
	if g.Want.Identity == Mismatched && p.oneIn(2) {
		add(Correct, "")
		g.Want.Identity, g.Want.Fields = Matched, nil
		return acts
	}
	switch roll := p.dice.IntN(1000); {
	case roll < 40:
		add(Repeat, "").Key = first.Key // the connection broke before the answer came
	case roll < 70:
		add(Extend, "")
		g.Want.Nights = g.nights + p.between(1, 9)
	case roll < 100:
		add(Move, "")
		g.Want.Room += "A"
	case roll < 130:
		add(Depart, "")
		g.Want.State = Departed
		if p.oneIn(4) {
			add(Move, "notice_departed") // to the wrong guest
		}
	case roll < 150 && g.plain():
		add(Cancel, "")
		g.Want.State = Cancelled
	case roll < 158 && len(p.evening.Guests) < p.CheckIns:
		acts = append(acts, p.underKeyOf(first))
	case roll < 165 && p.Facilities > 1:
		add(Move, "notice_unknown").Facility = (first.Facility + 1) % p.Facilities // not its guest
	}
	return acts
}

// plain guests are in time and match. Only they cancel: the statistics leave cancelled stays out, and then they are
// missing from no other figure.
func (g *Guest) plain() bool { return !g.late && g.Want.Identity == Matched }

// underKeyOf enters another guest with the key of the first, as software does that counts its keys wrongly.
func (p *planner) underKeyOf(first *Act) *Act {
	other := p.guest(Alone, p.crowd.Adult(), "tourism")
	other.Want = Outcome{Code: reused, Status: http.StatusUnprocessableEntity}
	act := p.enter(first.Facility, other)
	act.Key, act.After = first.Key, first
	return act
}

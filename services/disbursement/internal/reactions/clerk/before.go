package clerk

import (
	"maps"
	"slices"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// before is what was paid for a month before this system, by programme: what the law granted by the rights that were entered as paid, as
// they stood and as it was known then. What became of them or of the law since has changed nothing of it. Where a birth date was corrected,
// nobody knows by which the old system paid: the one counts by which it paid more, because what counts too little is paid twice.
func (c *computation) before(m month.Month) map[string]money.Amount {
	var entered []*right
	births := []vn.PartialDate{c.subject.BirthDate}
	for i := range c.rights {
		if r := &c.rights[i]; !r.paidUntil.Before(m) && !r.starts.After(m) && !r.Void() {
			entered = append(entered, r)
			if !slices.Contains(births, r.profile.BirthDate) {
				births = append(births, r.profile.BirthDate)
			}
		}
	}
	most, paid := money.Amount(0), map[string]money.Amount{}
	if len(entered) == 0 {
		return paid
	}
	for _, birth := range births {
		if total, by := c.paidBefore(m, birth, entered); total > most {
			most, paid = total, by
		}
	}
	return paid
}

// highest is the right by which most was paid for a month before this system, of those that grant one category.
type highest struct {
	*right

	amount money.Amount
}

// paidBefore is what the rights that were entered as paid came to for a month, if the person was born then. Of several that grant one
// category, such as the same decision under another number, one was paid, the highest. What was paid was as it was known when the first
// of the programme was entered, also where one that was entered later took its place.
func (c *computation) paidBefore(m month.Month, birth vn.PartialDate, entered []*right) (total money.Amount, by map[string]money.Amount) {
	known, last := map[string]vn.Date{}, vn.Date{}
	for _, r := range entered {
		if first, there := known[r.Programme]; !there || r.entered.Before(first) {
			known[r.Programme] = r.entered
		}
	}
	paid := map[string]highest{}
	for _, r := range entered {
		who := entitlement.Person{BirthDate: birth, Province: c.province(r)}
		amount := c.Rules.Entitled(who, []entitlement.Enrolment{r.asEntered()}, m, known[r.Programme]).Total()
		if most, there := paid[r.profile.Category]; !there || most.amount < amount {
			paid[r.profile.Category] = highest{r, amount}
		}
	}
	var rights []entitlement.Enrolment
	for _, r := range paid {
		if len(paid) == 1 { // as most people have it, there is nothing to choose
			return r.amount, map[string]money.Amount{r.Programme: r.amount}
		}
		if rights = append(rights, r.asEntered()); last.Before(known[r.Programme]) {
			last = known[r.Programme]
		}
	}
	by = map[string]money.Amount{}
	for _, line := range c.Rules.Entitled(entitlement.Person{BirthDate: birth, Province: c.subject.Province}, rights, m, last).Lines {
		amount := paid[c.right(line.Enrolment).profile.Category].amount
		total, by[line.Programme] = total+amount, by[line.Programme]+amount
	}
	return total, by
}

// balance lets what was paid before this system in a programme in which the law grants less now count in those in which it grants more: it
// was paid for that month, and it is no payment of ours that could come back first.
func balance(paid map[string]money.Amount, granted entitlement.Entitlement) {
	if len(paid) == 0 {
		return
	}
	short := map[string]money.Amount{}
	for programme, amount := range paid {
		short[programme] -= amount
	}
	for _, line := range granted.Lines {
		short[line.Programme] += line.Amount
	}
	programmes := slices.Sorted(maps.Keys(short))
	for _, to := range programmes {
		for _, from := range programmes {
			if moved := min(short[to], -short[from]); moved > 0 {
				paid[to], short[to] = paid[to]+moved, short[to]-moved
				paid[from], short[from] = paid[from]-moved, short[from]+moved
			}
		}
	}
}

// Package statement is the arithmetic at the end of a payday: what was instructed and what became of it, and whether
// three witnesses say the same. It is pure.
//
//  1. Instructed is what the approved lists say. Everything else is counted payment by payment, so a payment that is
//     lost, or there twice, makes a difference.
//  2. instructed = credited + rejected + returned + in flight + unknown + cash + carried forward, to the dong.
//  3. A payment is one, however often it was tried: it counts where it stands now.
//  4. The cashless share is that of accounts among everything that reached somebody: credits, and cash that was handed
//     over. It is of payments, not of dong: whoever gets little counts as much as whoever gets much.
package statement

import "fmt"

// Sum is a number of payments and their dong.
type Sum struct {
	Payments int
	Dong     int64
}

// Of is one payment.
func Of(dong int64) Sum { return Sum{1, dong} }

// Plus adds.
func (s Sum) Plus(o Sum) Sum { return Sum{s.Payments + o.Payments, s.Dong + o.Dong} }

// Minus takes away.
func (s Sum) Minus(o Sum) Sum { return Sum{s.Payments - o.Payments, s.Dong - o.Dong} }

// Sums are a statement.
type Sums struct {
	Instructed                                                     Sum
	Credited, Rejected, Returned, InFlight, Unknown, Cash, Carried Sum
	// HandedOver is the part of Cash that somebody signed for.
	HandedOver Sum
}

// Count adds a payment to where it stands, by its state in the contract. It refuses a state that the contract does not
// have: a payment that stands nowhere must not be overlooked.
func (s *Sums) Count(state string, dong int64) error {
	part, err := s.part(state)
	if err != nil {
		return err
	}
	*part = part.Plus(Of(dong))
	if state == "cash_paid" {
		s.HandedOver = s.HandedOver.Plus(Of(dong))
	}
	return nil
}

func (s *Sums) part(state string) (*Sum, error) {
	switch state {
	case "credited":
		return &s.Credited, nil
	case "rejected":
		return &s.Rejected, nil
	case "returned", "recalled", "refunded":
		return &s.Returned, nil
	case "released", "sent", "acknowledged", "in_flight", "reissued":
		return &s.InFlight, nil
	case "unknown":
		return &s.Unknown, nil
	case "cash_pending", "cash_paid":
		return &s.Cash, nil
	case "carried_forward":
		return &s.Carried, nil
	}
	return nil, fmt.Errorf("a payment has the state %q, which the contract does not know", state)
}

// Plus adds statement to statement.
func (s Sums) Plus(o Sums) Sums {
	return Sums{
		Instructed: s.Instructed.Plus(o.Instructed), Credited: s.Credited.Plus(o.Credited),
		Rejected: s.Rejected.Plus(o.Rejected), Returned: s.Returned.Plus(o.Returned), InFlight: s.InFlight.Plus(o.InFlight),
		Unknown: s.Unknown.Plus(o.Unknown), Cash: s.Cash.Plus(o.Cash), Carried: s.Carried.Plus(o.Carried),
		HandedOver: s.HandedOver.Plus(o.HandedOver),
	}
}

// Accounted is everything that was counted somewhere.
func (s Sums) Accounted() Sum {
	var all Sum
	for _, part := range []Sum{s.Credited, s.Rejected, s.Returned, s.InFlight, s.Unknown, s.Cash, s.Carried} {
		all = all.Plus(part)
	}
	return all
}

// Difference is what was instructed and stands nowhere. It has to be nothing.
func (s Sums) Difference() Sum { return s.Instructed.Minus(s.Accounted()) }

// Open is what can still change by itself.
func (s Sums) Open() int { return s.InFlight.Payments + s.Unknown.Payments }

// Cashless is how many of a thousand payments that reached somebody did so through an account; 0 where none did.
func (s Sums) Cashless() int {
	reached := s.Credited.Payments + s.HandedOver.Payments
	if reached == 0 {
		return 0
	}
	return (1000*s.Credited.Payments + reached/2) / reached
}

package desk

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/songan-vn/songan/services/simulators/bank/internal/ledger"
)

// wrongBy is how much too much a wrong amount is, in dong.
const wrongBy = 1000

func status(r Report) Outgoing { return saying(r.EndToEndID, typeStatus, r) }

// present is the status that there is, honestly.
func present(p ledger.Payment) Report {
	r := Report{EndToEndID: p.ID, Status: p.Status, Reason: p.Reason}
	switch p.Status {
	case credited:
		r.BankReference, r.BookedAt, r.Amount = p.Reference, &p.BookedAt, p.Amount
	case returned:
		r.BankReference, r.BookedAt, r.Amount = p.ReturnReference, &p.ReturnedAt, p.Amount
	}
	return r
}

// bookings is what stands in the book about a payment, in order: who asks about money that came back hears of its credit
// as well, because it may be what got lost.
func bookings(p ledger.Payment) []Report {
	if p.Status != returned {
		return []Report{present(p)}
	}
	credit := p
	credit.Status, credit.Reason = credited, ""
	return []Report{present(credit), present(p)}
}

// told is bookings as messages, in answer to an inquiry or to none (0).
func told(p ledger.Payment, inquiry int) []Outgoing {
	var all []Outgoing
	for _, r := range bookings(p) {
		r.Inquiry = inquiry
		all = append(all, status(r))
	}
	return all
}

// reports is everything that the bank says about a new payment, in its manner.
func (d *Desk) reports(p ledger.Payment, manner Manner, s Scenario) []Outgoing {
	acknowledged := acknowledgements(p, s.Acknowledge)
	verdicts := bookings(p)
	switch manner {
	case Mute, Lost:
		return nil
	case AcknowledgedOnly:
		return []Outgoing{status(Report{EndToEndID: p.ID, Status: "ACTC"})}
	case Garbage:
		return []Outgoing{d.garbage(p)}
	case WrongAmount:
		for i := range verdicts {
			if verdicts[i].Amount > 0 {
				verdicts[i].Amount += wrongBy
			}
		}
	}
	var all []Outgoing
	for _, r := range append(acknowledged, verdicts...) {
		all = append(all, status(r))
	}
	switch manner {
	case OutOfOrder:
		slices.Reverse(all)
	case Contradictory:
		all = append(all, status(opposite(p)))
	case Twice:
		all = twice(all)
	}
	return all
}

func acknowledgements(p ledger.Payment, how string) []Report {
	steps := []string{"ACTC"}
	switch how {
	case AcknowledgeNever:
		return nil
	case AcknowledgeSteps:
		steps = []string{"RCVD", "ACTC", "ACCP", "ACSP"}
	}
	var all []Report
	for _, step := range steps {
		all = append(all, Report{EndToEndID: p.ID, Status: step})
	}
	if how == AcknowledgeSteps && p.Status == credited {
		debited := present(p)
		debited.Status = "ACSC"
		all = append(all, debited)
	}
	return all
}

// opposite is the verdict that is not true.
func opposite(p ledger.Payment) Report {
	if p.Status != rejected {
		return Report{EndToEndID: p.ID, Status: rejected, Reason: "AC04"}
	}
	return Report{EndToEndID: p.ID, Status: credited, BankReference: "FT0", BookedAt: &p.BookedAt, Amount: p.Amount}
}

// twice repeats each message as it is, id included: what a producer does whose answer got lost.
func twice(all []Outgoing) []Outgoing {
	var doubled []Outgoing
	for _, o := range all {
		again := o
		again.again = true
		doubled = append(doubled, o, again)
	}
	return doubled
}

// garbage is one of the things that come instead of a report.
func (d *Desk) garbage(p ledger.Payment) Outgoing {
	o := status(present(p))
	switch d.dice(diceGarbage, p.ID).Below(6) {
	case 0:
		o.body = []byte("\x1f\x8b\x00{{\xff\xfe ACCC") // no JSON, and not even UTF-8
	case 1:
		o = status(Report{EndToEndID: p.ID, Status: "DONE"}) // no status of ISO 20022
	case 2:
		r := present(p)
		r.Status, r.BankReference, r.BookedAt = credited, "", nil // credited, without a booking
		o = status(r)
	case 3:
		r := present(p)
		r.EndToEndID = "nobody-asked-" + strings.Repeat("9", 10) // a payment that nobody instructed
		o = saying(p.ID, typeStatus, r)
	case 4:
		o.kind = "bank.payment_status_reported.v9"
	default:
		o.body = o.body[:len(o.body)/2]
	}
	return o
}

// Owed is what is to be said about a debt by now, given the scenario of the moment.
func (d *Desk) Owed(v ledger.View, debt ledger.Debt) []Outgoing {
	s, _, _ := d.Stage.Get()
	manner := d.manner(debt.ID, s)
	if manner == Mute {
		return nil
	}
	if p, found := v.Payment(debt.ID); found {
		if debt.First {
			return named(d.BIC, debt.Key, d.reports(p, manner, s))
		}
		if strings.HasPrefix(debt.Key, returning) {
			return named(d.BIC, debt.Key, []Outgoing{status(present(p))})
		}
		return named(d.BIC, debt.Key, told(p, debt.Inquiry))
	}
	if a, found := v.Request(debt.ID); found && !strings.HasPrefix(debt.Key, returning) {
		return named(d.BIC, debt.Key, []Outgoing{answerTo(a)})
	}
	return nil
}

// Anything makes a message of a report that nothing stands behind. No two are the same.
func (d *Desk) Anything(r Report) []Outgoing {
	return named(d.BIC, "control-"+strconv.FormatInt(d.Now().UnixNano(), 10), []Outgoing{status(r)})
}

// Return gives the money of a credited payment back, on command. It returns false if there is nothing to give back.
func (d *Desk) Return(id, reason string) (debt ledger.Debt, done bool, err error) {
	debt = ledger.Debt{Key: returning + id, ID: id, At: d.Now().UTC()}
	err = d.Ledger.Update(func(tx *ledger.Tx) {
		if done = d.GiveBack(tx, id, reason); done {
			tx.Owe(debt)
		}
	})
	return debt, done, err
}

// GiveBack is [Desk.Return] as part of another change.
func (d *Desk) GiveBack(tx *ledger.Tx, id, reason string) bool {
	return tx.Return(id, orReason(reason), returnReference(id, tx.View()), d.Now().UTC().Truncate(time.Millisecond))
}

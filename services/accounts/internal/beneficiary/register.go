package beneficiary

import (
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
)

// HoldingAge is the age from which somebody may hold an account themselves (Circular 17/2024/TT-NHNN Art. 11).
const HoldingAge = 15

// ErrUnknown is the answer about a beneficiary who does not exist, or whom the caller may not know of.
func ErrUnknown() error {
	return problem.New(problem.NotFound, "beneficiary_unknown", "there is no such beneficiary", "không có người hưởng này")
}

func errDied() error {
	return problem.Reject("beneficiary_died", "the beneficiary has died", "người hưởng đã mất")
}

// Owned lets officers change beneficiaries of their own unit only. To everybody else they do not exist.
type Owned struct {
	// Sees tells whether the officer is responsible for a unit.
	Sees    func(events.Unit) bool
	Command decider.Command[Beneficiary]
}

// Decide asks the command when the beneficiary is the officer's own.
func (c Owned) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	if !b.Exists() || !c.Sees(b.Unit) {
		return nil, ErrUnknown()
	}
	return c.Command.Decide(b, m)
}

// Register enters a person with the file by which they receive money. References and marks were made before.
type Register struct {
	Fact accounts.BeneficiaryRegistered
	// Known are the faults that were found before, so that the caller hears all at once.
	Known problem.Faults
}

// Decide refuses a person who stands in this file already.
func (c Register) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	if err := c.Known.Err(); err != nil {
		return nil, err
	}
	if b.Exists() {
		return nil, problem.New(problem.Conflict, "beneficiary_exists",
			"this person is registered in this file already", "người này đã được đăng ký trong hồ sơ này")
	}
	fact := c.Fact
	fact.By = m.Actor
	return []events.Event{fact}, nil
}

// Correct replaces what was entered wrongly, or has changed.
type Correct struct {
	// Fact holds the new references and By of nobody yet.
	Fact accounts.BeneficiaryCorrected
	// Mark is the keyed name of the person as corrected.
	Mark string
	// Known are the faults that were found before.
	Known problem.Faults
}

// Decide refuses to turn one person into another: what was approved or paid for one would be the other's. It suspends the account of
// who does not receive for them any more.
func (c Correct) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	if !b.Exists() {
		return nil, ErrUnknown()
	}
	if err := c.Known.Err(); err != nil {
		return nil, err
	}
	if c.Mark != b.Mark {
		return nil, problem.Reject("another_person",
			"the document names another person; register them anew", "giấy tờ thuộc về người khác; hãy đăng ký mới")
	}
	fact := c.Fact
	fact.Beneficiary, fact.By = b.Beneficiary, m.Actor
	facts, b := []events.Event{fact}, b.Evolve(fact)
	if a, _ := b.Latest(); a.usable() {
		facts = append(facts, b.holdUp(a, m)...)
	}
	return facts, nil
}

// RecordIdentity notes what the population database answered.
type RecordIdentity struct {
	// Person is the reference that was asked about.
	Person string
	Result string
	Fields []string
}

// Decide drops an answer about another reference, and an answer that is known already.
func (c RecordIdentity) Decide(b Beneficiary, _ decider.Meta) ([]events.Event, error) {
	switch {
	case !b.Exists():
		return nil, ErrUnknown()
	case c.Person != b.Person, c.Result == b.Identity:
		return nil, nil
	}
	return []events.Event{accounts.BeneficiaryIdentified{
		Beneficiary: b.Beneficiary, Person: c.Person, Result: c.Result, Fields: c.Fields,
	}}, nil
}

// Die records a death.
type Die struct {
	// On is the day of death.
	On     vn.Date
	Source string
	// Born is the first day on which the person may have been born; no date when they can no longer be read.
	Born vn.Date
}

// Decide closes the account, or the request for one, together with the death.
func (c Die) Decide(b Beneficiary, m decider.Meta) ([]events.Event, error) {
	switch {
	case !b.Exists():
		return nil, ErrUnknown()
	case b.DiedOn != "":
		return nil, errDied()
	}
	var faults problem.Faults
	switch {
	case c.On.After(vn.DateOf(m.At)):
		faults.At("/date", problem.Fault{
			Code: "died_in_future", Message: "the death lies in the future", MessageVI: "ngày mất nằm trong tương lai",
		})
	case c.On.Before(c.Born):
		faults.At("/date", problem.Fault{
			Code: "died_before_birth", Message: "the death lies before the birth", MessageVI: "ngày mất trước ngày sinh",
			Hint: "check the day, and whether this is the right beneficiary",
		})
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	facts := []events.Event{accounts.BeneficiaryDied{
		Beneficiary: b.Beneficiary, DiedOn: c.On.String(), Source: c.Source, By: m.Actor,
	}}
	if a, found := b.Latest(); found && a.Alive() {
		facts = append(facts, accounts.AccountClosed{
			Account: a.Account, Beneficiary: b.Beneficiary, Reason: "died", By: m.Actor,
		})
	}
	return facts, nil
}

package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
	facts "github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/person"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
	"github.com/songan-vn/songan/services/accounts/trail"
)

// RegisterBody is a beneficiary as an officer enters them.
type RegisterBody struct {
	PeopleBody

	FileNumber string `json:"file_number" pattern:"^[0-9A-Za-zĐđ./_-]{1,40}$" doc:"number of the file at the commune" example:"BTXH-2026-118"`
	Unit       string `json:"unit" pattern:"^[0-9]{5}$" doc:"code of the commune that pays"`
}

// PeopleBody is the person and who represents them.
type PeopleBody struct {
	Person         person.Person  `json:"person"`
	Representative *person.Person `json:"representative,omitzero" doc:"who receives for them: guardian or carer"`
	LacksCapacity  bool           `json:"lacks_capacity,omitzero" doc:"a court found that the person lacks legal capacity"`
}

// adult is the age from which somebody may represent another (Civil Code 91/2015/QH13 Art. 20, 49).
const adult = 18

// Validate keeps people out of what stands in facts, which cannot be erased.
func (b RegisterBody) Validate(f *problem.Faults) {
	person.CheckNobody(f, "/file_number", b.FileNumber)
	b.PeopleBody.Validate(f)
}

// Validate refuses to represent oneself.
func (b PeopleBody) Validate(f *problem.Faults) {
	if r := b.Representative; r != nil && r.Document.Number != "" &&
		person.DocumentIndex(r.Document.Number) == person.DocumentIndex(b.Person.Document.Number) {
		f.At("/representative/document/number", problem.Fault{
			Code: "represents_oneself", Message: "nobody is their own representative", MessageVI: "người hưởng không thể là người nhận thay của chính mình",
			Hint: "leave the representative out",
		})
	}
}

// checkOn says what is wrong with dates and ages today.
func (b PeopleBody) checkOn(today vn.Date) problem.Faults {
	faults := b.Person.CheckOn(today, "/person")
	if b.Representative == nil {
		return faults
	}
	faults = append(faults, b.Representative.CheckOn(today, "/representative")...)
	if born, err := vn.ParsePartialDate(b.Representative.BirthDate); err == nil && born.Earliest().YearsUntil(today) < adult {
		faults.At("/representative/birth_date", problem.Fault{
			Code: "representative_minor", Message: "a representative is at least 18 years old", MessageVI: "người nhận thay phải đủ 18 tuổi",
		})
	}
	return faults
}

// kept is what the vault keeps of a beneficiary.
type kept struct {
	person.Person

	LacksCapacity bool `json:"lacks_capacity,omitzero"`
}

// mayHold tells whether the law lets the person hold an account on a day.
func (k kept) mayHold(day vn.Date) bool {
	return !k.LacksCapacity && k.AgeOn(day) >= beneficiary.HoldingAge
}

// entered is what became of the people in a body: references, marks, and the rows that belong to them.
type entered struct {
	person, mark                       string
	representative, representativeMark string
	mayHold                            bool
	rows                               []vault.Row
}

// enter encrypts the people of a body for the vault rows that are stored together with the fact.
func (a *app) enter(p PeopleBody, today vn.Date) (entered, error) {
	keep := kept{Person: p.Person, LacksCapacity: p.LacksCapacity}
	row, err := a.sealPerson(purposeBeneficiary, p.Person, keep)
	if err != nil {
		return entered{}, err
	}
	e := entered{person: string(row.Ref), mark: a.mark(p.Person), mayHold: keep.mayHold(today), rows: []vault.Row{row}}
	if r := p.Representative; r != nil {
		if row, err = a.sealPerson(purposeRepresentative, *r, *r); err != nil {
			return entered{}, err
		}
		e.representative, e.representativeMark, e.rows = string(row.Ref), a.mark(*r), append(e.rows, row)
	}
	return e, nil
}

// register serves a single beneficiary and, called once per item, a batch.
func (a *app) register(ctx context.Context, c httpapi.Call[RegisterBody]) (httpapi.Later[Beneficiary], error) {
	today := vn.DateOf(c.Meta.At)
	unit, faults := a.registrable(c, today)
	e, err := a.enter(c.In.PeopleBody, today)
	if err != nil {
		return nil, err
	}
	fact := facts.BeneficiaryRegistered{
		// The same person in the same file is the same stream, whichever request it came by.
		Beneficiary: a.vault.Name("beneficiary", e.mark, unit.Code, unit.ValidFrom, c.In.FileNumber),
		Unit:        unit, FileNumber: c.In.FileNumber, Person: e.person, Mark: e.mark, DocumentType: c.In.Person.Document.Type,
		Representative: e.representative, RepresentativeMark: e.representativeMark, MayHold: e.mayHold,
	}
	pending := eventstore.Begin(ctx, a.log, beneficiaryStream(fact.Beneficiary), beneficiary.Register{Fact: fact, Known: faults},
		c.Meta, eventstore.Fresh(), eventstore.OncePerKey(), eventstore.WithSecrets(e.rows...))
	return func() (httpapi.Done[Beneficiary], error) { return doneBeneficiary(pending.Outcome()) }, nil
}

// registrable finds the unit of a body, and everything that is wrong with the body today.
func (a *app) registrable(c httpapi.Call[RegisterBody], today vn.Date) (events.Unit, problem.Faults) {
	unit, faults := a.unitFor(c.In.Unit, c.Pass, today, units.Commune)
	return unit, append(faults, c.In.checkOn(today)...)
}

func (a *app) checkRegister(_ context.Context, c httpapi.Call[RegisterBody]) error {
	_, faults := a.registrable(c, vn.DateOf(c.Meta.At))
	return faults.Err()
}

// CorrectBody is the beneficiary as they should have been entered.
type CorrectBody struct {
	PeopleBody

	Reason string `json:"reason" maxLength:"500" doc:"kept in the vault"`
}

func (a *app) correct(ctx context.Context, c httpapi.Call[CorrectBody]) (httpapi.Done[Beneficiary], error) {
	today := vn.DateOf(c.Meta.At)
	e, err := a.enter(c.In.PeopleBody, today)
	if err != nil {
		return httpapi.Done[Beneficiary]{}, err
	}
	note, err := a.vault.SealNote(c.In.Reason, time.Time{})
	if err != nil {
		return httpapi.Done[Beneficiary]{}, fmt.Errorf("seal the reason of the correction: %w", err)
	}
	cmd := beneficiary.Correct{Mark: e.mark, Known: c.In.checkOn(today), Fact: facts.BeneficiaryCorrected{
		Person: e.person, DocumentType: c.In.Person.Document.Type, Representative: e.representative,
		RepresentativeMark: e.representativeMark, MayHold: e.mayHold, Note: string(note.Ref),
	}}
	return doneBeneficiary(a.apply(ctx, change{
		beneficiary: c.Path("id"), may: c.Pass, meta: c.Meta, command: cmd, secrets: append(e.rows, note),
	}))
}

func (a *app) checkCorrect(_ context.Context, c httpapi.Call[CorrectBody]) error {
	return c.In.checkOn(vn.DateOf(c.Meta.At)).Err()
}

func beneficiaryStream(id string) string { return trail.Stream(id) }

// mark is the keyed name of a person: the same in every file, and nothing that can be turned back.
func (a *app) mark(p person.Person) string { return a.vault.Name("person", p.Key()...) }

// sealPerson encrypts what is kept of a person for the vault row that is stored together with the fact.
func (a *app) sealPerson(purpose string, p person.Person, keep any) (vault.Row, error) {
	return a.vault.Seal(purpose, keep, vault.Index{
		Document: person.DocumentIndex(p.Document.Number),
		Name:     person.NameIndex(p.FullName, p.BirthDate),
	}, time.Time{})
}

// change is what an officer wants done about one beneficiary.
type change struct {
	beneficiary string
	may         policy.Pass
	meta        decider.Meta
	command     decider.Command[beneficiary.Beneficiary]
	secrets     []vault.Row
}

// apply runs a change on a beneficiary of the officer's unit.
func (a *app) apply(ctx context.Context, c change) (eventstore.Outcome[beneficiary.Beneficiary], error) {
	return eventstore.Execute(ctx, a.log, beneficiaryStream(c.beneficiary), c.owned(), c.meta, eventstore.OncePerKey(), eventstore.WithSecrets(c.secrets...))
}

func (c change) owned() beneficiary.Owned {
	return beneficiary.Owned{Sees: sees(c.may), Command: c.command}
}

// DeathBody says when somebody died, and who said so.
type DeathBody struct {
	Date   string `json:"date" format:"date"`
	Source string `json:"source" enum:"civil_registry,family,bank,officer"`
}

func (a *app) die(ctx context.Context, c httpapi.Call[DeathBody]) (httpapi.Done[Beneficiary], error) {
	b, err := a.visible(ctx, c.Path("id"), c.Pass)
	if err != nil {
		return httpapi.Done[Beneficiary]{}, err
	}
	on, err := vn.ParseDate(c.In.Date)
	if err != nil {
		return httpapi.Done[Beneficiary]{}, err
	}
	why, err := foundation.ReadFor(c.Pass, "death_check", b.Beneficiary)
	if err != nil {
		return httpapi.Done[Beneficiary]{}, err
	}
	people, err := a.people(ctx, why, b.Person)
	if err != nil {
		return httpapi.Done[Beneficiary]{}, err
	}
	cmd := beneficiary.Die{On: on, Source: c.In.Source}
	if born, err := vn.ParsePartialDate(people[b.Person].BirthDate); err == nil {
		cmd.Born = born.Earliest()
	}
	return doneBeneficiary(a.apply(ctx, change{beneficiary: b.Beneficiary, may: c.Pass, meta: c.Meta, command: cmd}))
}

// checkDeath does not compare the death with the birth: that is a reading of the person, and each is recorded.
func (a *app) checkDeath(ctx context.Context, c httpapi.Call[DeathBody]) error {
	on, _ := vn.ParseDate(c.In.Date) // nothing is said of no day
	death := change{may: c.Pass, command: beneficiary.Die{On: on, Source: c.In.Source}}
	return eventstore.Refusal(ctx, a.log, beneficiaryStream(c.Path("id")), death.owned(), c.Meta)
}

// dismissDeath says that somebody lives whom a bank reported dead, and how the officer knows.
func (a *app) dismissDeath(ctx context.Context, c httpapi.Call[ReasonBody]) (httpapi.Done[Beneficiary], error) {
	note, err := a.vault.SealNote(c.In.Reason, time.Time{})
	if err != nil {
		return httpapi.Done[Beneficiary]{}, err
	}
	return doneBeneficiary(a.apply(ctx, change{
		beneficiary: c.Path("id"), may: c.Pass, meta: c.Meta, command: beneficiary.DismissDeath{Note: string(note.Ref)}, secrets: []vault.Row{note},
	}))
}

// RevokeBody says why a recorded death is wrong, and which document shows it.
type RevokeBody struct {
	Document string `json:"document" pattern:"^[0-9A-Za-zĐđ./_-]{1,60}$" doc:"number of the paper that shows it" example:"118/TP-HT"`
	Reason   string `json:"reason" maxLength:"500" doc:"kept in the vault"`
}

// Validate keeps people out of what stands in facts.
func (b RevokeBody) Validate(f *problem.Faults) { person.CheckNobody(f, "/document", b.Document) }

func (a *app) revokeDeath(ctx context.Context, c httpapi.Call[RevokeBody]) (httpapi.Done[Beneficiary], error) {
	note, err := a.vault.SealNote(c.In.Reason, time.Time{})
	if err != nil {
		return httpapi.Done[Beneficiary]{}, fmt.Errorf("seal the reason of the revocation: %w", err)
	}
	return doneBeneficiary(a.apply(ctx, change{
		beneficiary: c.Path("id"), may: c.Pass, meta: c.Meta, secrets: []vault.Row{note},
		command: beneficiary.RevokeDeath{Paper: c.In.Document, Note: string(note.Ref)},
	}))
}

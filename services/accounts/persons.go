package accounts

import (
	"context"
	"fmt"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/person"
	"github.com/songan-vn/songan/services/accounts/internal/beneficiary"
)

// The purposes that rows are sealed for. A row sealed for one cannot be opened as another.
const (
	purposeBeneficiary    = "beneficiary"
	purposeRepresentative = "representative"
)

// people opens what is kept of beneficiaries, by reference. Erased and damaged ones are absent.
func (a *app) people(ctx context.Context, reading vault.Reading, refs ...string) (map[string]kept, error) {
	asked := make([]vault.Ref, 0, len(refs))
	for _, ref := range refs {
		asked = append(asked, vault.Ref(ref))
	}
	found, _, err := a.vault.ReadIntact(ctx, reading, asked...)
	if err != nil {
		return nil, fmt.Errorf("read who they are: %w", err)
	}
	people := make(map[string]kept, len(found))
	for ref, plain := range found {
		var k kept
		if err := plain.Decode(&k); err != nil {
			return nil, fmt.Errorf("read who they are: %w", err)
		}
		people[string(ref)] = k
	}
	return people, nil
}

// peopleOf is an answer with the references of the people in it.
type peopleOf struct {
	answer                 *Beneficiary
	person, representative string
}

// administration is what officers read people for, one file or a page of a list.
func administration(who access.Principal, file string) vault.Reading {
	return vault.Reading{Actor: who.Actor(), Purpose: "beneficiary_administration", Case: file}
}

// addPeople reads people from the vault, which records who read them and why.
func (a *app) addPeople(ctx context.Context, who access.Principal, why vault.Reading, all []peopleOf) error {
	var refs []vault.Ref
	for _, p := range all {
		refs = append(refs, vault.Ref(p.person))
		if p.representative != "" {
			refs = append(refs, vault.Ref(p.representative))
		}
	}
	if len(refs) == 0 {
		return nil
	}
	found, damaged, err := a.vault.ReadIntact(ctx, why, refs...)
	if err != nil {
		return fmt.Errorf("read the people of a page: %w", err)
	}
	open := func(ref string) (*person.Person, error) {
		plain, there := found[vault.Ref(ref)]
		if !there {
			return nil, nil //nolint:nilnil // an erased person is nobody
		}
		var whole person.Person
		if err := plain.Decode(&whole); err != nil {
			return nil, fmt.Errorf("read the people of a page: %w", err)
		}
		shown, _ := privacy.Show(a.disclosure, "person", privacy.Reader{Role: who.Role}, whole)
		return &shown, nil
	}
	for _, p := range all {
		if p.answer.Person, err = open(p.person); err != nil {
			return err
		}
		if p.answer.Representative, err = open(p.representative); err != nil {
			return err
		}
		p.answer.Unreadable = damaged[vault.Ref(p.person)]
		p.answer.Erased = p.answer.Person == nil && !p.answer.Unreadable
	}
	return nil
}

// Person is somebody as another service needs them. An erased person has a reference and nothing else.
type Person struct {
	Ref        string         `json:"ref"`
	Person     *person.Person `json:"person,omitzero"`
	FullName   string         `json:"full_name,omitzero" doc:"in place of the person, where names alone were asked for; empty once they were erased"`
	Unreadable bool           `json:"unreadable,omitzero" doc:"the row was damaged or tampered with"`
}

// PersonsBody asks for the people behind references; with NamesOnly for their full names and nothing else.
type PersonsBody struct {
	foundation.PersonsBody

	NamesOnly bool `json:"names_only,omitzero" doc:"answer with full names alone, for whoever needs no more"`
}

// named is all of a person that is read where a name is enough.
type named struct {
	FullName string `json:"full_name"`
}

func (a *app) persons(ctx context.Context, c httpapi.Call[PersonsBody]) (foundation.Persons[Person], error) {
	shown := func(who person.Person) person.Person {
		who, _ = privacy.Show(a.disclosure, "person", privacy.Reader{Role: c.Who.Role}, who)
		return who
	}
	if c.In.NamesOnly {
		return foundation.Resolve(ctx, a.vault, c.Pass, c.In.PersonsBody, func(ref string, who *named, unreadable bool) Person {
			answer := Person{Ref: ref, Unreadable: unreadable}
			if who != nil {
				answer.FullName = shown(person.Person{FullName: who.FullName}).FullName
			}
			return answer
		})
	}
	return foundation.Resolve(ctx, a.vault, c.Pass, c.In.PersonsBody, func(ref string, who *person.Person, unreadable bool) Person {
		answer := Person{Ref: ref, Unreadable: unreadable}
		if who != nil && who.FullName != "" { // the reference of a remark is nobody's
			whole := shown(*who)
			answer.Person = &whole
		}
		return answer
	})
}

// ProfilesBody asks what a right to money depends on. Purpose and case are recorded with the reading.
type ProfilesBody struct {
	Beneficiaries []string `json:"beneficiaries" minItems:"1" maxItems:"500"`
	Purpose       string   `json:"purpose" pattern:"^[a-z][a-z0-9_.-]{0,63}$"`
	Case          string   `json:"case" pattern:"^[!-~]{1,100}$"`
}

// Profile is what a right to money depends on.
type Profile struct {
	Beneficiary string      `json:"beneficiary"`
	Found       bool        `json:"found"`
	Unit        events.Unit `json:"unit,omitzero"`
	Mark        string      `json:"mark,omitzero"`
	// Person and Representative are vault references.
	Person             string `json:"person,omitzero"`
	Representative     string `json:"representative,omitzero"`
	RepresentativeMark string `json:"representative_mark,omitzero"`
	// BirthDate is empty when the person was erased.
	BirthDate string `json:"birth_date,omitzero"`
	DiedOn    string `json:"died_on,omitzero"`
	MayHold   bool   `json:"may_hold" doc:"may hold an account themselves today"`
	Identity  string `json:"identity,omitzero"`
}

// Profiles answers in the order of the beneficiaries.
type Profiles struct {
	Items []Profile `json:"items"`
}

func (a *app) profiles(ctx context.Context, c httpapi.Call[ProfilesBody]) (Profiles, error) {
	why, err := foundation.ReadFor(c.Pass, c.In.Purpose, c.In.Case)
	if err != nil {
		return Profiles{}, err
	}
	states, err := a.states(ctx, c.In.Beneficiaries)
	if err != nil {
		return Profiles{}, err
	}
	refs := make([]string, 0, len(states))
	for _, b := range states {
		refs = append(refs, b.Person)
	}
	people, err := a.people(ctx, why, refs...)
	if err != nil {
		return Profiles{}, err
	}
	today := vn.DateOf(c.Meta.At)
	answer := Profiles{Items: make([]Profile, 0, len(c.In.Beneficiaries))}
	for _, id := range c.In.Beneficiaries {
		b, found := states[id]
		if !found {
			answer.Items = append(answer.Items, Profile{Beneficiary: id})
			continue
		}
		answer.Items = append(answer.Items, profileOf(b, people[b.Person], today))
	}
	return answer, nil
}

func profileOf(b beneficiary.Beneficiary, k kept, today vn.Date) Profile {
	return Profile{
		Beneficiary: b.Beneficiary, Found: true, Unit: b.Unit, Mark: b.Mark, Person: b.Person,
		Representative: b.Representative, RepresentativeMark: b.RepresentativeMark,
		BirthDate: k.BirthDate, DiedOn: b.DiedOn, MayHold: b.MayHold || k.mayHold(today), Identity: b.Identity,
	}
}

package accommodation

import (
	"context"

	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
)

// The purposes that rows are sealed for. A row sealed for one cannot be opened as another.
const (
	purposeGuest   = "guest"
	purposeProfile = "facility"
)

// PersonsBody asks for the people behind references. Purpose and case are recorded with the reading.
type PersonsBody struct {
	Refs    []string `json:"refs" minItems:"1" maxItems:"500"`
	Purpose string   `json:"purpose" pattern:"^[a-z][a-z0-9_.-]{0,63}$"`
	Case    string   `json:"case" pattern:"^[!-~]{1,100}$"`
}

// Person is a guest as another service needs them. An erased person has a reference and nothing else.
type Person struct {
	Ref        string       `json:"ref"`
	Guest      *guest.Guest `json:"guest,omitzero"`
	Unreadable bool         `json:"unreadable,omitzero" doc:"the row was damaged or tampered with"`
}

// Persons answers in the order of the references.
type Persons struct {
	Items []Person `json:"items"`
}

func (a *app) persons(ctx context.Context, c httpapi.Call[PersonsBody]) (Persons, error) {
	if err := c.Pass.For(c.In.Purpose, c.In.Case); err != nil {
		return Persons{}, err
	}
	refs := make([]vault.Ref, 0, len(c.In.Refs))
	for _, ref := range c.In.Refs {
		refs = append(refs, vault.Ref(ref))
	}
	found, damaged, err := a.vault.ReadIntact(ctx, vault.Reading{Actor: c.Who.Actor(), Purpose: c.In.Purpose, Case: c.In.Case}, refs...)
	if err != nil {
		return Persons{}, err
	}
	answer := Persons{Items: make([]Person, 0, len(refs))}
	for _, ref := range refs {
		person := Person{Ref: string(ref), Unreadable: damaged[ref]}
		if plain, there := found[ref]; there {
			var whole guest.Guest
			if err := plain.Decode(&whole); err != nil {
				return Persons{}, err
			}
			shown, _ := privacy.Show(a.disclosure, "guest", privacy.Reader{Role: c.Who.Role}, whole)
			person.Guest = &shown
		}
		answer.Items = append(answer.Items, person)
	}
	return answer, nil
}

package accommodation

import (
	"context"

	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
)

// The purposes that rows are sealed for. A row sealed for one cannot be opened as another.
const (
	purposeGuest   = "guest"
	purposeProfile = "facility"
)

// Person is a guest as another service needs them. An erased person has a reference and nothing else.
type Person struct {
	Ref        string       `json:"ref"`
	Guest      *guest.Guest `json:"guest,omitzero"`
	Unreadable bool         `json:"unreadable,omitzero" doc:"the row was damaged or tampered with"`
}

func (a *app) persons(ctx context.Context, c httpapi.Call[foundation.PersonsBody]) (foundation.Persons[Person], error) {
	return foundation.Resolve(ctx, a.vault, c.Pass, c.In, func(ref string, who *guest.Guest, unreadable bool) Person {
		answer := Person{Ref: ref, Unreadable: unreadable}
		if who != nil {
			shown, _ := privacy.Show(a.disclosure, "guest", privacy.Reader{Role: c.Who.Role}, *who)
			answer.Guest = &shown
		}
		return answer
	})
}

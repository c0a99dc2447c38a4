package clients

import (
	"context"
	"errors"
	"fmt"

	"github.com/songan-vn/songan/libs/peer"
)

// Person is what a check needs to know of somebody. It is held for one check and never stored here.
type Person struct {
	FullName    string `json:"full_name"`
	BirthDate   string `json:"birth_date"`
	Sex         string `json:"sex"`
	Nationality string `json:"nationality"`
	Document    struct {
		Type   string `json:"type"`
		Number string `json:"number"`
	} `json:"document"`
}

// People asks one service for the people behind its references. Questions that come at the same time go in one call,
// because each call is one recorded reading there.
type People struct {
	client *peer.Client
	path   string
	asking *peer.Batcher[string, answered]
}

// answered is what a service knows behind a reference: accommodation has guests, accounts has persons.
type answered struct {
	Ref        string  `json:"ref"`
	Guest      *Person `json:"guest"`
	Person     *Person `json:"person"`
	Unreadable bool    `json:"unreadable"`
}

// ErrUnreadablePerson says that the person's row does not open. Waiting does not mend that: an operator has to look.
var ErrUnreadablePerson = errors.New("the person's row in the vault does not open")

// NewPeople returns a client of a service that answers POST /<service>/v1/persons.
func NewPeople(service string, o Options) *People {
	p := &People{client: peer.NewClient(o), path: "/" + service + "/v1/persons"}
	p.asking = peer.NewBatcher(peer.Batching{}, p.ask)
	return p
}

// Person resolves a reference. It answers false when the person was erased.
func (p *People) Person(ctx context.Context, ref string) (Person, bool, error) {
	found, _, err := p.asking.Ask(ctx, ref)
	switch {
	case err != nil:
		return Person{}, false, fmt.Errorf("resolve person: %w", err)
	case found.Unreadable:
		return Person{}, false, fmt.Errorf("resolve person: %w", ErrUnreadablePerson)
	case found.Guest != nil:
		return *found.Guest, true, nil
	case found.Person != nil:
		return *found.Person, true, nil
	default:
		return Person{}, false, nil
	}
}

// ask resolves references in one call. The case is the oldest of the references: the reading lists all of them.
func (p *People) ask(ctx context.Context, refs []string) (map[string]answered, error) {
	type found struct {
		Items []answered `json:"items"`
	}
	answer, err := peer.Post[found](ctx, p.client, p.path, map[string]any{
		"refs": refs, "purpose": "identity_check", "case": "check-" + refs[0],
	})
	if err != nil {
		return nil, fmt.Errorf("ask for people: %w", err)
	}
	people := make(map[string]answered, len(answer.Items))
	for _, item := range answer.Items {
		people[item.Ref] = item
	}
	return people, nil
}

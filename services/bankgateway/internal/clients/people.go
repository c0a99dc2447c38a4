package clients

import (
	"context"
	"fmt"
	"slices"

	"github.com/songan-vn/songan/libs/peer"
)

// PeopleLimit is how many references one call resolves.
const PeopleLimit = 500

// Person is what a bank needs to know of somebody. It is held for one message and never stored here.
type Person struct {
	FullName  string `json:"full_name"`
	BirthDate string `json:"birth_date"`
	Sex       string `json:"sex"`
	Document  struct {
		Type   string `json:"type"`
		Number string `json:"number"`
	} `json:"document"`
	Residence struct {
		Text string `json:"text"`
	} `json:"residence"`
	Phone string `json:"phone"`
}

// Found is what the accounts service knows behind a reference: a person; or nobody, when they were erased.
type Found struct {
	Ref string `json:"ref"`
	// Person is nil when they were erased. If names alone were asked for, only its FullName is filled.
	Person *Person `json:"person"`
	// Unreadable says that the row does not open.
	Unreadable bool `json:"unreadable"`
}

// People asks the accounts service for the people behind references.
type People struct {
	client *peer.Client
	asking *peer.Batcher[string, Found]
}

// NewPeople returns a client of the accounts service.
func NewPeople(o peer.Options) *People {
	p := &People{client: peer.NewClient(o)}
	p.asking = peer.NewBatcher(peer.Batching{Most: PeopleLimit}, func(ctx context.Context, refs []string) (map[string]Found, error) {
		return p.call(ctx, Reading{Purpose: "holder_check", Case: "holders-" + refs[0], NamesOnly: true}, refs)
	})
	return p
}

// Reading says why people are read, which the accounts service records, and whether their names are enough.
type Reading struct {
	Purpose, Case string
	NamesOnly     bool
}

// All resolves references, in as few calls as possible. Every reference is answered.
func (p *People) All(ctx context.Context, why Reading, refs []string) (map[string]Found, error) {
	refs = slices.Clone(refs)
	slices.Sort(refs)
	people := make(map[string]Found, len(refs))
	for chunk := range slices.Chunk(slices.Compact(refs), PeopleLimit) {
		found, err := p.call(ctx, why, chunk)
		if err != nil {
			return nil, err
		}
		for ref, who := range found {
			people[ref] = who
		}
	}
	return people, nil
}

// One resolves a reference to a name, together with those that others ask for at the same time.
func (p *People) One(ctx context.Context, ref string) (Found, error) {
	found, _, err := p.asking.Ask(ctx, ref)
	if err != nil {
		return Found{}, fmt.Errorf("resolve person: %w", err)
	}
	return found, nil
}

type question struct {
	Refs      []string `json:"refs"`
	Purpose   string   `json:"purpose"`
	Case      string   `json:"case"`
	NamesOnly bool     `json:"names_only,omitzero"` // refused by an accounts service from before it knew it: start accounts first
}

func (p *People) call(ctx context.Context, why Reading, refs []string) (map[string]Found, error) {
	type answer struct {
		Items []struct {
			Found

			FullName string `json:"full_name"`
		} `json:"items"`
	}
	got, err := peer.Post[answer](ctx, p.client, "/accounts/v1/persons", question{refs, why.Purpose, why.Case, why.NamesOnly})
	if err != nil {
		return nil, fmt.Errorf("ask for people: %w", err)
	}
	people := make(map[string]Found, len(got.Items))
	for _, item := range got.Items {
		if item.FullName != "" {
			item.Person = &Person{FullName: item.FullName}
		}
		people[item.Ref] = item.Found
	}
	return people, nil
}

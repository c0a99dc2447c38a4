package clients

import (
	"context"
	"fmt"
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

// People asks the accommodation service for the person behind a reference.
type People struct{ endpoint endpoint }

// NewPeople returns a client of the accommodation service.
func NewPeople(o Options) *People {
	return &People{endpoint: newEndpoint("/accommodation/v1/persons", o)}
}

// Person resolves a reference for a check that a stream asked for. It answers false when the person was erased.
func (p *People) Person(ctx context.Context, ref, stream string) (Person, bool, error) {
	type found struct {
		Items []struct {
			Guest *Person `json:"guest"`
		} `json:"items"`
	}
	answer, err := post[found](ctx, p.endpoint, map[string]any{
		"refs": []string{ref}, "purpose": "identity_check", "case": stream,
	})
	if err != nil {
		return Person{}, false, fmt.Errorf("resolve person: %w", err)
	}
	if len(answer.Items) != 1 || answer.Items[0].Guest == nil {
		return Person{}, false, nil
	}
	return *answer.Items[0].Guest, true, nil
}

package foundation

import (
	"context"
	"fmt"

	"github.com/songan-vn/songan/libs/access/policy"
	"github.com/songan-vn/songan/libs/vault"
)

// PersonsBody asks for the people behind references. Purpose and case are recorded with the reading.
type PersonsBody struct {
	Refs    []string `json:"refs" minItems:"1" maxItems:"500"`
	Purpose string   `json:"purpose" pattern:"^[a-z][a-z0-9_.-]{0,63}$"`
	Case    string   `json:"case" pattern:"^[!-~]{1,100}$"`
}

// Persons answers in the order of the references.
type Persons[A any] struct {
	Items []A `json:"items"`
}

// ReadFor is what a caller reads people for, once the policies allowed it: they hear what is recorded.
func ReadFor(may policy.Pass, purpose, file string) (vault.Reading, error) {
	if err := may.For(purpose, file); err != nil {
		return vault.Reading{}, err //nolint:wrapcheck // a refusal is for the caller, as it is
	}
	return vault.Reading{Actor: may.Who().Actor(), Purpose: purpose, Case: file}, nil
}

// Resolve tells another service who is behind references. Of each it has answer made: from the person, nil for somebody who
// was erased, or from the knowledge that the row was damaged or tampered with.
func Resolve[P, A any](
	ctx context.Context, v *vault.Vault, may policy.Pass, in PersonsBody, answer func(ref string, who *P, unreadable bool) A,
) (Persons[A], error) {
	why, err := ReadFor(may, in.Purpose, in.Case)
	if err != nil {
		return Persons[A]{}, err
	}
	refs := make([]vault.Ref, 0, len(in.Refs))
	for _, ref := range in.Refs {
		refs = append(refs, vault.Ref(ref))
	}
	found, damaged, err := v.ReadIntact(ctx, why, refs...)
	if err != nil {
		return Persons[A]{}, fmt.Errorf("read persons for another service: %w", err)
	}
	all := Persons[A]{Items: make([]A, 0, len(refs))}
	for _, ref := range refs {
		var who *P
		if plain, there := found[ref]; there {
			who = new(P)
			if err := plain.Decode(who); err != nil {
				return Persons[A]{}, fmt.Errorf("read persons for another service: %w", err)
			}
		}
		all.Items = append(all.Items, answer(string(ref), who, damaged[ref]))
	}
	return all, nil
}

package reactions

import (
	"context"
	"fmt"
	"slices"

	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/bankgateway/internal/clients"
)

// PurposeNumber is what account numbers are sealed for in the gateway's vault.
const PurposeNumber = "account_number"

// sealedNumber is the row of an account number.
type sealedNumber struct {
	Number string `json:"number"`
}

// resolved is what is known of references, for one piece of a batch and no longer.
type resolved struct {
	names   map[string]clients.Found // with a name alone
	persons map[string]clients.Found
	numbers map[string]string
	damaged map[string]bool
}

// name returns how the holder of an account is called, or why it cannot be said any more.
func (k resolved) name(ref string) (name, reason string) {
	holder, reason := readable(k.names[ref], "holder")
	return holder.FullName, reason
}

// person returns whom a reference means, or why it cannot be said any more.
func (k resolved) person(ref, as string) (clients.Person, string) {
	return readable(k.persons[ref], as)
}

func readable(found clients.Found, as string) (clients.Person, string) {
	switch {
	case found.Unreadable:
		return clients.Person{}, as + "_unreadable"
	case found.Person == nil:
		return clients.Person{}, as + "_erased"
	default:
		return *found.Person, ""
	}
}

// number returns an account number, or why it cannot be said any more.
func (k resolved) number(ref string) (number, reason string) {
	if k.damaged[ref] {
		return "", "number_unreadable"
	}
	number, found := k.numbers[ref]
	if !found {
		return "", "number_erased"
	}
	return number, ""
}

// Resolver finds out what references mean: people in the accounts service, numbers in the gateway's own vault.
type Resolver struct {
	Vault  *vault.Vault
	People *clients.People
}

// distinct returns the references among texts, each once. What is none was never there, and must not spoil the question for others.
func distinct(texts []string) []string {
	refs := slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return !vault.IsRef(s) })
	slices.Sort(refs)
	return slices.Compact(refs)
}

// resolve answers for all tasks together. An error means that something is away.
func (r Resolver) resolve(ctx context.Context, tasks []task) (resolved, error) {
	var names, people, numbers []string
	for _, t := range tasks {
		names, people, numbers = append(names, t.names()...), append(people, t.people()...), append(numbers, t.numbers()...)
	}
	known := resolved{numbers: map[string]string{}, damaged: map[string]bool{}}
	why := clients.Reading{Purpose: "bank_instruction", Case: tasks[0].stream()} // the oldest; the recorded reading lists all references
	var err error
	if known.persons, err = r.People.All(ctx, why, distinct(people)); err != nil {
		return resolved{}, fmt.Errorf("read whose account is to be opened: %w", err)
	}
	why.NamesOnly = true
	if known.names, err = r.People.All(ctx, why, distinct(names)); err != nil {
		return resolved{}, fmt.Errorf("read who is to be paid: %w", err)
	}
	if len(numbers) == 0 {
		return known, nil
	}
	err = r.open(ctx, known, vault.Reading{Actor: Actor, Purpose: why.Purpose, Case: why.Case}, distinct(numbers))
	return known, err
}

// open reads numbers.
func (r Resolver) open(ctx context.Context, known resolved, why vault.Reading, refs []string) error {
	asked := make([]vault.Ref, len(refs))
	for i, ref := range refs {
		asked[i] = vault.Ref(ref)
	}
	rows, damaged, err := r.Vault.ReadIntact(ctx, why, asked...)
	if err != nil {
		return fmt.Errorf("read account numbers: %w", err)
	}
	for ref := range damaged {
		known.damaged[string(ref)] = true
	}
	for ref, plain := range rows {
		var row sealedNumber
		if err := plain.Decode(&row); err != nil {
			known.damaged[string(ref)] = true
			continue
		}
		known.numbers[string(ref)] = row.Number
	}
	return nil
}

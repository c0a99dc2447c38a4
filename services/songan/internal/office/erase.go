package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
)

// Erase removes a person from the vaults at their request.
type Erase struct {
	Place
	Case

	Reason string `help:"Why, as a code." default:"subject_request"`
	Rules  string `help:"File of rules; those of the program if it is left out." env:"SONGAN_RETENTION_RULES"`
}

// Erased is the proof of an erasure, one per service.
type Erased struct {
	Service string    `json:"service"`
	At      time.Time `json:"at"`
	Case    string    `json:"case"`
	// Refs are gone.
	Refs []vault.Ref `json:"refs"`
	// HeldRefs are not, and Held says why: a case forbids it, or money is on its way.
	HeldRefs []vault.Ref `json:"held_refs,omitempty"`
	Held     string      `json:"held,omitempty"`
	// KeptByLaw are not either: a law wants them kept, whatever the person asks for.
	KeptByLaw []vault.Ref `json:"kept_by_law,omitempty"`
}

// Do erases in every vault in which nothing is on hold, and writes the proof. It errs when something was held back: by a case,
// or because money is on its way to the person.
func (e Erase) Do(ctx context.Context, in io.Reader, out io.Writer) error {
	document, err := number(in)
	if err != nil {
		return err
	}
	rules, err := privacy.LoadRules(e.Rules)
	if err != nil {
		return err
	}
	known, err := e.find(ctx, search{e.Case, "erasure", document})
	if err != nil {
		return err
	}
	proofs, held := []Erased{}, false
	err = e.each(ctx, func(in subject.Place) error {
		proof, err := e.erase(ctx, in, known, keptByLaw(rules, in.Service))
		proof.Service, held = in.Service, held || proof.Held != ""
		proofs = append(proofs, proof)
		return err
	})
	if err := errors.Join(err, write(out, proofs)); err != nil {
		return err
	}
	if held {
		return vault.ErrHeld
	}
	return nil
}

// keptByLaw tells which purposes stay whatever a person asks for. Of a purpose without a rule nobody said that it may go.
func keptByLaw(rules privacy.Rules, service string) func(vault.Holding) bool {
	return func(h vault.Holding) bool {
		for _, rule := range rules.Of(service, now()) {
			if rule.Purpose == h.Purpose {
				return rule.OnRequest == privacy.OnRequestKeep
			}
		}
		return true
	}
}

// rounds bounds how often a person is searched for in one vault. Each finds [vault.MaxRefs] rows at most.
const rounds = 100

// erase goes on until nothing of the person is found any more that may go.
func (e Erase) erase(ctx context.Context, in subject.Place, known *known, keeps func(vault.Holding) bool) (Erased, error) {
	proof := Erased{At: now().UTC(), Case: e.Case.Case, Refs: []vault.Ref{}}
	for range rounds {
		all, err := known.holdings(ctx, in)
		if err != nil {
			return proof, err
		}
		may := slices.DeleteFunc(slices.Clone(all), keeps)
		proof.KeptByLaw = refsWhere(all, keeps)
		if len(may) == 0 {
			return proof, nil
		}
		if err := e.eraseAll(ctx, in.Vault, may, &proof); err != nil || proof.Held != "" {
			return proof, err
		}
	}
	return proof, errors.New("there is more of the person than one run erases; run it again")
}

func (e Erase) eraseAll(ctx context.Context, v *vault.Vault, rows []vault.Holding, proof *Erased) error {
	for some := range slices.Chunk(rows, vault.MaxRefs) {
		refs := refsWhere(some, func(vault.Holding) bool { return true })
		err := v.Erase(ctx, vault.Erasure{Actor: e.Actor, Reason: e.Reason}, refs...)
		if errors.Is(err, vault.ErrHeld) {
			proof.HeldRefs, proof.Held = refs, err.Error()
			return nil
		}
		if err != nil {
			return fmt.Errorf("erase the person: %w", err)
		}
		proof.Refs = append(proof.Refs, refs...)
	}
	return nil
}

func refsWhere(all []vault.Holding, is func(vault.Holding) bool) (refs []vault.Ref) {
	for _, h := range all {
		if is(h) {
			refs = append(refs, h.Ref)
		}
	}
	return refs
}

package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/songan-vn/songan/libs/vault"
)

// Erase removes a person from the vaults at their request.
type Erase struct {
	Place
	Case

	Reason string `help:"Why, as a code." default:"subject_request"`
}

// Erased is the proof of an erasure, one per service.
type Erased struct {
	Service string    `json:"service"`
	At      time.Time `json:"at"`
	Case    string    `json:"case"`
	// Refs are gone.
	Refs []vault.Ref `json:"refs"`
	// HeldRefs are not, and Held says why: a law or a case forbids it, or money is on its way.
	HeldRefs []vault.Ref `json:"held_refs,omitempty"`
	Held     string      `json:"held,omitempty"`
}

// Do erases in every vault in which nothing is on hold, and writes the proof. It errs when something was held back: by a law,
// by a case, or because money is on its way to the person.
func (e Erase) Do(ctx context.Context, in io.Reader, out io.Writer) error {
	document, err := number(in)
	if err != nil {
		return err
	}
	proofs, held := []Erased{}, false
	err = e.each(ctx, func(service string, v *vault.Vault) error {
		proof, err := e.erase(ctx, v, document)
		proof.Service, held = service, held || proof.Held != ""
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

// rounds bounds how often a person is searched for in one vault. Each finds [vault.MaxRefs] rows at most.
const rounds = 100

// erase goes on until nothing of the person is found any more.
func (e Erase) erase(ctx context.Context, v *vault.Vault, document string) (Erased, error) {
	proof := Erased{At: now().UTC(), Case: e.Case.Case, Refs: []vault.Ref{}}
	for range rounds {
		refs, err := v.FindByDocument(ctx, vault.Reading{Actor: e.Actor, Purpose: "erasure", Case: e.Case.Case}, document)
		if err != nil {
			return proof, fmt.Errorf("find the person: %w", err)
		}
		if len(refs) == 0 {
			return proof, nil
		}
		err = v.Erase(ctx, vault.Erasure{Actor: e.Actor, Reason: e.Reason}, refs...)
		if errors.Is(err, vault.ErrHeld) {
			proof.HeldRefs, proof.Held = refs, err.Error()
			return proof, nil
		}
		if err != nil {
			return proof, err
		}
		proof.Refs = append(proof.Refs, refs...)
	}
	return proof, errors.New("there is more of the person than one run erases; run it again")
}

// AccessReport tells a person who read them.
type AccessReport struct {
	Place
	Case
}

// Accesses are the readings of a person in one service.
type Accesses struct {
	Service  string             `json:"service"`
	Refs     []vault.Ref        `json:"refs"`
	Readings []vault.Disclosure `json:"readings"`
}

// Do writes the report. The search for it is its last entry.
func (r AccessReport) Do(ctx context.Context, in io.Reader, out io.Writer) error {
	document, err := number(in)
	if err != nil {
		return err
	}
	report := []Accesses{}
	err = r.each(ctx, func(service string, v *vault.Vault) error {
		refs, err := v.FindByDocument(ctx, vault.Reading{Actor: r.Actor, Purpose: "access_report", Case: r.Case.Case}, document)
		if err != nil {
			return fmt.Errorf("find the person: %w", err)
		}
		readings, err := v.Disclosures(ctx, refs...)
		report = append(report, Accesses{Service: service, Refs: refs, Readings: readings})
		return err
	})
	return errors.Join(err, write(out, report))
}

// Breach lists whom a key has read: for the notice within 72 hours.
type Breach struct {
	Place

	Rules      string    `help:"File of rules; those of the program if it is left out." env:"SONGAN_RETENTION_RULES"`
	Discovered time.Time `help:"When the breach was found (RFC 3339); now if it is left out."`

	Key  string    `help:"The stolen key's holder, as in the records: officer:<id>, facility:<id>, service:<name>." required:""`
	From time.Time `help:"Since when (RFC 3339)." required:""`
	To   time.Time `help:"Until when; now if it is left out."`
}

// Breached is what the notice of a breach has to say: until when it is due, and whom the key has read.
type Breached struct {
	Key          string     `json:"key"`
	From         time.Time  `json:"from"`
	To           time.Time  `json:"to"`
	DiscoveredAt time.Time  `json:"discovered_at"`
	NotifyBy     time.Time  `json:"notify_by"`
	LegalBasis   string     `json:"legal_basis"`
	Services     []Accesses `json:"services"`
}

// Do writes the deadline of the notice, and the readings by service.
func (b Breach) Do(ctx context.Context, out io.Writer) error {
	if b.To.IsZero() {
		b.To = now()
	}
	if b.Discovered.IsZero() {
		b.Discovered = now()
	}
	by, basis, err := notice(b.Rules, b.Discovered)
	if err != nil {
		return err
	}
	report := Breached{
		Key: b.Key, From: b.From, To: b.To, DiscoveredAt: b.Discovered, NotifyBy: by, LegalBasis: basis, Services: []Accesses{},
	}
	err = b.each(ctx, func(service string, v *vault.Vault) error {
		readings, err := v.ReadBy(ctx, b.Key, b.From, b.To)
		report.Services = append(report.Services, Accesses{Service: service, Refs: refsOf(readings), Readings: readings})
		return err
	})
	return errors.Join(err, write(out, report))
}

func refsOf(readings []vault.Disclosure) []vault.Ref {
	refs, seen := []vault.Ref{}, map[vault.Ref]bool{}
	for _, r := range readings {
		if !seen[r.Ref] {
			seen[r.Ref] = true
			refs = append(refs, r.Ref)
		}
	}
	return refs
}

// Replay erases again what a restored backup has brought back.
type Replay struct {
	Place

	Ledger string `help:"Ledger of one service, when it is not beside the key file; then name that service alone."`
}

// Replayed is what a replay did in one service.
type Replayed struct {
	Service string `json:"service"`
	vault.Replayed
}

// Do replays the ledgers. Damaged lines stop nothing; they are what it errs with.
func (r Replay) Do(ctx context.Context, out io.Writer) error {
	if r.Ledger != "" && len(r.Services) != 1 {
		return errors.New("a ledger belongs to one service: name it with --services")
	}
	done := []Replayed{}
	var damaged error
	err := r.each(ctx, func(service string, v *vault.Vault) error {
		path := r.Ledger
		if path == "" {
			path = r.keys(service) + ".erasures.jsonl"
		}
		file, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) && r.Ledger == "" {
			done = append(done, Replayed{Service: service})
			return nil // nobody was ever erased here
		}
		if err != nil {
			return fmt.Errorf("open ledger: %w", err)
		}
		defer file.Close()
		replayed, err := v.ReplayErasures(ctx, file)
		done = append(done, Replayed{service, replayed})
		damaged = errors.Join(damaged, err)
		return nil
	})
	return errors.Join(err, damaged, write(out, done))
}

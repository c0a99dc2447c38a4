package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
)

// Accesses are the readings of people in one service.
type Accesses struct {
	Service  string             `json:"service"`
	Refs     []vault.Ref        `json:"refs"`
	Readings []vault.Disclosure `json:"readings"`
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
	err = b.each(ctx, func(in subject.Place) error {
		readings, err := in.Vault.ReadBy(ctx, b.Key, b.From, b.To)
		report.Services = append(report.Services, Accesses{Service: in.Service, Refs: refsOf(readings), Readings: readings})
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
	err := r.each(ctx, func(in subject.Place) error {
		path := r.Ledger
		if path == "" {
			path = r.keys(in.Service) + ".erasures.jsonl"
		}
		file, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) && r.Ledger == "" {
			done = append(done, Replayed{Service: in.Service})
			return nil // nobody was ever erased here
		}
		if err != nil {
			return fmt.Errorf("open ledger: %w", err)
		}
		defer file.Close()
		replayed, err := in.Vault.ReplayErasures(ctx, file)
		done = append(done, Replayed{in.Service, replayed})
		damaged = errors.Join(damaged, err)
		return nil
	})
	return errors.Join(err, damaged, write(out, done))
}

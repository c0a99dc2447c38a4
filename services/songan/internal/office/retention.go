package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
)

// Retention says what is kept about people, for how long, by which law, and what is due. It erases nothing: the services
// do, every hour.
type Retention struct {
	Place

	Rules string `help:"File of rules; those of the program if it is left out." env:"SONGAN_RETENTION_RULES"`
}

// Kept is how the people of one service stand to the rules.
type Kept struct {
	Service string `json:"service"`
	Terms   []Term `json:"terms"`
	// WithoutRule are purposes that no rule speaks of: they would be kept for ever.
	WithoutRule []string `json:"without_rule,omitempty"`
	// SpentMonths are over and empty; their keys are destroyed next.
	SpentMonths []string `json:"spent_months,omitempty"`
	// Proofs are the latest erasures by a rule.
	Proofs []vault.Retained `json:"proofs,omitempty"`
}

// Term is a rule with what it means today.
type Term struct {
	privacy.Retention
	vault.Due

	// Before is when a row that is due was written, or last read, at the latest.
	Before time.Time `json:"before"`
	// NextDue is when the oldest row will be due, at the earliest.
	NextDue time.Time `json:"next_due,omitzero"`
}

// ErrNoRule says that something is kept that no rule speaks of.
var ErrNoRule = errors.New("there are rows that no rule of retention speaks of")

// Do writes the report, and errs when something is kept without a rule.
func (r Retention) Do(ctx context.Context, out io.Writer) error {
	rules, err := privacy.LoadRules(r.Rules)
	if err != nil {
		return fmt.Errorf("read the rules of retention: %w", err)
	}
	report, missing := []Kept{}, false
	err = r.each(ctx, func(in subject.Place) error {
		kept, err := keptBy(ctx, in.Service, in.Vault, rules)
		report = append(report, kept)
		missing = missing || len(kept.WithoutRule) > 0
		return err
	})
	if err := errors.Join(err, write(out, report)); err != nil {
		return err
	}
	if missing {
		return ErrNoRule
	}
	return nil
}

func keptBy(ctx context.Context, service string, v *vault.Vault, rules privacy.Rules) (Kept, error) {
	const latest = 20
	at, kept := now(), Kept{Service: service, Terms: []Term{}}
	purposes, err := v.Purposes(ctx)
	if err != nil {
		return kept, fmt.Errorf("list what %s keeps: %w", service, err)
	}
	for _, rule := range rules.Of(service, at) {
		purposes = slices.DeleteFunc(purposes, func(p string) bool { return p == rule.Purpose })
		due, err := v.Due(ctx, foundation.TermOf(rule, at))
		if err != nil {
			return kept, fmt.Errorf("count what is due at %s: %w", service, err)
		}
		term := Term{Retention: rule, Due: due, Before: rule.Before(at)}
		if due.Rows > 0 {
			term.NextDue = due.Oldest.In(vn.Zone).AddDate(0, rule.Months, 0)
		}
		kept.Terms = append(kept.Terms, term)
	}
	kept.WithoutRule = purposes
	if kept.SpentMonths, err = v.Spent(ctx); err != nil {
		return kept, fmt.Errorf("list the spent months of %s: %w", service, err)
	}
	kept.Proofs, err = v.Retained(ctx)
	kept.Proofs = kept.Proofs[:min(len(kept.Proofs), latest)]
	return kept, err
}

// Requests lists what people asked about their data and was not answered yet.
type Requests struct {
	Place
}

// Waiting is a request that waits for its answer.
type Waiting struct {
	Service    string    `json:"service"`
	ID         string    `json:"id"`
	Kind       string    `json:"kind"`
	Case       string    `json:"case"`
	ReceivedAt time.Time `json:"received_at"`
	AnswerBy   time.Time `json:"answer_by"`
	DoneBy     time.Time `json:"done_by"`
	LegalBasis string    `json:"legal_basis"`
	Overdue    bool      `json:"overdue"`
}

// ErrOverdue says that somebody should have been answered by now.
var ErrOverdue = errors.New("a person should have been answered by now")

// Do writes them, the oldest first, and errs when one is overdue.
func (r Requests) Do(ctx context.Context, out io.Writer) error {
	const most = 1000
	waiting, overdue := []Waiting{}, false
	err := r.each(ctx, func(in subject.Place) error {
		open, err := in.Vault.Requests(ctx, false, "", most)
		for _, o := range open {
			late := !now().Before(o.AnswerBy)
			overdue = overdue || late
			waiting = append(waiting, Waiting{
				Service: in.Service, ID: o.ID, Kind: o.Kind, Case: o.Case, ReceivedAt: o.ReceivedAt, AnswerBy: o.AnswerBy, DoneBy: o.DoneBy,
				LegalBasis: o.LegalBasis, Overdue: late,
			})
		}
		return err
	})
	if err := errors.Join(err, write(out, waiting)); err != nil {
		return err
	}
	if overdue {
		return ErrOverdue
	}
	return nil
}

// notice is until when the authority has to hear of a breach, and by which law.
func notice(rules string, discovered time.Time) (by time.Time, basis string, err error) {
	all, err := privacy.LoadRules(rules)
	if err != nil {
		return by, "", fmt.Errorf("read how soon a breach is to be told: %w", err)
	}
	deadline, known := all.Deadline(privacy.Breach, discovered)
	if !known {
		return by, "", errors.New("no law sets a deadline for the notice of a breach on that day")
	}
	return deadline.DoneBy(discovered), deadline.LegalBasis, nil
}

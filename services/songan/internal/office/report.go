package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/accommodation"
	guests "github.com/songan-vn/songan/services/accommodation/trail"
	"github.com/songan-vn/songan/services/accounts"
	people "github.com/songan-vn/songan/services/accounts/trail"
	"github.com/songan-vn/songan/services/bankgateway"
	numbers "github.com/songan-vn/songan/services/bankgateway/trail"
	"github.com/songan-vn/songan/services/disbursement"
	money "github.com/songan-vn/songan/services/disbursement/trail"
)

// AccessReport tells a person what is kept about them, what it says, and who read it.
type AccessReport struct {
	Place
	Case
}

// Do writes the report. The search for it, and the reading, are its last entries.
func (r AccessReport) Do(ctx context.Context, in io.Reader, out io.Writer) error {
	document, err := number(in)
	if err != nil {
		return err
	}
	known, err := r.find(ctx, search{r.Case, "access_report", document})
	if err != nil {
		return err
	}
	reports := []subject.Report{}
	err = r.each(ctx, func(in subject.Place) error {
		found, trail, err := known.trail(ctx, in)
		if err != nil {
			return err
		}
		report, err := trail.Tell(ctx, in, known.reading(), found...)
		report.Cut = report.Cut || len(found) == vault.MaxRefs
		reports = append(reports, report)
		return err
	})
	return errors.Join(err, write(out, reports))
}

// search is who looks for whom, and why.
type search struct {
	Case
	purpose, document string
}

func (s search) reading() vault.Reading {
	return vault.Reading{Actor: s.Actor, Purpose: s.purpose, Case: s.Case.Case}
}

// known is somebody who is looked for in every vault. Where a document does not find them, what accounts knows does.
type known struct {
	search
	files, accounts subject.Keys
}

// trailWithin is how long read models may take to come up to their logs; they do not where a service is stopped.
const trailWithin = 30 * time.Second

// find asks accounts for the keys by which others know a person, if others are meant.
func (p Place) find(ctx context.Context, s search) (*known, error) {
	k := &known{search: s}
	if !slices.Contains(p.Services, disbursement.Name) && !slices.Contains(p.Services, bankgateway.Name) {
		return k, nil
	}
	err := p.with(ctx, accounts.Name, func(in subject.Place) error {
		_, trail, err := k.trail(ctx, in)
		if err != nil {
			return err
		}
		facts, _, err := trail.Facts(ctx, in.Pool)
		k.files, k.accounts = people.Files(trail), people.Accounts(trail, facts)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("vault of accounts: %w", err)
	}
	return k, nil
}

// trail finds where a service has something of the person: the rows that bear their document, and what these lead to.
func (k *known) trail(ctx context.Context, in subject.Place) (found []vault.Ref, t subject.Trail, err error) {
	ctx, cancel := context.WithTimeout(ctx, trailWithin)
	defer cancel()
	switch in.Service {
	case disbursement.Name:
		t, err = money.Of(ctx, in.Pool, k.files)
		return nil, t, err
	case bankgateway.Name:
		return nil, numbers.Of(k.accounts), nil
	}
	if found, err = in.Vault.FindByDocument(ctx, k.reading(), k.document); err != nil {
		return nil, t, fmt.Errorf("find the person: %w", err)
	}
	switch in.Service {
	case accommodation.Name:
		t, err = guests.Of(ctx, in.Pool, found)
	case accounts.Name:
		t, err = people.Of(ctx, in.Pool, found)
	}
	return found, t, err
}

// holdings are all rows of a vault that are about the person, those that bear their document first.
func (k *known) holdings(ctx context.Context, in subject.Place) ([]vault.Holding, error) {
	found, trail, err := k.trail(ctx, in)
	if err != nil {
		return nil, err
	}
	facts, _, err := trail.Facts(ctx, in.Pool)
	if err != nil {
		return nil, err
	}
	more, err := trail.RowsOf(ctx, in.Vault, facts)
	if err != nil {
		return nil, err
	}
	rows, err := in.Vault.Holdings(ctx, found...)
	if err != nil {
		return nil, err
	}
	remarks, err := in.Vault.Holdings(ctx, more...)
	return append(rows, remarks...), err
}

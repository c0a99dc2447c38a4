// Package trail tells what the disbursement service keeps of one person, by the files that the accounts service knows to be theirs:
// their enrolments with category and birth date, their payments, and their part of the proofs of amounts. Of the payments to
// those whose account they hold, the facts that name them are theirs too.
//
// The proofs of drafts that were replaced are of no line any more; they are not looked for, and go with their term.
package trail

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/disbursement/internal/enrolment"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/clerk"
)

const streamsOf = `
select 'enrolment', enrolment, beneficiary = any($1) from enrolments where beneficiary = any($1)
 union all
select 'payment', payment, beneficiary = any($1) from payments where beneficiary = any($1) or beneficiary = any($2)
 order by 1, 2`

// A line is found by the mark of its person, which has an index.
const proofsOf = `
select l.proofs, l.payment
  from lines l
 where l.mark in (select mark from enrolments where beneficiary = any($1)) and l.beneficiary = any($1) and l.proofs <> ''
 order by l.proofs, l.payment`

// Of leads from the files of a person to everything about their money, by everything that stands in the log.
func Of(ctx context.Context, pool *pgxpool.Pool, keys subject.Keys) (subject.Trail, error) {
	found := subject.Trail{Refs: keys.Refs, Follow: []string{vault.NotePurpose, enrolment.Purpose}}
	if err := projection.UpToDate(ctx, pool, "enrolments", "lines", "payments"); err != nil {
		return found, fmt.Errorf("find the money of a person: %w", err)
	}
	if err := addStreams(ctx, pool, keys, &found); err != nil {
		return found, fmt.Errorf("find the money of a person: %w", err)
	}
	if err := addProofs(ctx, pool, keys, &found); err != nil {
		return found, fmt.Errorf("find the proofs of a person's money: %w", err)
	}
	return found, nil
}

func addStreams(ctx context.Context, pool *pgxpool.Pool, keys subject.Keys, found *subject.Trail) error {
	rows, err := pool.Query(ctx, streamsOf, keys.Own, keys.Mentions)
	if err != nil {
		return err //nolint:wrapcheck // its caller says what was tried
	}
	var kind, id string
	var own bool
	_, err = pgx.ForEachRow(rows, []any{&kind, &id, &own}, func() error {
		switch {
		case kind == "enrolment":
			found.Streams = append(found.Streams, enrolment.Stream(id))
		case own:
			found.Streams = append(found.Streams, payment.Stream(id))
		default:
			found.Mentions = append(found.Mentions, payment.Stream(id))
		}
		return nil
	})
	return err //nolint:wrapcheck // its caller says what was tried
}

// addProofs adds the rows with proofs of the person's lines. Each holds those of many people.
func addProofs(ctx context.Context, pool *pgxpool.Pool, keys subject.Keys, found *subject.Trail) error {
	rows, err := pool.Query(ctx, proofsOf, keys.Own)
	if err != nil {
		return err //nolint:wrapcheck // its caller says what was tried
	}
	mine := map[string]bool{}
	var ref vault.Ref
	var line string
	_, err = pgx.ForEachRow(rows, []any{&ref, &line}, func() error {
		if mine[line] = true; len(found.Rows) == 0 || found.Rows[len(found.Rows)-1] != ref {
			found.Rows = append(found.Rows, ref)
		}
		return nil
	})
	found.Part = func(_ vault.Ref, row vault.Plain) (any, error) {
		proofs, err := clerk.Proofs(row)
		parts := []clerk.Proof{}
		for _, p := range proofs {
			if mine[p.Payment] {
				parts = append(parts, p)
			}
		}
		return parts, err
	}
	return err //nolint:wrapcheck // its caller says what was tried
}

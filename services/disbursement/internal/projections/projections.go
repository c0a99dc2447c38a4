// Package projections keeps the read models of rights, lists, payments and the ledger, and asks them.
//
//  1. "enrolments" and "payrolls" are folded from the own log; "lines" holds every line of every draft that was not
//     superseded, in the order of its list; "findings" what an officer has to look at besides.
//  2. "beneficiaries" is folded from the accounts service's facts. It runs after that service; what it decides is
//     looked at once more when a list is released.
//  3. "payments", the lists they belong to and the ledger are folded from the own log in one transaction (see books), so
//     that no payment stands differently from its money. The books show what happened, also if it should not have.
//  4. Tables hold references and keyed names, no people.
package projections

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/territory"
)

// Scope is what a caller may see: the units by code and first day. The zero value is everything; a Scope of no unit, with
// slices that are empty and not nil, is nothing.
type Scope struct{ Codes, ValidFrom []string }

// Add adds a unit.
func (s *Scope) Add(code, validFrom string) {
	s.Codes, s.ValidFrom = append(s.Codes, code), append(s.ValidFrom, validFrom)
}

// inScope is the condition for $1 and $2: the arrays of a Scope.
const inScope = territory.In

// unit puts the two columns of a unit together.
func unit(code, validFrom string) events.Unit { return events.Unit{Code: code, ValidFrom: validFrom} }

// collect reads all rows of a query.
func collect[R any](rows pgx.Rows, err error, what string) ([]R, error) {
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[R])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return all, nil
}

// one reads the row of a query, if there is one.
func one[R any](rows pgx.Rows, err error, what string) (row R, found bool, _ error) {
	if err != nil {
		return row, false, fmt.Errorf("%s: %w", what, err)
	}
	row, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[R])
	if errors.Is(err, pgx.ErrNoRows) {
		return row, false, nil
	}
	if err != nil {
		return row, false, fmt.Errorf("%s: %w", what, err)
	}
	return row, true, nil
}

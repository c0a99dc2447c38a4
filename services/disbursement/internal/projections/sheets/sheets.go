// Package sheets reads the lines of a draft from the log, a sheet at a time, so that the list of a whole province is
// never in memory at once.
//
//  1. The order of a list is that of its sheets, 0, 1, 2, ..., and of the lines in them. It never changes.
//  2. The last sheet says that it is; a draft without it is not computed to the end yet.
package sheets

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// maxSheets bounds the walk: the whole country has about 3,500 sheets a month.
const maxSheets = 10_000

// readAhead is how many sheets are read while one is worked on: reading them is most of the work.
const readAhead = 2

// ErrMissing says that a sheet was asked for that nobody computed yet.
var ErrMissing = errors.New("the sheet is not computed")

// Sheet is a part of a draft.
type Sheet struct {
	Number int
	Lines  []payroll.Line
	// Findings counts those of the sheet.
	Findings int
	// Through is the mark of the last person who was looked at.
	Through string
	// Final says that no sheet follows.
	Final bool
}

// Draft names a computation of a payroll.
type Draft struct {
	Payroll string
	Number  int
}

// Read returns one sheet; the error wraps [ErrMissing] if there is none.
func Read(ctx context.Context, log *eventstore.Store, d Draft, number int) (Sheet, error) {
	history, err := log.Load(ctx, payroll.LinesStream(d.Payroll, d.Number, number))
	if err != nil {
		return Sheet{}, fmt.Errorf("read sheet %d: %w", number, err)
	}
	if len(history) == 0 {
		return Sheet{}, fmt.Errorf("read sheet %d: %w", number, ErrMissing)
	}
	sheet := Sheet{Number: number}
	for _, r := range history {
		chunk, ok := r.Event.(payroll.LinesComputed)
		if !ok {
			return Sheet{}, fmt.Errorf("read sheet %d: %s does not belong there", number, r.Event.EventName())
		}
		sheet.Lines = append(sheet.Lines, chunk.Lines...)
		sheet.Findings += len(chunk.Findings)
		sheet.Through, sheet.Final = chunk.Through, chunk.Final
	}
	return sheet, nil
}

// Each hands the sheets of a computed draft to do, in order, from one on. It ends after the final sheet.
func Each(ctx context.Context, log *eventstore.Store, d Draft, from int, do func(Sheet) error) error {
	ctx, stop := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer stop()
	var ahead []chan answer
	for number := from; number < maxSheets; number++ {
		for next := number + len(ahead); len(ahead) <= readAhead && next < maxSheets; next++ {
			read := make(chan answer, 1)
			ahead = append(ahead, read)
			reading.Go(func() {
				sheet, err := Read(ctx, log, d, next)
				read <- answer{sheet, err}
			})
		}
		got := <-ahead[0]
		ahead = ahead[1:]
		if got.err != nil {
			return got.err
		}
		if err := do(got.sheet); err != nil {
			return err
		}
		if got.sheet.Final {
			return nil
		}
	}
	return fmt.Errorf("draft %d of payroll %s has more than %d sheets", d.Number, d.Payroll, maxSheets)
}

// answer is what reading a sheet came to.
type answer struct {
	sheet Sheet
	err   error
}

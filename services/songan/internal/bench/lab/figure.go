package lab

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Figure is one line of the table.
type Figure struct {
	Measure  string
	Value    string
	Baseline string
	Ratio    float64 // 0 when there is no baseline
	Bar      string
	OK       bool
}

// Cost is a figure without a bar: the CPU time of the system, PostgreSQL included and the load's excluded, per item.
func Cost(measure string, used time.Duration, items int64) Figure {
	return Figure{Measure: measure, Value: fmt.Sprintf("%d µs", used.Microseconds()/max(items, 1))}
}

// Rate is a figure against a baseline, with the least ratio it must have.
func Rate(measure string, perSecond, baseline float64, unit string, least float64) Figure {
	ratio := perSecond / baseline
	return Figure{
		Measure: measure, Value: fmt.Sprintf("%.0f %s/s", perSecond, unit), Baseline: fmt.Sprintf("%.0f/s", baseline),
		Ratio: ratio, Bar: fmt.Sprintf(">= %.2f", least), OK: ratio >= least,
	}
}

// Flat is the resident memory, in KiB, at its peaks in the first and the second half of some work. It is flat when the second half
// needs no more than a quarter above the first.
func Flat(measure string, first, second int64) Figure {
	const mebi, most = 1 << 10, 1.25
	ratio := float64(second) / float64(max(first, 1))
	return Figure{
		Measure: measure, Value: fmt.Sprintf("%d MiB", second/mebi), Baseline: fmt.Sprintf("%d MiB", first/mebi),
		Ratio: ratio, Bar: fmt.Sprintf("flat: <= %.2f", most), OK: ratio <= most,
	}
}

// ErrBar says that a figure is below its bar.
var ErrBar = errors.New("a figure is below its bar")

// Print writes the table, below a line about the machine. It returns [ErrBar] when a figure is below its bar.
func Print(out io.Writer, figures []Figure) error {
	_, _ = fmt.Fprintf(out, "\n%s, %s\n\n", describeMachine(), time.Now().Format(time.DateOnly))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "measure\tours\tbaseline\tratio\tbar\t")
	below := false
	for _, f := range figures {
		ratio, verdict := "", "ok"
		if f.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", f.Ratio)
		}
		switch {
		case f.Bar == "":
			verdict = "" // a price, which nobody has set a bar for
		case !f.OK:
			verdict, below = "BELOW", true
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", f.Measure, f.Value, f.Baseline, ratio, f.Bar, verdict)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	if below {
		return ErrBar
	}
	return nil
}

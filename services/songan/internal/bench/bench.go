// Package bench measures the system against baselines taken in the same run, on the same server, with fsync on.
//
//  1. Figures of one machine mean little; ratios against a baseline in the same run do. Both are printed.
//  2. The system under test is the built command in a process of its own, as a user runs it. The load comes from this
//     process, on the same cores, and is part of the price.
//  3. Nothing is tuned for the benchmark: same settings, same checks, same durability.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// Args are the benchmark's flags.
type Args struct {
	Seconds int      `help:"How long each measurement takes." default:"8"`
	Lines   int      `help:"Lines of the NDJSON upload that memory is watched during." default:"1000000"`
	Only    []string `help:"Measurements to run: execute, latency, relay, http, batch, rebuild, memory, money; all when left out."`
	// Beneficiaries make the list of the province whose payment is measured.
	Beneficiaries int `help:"People on the list of the province that is paid." default:"120000"`
}

// figure is one line of the table.
type figure struct {
	measure  string
	value    string
	baseline string
	ratio    float64 // 0 when there is no baseline
	bar      string
	ok       bool
}

// step is one measurement. They run in order: first those that want a system at rest, then those that leave it work for
// minutes, and whose facts the later ones use.
type step struct {
	name string
	run  func(context.Context, *lab) ([]figure, error)
}

// groups are the measurements. Each group has a system of its own: what the first leaves behind is work for hours.
func groups() [][]step {
	return [][]step{
		{{"execute", execute}, {"latency", latency}, {"relay", relay}, {"http", single}, {"batch", batch}, {"rebuild", rebuild}, {"memory", memory}},
		{{"money", payment}},
	}
}

// ErrBar says that a figure is below its bar.
var ErrBar = errors.New("a figure is below its bar")

// Run measures and prints a table. It returns [ErrBar] when a figure is below its bar.
func Run(ctx context.Context, args Args, out io.Writer) (err error) {
	keeping, stop := context.WithCancel(ctx)
	defer stop()
	go onemachine.KeepHeap(keeping) // Execute is measured in this process
	var figures []figure
	for _, group := range groups() {
		group = slices.DeleteFunc(group, func(s step) bool { return !args.wants(s.name) })
		measured, err := measure(ctx, args, out, group)
		if err != nil {
			return err
		}
		figures = append(figures, measured...)
	}
	return report(out, figures)
}

// measure runs measurements against one system.
func measure(ctx context.Context, args Args, out io.Writer, group []step) (figures []figure, err error) {
	if len(group) == 0 {
		return nil, nil
	}
	l, err := newLab(ctx, args, out)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	for _, s := range group {
		l.say("%s ...", s.name)
		measured, err := s.run(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("measure %s: %w", s.name, err)
		}
		figures = append(figures, measured...)
	}
	return figures, nil
}

func (a Args) wants(name string) bool { return len(a.Only) == 0 || slices.Contains(a.Only, name) }

func report(out io.Writer, figures []figure) error {
	_, _ = fmt.Fprintf(out, "\n%s, %s\n\n", describeMachine(), time.Now().Format(time.DateOnly))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "measure\tours\tbaseline\tratio\tbar\t")
	below := false
	for _, f := range figures {
		ratio, verdict := "", "ok"
		if f.ratio > 0 {
			ratio = fmt.Sprintf("%.2f", f.ratio)
		}
		if !f.ok {
			verdict, below = "BELOW", true
		}
		if f.bar == "" {
			verdict = ""
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", f.measure, f.value, f.baseline, ratio, f.bar, verdict)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	if below {
		return ErrBar
	}
	return nil
}

// rate is a figure against a baseline, with the least ratio it must have.
func rate(measure string, perSecond, baseline float64, unit string, least float64) figure {
	ratio := perSecond / baseline
	return figure{
		measure: measure, value: fmt.Sprintf("%.0f %s/s", perSecond, unit), baseline: fmt.Sprintf("%.0f/s", baseline),
		ratio: ratio, bar: fmt.Sprintf(">= %.2f", least), ok: ratio >= least,
	}
}

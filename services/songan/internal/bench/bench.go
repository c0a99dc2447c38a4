// Package bench measures the system against baselines taken in the same run, on the same server, with fsync on.
//
//  1. Figures of one machine mean little; ratios against a baseline in the same run do. Both are printed.
//  2. The system under test is the built command in a process of its own, as a user runs it. The load comes from this
//     process, on the same cores, and is part of the price.
//  3. Nothing is switched off for the benchmark: same settings, same checks, same durability. The command is built with a profile
//     of just these loads (make profile), as every build of it is.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
	"github.com/songan-vn/songan/services/songan/internal/bench/province"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// Args are the benchmark's flags.
type Args struct {
	Seconds int      `help:"How long each measurement takes." default:"8"`
	Lines   int      `help:"Lines of the NDJSON upload that memory is watched during." default:"1000000"`
	Only    []string `help:"Measurements to run: execute, latency, relay, http, batch, rebuild, memory, start, outage, money; all when left out."`
	// Beneficiaries make the list of the province whose payment is measured.
	Beneficiaries int `help:"People on the list of the province that is paid." default:"120000"`
	// Profiles is where the measured systems leave CPU profiles.
	Profiles string `help:"Directory for a CPU profile of each system that is measured." type:"existingdir"`
}

// step is one measurement. They run in order: first those that want a system at rest, then those that leave it work for
// minutes, and whose facts the later ones use.
type step struct {
	name string
	run  func(context.Context, *system) ([]lab.Figure, error)
}

// system is the lab, and what measurements share.
type system struct {
	*lab.Lab
	args Args

	// baseline is pgbench's single-row inserts per second; measured once.
	baseline float64
}

// duration is how long one measurement takes.
func (l *system) duration() time.Duration { return time.Duration(l.args.Seconds) * time.Second }

// groups are the measurements. Each group has a system of its own: what the first leaves behind is work for hours, since guests
// are checked at the population database's rate.
func groups() [][]step {
	return [][]step{
		{{"execute", execute}, {"latency", latency}, {"relay", relay}, {"http", single}},
		{{"batch", batch}, {"rebuild", rebuild}, {"memory", memory}},
		{{"start", start}, {"outage", outage}},
		{{"money", func(ctx context.Context, l *system) ([]lab.Figure, error) {
			return province.Pay(ctx, l.Lab, l.args.Beneficiaries)
		}}},
	}
}

// Run measures and prints a table. It returns [lab.ErrBar] when a figure is below its bar.
func Run(ctx context.Context, args Args, out io.Writer) (err error) {
	keeping, stop := context.WithCancel(ctx)
	defer stop()
	go onemachine.KeepHeap(keeping) // Execute is measured in this process
	var figures []lab.Figure
	for _, group := range groups() {
		group = slices.DeleteFunc(group, func(s step) bool { return !args.wants(s.name) })
		measured, err := measure(ctx, args, out, group)
		if err != nil {
			return err
		}
		figures = append(figures, measured...)
	}
	return lab.Print(out, figures)
}

// measure runs measurements against one system.
func measure(ctx context.Context, args Args, out io.Writer, group []step) (figures []lab.Figure, err error) {
	if len(group) == 0 {
		return nil, nil
	}
	l, err := lab.New(ctx, out, args.Profiles)
	if err != nil {
		return nil, err
	}
	whole := &system{Lab: l, args: args}
	defer func() { err = errors.Join(err, l.Close()) }()
	for _, s := range group {
		l.Say("%s ...", s.name)
		measured, err := s.run(ctx, whole)
		if err != nil {
			return nil, fmt.Errorf("measure %s: %w", s.name, err)
		}
		figures = append(figures, measured...)
	}
	return figures, nil
}

func (a Args) wants(name string) bool { return len(a.Only) == 0 || slices.Contains(a.Only, name) }

package demo

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/songan/internal/demo/board"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/roll"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// pay plays the second act: the payday after the evening.
func pay(ctx context.Context, args Args, base, file string, out io.Writer) error {
	read := func() (payday.System, error) { return payday.ReadSystem(file) }
	system, err := read()
	if err != nil {
		return err
	}
	api := client.New(base, args.Connections)
	programme, err := payday.Programme(ctx, api, system, args.Now())
	if err != nil {
		return fmt.Errorf("choose a programme: %w", err)
	}
	register, err := people.New(people.Options{Seed: onemachine.Seed})
	if err != nil {
		return fmt.Errorf("make the register of people: %w", err)
	}
	all, err := payday.Plan(system, roll.Options{
		Seed: args.Seed, Name: args.Evening, Programme: programme, Beneficiaries: args.Beneficiaries,
		Today: vn.DateOf(args.Now()), Register: register,
	})
	if err != nil {
		return fmt.Errorf("plan the payday: %w", err)
	}
	fmt.Fprintf(out, "\nA payday in Hà Nội, %s: %s people of %d communes, %d banks.\n\n",
		strings.ReplaceAll(programme, "_", " "), board.Grouped(len(all)), len(payday.Communes(system)), len(payday.Banks(system)))
	return payday.Run(ctx, payday.Options{
		API: api, System: read, Name: args.Evening, Programme: programme, Roll: all, Scenario: args.Banks, Now: args.Now, Out: out,
	})
}

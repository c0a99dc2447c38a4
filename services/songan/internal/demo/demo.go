// Package demo plays an evening of a province against a running system, over HTTP and nothing else, and compares
// everything that came of it with what had to come of it. The plan is made by the package evening. After the evening
// comes a payday, which is the business of the package payday.
//
//  1. A check-in's outcome is known before it is sent. Whatever differs is a failure, also when the sums agree.
//  2. Front desks behave as good software does: they keep to the times of the plan whatever the system does, come again
//     when they are asked to, and repeat what was not answered with the same key.
//  3. The figures are compared three times: what was planned, what the front desks were answered, and what the API says
//     afterwards, in its statistics and notice by notice.
//  4. Facilities stay for the next evening; guests do not come twice. Statistics are therefore read before and after.
//  5. Neither tokens nor anything about a person is printed. Guests have numbers.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/songan/internal/demo/board"
	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// Args are the flags of "songan demo". Zero values are replaced by the defaults.
type Args struct {
	Data        string        `help:"Data directory of the running system." env:"SONGAN_DATA" default:".songan"`
	Facilities  int           `help:"Facilities that play, at most 2,000." default:"200"`
	CheckIns    int           `help:"Guests who check in, at most 200,000." default:"5000"`
	Seed        uint64        `help:"Chooses the facilities." default:"1"`
	Evening     string        `name:"run" help:"Name of the evening: the same name brings the same guests. The time of day if it is left out."`
	Over        time.Duration `help:"How long the evening takes." default:"50s"`
	Connections int           `help:"Connections that the front desks share, at most 512." default:"32"`
	// Beneficiaries is the one number whose zero means zero.
	Beneficiaries int `help:"People who receive social assistance after the evening, at most 20,000; 0 leaves the payday out." default:"2000"`
	// Banks is what the banks do on the payday; nil is a normal day.
	Banks *payday.Scenario `kong:"-"`
	// Now is the clock of the front desks; nil is the real one.
	Now func() time.Time `kong:"-"`
}

// hanoi is the code of the province that the evening is played in.
const hanoi = "01"

func (a Args) orDefaults() (Args, error) {
	const facilities, checkIns, connections = 200, 5_000, 32
	if a.Data == "" {
		a.Data = ".songan"
	}
	if a.Facilities == 0 {
		a.Facilities = facilities
	}
	if a.CheckIns == 0 {
		a.CheckIns = checkIns
	}
	if a.Over == 0 {
		a.Over = 50 * time.Second
	}
	if a.Connections == 0 {
		a.Connections = connections
	}
	if a.Now == nil {
		a.Now = time.Now
	}
	if a.Evening == "" {
		a.Evening = a.Now().UTC().Format("20060102T150405.000")
	}
	return a, a.check()
}

// evenings are the names that an evening may have.
var evenings = regexp.MustCompile(`^[0-9A-Za-z._-]+$`)

func (a Args) check() error {
	const facilities, checkIns, connections, beneficiaries = 2_000, 200_000, 512, 20_000
	switch {
	case a.Facilities < 1 || a.Facilities > facilities:
		return fmt.Errorf("--facilities is from 1 to %d", facilities)
	case a.CheckIns < 1 || a.CheckIns > checkIns:
		return fmt.Errorf("--check-ins is from 1 to %d", checkIns)
	case a.Beneficiaries < 0 || a.Beneficiaries > beneficiaries:
		return fmt.Errorf("--beneficiaries is from 0 to %d", beneficiaries)
	case a.Connections < 1 || a.Connections > connections:
		return fmt.Errorf("--connections is from 1 to %d", connections)
	case a.Over < 0 || a.Over > time.Hour:
		return errors.New("--over is at most an hour")
	case len(a.Evening) > evening.LongestName || !evenings.MatchString(a.Evening):
		return fmt.Errorf("--run has at most %d letters, digits, dots, hyphens and underscores", evening.LongestName)
	}
	return nil
}

// Run plays an evening and a payday, and writes what came of them to out. It returns an error that names the figures which differ.
func Run(ctx context.Context, args Args, out io.Writer) error {
	args, err := args.orDefaults()
	if err != nil {
		return err
	}
	file := filepath.Join(args.Data, "demo.json")
	system, err := readDemo(file)
	if err != nil {
		return err
	}
	plan, err := newPlan(args)
	if err != nil {
		return fmt.Errorf("plan the evening: %w", err)
	}
	fmt.Fprintf(out, "\nAn evening in Hà Nội at %s: %s facilities, %s check-ins, seed %d, run %s.\n\n",
		system.BaseURL, board.Grouped(len(plan.Facilities)), board.Grouped(len(plan.Guests)), args.Seed, args.Evening)
	s := newShow(args, plan, system, out)
	r, err := s.play(ctx)
	if err != nil {
		return err
	}
	if err := r.print(out); err != nil {
		return err
	}
	r.printChecks(out, file, system.BaseURL, s.auditor)
	if err := r.err(); err != nil || args.Beneficiaries == 0 {
		return err
	}
	return pay(ctx, args, system.BaseURL, file, out)
}

// readDemo reads where the system is and who may call it.
func readDemo(file string) (onemachine.Demo, error) {
	var system onemachine.Demo
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return system, fmt.Errorf("there is no %s; start the system first: make run", file)
	}
	if err != nil {
		return system, fmt.Errorf("read where the system is: %w", err)
	}
	if err := json.Unmarshal(data, &system); err != nil {
		return system, fmt.Errorf("%s is not written by this system", file)
	}
	if system.BaseURL == "" || system.Actors["admin"].Token == "" {
		return system, fmt.Errorf("%s names no address, or no administrator", file)
	}
	return system, nil
}

// newPlan plans the evening with the people of the simulated register and the communes of Hà Nội as they are today.
func newPlan(args Args) (evening.Evening, error) {
	directory, err := units.Load()
	if err != nil {
		return evening.Evening{}, fmt.Errorf("load administrative units: %w", err)
	}
	register, err := people.New(people.Options{Seed: onemachine.Seed})
	if err != nil {
		return evening.Evening{}, fmt.Errorf("make the register of people: %w", err)
	}
	today := vn.DateOf(args.Now())
	province, found := directory.Find(hanoi, today)
	if !found {
		return evening.Evening{}, fmt.Errorf("province %s does not exist on %s", hanoi, today)
	}
	return evening.Plan(evening.Options{
		Seed: args.Seed, Name: args.Evening, Facilities: args.Facilities, CheckIns: args.CheckIns, Over: args.Over,
		Today: today, Register: register, Communes: directory.Communes(province, today),
	}), nil
}

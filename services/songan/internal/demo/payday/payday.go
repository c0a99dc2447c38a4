// Package payday plays a payday against a running system, over HTTP and nothing else: people are registered, banks open
// accounts for them, a list is drafted for every commune, checked, approved, funded and released, and the banks pay it.
// It ends with a statement that three witnesses have to agree on. Who is on the roll is planned by the package roll.
//
//  1. Every officer does their own part with their own key. Nobody's key is used for the part of another, except where
//     it is to be shown that this is refused.
//  2. What is asked for is asked until it is answered, with the same idempotency key: a system that was killed goes on
//     where it stopped, and so does a payday that is played again under the same name.
//  3. The witnesses are the demo, by what it planned and did itself, the API, and the banks' own books, which are read
//     at the banks' control addresses. A payment is followed one by one, by its end-to-end id.
//  4. A list is paid once. A payday of another name finds the list of the month paid, and drafts that of the next month,
//     or of the next programme when lists cannot be drafted further ahead. Whoever was on earlier lists is on this one too;
//     their lines are counted as they are listed.
//  5. Neither tokens nor anything about a person is printed. Beneficiaries have numbers.
package payday

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/board"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/books"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/roll"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/witness"
)

// Stage is a part of a payday.
type Stage string

// The stages, in their order.
const (
	Registering Stage = "registering"
	Issuing     Stage = "issuing"
	Enrolling   Stage = "enrolling"
	Drafting    Stage = "drafting"
	Signing     Stage = "signing"
	Releasing   Stage = "releasing"
	Paying      Stage = "paying"
	Settling    Stage = "settling"
)

// Scenario is what a simulated bank does wrong, as its control address takes it.
type Scenario = books.Scenario

// Options say which payday to play.
type Options struct {
	API *client.Client
	// System reads where the system and its banks are: control addresses change when it starts again.
	System func() (System, error)
	// Name is part of all idempotency keys.
	Name string
	// Programme is what is paid; see [Programme].
	Programme string
	// Roll is who is to be paid.
	Roll []*roll.Beneficiary
	// Scenario is what the banks do that day; nil is a normal one.
	Scenario *Scenario
	// Began is told which stage begins; nil is nobody.
	Began func(Stage)
	Now   func() time.Time
	Out   io.Writer
}

// Run plays the payday, writes the statement, and returns an error when anything is not as it must be.
func Run(ctx context.Context, o Options) error {
	p, err := newPlay(o)
	if err != nil {
		return err
	}
	p.lobby.Start(ctx)
	err = p.perform(ctx)
	p.lobby.End()
	if err != nil {
		return err
	}
	t, err := p.hear(ctx)
	if err != nil {
		return fmt.Errorf("ask the witnesses: %w", err)
	}
	months := map[string]bool{}
	for _, o := range p.offices {
		months[o.month] = true
	}
	if err := t.Print(o.Out, slices.Sorted(maps.Keys(months)), &p.journal); err != nil {
		return err
	}
	if p.journal.Count > 0 {
		err = fmt.Errorf("%d things went otherwise than planned", p.journal.Count)
	}
	return errors.Join(t.Err(), err)
}

// play is a payday under way.
type play struct {
	Options

	offices []*office
	banks   *books.Banks
	journal witness.Journal
	began   time.Time
	stage   atomic.Value

	lobby                                                     *board.Board
	registered, identified, issued, enrolled, listed, settled *board.Gauge
}

func newPlay(o Options) (*play, error) {
	system, err := o.System()
	if err != nil {
		return nil, err
	}
	if o.Began == nil {
		o.Began = func(Stage) {}
	}
	if o.Scenario == nil {
		o.Scenario = books.Normal()
	}
	p := &play{Options: o, began: time.Now(), banks: books.Of(controls(o.System))}
	p.stage.Store(Registering)
	if p.offices, err = officesOf(system, o.Roll); err != nil {
		return nil, err
	}
	wanted, decisions := 0, 0
	for _, b := range o.Roll {
		decisions += len(b.Decisions)
		if b.Bank != "" {
			wanted++
		}
	}
	p.lobby = board.New(o.Out, p.clock)
	p.registered = p.lobby.Gauge("beneficiaries", len(o.Roll), board.Everywhere)
	p.identified = p.lobby.Gauge("identity checks", len(o.Roll), board.Everywhere)
	p.issued = p.lobby.Gauge("accounts", wanted, board.Everywhere)
	p.enrolled = p.lobby.Gauge("decisions", decisions, board.Everywhere)
	p.listed = p.lobby.Gauge("lines of the lists", len(o.Roll), board.Everywhere)
	p.settled = p.lobby.Gauge("payments", len(o.Roll), board.Everywhere)
	return p, nil
}

// clock shows how long it takes, and what is being done.
func (p *play) clock() string {
	stage, _ := p.stage.Load().(Stage)
	return fmt.Sprintf("%3d s %-11s", int(time.Since(p.began).Seconds()), stage)
}

// perform is the part that is shown on the board.
func (p *play) perform(ctx context.Context) (err error) {
	if err := p.API.Ready(ctx); err != nil {
		return fmt.Errorf("look whether the system is ready: %w", err)
	}
	restore, err := p.banks.Behave(ctx, p.Scenario)
	if err != nil {
		return fmt.Errorf("make the banks behave: %w", err)
	}
	defer func() { err = restore(ctx, err) }()
	for _, act := range []struct {
		stage Stage
		// do is what each office does, all of them at the same time.
		do func(context.Context, *office) error
	}{
		{Registering, p.register},
		{Issuing, p.issue},
		{Enrolling, p.enrol},
		{Drafting, p.draft},
		{Signing, p.sign},
		{Releasing, p.release},
		{Paying, p.pay},
		{Settling, p.settle},
	} {
		p.stage.Store(act.stage)
		p.Began(act.stage)
		err := client.Each(ctx, len(p.offices), len(p.offices), func(ctx context.Context, i int) error {
			if err := act.do(ctx, p.offices[i]); err != nil {
				return fmt.Errorf("%s in commune %s: %w", act.stage, p.offices[i].unit, err)
			}
			return nil
		})
		if err == nil && (act.stage == Paying || act.stage == Settling) {
			err = p.banks.DaysPass(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

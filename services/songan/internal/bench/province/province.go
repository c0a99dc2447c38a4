// Package province measures the way of money: the list of a province, its release and its end at the banks, and one
// payment alone.
package province

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/bench/lab"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
)

// The bars of a province: Hà Nội's communes, at four banks.
const (
	draftBar   = 15 * time.Second
	releaseBar = 20 * time.Second
	settleBar  = 60 * time.Second
	singleBar  = 300 * time.Millisecond
	// lonely are the lists of one line that a payment is timed with.
	lonely = 100
)

// province is the system's money half, with everybody registered, banked and enrolled.
type province struct {
	*lab.Lab
	api    *client.Client
	month  string
	payees int      // how many the list of everybody has
	people []string // beneficiaries
	single []string // those who are paid alone, each in a commune of their own
	units  []string // communes
}

// Pay settles a province with so many people, pays them all by one list, and then some of them alone.
func Pay(ctx context.Context, l *lab.Lab, payees int) ([]lab.Figure, error) {
	p := &province{Lab: l, payees: payees, api: client.New(l.Demo.BaseURL, lab.Connections), month: time.Now().Format("2006-01")}
	began := time.Now()
	if err := p.settle(ctx); err != nil {
		return nil, fmt.Errorf("settle a province: %w", err)
	}
	l.Say("  %d people registered, banked and enrolled in %.0f s", len(p.people)+lonely, time.Since(began).Seconds())
	if err := l.UntilIdle(ctx); err != nil {
		return nil, err
	}
	figures, err := p.payTheList(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.UntilIdle(ctx); err != nil {
		return nil, err
	}
	alone, err := p.payOneByOne(ctx)
	if err != nil {
		return nil, err
	}
	return append(figures, alone), nil
}

// payTheList drafts, releases and settles the list of everybody, beside one COPY of as many rows.
func (p *province) payTheList(ctx context.Context) ([]lab.Figure, error) {
	copied, err := p.copyRows(ctx, "copied", len(p.people))
	if err != nil {
		return nil, fmt.Errorf("copy as a Baseline: %w", err)
	}
	var list payList
	began, spent := time.Now(), p.Spent()
	first, second, err := p.Peaks(func() (err error) {
		list, err = p.draft(ctx, provinceCode, "social_assistance")
		return err
	})
	if err != nil {
		return nil, err
	}
	drafted, reckoned := time.Since(began), p.Spent()-spent
	p.Say("  the list is drafted after %.1f s", drafted.Seconds())
	if list.Totals.ByAccount != len(p.people) {
		return nil, fmt.Errorf("the list has %d lines by account instead of %d", list.Totals.ByAccount, len(p.people))
	}
	if err := p.sign(ctx, list); err != nil {
		return nil, err
	}
	// Between the draft and the release of a list lie the signatures of four people, in which the system is done with the draft.
	if err := p.UntilIdle(ctx); err != nil {
		return nil, err
	}
	paid, err := p.release(ctx, list.ID)
	if err != nil {
		return nil, err
	}
	lines := fmt.Sprintf("%d", len(p.people))
	return []lab.Figure{
		timed("draft with proofs, "+lines+" lines", drafted, copied, draftBar),
		lab.Flat("memory of the whole process meanwhile: peak of the second half : of the first", first, second),
		timed("release to the banks' topics, "+lines+" payments", paid.released.after, copied, releaseBar),
		{Measure: "until the banks' own ledgers have them", Value: fmt.Sprintf("%.1f s", paid.instructed.after.Seconds())},
		timed("credited, posted and reconciled, "+lines+" payments", paid.reconciled.after, copied, settleBar),
		lab.Cost("CPU time per line of the draft", reckoned, int64(len(p.people))),
		lab.Cost("CPU time per payment, until all are in the banks' topics", paid.released.used, int64(len(p.people))),
		lab.Cost("CPU time per payment, until all are reconciled, simulated banks included", paid.reconciled.used, int64(len(p.people))),
	}, nil
}

// milestone is when something was reached since the release, and the CPU time that the system had used by then.
type milestone struct{ after, used time.Duration }

// paying is how the payment of a list went.
type paying struct{ released, instructed, reconciled milestone }

// release pays a list, and waits until all of it is in the banks' topics, until the banks have it and until it is reconciled. The
// banks open when their topics have all of it: in their own houses they would have machines of their own, here they would take a
// fifth of the one that the release is measured on. What they do counts until the end.
func (p *province) release(ctx context.Context, list string) (paid paying, err error) {
	if err := p.behave(ctx, map[string]any{"down": true}); err != nil {
		return paid, err
	}
	topics, err := p.bankTopics(ctx)
	if err != nil {
		return paid, err
	}
	before, err := topics.records(ctx)
	if err != nil {
		return paid, err
	}
	began, spent := time.Now(), p.Spent()
	reached := func() milestone { return milestone{time.Since(began), p.Spent() - spent} }
	if err := p.step(ctx, list, "release", "treasurer", struct{}{}); err != nil {
		return paid, err
	}
	if err := topics.until(ctx, before+int64(len(p.people))); err != nil {
		return paid, err
	}
	paid.released = reached()
	p.Say("  the banks' topics have all instructions after %.1f s", paid.released.after.Seconds())
	if err := p.behave(ctx, acknowledgeNothing()); err != nil {
		return paid, err
	}
	if err := p.untilInstructed(ctx, len(p.people)); err != nil {
		return paid, err
	}
	paid.instructed = reached()
	had, err := topics.records(ctx)
	if err != nil {
		return paid, err
	}
	if had -= before; had != int64(len(p.people)) {
		return paid, fmt.Errorf("%d records for %d payments: it is not known when the last payment was in its topic", had, len(p.people))
	}
	p.Say("  the banks have booked them after %.1f s", paid.instructed.after.Seconds())
	if err := p.untilReconciled(ctx, list, leisurely); err != nil {
		return paid, err
	}
	paid.reconciled = reached()
	p.Say("  everything is reconciled after %.1f s", paid.reconciled.after.Seconds())
	return paid, nil
}

// timed is a duration against that of one COPY of as many rows.
func timed(measure string, took, copied, most time.Duration) lab.Figure {
	return lab.Figure{
		Measure: measure, Value: fmt.Sprintf("%.1f s", took.Seconds()), Baseline: fmt.Sprintf("%.2f s for one COPY", copied.Seconds()),
		Ratio: took.Seconds() / copied.Seconds(), Bar: fmt.Sprintf("<= %.0f s", most.Seconds()), OK: took <= most,
	}
}

const (
	// copies is how often a COPY of one row is measured; the one in the middle counts.
	copies = 5
	// hurriedly is how often is looked at what takes milliseconds, leisurely at what takes most of a minute.
	hurriedly, leisurely = 2 * time.Millisecond, 400 * time.Millisecond
)

// payOneByOne releases lists of one line on an idle system, and looks until the read model shows the credit.
func (p *province) payOneByOne(ctx context.Context) (lab.Figure, error) {
	took := make([]time.Duration, 0, lonely)
	for i := range p.single {
		list, err := p.draft(ctx, p.units[i], "meritorious_services")
		if err != nil {
			return lab.Figure{}, err
		}
		if list.Totals.ByAccount != 1 {
			return lab.Figure{}, fmt.Errorf("the list of one has %d lines", list.Totals.ByAccount)
		}
		if err := p.sign(ctx, list); err != nil {
			return lab.Figure{}, err
		}
		began := time.Now()
		if err := p.step(ctx, list.ID, "release", "treasurer", struct{}{}); err != nil {
			return lab.Figure{}, err
		}
		if err := p.untilReconciled(ctx, list.ID, hurriedly); err != nil {
			return lab.Figure{}, err
		}
		took = append(took, time.Since(began))
	}
	copied := make([]time.Duration, copies)
	for i := range copied {
		var err error
		if copied[i], err = p.copyRows(ctx, fmt.Sprint("copied_", i), 1); err != nil {
			return lab.Figure{}, fmt.Errorf("copy one row: %w", err)
		}
	}
	slices.Sort(copied)
	slices.Sort(took)
	p50, p99, most := took[len(took)/2], took[(len(took)*99-1)/100], took[len(took)-1]
	return lab.Figure{
		Measure:  fmt.Sprintf("one payment, release -> credited and reconciled, idle, %d times", len(took)),
		Value:    fmt.Sprintf("p50 %d ms, p99 %d ms, max %d ms", p50.Milliseconds(), p99.Milliseconds(), most.Milliseconds()),
		Baseline: fmt.Sprintf("%.1f ms for one COPY", copied[copies/2].Seconds()*1000), Ratio: p50.Seconds() / copied[copies/2].Seconds(),
		Bar: fmt.Sprintf("p99 <= %d ms", singleBar.Milliseconds()), OK: p99 <= singleBar,
	}, nil
}

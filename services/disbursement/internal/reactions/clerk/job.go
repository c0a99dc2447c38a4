package clerk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/projections/sheets"
)

// sheetSize is how many people are computed together: as many as one reading of the vault names.
const sheetSize = vault.MaxRefs

// job is the computation of one draft.
type job struct {
	*Clerk

	list        projections.Payroll
	scope       projections.Scope
	inScope     map[events.Unit]bool
	provinces   map[events.Unit]string
	from, month month.Month
	asOf        vn.Date
	carried     bool
	reading     vault.Reading // why profiles are opened
	// held errs when the clerk's lock was lost. It is asked by one goroutine at a time.
	held func(context.Context) error

	tally    payroll.Tally
	findings int
	next     int    // number of the next sheet
	after    string // mark of the last person who was looked at
	done     bool
}

// compute computes a draft to its end, beginning where it was left.
func (c *Clerk) compute(ctx context.Context, list projections.Payroll, held func(context.Context) error) error {
	began := time.Now()
	j, err := c.job(ctx, list)
	if err != nil {
		return err
	}
	j.held = held
	if err := j.resume(ctx); err != nil {
		return err
	}
	resumed := j.next
	if !j.done {
		if err := j.work(ctx); err != nil {
			return err
		}
	}
	if err := j.finish(ctx); err != nil {
		return err
	}
	c.Logger.Info("a draft is computed", zap.String("payroll", list.Payroll), zap.Int("draft", list.Draft),
		zap.Int("lines", j.tally.Lines), zap.Int("held", j.tally.Held), zap.Int("resumed_at", resumed), zap.Duration("took", time.Since(began)))
	return nil
}

func (c *Clerk) job(ctx context.Context, list projections.Payroll) (*job, error) {
	j := &job{Clerk: c, list: list, inScope: map[events.Unit]bool{}, provinces: map[events.Unit]string{}}
	j.reading = vault.Reading{Actor: disbursement.Actor, Purpose: "payroll", Case: list.Payroll}
	var err error
	if j.month, err = month.Parse(list.Month); err != nil {
		return nil, fmt.Errorf("month of the list: %w", err)
	}
	if j.asOf, err = vn.ParseDate(list.AsOf); err != nil {
		return nil, fmt.Errorf("day of the draft: %w", err)
	}
	j.from = j.month.Add(-c.LookBack)
	for key := range c.Units.Covered(list.UnitCode, j.asOf) {
		code, from := key.Code, dayOf(key)
		j.scope.Add(code, from)
		j.inScope[events.Unit{Code: code, ValidFrom: from}] = true
		j.provinces[events.Unit{Code: code, ValidFrom: from}] = c.provinceOf(key, j.asOf)
	}
	if len(j.scope.Codes) == 0 {
		return nil, errors.New("the unit of the list does not exist on its day")
	}
	j.carried, err = projections.AnyCarried(ctx, c.Pool)
	return j, err
}

// provinceOf is the code of the province that a unit, or what it became, lies in.
func (c *Clerk) provinceOf(key units.Key, on vn.Date) string {
	unit, found := c.Units.Get(key)
	if !found {
		return ""
	}
	for _, now := range c.Units.On(unit, on) {
		if province, found := c.Units.Province(now, on); found {
			return province.Code
		}
	}
	return ""
}

func dayOf(key units.Key) string {
	if key.ValidFrom.IsZero() {
		return ""
	}
	return key.ValidFrom.String()
}

// resume counts what is in the log already.
func (j *job) resume(ctx context.Context) error {
	err := sheets.Each(ctx, j.Log, j.draft(), 0, func(s sheets.Sheet) error {
		j.next, j.after, j.done = s.Number+1, s.Through, s.Final
		j.findings += s.Findings
		return j.tally.Add(s.Lines...)
	})
	if errors.Is(err, sheets.ErrMissing) {
		return nil
	}
	return err
}

func (j *job) draft() sheets.Draft {
	return sheets.Draft{Payroll: j.list.Payroll, Number: j.list.Draft}
}

// work reads, computes and stores sheets, each a step behind the other.
func (j *job) work(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	read, computed := make(chan batch), make(chan sheet)
	group.Go(func() error {
		defer close(read)
		return j.read(ctx, read)
	})
	group.Go(func() error {
		defer close(computed)
		for b := range read {
			s := j.reckonAll(b)
			if err := j.excuse(ctx, &s); err != nil {
				return err
			}
			select {
			case computed <- s:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	group.Go(func() error {
		for s := range computed {
			if err := j.store(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait() //nolint:wrapcheck // each of the three says where
}

// errAbandoned says that nobody wants the draft any more.
var errAbandoned = errors.New("the draft was rejected meanwhile")

// read hands out batch after batch of people.
func (j *job) read(ctx context.Context, out chan<- batch) error {
	for after, final := j.after, false; !final; {
		if err := j.wanted(ctx); err != nil {
			return err
		}
		b, err := j.fetch(ctx, after)
		if err != nil {
			return err
		}
		after, final = b.through, b.final
		select {
		case out <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (j *job) wanted(ctx context.Context) error {
	now, _, err := projections.OnePayroll(ctx, j.Pool, j.list.Payroll)
	if err == nil && (now.Draft != j.list.Draft || now.Status != payroll.Drafted) {
		return errAbandoned
	}
	return err
}

// sheet is what a batch of people comes to.
type sheet struct {
	through  string
	final    bool
	lines    []reckoned
	findings []payroll.Finding
}

// store appends a sheet as a whole. When it is there already, another clerk has been faster, and this one begins anew.
func (j *job) store(ctx context.Context, s sheet) error {
	facts, secrets, err := j.chunks(s)
	if err != nil {
		return err
	}
	if err := j.held(ctx); err != nil {
		return err
	}
	cause := fmt.Sprintf("clerk/%s/%d/%d", j.list.Payroll, j.list.Draft, j.next)
	_, err = j.Log.Append(ctx, eventstore.Append{
		Stream: payroll.LinesStream(j.list.Payroll, j.list.Draft, j.next), Facts: facts, Secrets: secrets,
		Meta: events.Meta{Actor: disbursement.Actor, Cause: cause, Correlation: j.list.Payroll, OccurredAt: j.Now()},
	})
	if err != nil {
		return fmt.Errorf("store sheet %d: %w", j.next, err)
	}
	for _, l := range s.lines {
		if err := j.tally.Add(l.line); err != nil {
			return err
		}
	}
	j.findings += len(s.findings)
	j.next++
	return nil
}

// chunks cuts a sheet into facts, with the proofs of each in one row of the vault.
func (j *job) chunks(s sheet) (facts []events.Event, secrets []vault.Row, err error) {
	for number := 0; number == 0 || number*payroll.ChunkSize < len(s.lines); number++ {
		part := s.lines[number*payroll.ChunkSize : min((number+1)*payroll.ChunkSize, len(s.lines))]
		fact := payroll.LinesComputed{
			Payroll: j.list.Payroll, Draft: j.list.Draft, Programme: j.list.Programme, Sheet: j.next, Chunk: number,
			Lines: make([]payroll.Line, 0, len(part)), Through: s.through, Final: s.final,
		}
		if number == 0 {
			fact.Findings = s.findings
		}
		proofs := make([]Proof, 0, len(part))
		for _, l := range part {
			fact.Lines, proofs = append(fact.Lines, l.line), append(proofs, l.proof)
		}
		if len(part) > 0 {
			row, err := j.seal(proofs)
			if err != nil {
				return nil, nil, err
			}
			fact.Proofs, secrets = string(row.Ref), append(secrets, row)
		}
		facts = append(facts, fact)
	}
	return facts, secrets, nil
}

func (j *job) seal(proofs []Proof) (vault.Row, error) {
	packed, err := pack(proofs)
	if err != nil {
		return vault.Row{}, err
	}
	return j.Vault.Seal(purposeProofs, packed, vault.Index{}, time.Time{})
}

// finish records the totals.
func (j *job) finish(ctx context.Context) error {
	if err := j.held(ctx); err != nil {
		return err
	}
	cmd := payroll.Compute(disbursement.PayrollComputed{
		Payroll: j.list.Payroll, Draft: j.list.Draft, Lines: j.tally.Lines, ByAccount: j.tally.ByAccount, InCash: j.tally.InCash,
		Held: j.tally.Held, Total: int64(j.tally.Total), Hash: j.tally.Hash(), Rules: j.Rules.Version(), Findings: j.findings,
	})
	meta := decider.Meta{
		At: j.Now(), Actor: disbursement.Actor, Cause: fmt.Sprintf("clerk/%s/%d", j.list.Payroll, j.list.Draft), Correlation: j.list.Payroll,
	}
	out, err := eventstore.Execute(ctx, j.Log, payroll.Stream(j.list.Payroll), cmd, meta)
	if err != nil {
		return err
	}
	return j.Payrolls.WaitFor(ctx, out.Position)
}

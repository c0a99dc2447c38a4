package clerk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/enrolment"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// batch is everything that is known of some people, in the order of their marks.
type batch struct {
	people  []person
	shared  map[string]bool // account marks
	through string
	final   bool
}

// person is somebody with all their files and rights.
type person struct {
	mark   string
	rights []right
	// former is the right that was entered last, if it was over before anything that is looked at: only its birth date counts.
	former *right
	files  map[string]projections.Beneficiary
	// covered is what other lists pay for each month in the list's programme, others those of other programmes.
	covered map[month.Month]money.Amount
	others  []coveredElsewhere
	// earlier are the months before those that the list looks at, of which any list pays something.
	earlier map[month.Month]bool
	carried []projections.Carried
}

// coveredElsewhere is what the lists of another programme pay for a month.
type coveredElsewhere struct {
	programme string
	month     month.Month
	amount    money.Amount
}

// right is an enrolment with its profile; a profile that cannot be read is nil.
type right struct {
	projections.Enrolment

	starts month.Month
	// paidUntil is the last month that was paid before this system; none if it was not paid.
	paidUntil month.Month
	// entered is the day on which that was entered.
	entered vn.Date
	profile *enrolment.Profile
}

// fetch reads the next people of the list.
func (j *job) fetch(ctx context.Context, after string) (batch, error) {
	marks, err := projections.PeopleOfList(ctx, j.Pool, projections.ListOfPeople{
		Scope: j.scope, Programme: j.list.Programme, After: after, Limit: sheetSize,
	})
	if err != nil {
		return batch{}, err
	}
	b := batch{through: after, final: len(marks) < sheetSize, people: make([]person, len(marks))}
	if len(marks) == 0 {
		return b, nil
	}
	b.through = marks[len(marks)-1]
	place := make(map[string]*person, len(marks))
	for i, mark := range marks {
		b.people[i] = person{mark: mark, files: map[string]projections.Beneficiary{}, covered: map[month.Month]money.Amount{}}
		place[mark] = &b.people[i]
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return j.fetchRights(ctx, marks, place) })
	group.Go(func() error { return j.fetchPayments(ctx, marks, place) })
	group.Go(func() (err error) {
		b.shared, err = j.fetchFiles(ctx, marks, place)
		return err
	})
	return b, group.Wait() //nolint:wrapcheck // each of the three says what it read
}

// fetchRights reads enrolments, those of other programmes too, because only the highest right counts.
func (j *job) fetchRights(ctx context.Context, marks []string, place map[string]*person) error {
	rows, err := projections.EnrolmentsOf(ctx, j.Pool, marks)
	if err != nil {
		return err
	}
	rows = j.lookedAt(rows)
	refs := make([]vault.Ref, len(rows))
	for i, row := range rows {
		refs[i] = vault.Ref(row.Profile)
	}
	profiles := make(map[vault.Ref]enrolment.Profile, len(refs))
	for part := range slices.Chunk(refs, vault.MaxRefs) {
		if err := j.openProfiles(ctx, part, profiles); err != nil {
			return err
		}
	}
	for i, row := range rows {
		r := right{Enrolment: row}
		r.starts, _ = month.Parse(row.StartsFrom) // it was checked when it was recorded
		r.paidUntil, _ = month.Parse(row.PaidUntil)
		r.entered, _ = vn.ParseDate(row.EnteredOn)
		if profile, readable := profiles[refs[i]]; readable {
			r.profile = &profile
		}
		p := place[row.Mark]
		switch {
		case !j.over(row):
			p.rights = append(p.rights, r)
		case r.profile != nil:
			p.former = &r
		}
	}
	return nil
}

// over tells that a right ended before anything that the list looks at.
func (j *job) over(e projections.Enrolment) bool {
	return e.StoppedFrom != "" && e.StoppedFrom <= j.from.String() && (e.PaidUntil < e.StoppedFrom || e.Void())
}

// lookedAt leaves out the rights that are over, but for the last entry of people who have others, for its birth date: the profiles of
// those who are paid nothing any more are not opened.
func (j *job) lookedAt(rows []projections.Enrolment) []projections.Enrolment {
	others, last := map[string]bool{}, map[string]string{}
	for _, e := range rows { // as they were entered
		others[e.Mark] = others[e.Mark] || !j.over(e)
		if !e.Void() {
			last[e.Mark] = e.Enrolment
		}
	}
	return slices.DeleteFunc(rows, func(e projections.Enrolment) bool {
		return j.over(e) && (!others[e.Mark] || last[e.Mark] != e.Enrolment)
	})
}

// openProfiles reads rows of the vault. One that does not open must not take the others with it.
func (j *job) openProfiles(ctx context.Context, refs []vault.Ref, profiles map[vault.Ref]enrolment.Profile) error {
	found, err := j.Vault.Read(ctx, j.reading, refs...)
	if errors.Is(err, vault.ErrUnreadable) {
		found, err = j.oneByOne(ctx, refs)
	}
	if err != nil {
		return err
	}
	for ref, plain := range found {
		var profile enrolment.Profile
		if err := plain.Decode(&profile); err != nil {
			return err
		}
		profiles[ref] = profile
	}
	return nil
}

func (j *job) oneByOne(ctx context.Context, refs []vault.Ref) (map[vault.Ref]vault.Plain, error) {
	found := map[vault.Ref]vault.Plain{}
	for _, ref := range refs {
		one, err := j.Vault.Read(ctx, j.reading, ref)
		switch {
		case errors.Is(err, vault.ErrUnreadable):
			j.Logger.Error("a row of the vault does not open", zap.String("ref", string(ref)))
		case err != nil:
			return nil, err
		default:
			maps.Copy(found, one)
		}
	}
	return found, nil
}

// fetchPayments reads what other lists pay, and what is waiting to be taken over.
func (j *job) fetchPayments(ctx context.Context, marks []string, place map[string]*person) error {
	asking := projections.Asking{
		Marks: marks, Programme: j.list.Programme, From: j.from.String(), To: j.month.String(), Except: j.list.Payroll,
	}
	covered, err := projections.CoveredMonths(ctx, j.Pool, asking)
	if err != nil {
		return err
	}
	for _, c := range covered {
		if err := place[c.Mark].take(c, j.list.Programme); err != nil {
			return err
		}
	}
	if !j.carried {
		return nil
	}
	carried, err := projections.UntakenPayments(ctx, j.Pool, asking)
	if err != nil {
		return err
	}
	for _, c := range carried {
		p := place[c.Mark]
		p.carried = append(p.carried, c)
	}
	return nil
}

// take notes what other lists pay for one month, or of which months before they pay anything.
func (p *person) take(c projections.Covered, programme string) error {
	for _, text := range c.Earlier {
		m, err := month.Parse(text)
		if err != nil {
			return fmt.Errorf("earlier month of a payment: %w", err)
		}
		if p.earlier == nil {
			p.earlier = make(map[month.Month]bool, len(c.Earlier))
		}
		p.earlier[m] = true
	}
	if len(c.Earlier) > 0 {
		return nil
	}
	m, err := month.Parse(c.Month)
	if err != nil {
		return fmt.Errorf("month of a payment: %w", err)
	}
	if c.Programme != programme {
		p.others = append(p.others, coveredElsewhere{programme: c.Programme, month: m, amount: money.Amount(c.Amount)})
		return nil
	}
	p.covered[m] = money.Amount(c.Amount)
	return nil
}

// excuse takes what was recalled, or carried forward and not taken over, out of what was overpaid: nobody has that money.
func (j *job) excuse(ctx context.Context, s *sheet) error {
	asking := projections.Asking{
		Programme: j.list.Programme, From: j.from.String(), To: j.month.String(), Except: j.list.Payroll,
	}
	for _, f := range s.findings {
		if f.Code == payroll.Overpaid {
			asking.Marks = append(asking.Marks, f.Mark)
		}
	}
	if len(asking.Marks) == 0 {
		return nil
	}
	idle, err := projections.IdleMonths(ctx, j.Pool, asking)
	if err != nil {
		return err
	}
	for _, r := range idle {
		for i := range s.findings {
			if f := &s.findings[i]; f.Code == payroll.Overpaid && f.Mark == r.Mark && f.Month == r.Month {
				f.Amount -= money.Amount(r.Amount)
			}
		}
	}
	s.findings = slices.DeleteFunc(s.findings, func(f payroll.Finding) bool { return f.Code == payroll.Overpaid && f.Amount <= 0 })
	return nil
}

// fetchFiles reads people's files and accounts, and which of the accounts several people use.
func (j *job) fetchFiles(ctx context.Context, marks []string, place map[string]*person) (map[string]bool, error) {
	files, err := projections.BeneficiariesOf(ctx, j.Pool, marks)
	if err != nil {
		return nil, err
	}
	var accounts []string
	for _, f := range files {
		place[f.Mark].files[f.Beneficiary] = f
		if f.State == projections.AccountOpen {
			accounts = append(accounts, f.AccountMark)
		}
	}
	return projections.SharedAccounts(ctx, j.Pool, accounts)
}

// ErrUnreadable says that what the rules ask for about a person was erased or damaged.
var ErrUnreadable = errors.New("a profile cannot be read")

// Question asks for one person's right.
type Question struct {
	Mark  string
	Month month.Month
	AsOf  vn.Date
	// Reading is recorded.
	Reading vault.Reading
}

// Entitled answers what a person has a right to for a month, over all their enrolments, as a list would compute it.
func (c *Clerk) Entitled(ctx context.Context, q Question) (entitlement.Entitlement, error) {
	j := &job{Clerk: c, month: q.Month, asOf: q.AsOf, reading: q.Reading}
	p := person{mark: q.Mark, files: map[string]projections.Beneficiary{}}
	place := map[string]*person{q.Mark: &p}
	if err := j.fetchRights(ctx, []string{q.Mark}, place); err != nil {
		return entitlement.Entitlement{}, err
	}
	if _, err := j.fetchFiles(ctx, []string{q.Mark}, place); err != nil {
		return entitlement.Entitlement{}, err
	}
	asked := computation{job: j, person: &p, out: &sheet{}}
	if !asked.prepare() {
		return entitlement.Entitlement{}, ErrUnreadable
	}
	if home := asked.latest(q.Month); home != nil {
		asked.subject.Province = asked.province(home)
	}
	return c.Rules.Entitled(asked.subject, asked.decisions, q.Month, q.AsOf), nil
}

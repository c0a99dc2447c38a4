package clerk

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// reckoned is a line with its proof.
type reckoned struct {
	line  payroll.Line
	proof Proof
}

// width is how many goroutines compute a batch.
const width = 2

// reckonAll computes the lines of a batch. The order within the sheet is that of the payments' ids.
func (j *job) reckonAll(b batch) sheet {
	parts := make([]sheet, width)
	var working sync.WaitGroup
	for n := range parts {
		working.Go(func() {
			for i := n; i < len(b.people); i += width {
				j.reckon(&b.people[i], b.shared, &parts[n])
			}
		})
	}
	working.Wait()
	all := sheet{through: b.through, final: b.final}
	for _, part := range parts {
		all.lines, all.findings = append(all.lines, part.lines...), append(all.findings, part.findings...)
	}
	slices.SortFunc(all.lines, func(a, b reckoned) int { return strings.Compare(a.line.Payment, b.line.Payment) })
	slices.SortFunc(all.findings, func(a, b payroll.Finding) int {
		return cmp.Or(strings.Compare(a.Mark, b.Mark), strings.Compare(a.Month, b.Month), strings.Compare(a.Code, b.Code))
	})
	return all
}

// computation is one person's part of a list.
type computation struct {
	*job
	*person

	subject   entitlement.Person
	decisions []entitlement.Enrolment
	shared    map[string]bool
	out       *sheet
	// reported tells that a bank says of any of the person's files that they died.
	reported bool
}

// reckon computes one person's lines: the month of the list, months of which not all was paid, and what was carried
// forward.
func (j *job) reckon(p *person, shared map[string]bool, out *sheet) {
	c := computation{job: j, person: p, shared: shared, out: out}
	readable := c.prepare()
	for _, carried := range p.carried {
		c.carry(carried)
	}
	if !readable {
		return
	}
	for m := range month.Span(j.from, j.month) {
		c.month(m)
	}
	c.leftOut()
}

// prepare turns rows into what the rules understand. It is false when a profile is missing: half of what is known of a
// person gives a wrong amount.
func (c *computation) prepare() bool {
	for _, file := range c.files {
		c.reported = c.reported || file.Reported
		died, err := vn.ParseDate(file.DiedOn)
		if err == nil && (c.subject.DiedOn.IsZero() || died.Before(c.subject.DiedOn)) {
			c.subject.DiedOn = died
		}
	}
	for i := range c.rights {
		r := &c.rights[i]
		if r.profile == nil {
			if home, listed := c.home(c.job.month); listed {
				c.find(home, c.job.month, payroll.ProfileUnreadable, 0)
			}
			return false
		}
		c.decisions = append(c.decisions, r.asEntitlement())
	}
	c.subject.BirthDate = c.born()
	return true
}

// born is the birth date that counts: each decision has what accounts said on the day of its entry, so that a correction there counts by the
// decision that was entered last. Entries by mistake count if there is nothing else.
func (c *computation) born() vn.PartialDate {
	last := c.former
	for i := range c.rights {
		if r := &c.rights[i]; last == nil || last.Void() && !r.Void() || last.Void() == r.Void() && last.Position < r.Position {
			last = r
		}
	}
	if last == nil {
		return vn.PartialDate{}
	}
	return last.profile.BirthDate
}

// dead tells whether any file of the person says that they died.
func (c *computation) dead() bool { return !c.subject.DiedOn.IsZero() }

// asEntitlement is the right as the rules understand it. Months and days were checked when they were recorded.
func (r *right) asEntitlement() entitlement.Enrolment {
	signed, _ := vn.ParseDate(r.SignedOn)
	stopped, _ := month.Parse(r.StoppedFrom)
	return entitlement.Enrolment{
		ID: r.Enrolment.Enrolment, Programme: r.Programme, Category: r.profile.Category, SignedOn: signed, StartsFrom: r.starts,
		Facts: r.profile.Facts, Suspensions: r.Suspensions, StoppedFrom: stopped,
	}
}

// asEntered is the right as it was entered, whatever became of it.
func (r *right) asEntered() entitlement.Enrolment {
	entered := r.asEntitlement()
	entered.Suspensions, entered.StoppedFrom = nil, month.Month{}
	return entered
}

// home is the right of the list's programme that a month belongs to: the one that began last.
func (c *computation) home(m month.Month) (home *right, listed bool) {
	home = c.latest(m, c.list.Programme)
	return home, home != nil && c.inScope[home.Unit()]
}

// latest is the right that began last, of those that had begun by a month.
func (c *computation) latest(m month.Month, programmes ...string) (home *right) {
	for i := range c.rights {
		r := &c.rights[i]
		if len(programmes) > 0 && !slices.Contains(programmes, r.Programme) || r.starts.After(m) {
			continue
		}
		if home == nil || cmp.Or(r.starts.Compare(home.starts), strings.Compare(r.Enrolment.Enrolment, home.Enrolment.Enrolment)) > 0 {
			home = r
		}
	}
	return home
}

// month compares what the law grants for a month with what other lists pay.
func (c *computation) month(m month.Month) {
	d, ours := c.claim(m)
	if !ours {
		return
	}
	d.covered += c.covered[m]
	switch {
	case d.sum > d.covered:
		c.owe(d)
	case d.sum < d.covered:
		c.find(d.owner, m, payroll.Overpaid, d.covered-d.sum)
	case d.sum == 0 && m == c.job.month && incomplete(d.granted):
		c.find(d.owner, m, payroll.NotComputable, 0)
	}
}

// claim is what the law grants somebody for a month in the list's programme. It is not ours where another unit's list pays it.
func (c *computation) claim(m month.Month) (d due, ours bool) {
	home, _ := c.home(m)
	if home == nil {
		return due{}, false
	}
	c.subject.Province = c.province(home)
	d = due{owner: home, month: m, granted: c.Rules.Entitled(c.subject, c.decisions, m, c.asOf)}
	for _, line := range d.granted.Lines {
		if line.Programme != c.list.Programme {
			continue
		}
		if len(d.made) == 0 {
			d.owner = c.right(line.Enrolment)
		}
		d.sum, d.made = d.sum+line.Amount, append(d.made, line.Enrolment)
	}
	before := c.before(m)
	balance(before, d.granted)
	d.covered = before[c.list.Programme]
	delete(before, c.list.Programme)
	d.elsewhere = c.elsewhere(d.granted, before)
	return d, c.inScope[d.owner.Unit()]
}

// furthest is how many months before those that a list looks at it counts what is left out.
const furthest = 60

// leftOut finds months before those that the list looks at which are owed, and of which no list pays anything: nobody loses them silently.
func (c *computation) leftOut() {
	var left payroll.Finding
	for m := range month.Span(c.firstUnpaid(), c.from.Prev()) {
		if c.earlier[m] {
			continue
		}
		d, ours := c.claim(m)
		if !ours || d.sum <= d.covered {
			continue
		}
		if left.Months == 0 {
			left = c.finding(d.owner, m, payroll.BeforeLookBack)
		}
		left.Months, left.Amount = left.Months+1, left.Amount+d.sum-d.covered
	}
	if left.Months > 0 {
		c.out.findings = append(c.out.findings, left)
	}
}

// elsewhere is what other programmes pay for a month beyond what the law grants in those, where what they paid before this system is paid.
// Where the law lets programmes be paid side by side, it grants both, and there is nothing.
func (c *computation) elsewhere(granted entitlement.Entitlement, paid map[string]money.Amount) (beyond money.Amount) {
	for _, other := range c.others {
		if other.month == granted.Month {
			paid[other.programme] += other.amount
		}
	}
	for _, line := range granted.Lines {
		paid[line.Programme] -= line.Amount
	}
	for _, amount := range paid {
		beyond += max(0, amount)
	}
	return beyond
}

// incomplete tells whether the rules had no answer, rather than the answer that nothing is due.
func incomplete(e entitlement.Entitlement) bool {
	return slices.ContainsFunc(e.Rejected, func(r entitlement.Rejected) bool {
		switch r.Reason {
		case entitlement.UnknownCategory, entitlement.NoRule, entitlement.BirthUnknown, entitlement.NoStandard, entitlement.NoChildren:
			return true
		default:
			return false
		}
	})
}

func (c *computation) right(id string) *right {
	for i := range c.rights {
		if c.rights[i].Enrolment.Enrolment == id {
			return &c.rights[i]
		}
	}
	return nil
}

// province is the code of the province that pays the right.
func (c *computation) province(r *right) string {
	if code, listed := c.provinces[r.Unit()]; listed {
		return code
	}
	from, _ := vn.ParseDate(r.UnitValidFrom) // no day for units from before the lists begin
	return c.provinceOf(units.Key{Code: r.UnitCode, ValidFrom: from}, c.asOf)
}

// firstUnpaid is the first month that was not paid before this system, as far as it is looked for.
func (c *computation) firstUnpaid() month.Month {
	first := c.from
	for _, r := range c.rights {
		begins := r.starts
		if !r.paidUntil.Before(begins) {
			begins = r.paidUntil.Next()
		}
		if r.Programme == c.list.Programme && begins.Before(first) {
			first = begins
		}
	}
	if limit := c.from.Add(-furthest); first.Before(limit) {
		return limit
	}
	return first
}

// due is what a person is owed for a month.
type due struct {
	owner   *right
	made    []string
	month   month.Month
	granted entitlement.Entitlement
	// sum is what the law grants in the list's programme, covered what others pay of it, or have paid before this system.
	sum, covered money.Amount
	// elsewhere is what other programmes pay too much.
	elsewhere money.Amount
}

// owe adds the line. What is owed beside another list's line of the same month is arrears, too.
func (c *computation) owe(d due) {
	kind, parts := payroll.Regular, []string{c.mark, c.list.Programme, d.month.String(), payroll.Regular}
	if d.month != c.job.month || d.covered > 0 {
		kind, parts = payroll.Arrears, []string{c.mark, c.list.Programme, d.month.String(), payroll.Arrears, c.list.Month}
	}
	line := payroll.Line{
		Payment: c.Vault.Name("payment", parts...), Beneficiary: d.owner.Beneficiary, Mark: c.mark, Enrolments: d.made,
		Unit: d.owner.Unit(), Month: d.month.String(), Kind: kind, Amount: d.sum - d.covered, Granted: d.sum, Covered: d.covered,
	}
	if d.elsewhere > 0 {
		line.Signals, line.Held = []string{payroll.SignalPaidElsewhere}, true
	}
	c.add(line, Proof{Entitlement: &d.granted, Covered: d.covered, OtherProgrammes: d.elsewhere})
}

// carry takes over a payment that reached nobody: on the list where the person's rights lie, or, if all of them ended before the months
// that a list looks at, where it was paid. What is for a month after the death is owed to nobody.
func (c *computation) carry(p projections.Carried) {
	unit := p.Unit()
	if home, _ := c.home(c.job.month); home != nil {
		unit = home.Unit()
	}
	if !c.inScope[unit] || c.dead() && p.Month > month.Of(c.subject.DiedOn).String() {
		return
	}
	line := payroll.Line{
		Payment:     c.Vault.Name("payment", c.mark, c.list.Programme, p.Month, payroll.CarriedForward, p.Payment),
		Beneficiary: p.Beneficiary, Mark: c.mark, Enrolments: p.Enrolments, Unit: unit, Month: p.Month,
		Kind: payroll.CarriedForward, Origin: p.Payment, Amount: money.Amount(p.Amount),
	}
	if p.Unheard && !c.reported { // accounts is about to open a case
		line.Signals, line.Held = []string{payroll.SignalDeathReported}, true
	}
	c.add(line, Proof{})
}

// add completes a line with how it is paid and what is noticed about it.
func (c *computation) add(l payroll.Line, proof Proof) {
	file := c.files[l.Beneficiary]
	if c.dead() { // nothing is paid into their account, also if nobody has closed it yet
		file.State = projections.AccountClosed
	}
	if reason := file.CashReason(); reason != "" {
		l.Method, l.CashReason = payroll.InCash, reason
	} else {
		l.Method = payroll.ByAccount
		l.Account, l.Bank, l.Number, l.Holder = file.Account, file.Bank, file.Number, file.Holder
		if c.shared[file.AccountMark] && !file.Represented() {
			l.Signals, l.Held = append(l.Signals, payroll.SignalSharedAccount), true
		}
		if file.ReplacedOn != "" && file.ReplacedOn >= c.asOf.AddDays(-replacedWithin).String() {
			l.Signals = append(l.Signals, payroll.SignalAccountChanged)
		}
	}
	if c.dead() && l.Kind != payroll.Regular {
		l.Signals = append(l.Signals, payroll.SignalDied)
	}
	if c.reported {
		l.Signals, l.Held = append(l.Signals, payroll.SignalDeathReported), true
	}
	if file.Identity != "matched" {
		l.Signals = append(l.Signals, payroll.SignalIdentity)
	}
	proof.Payment, proof.AsOf, proof.Rules = l.Payment, c.asOf, c.Rules.Version()
	c.out.lines = append(c.out.lines, reckoned{line: l, proof: proof})
}

// replacedWithin is for how many days a replaced account is pointed out.
const replacedWithin = 7

func (c *computation) find(r *right, m month.Month, code string, amount money.Amount) {
	found := c.finding(r, m, code)
	found.Amount = amount
	c.out.findings = append(c.out.findings, found)
}

func (c *computation) finding(r *right, m month.Month, code string) payroll.Finding {
	return payroll.Finding{Beneficiary: r.Beneficiary, Mark: c.mark, Unit: r.Unit(), Month: m.String(), Code: code}
}

package audit

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/enrolment"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// autumn is one list in that office, and what befalls its people.
type autumn struct {
	*office

	t    *rapid.T
	ctx  context.Context
	id   string
	list []payroll.Line
	// files are the people as accounts knows them, lapsed those of whom a line was ever not to be paid since it was approved.
	files  []projections.Beneficiary
	lapsed []bool
	// heard are the positions up to which both logs were reacted to, began those before the list.
	heard, began [2]int64
	versions     map[string]int
}

func (o *office) list(ctx context.Context, t *rapid.T, least int) *autumn {
	o.cases++
	o.at = time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	a := &autumn{office: o, t: t, ctx: ctx, id: fmt.Sprint("list", o.cases), versions: map[string]int{}}
	a.began = [2]int64{a.must(o.people.Head(ctx)), a.must(o.money.Head(ctx))}
	for i := range rapid.IntRange(least, 5).Draw(t, "people") {
		a.list = append(a.list, a.person(i))
	}
	a.lapsed = make([]bool, len(a.list))
	a.approved()
	a.heard = [2]int64{a.must(o.people.Head(ctx)), a.must(o.money.Head(ctx))}
	return a
}

// approved brings the list from its draft as far as its money.
func (a *autumn) approved() {
	a.drafted(a.id)
	a.computed(a.id, a.list)
	a.entered()
}

func (a *autumn) drafted(id string) {
	a.tell(a.money, payroll.Stream(id), disbursement.PayrollDrafted{
		Payroll: id, Draft: 1, Unit: unitOf(), Programme: "social_assistance", Month: "2026-11", AsOf: "2026-11-01", By: "maker",
	})
}

func (a *autumn) computed(id string, list []payroll.Line) {
	tally := a.tally(list)
	a.tell(a.money, payroll.LinesStream(id, 1, 0), payroll.LinesComputed{Payroll: id, Draft: 1, Programme: "social_assistance", Lines: list, Final: true})
	a.tell(a.money, payroll.Stream(id), disbursement.PayrollComputed{Payroll: id, Draft: 1, Lines: tally.Lines, Total: int64(tally.Total), Hash: tally.Hash()})
}

func (a *autumn) tally(list []payroll.Line) (tally payroll.Tally) {
	if err := tally.Add(list...); err != nil {
		a.t.Fatal(err)
	}
	return tally
}

// entered has the list approved and funded.
func (a *autumn) entered() {
	tally := a.tally(a.list)
	for _, cmd := range []payroll.Command{
		payroll.Submit{By: "maker"},
		payroll.Check{By: "checker"},
		payroll.Approve{By: "approver"},
		payroll.Fund{Amount: tally.Total, Reference: a.id, By: "cashier"},
	} {
		a.decide(cmd)
	}
}

// person has a right, and an account or none, and is on the list with the month or with one before.
func (a *autumn) person(i int) payroll.Line {
	name := fmt.Sprint(a.id, "p", i)
	line := payroll.Line{
		Payment: name, Beneficiary: "b" + name, Mark: "m" + name, Enrolments: []string{"e" + name}, Unit: unitOf(), Month: "2026-11", Kind: payroll.Regular,
		Amount: 540_000, Granted: 540_000, Method: payroll.InCash, CashReason: "no_account",
	}
	if rapid.IntRange(0, 3).Draw(a.t, "month before") == 0 {
		line.Month, line.Kind = "2026-10", payroll.Arrears
	}
	a.files = append(a.files, projections.Beneficiary{})
	a.tell(a.money, enrolment.Stream("e"+name), disbursement.Enrolled{
		Enrolment: "e" + name, Beneficiary: line.Beneficiary, Mark: line.Mark, Unit: unitOf(), Programme: "social_assistance", SignedOn: "2026-01-05",
	})
	a.befalls(i, accounts.BeneficiaryRegistered{Beneficiary: line.Beneficiary, Mark: line.Mark, Unit: unitOf()}, line)
	if rapid.IntRange(0, 3).Draw(a.t, "in cash") < 3 { // small numbers are drawn more often
		line.Method, line.CashReason, line.Account = payroll.ByAccount, "", accounts.FirstAccount(line.Beneficiary)
		line.Bank, line.Number, line.Holder = "ICBVVNVX", "n"+line.Account, "h"+name
		a.befalls(i, opening(line.Beneficiary, line.Account), line)
	}
	return line
}

func opening(beneficiary, account string) accounts.AccountOpened {
	return accounts.AccountOpened{Beneficiary: beneficiary, Account: account, Bank: "ICBVVNVX", Number: "n" + account, Mark: "k" + account, Holder: "h"}
}

func (a *autumn) must(head int64, err error) int64 {
	if err != nil {
		a.t.Fatal(err)
	}
	return head
}

// tell appends facts of a stream that nobody decides about here, minutes after what was before.
func (a *autumn) tell(log *eventstore.Store, stream string, fact events.Event) {
	a.at = a.at.Add(2 * heardFor)
	_, err := log.Append(a.ctx, eventstore.Append{
		Stream: stream, Expected: a.versions[stream], Facts: []events.Event{fact}, Meta: events.Meta{OccurredAt: a.at},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	a.versions[stream]++
}

func (a *autumn) decide(cmd payroll.Command) {
	if _, err := eventstore.Execute(a.ctx, a.money, payroll.Stream(a.id), cmd, decider.Meta{At: a.at}); err != nil {
		a.t.Fatalf("%T: %v", cmd, err)
	}
}

// befalls records a fact of accounts, and keeps what it means for who may be paid.
func (a *autumn) befalls(i int, fact events.Event, line payroll.Line) {
	a.tell(a.people, "beneficiary-"+line.Beneficiary, fact)
	f := &a.files[i]
	switch e := fact.(type) {
	case accounts.BeneficiaryDied:
		f.DiedOn, f.Reported = e.DiedOn, false
	case accounts.BeneficiaryDeathRevoked:
		f.DiedOn = ""
	case accounts.DeathReported:
		f.Reported = true
	case accounts.DeathReportDismissed:
		f.Reported = false
	case accounts.AccountOpened:
		f.Account, f.State, f.Opened = e.Account, projections.AccountOpen, f.Opened+1
	case accounts.AccountReinstated:
		f.State = projections.AccountOpen
	case accounts.AccountSuspended, accounts.AccountBlocked, accounts.AccountClosed:
		f.State = "not open"
	}
}

// happens is one thing in somebody's life, or one that an officer enters about their right.
func (a *autumn) happens() {
	i := rapid.IntRange(0, len(a.list)-1).Draw(a.t, "whom")
	line, f := a.list[i], a.files[i]
	from := month.Of(vn.DateOf(a.at)).Add(rapid.IntRange(-1, 1).Draw(a.t, "from month"))
	switch what := rapid.IntRange(0, 9).Draw(a.t, "what"); {
	case what == 0:
		a.right(line, enrolment.Stop{From: from, Note: "note", By: "officer"})
	case what == 1:
		a.right(line, enrolment.Suspend{From: from, Note: "note", By: "officer"})
	case what == 2:
		a.right(line, enrolment.Resume{From: from, Limit: 3, By: "officer"})
	case what == 3 && f.DiedOn == "":
		died := rapid.SampledFrom([]string{"2026-09-30", "2026-10-15", "2026-11-01"}).Draw(a.t, "died on")
		a.befalls(i, accounts.BeneficiaryDied{Beneficiary: line.Beneficiary, DiedOn: died}, line)
	case what == 4 && f.DiedOn == "" && !f.Reported:
		a.befalls(i, accounts.DeathReported{Beneficiary: line.Beneficiary, Account: f.Account, Of: "beneficiary"}, line)
	case what == 5 && f.Reported:
		a.befalls(i, accounts.DeathReportDismissed{Beneficiary: line.Beneficiary}, line)
	case what == 9 && f.DiedOn != "":
		a.befalls(i, accounts.BeneficiaryDeathRevoked{Beneficiary: line.Beneficiary, Paper: "118/TP-HT"}, line)
	case what == 6:
		a.befalls(i, opening(line.Beneficiary, fmt.Sprint(line.Beneficiary, "-", f.Opened+1)), line)
	case what == 7 && f.State == projections.AccountOpen:
		a.befalls(i, rapid.SampledFrom([]events.Event{
			accounts.AccountSuspended{Beneficiary: line.Beneficiary, Account: f.Account},
			accounts.AccountBlocked{Beneficiary: line.Beneficiary, Account: f.Account},
			accounts.AccountClosed{Beneficiary: line.Beneficiary, Account: f.Account},
		}).Draw(a.t, "account"), line)
	case what == 8 && f.State == "not open":
		a.befalls(i, accounts.AccountReinstated{Beneficiary: line.Beneficiary, Account: f.Account}, line)
	}
	for i := range a.list {
		a.lapsed[i] = a.lapsed[i] || a.gone(i)
	}
}

// right is a command on the right of a line, which may be refused, and comes behind the gate as in the service.
func (a *autumn) right(line payroll.Line, cmd enrolment.Command) {
	a.at = a.at.Add(2 * heardFor)
	_ = a.changes.Stops.Stop(a.ctx, func(ctx context.Context) error {
		_, err := eventstore.Execute(ctx, a.money, enrolment.Stream(line.Enrolments[0]), cmd, decider.Meta{At: a.at})
		return err //nolint:wrapcheck // it is not looked at
	})
}

// gone says by what happened, and by nothing that the service keeps of it, whether nothing may be paid now.
func (a *autumn) gone(i int) bool {
	line, f := a.list[i], a.files[i]
	right, err := eventstore.State[enrolment.Enrolment](a.ctx, a.money, enrolment.Stream(line.Enrolments[0]))
	if err != nil {
		a.t.Fatal(err)
	}
	dead := f.DiedOn != "" && line.Month > f.DiedOn[:len("2026-11")]
	stopped := !right.StoppedFrom.IsZero() && line.Month >= right.StoppedFrom.String()
	suspended := slices.ContainsFunc(right.Suspensions, func(s entitlement.Suspension) bool {
		return s.From.String() <= line.Month && (s.ResumedFrom.IsZero() || line.Month < s.ResumedFrom.String())
	})
	elsewhere := line.Method == payroll.ByAccount && (f.DiedOn != "" || f.Account != line.Account || f.State != projections.AccountOpen)
	return dead || f.Reported || stopped || suspended || elsewhere
}

// season is a time in which something may happen, and may be reacted to.
func (a *autumn) season(name string) {
	for range rapid.IntRange(0, 3).Draw(a.t, name) {
		a.happens()
		if rapid.Bool().Draw(a.t, "reacted to") {
			a.reacts()
		}
	}
	a.seen()
}

// release is what the service does when a treasurer presses the button.
func (a *autumn) release() {
	found, err := projections.ObsoleteOfList(a.ctx, a.pool, a.id, 1)
	if err != nil {
		a.t.Fatal(err)
	}
	tally := a.tally(a.list)
	head := a.must(a.money.Head(a.ctx))
	a.decide(payroll.Release{Hash: tally.Hash(), Removals: projections.Removals(found), Seen: head, By: "treasurer", TwoTreasurers: true})
}

// pays lets the releaser make the payments, and compares what it made and removed with what happened. A line that was removed stays
// so, also if its reason is gone. Before are the payments that another list has made.
func (a *autumn) pays(removed map[string]int, before []payment.Payment) {
	gone := make([]bool, len(a.list))
	for i := range a.list {
		gone[i] = a.gone(i)
	}
	a.seen()
	a.at = a.at.Add(2 * heardFor)
	if err := a.releaser.Once(a.ctx); err != nil {
		a.t.Fatal(err)
	}
	history, err := a.money.Load(a.ctx, payroll.Stream(a.id))
	if err != nil {
		a.t.Fatal(err)
	}
	left := map[string]bool{}
	for _, r := range history {
		if e, is := r.Event.(disbursement.LineRemoved); is {
			left[e.Line] = true
			removed[e.Reason]++
		}
	}
	for i, line := range a.list {
		now := a.payment(line)
		if i < len(before) && before[i].Exists() {
			if !left[line.Payment] || now.Payroll != before[i].Payroll || now.Facts != before[i].Facts {
				a.t.Fatalf("I2: line %s was paid by %s, and %s pays it as well", line.Payment, before[i].Payroll, a.id)
			}
			continue
		}
		paid := now.Exists()
		if paid == left[line.Payment] || paid && gone[i] || !paid && !a.lapsed[i] {
			a.t.Fatalf("line %s: paid %t, removed %t; it must not be paid now: %t, or once: %t", line.Payment, paid, left[line.Payment], gone[i], a.lapsed[i])
		}
	}
}

// paysAgain releases another list of the same people (I2): what the first one paid stays its payment, and is removed from the second.
func (a *autumn) paysAgain(removed map[string]int) {
	before := make([]payment.Payment, len(a.list))
	for i, line := range a.list {
		before[i] = a.payment(line)
	}
	a.id += "again"
	a.approved()
	a.seen()
	a.release()
	a.pays(removed, before)
}

func (a *autumn) payment(line payroll.Line) payment.Payment {
	p, err := eventstore.State[payment.Payment](a.ctx, a.money, payment.Stream(line.Payment))
	if err != nil {
		a.t.Fatal(err)
	}
	return p
}

// withdraws looks whether what nobody has yet is stopped, once everything was reacted to.
func (a *autumn) withdraws() {
	a.reacts()
	a.reacts() // a death stops rights, and that ends payments
	for i, line := range a.list {
		p := a.payment(line)
		waits := p.Status == payment.CashPending || p.Status == payment.Released && p.Current.Withdrawal == ""
		if waits && a.gone(i) {
			a.t.Fatalf("payment %s is %s and is not taken back", line.Payment, p.Status)
		}
	}
}

// audit looks at the facts of this list alone, and adds up what it looked at.
func (a *autumn) audit(checked map[string]int) {
	auditor := newAuditor(entitlement.National())
	for _, r := range a.read(a.people, &a.began[0]) {
		auditor.person(r)
	}
	for _, r := range a.read(a.money, &a.began[1]) {
		auditor.money(r)
	}
	auditor.finish()
	for _, f := range auditor.findings() {
		checked[f.ID] += f.Checked
		if !f.OK {
			a.t.Fatalf("%s: %v", f.ID, f.Violations)
		}
	}
}

// Whatever becomes of people, their rights and their accounts between the approval of a list, its release and its payments, whoever
// heard of it by then: nothing is paid for a month after a death, or while a bank's word of one waits (I8); what was stopped or suspended
// is removed (I10); no payment goes to another account than was approved, and none to one that is not theirs any more (I12). A second list
// of the same people pays nobody whom the first one has paid (I2).
func TestWhatHappensBetweenApprovalAndPaymentIsNotPaidOver(t *testing.T) {
	t.Parallel()
	o, removed, checked := openOffice(t), map[string]int{}, map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		a := o.list(t.Context(), r, 1)
		a.season("before the release")
		a.release()
		a.season("before the payments")
		a.pays(removed, nil)
		a.paysAgain(removed)
		a.season("after the payments")
		a.withdraws()
		a.audit(checked)
	})
	for _, reason := range []string{"died", "death_reported", "stopped", "suspended", "account_changed", disbursement.AlreadyPaid} {
		if removed[reason] == 0 {
			t.Errorf("no line was removed because of %s", reason)
		}
	}
	for _, id := range []string{"I2", "I8", "I10", "I12"} {
		if checked[id] == 0 {
			t.Errorf("%s looked at nothing", id)
		}
	}
}

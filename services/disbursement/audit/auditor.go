package audit

import (
	"hash/fnv"
	"math"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// auditor folds the three logs.
type auditor struct {
	invariants [invariants]invariant
	law        law

	deaths       map[string][]death     // by mark
	suspicions   map[string][]suspicion // by mark
	marks        map[string]string      // of beneficiaries
	instructions map[string]*instruction
	bookings     map[booking]string // of credits, and the payment
	orders       map[string]string  // of the State Treasury, and the list that each paid for
	receipts     map[receipt]string // and the person that each is for
	payments     map[string]*paid
	attempts     map[string]string // end-to-end id to payment
	lists        map[string]*list
	stops        map[string][]stop // by enrolment
	live         map[entitled]map[string]bool
	origins      map[string]string            // carried payment to the one that took it over
	untaken      map[string][]string          // what was carried forward and not taken over, by mark
	takers       map[string]map[string]string // carried payment to the lists that it was ever on, and its line there
	carried      map[entitledMonth][]*paid    // what was carried forward of a month
	homes        map[home]events.Unit         // where people have their rights; none where that is in several units
	months       map[entitledMonth]*monthTotal
	before       map[string][]paidBefore   // by mark, the rights that were paid before this system
	unstopped    []*paid                   // refunded, although this log has no stop of their right
	opened       map[personMonth][]*paid   // what was carried forward or refunded of a month, in any programme
	elsewhere    map[entitledMonth][]*paid // refunded because the person had the money by a bank's word
	causes       map[[16]byte]execution
}

// death is when somebody died, and when that was recorded of one of their files.
type death struct {
	beneficiary, month string
	knownAt            time.Time
	// revokedAt is no time unless it turned out to be wrong.
	revokedAt time.Time
}

// stood tells whether the death was recorded and not revoked yet, or not longer ago than a time.
func (d death) stood(at time.Time, since time.Duration) bool {
	return d.revokedAt.IsZero() || at.Before(d.revokedAt.Add(since))
}

// suspicion is a bank's word that somebody died, until an officer decided about it.
type suspicion struct {
	beneficiary string
	from        time.Time
	// until is no time while nobody has decided.
	until time.Time
}

// receipt is a paper that a person signed. Each unit numbers its own, every year anew.
type receipt struct {
	unit         events.Unit
	year, number string
}

// instruction is what the gateway says about one end-to-end id.
type instruction struct {
	payment string
	attempt int
	bank    string
	amount  int64
	sent    bool
	// early tells that the gateway knew of it before the log of disbursement was read.
	early bool
	// reports are what was set aside, and what the bank said that it booked.
	reports []report
}

// report is a bank's word that disbursement must have recorded.
type report struct {
	said

	at time.Time
	// aside tells that it was set aside, early that the gateway had it before the log of disbursement was read.
	aside, early bool
}

// said is what a payment knows of an attempt: a credit and a return by their bookings, everything else once.
type said struct {
	attempt         int
	status, booking string
}

func saidOf(attempt int, status, reference string) said {
	switch status {
	case "ACCC", "RTND":
		return said{attempt, status, reference}
	case "RCVD":
		return said{attempt, "ACTC", ""} // both are one fact of a payment
	default:
		return said{attempt, status, ""}
	}
}

type booking struct{ bank, reference string }

// paid is a payment as its stream has it.
type paid struct {
	payment.Payment

	releasedAt time.Time
	refundedAt time.Time
	refundedIn int64        // where in the log that is
	settled    map[int]bool // attempts that were debited or credited
	returned   map[int]bool
	withdrawn  map[int]bool
	carriedAt  int64  // where in the log it was carried forward
	doubtedAt  int64  // where in the log its bank contradicted itself last, or still did
	heard      []said // whatever became of it
	late       bool   // that was when its list was closed, of what failed since
	givenUp    bool   // it was carried forward, and counts for its month no longer
}

// list is a payroll with what its facts do not say twice.
type list struct {
	payroll.Payroll

	draft

	earlier  []draft // that were rejected
	overpaid []payroll.Finding
	tally    *payroll.Tally
	books    ledger.Balances
	overdraw bool
	makers   map[string]bool
	checker  string
	approver string
	// approved and released are the facts.
	approved, released events.Recorded
	removed            map[string]int64 // lines, and where in the log each was removed
	rejectedAt         int64            // where the last draft before was rejected
	payments           int
	total, removedSum  money.Amount
	carried            int
	carriedSum         money.Amount
}

// draft is what a list has computed, and where in the log that began and ended.
type draft struct {
	lines                 map[string]payroll.Line
	draftedAt, computedAt int64
	fellAt                int64 // where it was rejected; 0 as long as it stands
}

// known is where in the log everything stands that was computed by, as far as it goes.
func (d draft) known() int64 {
	if d.computedAt == 0 {
		return math.MaxInt64 // not yet
	}
	return d.computedAt
}

// stop is the end or the suspension of a right.
type stop struct {
	fromMonth string
	suspended bool
	// at is where it stands in the log, byOfficer tells that it isn't for a death.
	at        int64
	byOfficer bool
	// resumedFrom is the first month that is paid again; empty while none is.
	resumedFrom string
	// resumedAt is where that stands in the log.
	resumedAt int64
}

// covers tells whether nothing is paid for a month.
func (s stop) covers(month string) bool {
	return s.fromMonth <= month && (s.resumedFrom == "" || month < s.resumedFrom)
}

// entitled is what at most one live payment may be for.
type entitled struct{ mark, programme, month, kind, apart string }

// execution is the last fact that a cause had in a stream.
type execution struct {
	version    int
	occurredAt time.Time
}

func newAuditor(rules entitlement.Rules) *auditor {
	a := &auditor{
		law: law{rules: rules, data: rules.Data(), known: map[grant]map[money.Amount]bool{}}, deaths: map[string][]death{}, suspicions: map[string][]suspicion{}, receipts: map[receipt]string{}, marks: map[string]string{},
		instructions: map[string]*instruction{}, bookings: map[booking]string{}, orders: map[string]string{}, payments: map[string]*paid{},
		attempts: map[string]string{}, lists: map[string]*list{}, stops: map[string][]stop{}, live: map[entitled]map[string]bool{},
		origins: map[string]string{}, untaken: map[string][]string{}, takers: map[string]map[string]string{}, homes: map[home]events.Unit{},
		months: map[entitledMonth]*monthTotal{}, opened: map[personMonth][]*paid{}, elsewhere: map[entitledMonth][]*paid{}, causes: map[[16]byte]execution{},
		before: map[string][]paidBefore{}, carried: map[entitledMonth][]*paid{},
	}
	for n, text := range texts() {
		a.invariants[n].text = text
	}
	return a
}

// person takes a fact of the accounts service.
func (a *auditor) person(r events.Recorded) {
	a.cause(r)
	switch e := r.Event.(type) {
	case accounts.BeneficiaryRegistered:
		a.marks[e.Beneficiary] = e.Mark
	case accounts.DeathReported:
		if mark := a.marks[e.Beneficiary]; e.Of == "beneficiary" {
			a.suspicions[mark] = append(a.suspicions[mark], suspicion{beneficiary: e.Beneficiary, from: r.Meta.OccurredAt})
		}
	case accounts.DeathReportDismissed:
		a.decided(e.Beneficiary, r.Meta.OccurredAt)
	case accounts.BeneficiaryDied:
		a.decided(e.Beneficiary, r.Meta.OccurredAt)
		if mark := a.marks[e.Beneficiary]; len(e.DiedOn) >= len("2026-11") {
			a.deaths[mark] = append(a.deaths[mark], death{
				beneficiary: e.Beneficiary, month: e.DiedOn[:len("2026-11")], knownAt: r.Meta.OccurredAt,
			})
		}
	case accounts.BeneficiaryDeathRevoked:
		of := a.deaths[a.marks[e.Beneficiary]]
		for i := range of {
			if of[i].beneficiary == e.Beneficiary && of[i].revokedAt.IsZero() {
				of[i].revokedAt = r.Meta.OccurredAt
			}
		}
	}
}

// decided ends the suspicions about a beneficiary.
func (a *auditor) decided(beneficiary string, at time.Time) {
	of := a.suspicions[a.marks[beneficiary]]
	for i := range of {
		if of[i].beneficiary == beneficiary && of[i].until.IsZero() {
			of[i].until = at
		}
	}
}

// bank takes a fact of the gateway that was there before the log of disbursement was read.
func (a *auditor) bank(r events.Recorded) { a.instruct(r, true) }

// lateBank takes a fact of the gateway that came meanwhile.
func (a *auditor) lateBank(r events.Recorded) { a.instruct(r, false) }

func (a *auditor) instruct(r events.Recorded, early bool) {
	a.cause(r)
	switch e := r.Event.(type) {
	case bankgateway.InstructionSent:
		i := a.instructionOf(e.Instruction, early)
		i.sent, i.amount = true, e.Amount
	case bankgateway.PaymentReported:
		i := a.instructionOf(e.Instruction, early)
		switch e.Status {
		case "ACSC", "ACCC", "RTND": // others may repeat what a payment knows, and then leave no trace
			i.reports = append(i.reports, report{said: saidOf(e.Attempt, e.Status, e.BankReference), at: r.Meta.OccurredAt, early: early})
		}
	case bankgateway.ReportSetAside:
		i := a.instructionOf(e.Instruction, early)
		i.reports = append(i.reports, report{
			said: saidOf(e.Attempt, e.Status, e.BankReference), at: r.Meta.OccurredAt, aside: true, early: early,
		})
	}
}

func (a *auditor) instructionOf(e bankgateway.Instruction, early bool) *instruction {
	i, known := a.instructions[e.EndToEndID]
	if !known {
		i = &instruction{payment: e.Payment, attempt: e.Attempt, bank: e.Bank, early: early}
		a.instructions[e.EndToEndID] = i
	}
	if i.payment != e.Payment || i.attempt != e.Attempt || i.bank != e.Bank {
		a.invariant(7).violated("end-to-end id %s names two instructions", e.EndToEndID)
	}
	return i
}

// cause is the first half of I7: the facts of one command stand side by side, and no other has its cause.
func (a *auditor) cause(r events.Recorded) {
	if r.Meta.Cause == "" {
		return
	}
	h := fnv.New128a()
	for _, part := range []string{events.Service(r.Event.EventName()), r.Stream, r.Meta.Cause} {
		_, _ = h.Write([]byte(part)) // a hash never errs
		_, _ = h.Write([]byte{0})
	}
	var key [16]byte
	h.Sum(key[:0])
	before, again := a.causes[key]
	sameCommand := before.version+1 == r.Version && before.occurredAt.Equal(r.Meta.OccurredAt)
	a.invariant(7).holds(!again || sameCommand, "stream %s: version %d repeats the command of version %d", r.Stream, r.Version, before.version)
	a.causes[key] = execution{version: r.Version, occurredAt: r.Meta.OccurredAt}
}

// money takes a fact of disbursement.
func (a *auditor) money(r events.Recorded) {
	a.cause(r)
	switch e := r.Event.(type) {
	case payroll.LinesComputed:
		a.lines(e)
	case disbursement.Enrolled:
		a.enrolled(e, r)
	case disbursement.EnrolmentStopped:
		a.stops[e.Enrolment] = append(a.stops[e.Enrolment], stop{fromMonth: e.FromMonth, at: r.Position, byOfficer: e.Note != ""})
	case disbursement.EnrolmentSuspended:
		a.stops[e.Enrolment] = append(a.stops[e.Enrolment], stop{fromMonth: e.FromMonth, at: r.Position, suspended: true})
	case disbursement.EnrolmentResumed:
		for i := range a.stops[e.Enrolment] {
			if s := &a.stops[e.Enrolment][i]; s.suspended && s.resumedFrom == "" {
				s.resumedFrom, s.resumedAt = e.FromMonth, r.Position
			}
		}
	default:
		if id, isPayment := cutStream(r.Stream, "payment-"); isPayment {
			a.payment(id, r)
			return
		}
		if id, isPayroll := cutStream(r.Stream, "payroll-"); isPayroll {
			a.payroll(id, r)
		}
	}
}

func (a *auditor) listOf(id string) *list {
	l, known := a.lists[id]
	if !known {
		l = &list{books: ledger.Balances{}}
		l.begin()
		a.lists[id] = l
	}
	return l
}

// begin puts the lines of a draft before aside: others may have counted them.
func (l *list) begin() {
	if len(l.lines) > 0 {
		l.earlier = append(l.earlier, l.draft)
	}
	l.draft, l.overpaid = draft{}, nil
	l.lines, l.tally, l.makers, l.removed = map[string]payroll.Line{}, &payroll.Tally{}, map[string]bool{}, map[string]int64{}
	l.checker, l.approver, l.approved, l.released = "", "", events.Recorded{}, events.Recorded{}
}

package audit

import (
	"context"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
)

// histories is how many are looked at, each of which takes a third of a second on an idle machine. While something rare was
// not met, it goes on, to the hundred that rapid draws.
const histories = 30

// winter is that office with several lists for the same people, and a bank that says anything about their payments.
type winter struct {
	*autumn

	monthly []payroll.Line // what people are paid every month
	lists   map[string][]payroll.Line
	closed  map[string]bool
	// anew are the payments that were carried forward and whose right was corrected, by the id of the line that pays their month anew.
	anew map[string]payroll.Line
	// told is how far the gateway's log was heard, since where it began.
	told, since int64
}

func (o *office) winter(ctx context.Context, t *rapid.T) *winter {
	w := &winter{autumn: o.list(ctx, t, 3), lists: map[string][]payroll.Line{}, closed: map[string]bool{}, anew: map[string]payroll.Line{}}
	w.told = w.must(o.banks.Head(ctx))
	w.since, w.monthly = w.told, slices.Clone(w.list)
	w.lists[w.id] = w.list
	w.releases(w.id)
	return w
}

// releases presses the button of an approved list, once with the hash of other lines, and lets the releaser pay.
func (w *winter) releases(id string) {
	w.id, w.list = id, w.lists[id]
	w.seen()
	other := w.tally(w.list[:len(w.list)-1])
	wrong := payroll.Release{Hash: other.Hash(), By: "treasurer", TwoTreasurers: true}
	if _, err := eventstore.Execute(w.ctx, w.money, payroll.Stream(id), wrong, decider.Meta{At: w.at}); err == nil {
		w.t.Fatal("I5: a list is released that nobody approved")
	}
	w.release()
	w.seen()
	var doubtful []payroll.Line
	for _, line := range w.list {
		if w.doubtful(line) {
			doubtful = append(doubtful, line)
		}
	}
	w.at = w.at.Add(2 * heardFor)
	if err := w.releaser.Once(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	for _, line := range doubtful {
		if w.payment(line).Payroll == id {
			w.t.Fatalf("I9, I11: %s pays what the bank says it has paid", line.Payment)
		}
	}
	w.seen()
}

// drafts makes up the lists of some months at the same time.
func (w *winter) drafts(months map[string]string) {
	ids := slices.Sorted(maps.Keys(months))
	for _, id := range ids {
		w.drafted(id)
	}
	w.seen()
	for _, id := range ids {
		w.lists[id] = w.lines(id, months[id])
	}
	for _, id := range ids {
		w.computed(id, w.lists[id])
	}
}

// lines are everybody's line of a month, what was carried forward and stands on no other list, and what is owed by a corrected decision.
func (w *winter) lines(id, month string) (lines []payroll.Line) {
	asking := projections.Asking{Programme: "social_assistance", From: "2026-01", To: "2027-12", Except: id}
	for _, line := range w.monthly {
		asking.Marks = append(asking.Marks, line.Mark)
		if line.Month != month { // else it is the very line that was paid before
			line.Payment, line.Month, line.Kind = line.Payment+month, month, payroll.Regular
		}
		lines = append(lines, line)
	}
	carried, err := projections.UntakenPayments(w.ctx, w.pool, asking)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range carried {
		line := w.monthly[slices.IndexFunc(w.monthly, func(l payroll.Line) bool { return l.Mark == c.Mark })]
		line.Payment, line.Origin, line.Kind, line.Month = "c"+c.Payment, c.Payment, payroll.CarriedForward, c.Month
		line.Amount, line.Granted = money.Amount(c.Amount), 0
		lines = append(lines, line)
	}
	covered, err := projections.CoveredMonths(w.ctx, w.pool, asking)
	if err != nil {
		w.t.Fatal(err)
	}
	lines = append(lines, w.owedAnew(covered)...)
	for i, line := range lines {
		for _, c := range covered {
			if c.Mark == line.Mark && c.Month == line.Month {
				lines[i].InsteadOf = slices.DeleteFunc(slices.Concat(line.InsteadOf, c.Opened), func(id string) bool { return id == line.Payment })
			}
		}
	}
	return lines
}

// enters has a list approved and funded.
func (w *winter) enters(id string) {
	w.id, w.list = id, w.lists[id]
	w.entered()
	w.seen()
}

// all are the payments that were made, by their ids.
func (w *winter) all() []payment.Payment {
	made := map[string]payment.Payment{}
	for _, lines := range w.lists {
		for _, line := range lines {
			if p := w.payment(line); p.Exists() {
				made[line.Payment] = p
			}
		}
	}
	var all []payment.Payment
	for _, id := range slices.Sorted(maps.Keys(made)) {
		all = append(all, made[id])
	}
	return all
}

// season is what happens to payments between two lists.
func (w *winter) season() {
	for step := range rapid.IntRange(4, 12).Draw(w.t, "steps") {
		lines := w.lists[rapid.SampledFrom(slices.Sorted(maps.Keys(w.lists))).Draw(w.t, "list")]
		p := w.payment(lines[(step+rapid.IntRange(0, len(lines)-1).Draw(w.t, "line"))%len(lines)]) // the first ones are drawn more often
		if !p.Exists() {
			continue
		}
		switch rapid.IntRange(0, 6).Draw(w.t, "what") {
		case 5:
			w.officer(p)
		case 6:
			w.contests()
		default:
			if w.gateway(p); p.Current.Attempt > 0 {
				w.bank(w.payment(payroll.Line{Payment: p.Payment}), "ACCC", "RJCT", "ACCC", "RJCT", "RTND", "ACSC", "ACTC")
			}
		}
	}
}

// regrets has the bank say of what was carried forward that it was credited after all, of one payment or of none.
func (w *winter) regrets() {
	if rapid.Bool().Draw(w.t, "nothing") {
		return
	}
	for _, p := range w.all() {
		if p.Status == payment.CarriedForward && p.Current.Sent {
			w.bank(p, "ACCC")
			return
		}
	}
}

func (w *winter) contests() {
	w.seen()
	if err := w.contester.Once(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	w.seen()
}

// closes has every bank answer, carries forward what was not paid, and closes the list.
func (w *winter) closes(id string) {
	var count int
	var sum money.Amount
	for _, line := range w.lists[id] {
		p := w.payment(line)
		for ; p.Payroll == id && slices.Contains(payment.Open(), p.Status); p = w.payment(line) {
			if w.gateway(p); !slices.Contains(payment.Unsent(), p.Status) {
				w.bank(p, "RJCT", "ACCC")
			}
		}
		if p.Payroll != id {
			continue
		}
		w.does(p, payment.CarryForward{})
		if p = w.payment(line); p.Status == payment.CarriedForward {
			count, sum = count+1, sum+money.Amount(p.Amount)
		}
	}
	w.id = id
	w.decide(payroll.Close{CarriedForward: count, Carried: sum, By: "treasurer"})
	w.closed[id] = true
	w.seen()
}

// check looks at all payments by themselves, asks the auditor, and counts in met what there was, so that nothing is looked for in vain.
func (w *winter) check(met map[string]int) {
	w.contests()
	payments, takers, bookings := map[string]payment.Payment{}, map[string][]string{}, map[string][]string{}
	var broken []string
	for _, p := range w.all() {
		payments[p.Payment] = p
		if madeAgain(p) {
			met["made again"]++
			broken = append(broken, "I11")
		}
		if p.Origin != "" {
			takers[p.Origin] = append(takers[p.Origin], p.Payment)
		}
		for _, a := range append(slices.Clone(p.Earlier), p.Current) {
			if a.Reference != "" {
				bookings[a.Reference] = append(bookings[a.Reference], p.Payment)
			}
		}
	}
	for reference, of := range bookings {
		if len(of) == 1 {
			continue
		}
		met["shared bookings"]++
		broken = append(broken, "I3")
		for _, id := range of {
			if p := payments[id]; p.Status == payment.Credited && p.Current.Reference == reference && !p.Contested() {
				w.t.Fatalf("I3: %s credits %v, and nobody is told", reference, of)
			}
		}
	}
	for origin, of := range takers {
		met["taken over"]++
		from := payments[origin]
		if len(of) > 1 || from.Status != payment.CarriedForward || payments[of[0]].Amount != from.Amount {
			w.t.Fatalf("I11: %s is %s, and is taken over by %v", origin, from.Status, of)
		}
		for taker := of; from.Contested() && len(taker) > 0; taker = takers[taker[0]] {
			met["credited after all"]++
			if status := payments[taker[0]].Status; status == payment.Credited || status == payment.CashPaid {
				met["paid twice by the bank's word"]++
				broken = append(broken, "I11")
			}
		}
	}
	for id, of := range w.anew {
		if payments[id].Exists() {
			met["paid anew"]++
			last, doubted := id, payments[id].Contested()
			for len(takers[last]) > 0 {
				last = takers[last][0]
				doubted = doubted || payments[last].Contested()
			}
			idle := payments[last].Status == payment.Recalled || payments[last].Status == payment.CarriedForward
			switch {
			case !payments[of.Payment].Contested():
			case idle && !doubted: // by the bank's word they have one of the two
				met["credited, and stopped anew"]++
			default:
				met["credited after it was paid anew"]++
				broken = append(broken, "I9")
			}
		}
	}
	w.audits(broken, met)
}

// audits asks the auditor, who finds what a bank's lies have broken, and nothing else, and adds up what it looked at.
func (w *winter) audits(broken []string, met map[string]int) {
	a := newAuditor(entitlement.National())
	for _, r := range w.read(w.people, &w.began[0]) {
		a.person(r)
	}
	for _, r := range w.read(w.banks, &w.since) {
		a.bank(r)
	}
	for _, r := range w.read(w.money, &w.began[1]) {
		a.money(r)
	}
	a.finish()
	for _, f := range a.findings() {
		met[f.ID] += f.Checked
		if f.OK == slices.Contains(broken, f.ID) {
			w.t.Fatalf("%s: %v; broken by the bank: %v", f.ID, f.Violations, broken)
		}
	}
}

// missing are the rare things that no history has had.
func missing(met map[string]int) (never []string) {
	for _, what := range []string{"shared bookings", "taken over", "credited after all", "paid anew", "I2", "I3", "I5", "I11", "I13", "I14"} {
		if met[what] == 0 {
			never = append(never, what)
		}
	}
	return never
}

// Several lists of the same people, some drafted at the same time, with returns, reissues, recalls, money carried forward and a bank that
// names one booking for several credits, or says afterwards that it credited what another list has taken over. No list is paid with
// other lines than were approved (I5), nobody is paid twice for a month (I2), what is carried forward is taken over once (I11), or paid
// anew where its decision is corrected (I9), a shared booking is contested and found (I3); and in the end, all read models are what a
// rebuild makes of the log (I6).
func TestSeveralListsOfTheSamePeople(t *testing.T) {
	t.Parallel()
	o, met := openOffice(t), map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		if o.cases >= histories && len(missing(met)) == 0 {
			return
		}
		w := o.winter(t.Context(), r)
		first := w.id
		w.season()
		w.closes(first)
		w.corrects()
		second, third := first+"second", first+"third"
		month := rapid.SampledFrom([]string{"2026-11", "2026-12"}).Draw(r, "month")
		months := map[string]string{second: month}
		atOnce := rapid.Bool().Draw(r, "both at once")
		if atOnce {
			months[third] = "2027-01"
		}
		w.drafts(months)
		w.enters(second)
		w.season()
		w.releases(second)
		w.season()
		if !atOnce {
			w.closes(second)
			w.drafts(map[string]string{third: "2027-01"})
		}
		w.enters(third)
		if rapid.Bool().Draw(r, "too late") {
			w.releases(third)
			w.regrets()
		} else {
			w.regrets()
			w.contests()
			w.releases(third)
		}
		w.season()
		w.check(met)
	})
	t.Log(o.cases, met)
	if never := missing(met); len(never) > 0 {
		t.Errorf("not met once: %s", never)
	}
	a := newAuditor(entitlement.National())
	log := eventstore.NewReader(o.pool, events.NewCatalog(disbursement.Catalog(), payroll.PrivateFacts()))
	if err := a.readModels(t.Context(), o.pool, log.Read); err != nil || a.invariant(6).checked == 0 || len(a.invariant(6).violations) > 0 {
		t.Errorf("I6: %d rows, %v (%v)", a.invariant(6).checked, a.invariant(6).violations, err)
	}
}

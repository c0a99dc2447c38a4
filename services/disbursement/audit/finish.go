package audit

import (
	"maps"
	"slices"
	"time"

	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/services/disbursement/internal/ledger"
	"github.com/songan-vn/songan/services/disbursement/internal/payment"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

func names(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// finish checks what only the whole of the logs can tell.
func (a *auditor) finish() {
	a.finishBooks()
	a.finishBanks()
	a.finishCredits()
	a.finishReports()
	a.finishReturns()
	a.finishRefunds()
	a.addUp()
	a.finishMonths(a.ask())
	a.finishCarried()
	a.finishAttempts()
}

// finishBooks is I1 at the end: what payments say and what the books say is the same.
func (a *auditor) finishBooks() {
	lying, waiting := map[string]ledger.Balances{}, map[string]money.Amount{}
	for _, p := range a.payments {
		if (p.FromList || p.late) && ledger.Where(p.Payment) == ledger.Available {
			waiting[p.Payroll] += money.Amount(p.Amount)
		}
		if lying[p.Payroll] == nil {
			lying[p.Payroll] = ledger.Balances{}
		}
		lying[p.Payroll][ledger.Where(p.Payment)] += money.Amount(p.Amount)
	}
	for _, id := range slices.Sorted(maps.Keys(a.lists)) {
		l := a.lists[id]
		held, err := l.books.Held()
		a.invariant(1).holds(err == nil && held == l.books.Budget(), "payroll %s: the budget is not what the accounts hold", id)
		for _, account := range []ledger.Account{ledger.Reserved, ledger.InFlight, ledger.Credited, ledger.Returned, ledger.Cash} {
			a.invariant(1).holds(l.overdraw || lying[id][account] == l.books[account], "payroll %s: its payments do not come to the account %s", id, account)
		}
		// What was tried again with money that lay with the list may be tried once more with it; and what was on its way when the list was
		// closed all the same leaves its money there when it fails.
		idle := l.Status == payroll.Closed && l.books[ledger.Available] > waiting[id]
		a.invariant(1).holds(l.overdraw || !idle, "payroll %s: it is closed, and holds money that no payment of it waits for", id)
	}
}

// finishBanks is the last part of I5: each bank was told what was released, and nothing else.
func (a *auditor) finishBanks() {
	five := a.invariant(5)
	for _, e2e := range slices.Sorted(maps.Keys(a.instructions)) {
		i := a.instructions[e2e]
		if !i.sent || !i.early {
			continue
		}
		p := a.payments[i.payment]
		five.holds(a.attempts[e2e] == i.payment && p != nil && p.Amount == i.amount, "instruction %s is not what was released", e2e)
		five.holds(p == nil || !p.withdrawn[i.attempt], "instruction %s was sent, and its payment is withdrawn", e2e)
	}
	released, told := a.controlSums()
	for _, id := range slices.Sorted(maps.Keys(released)) {
		five.holds(released[id] == told[id], "payroll %s: the control sum of what banks got is not what was released", id)
	}
}

// controlSums sums up, for each closed payroll, what was released to banks and not withdrawn, and what banks were told. What came
// back after the closure may be on its way once more, and is in neither sum as long as it waits to be sent.
func (a *auditor) controlSums() (released, told map[string]money.Amount) {
	released, told = map[string]money.Amount{}, map[string]money.Amount{}
	for id, p := range a.payments {
		if a.lists[p.Payroll].Status != payroll.Closed || p.Current.Attempt == 0 {
			continue
		}
		attempts := slices.Clone(p.Earlier)
		if !slices.Contains(payment.Unsent(), p.Status) {
			attempts = append(attempts, p.Current)
		}
		for _, at := range attempts {
			if !p.withdrawn[at.Attempt] {
				released[p.Payroll] += money.Amount(p.Amount)
			}
			if i := a.instructions[at.EndToEndID]; i != nil && i.sent && i.payment == id {
				told[p.Payroll] += money.Amount(i.amount)
			}
		}
	}
	return released, told
}

// finishCredits is I3 against the gateway: every credit was reported, with its reference.
func (a *auditor) finishCredits() {
	for _, id := range slices.Sorted(maps.Keys(a.payments)) {
		p := a.payments[id]
		for _, at := range append(slices.Clip(p.Earlier), p.Current) {
			if at.Reference == "" {
				continue
			}
			i := a.instructions[at.EndToEndID]
			named := i != nil && slices.ContainsFunc(i.reports, func(r report) bool {
				return !r.aside && r.said == saidOf(at.Attempt, "ACCC", at.Reference)
			})
			a.invariant(3).holds(named, "payment %s: no report of the bank names the credit %d", id, at.Attempt)
		}
	}
}

// finishReports is the reverse of that, and the first half of I13: what the bank booked, and what was set aside, stands with its
// payment. Reports travel in their order, so what is not much older than the newest one that arrived is still on its way.
func (a *auditor) finishReports() {
	var newest time.Time
	for _, i := range a.instructions {
		for _, r := range i.reports {
			if r.early && r.at.After(newest) && a.recorded(i, r) {
				newest = r.at
			}
		}
	}
	for _, e2e := range slices.Sorted(maps.Keys(a.instructions)) {
		i := a.instructions[e2e]
		for _, r := range i.reports {
			number := 3
			if r.aside {
				number = 13
			}
			onItsWay := !r.early || !newest.After(r.at.Add(heardFor))
			a.invariant(number).holds(onItsWay || a.recorded(i, r), "payment %s: the bank's %s of attempt %d is not recorded", i.payment, r.status, i.attempt)
		}
	}
}

func (a *auditor) recorded(i *instruction, r report) bool {
	p := a.payments[i.payment]
	return p != nil && slices.Contains(p.heard, r.said)
}

// finishReturns is I14 in sums, for each payroll.
func (a *auditor) finishReturns() {
	type sums struct{ out, back money.Amount }
	of := map[string]*sums{}
	for _, p := range a.payments {
		if of[p.Payroll] == nil {
			of[p.Payroll] = &sums{}
		}
		of[p.Payroll].out += money.Amount(p.Amount) * money.Amount(count(p.settled))
		of[p.Payroll].back += money.Amount(p.Amount) * money.Amount(count(p.returned))
	}
	for _, id := range slices.Sorted(maps.Keys(of)) {
		a.invariant(14).holds(of[id].back <= of[id].out, "payroll %s: more came back than was out", id)
	}
}

func count(set map[int]bool) (n int) {
	for _, in := range set {
		if in {
			n++
		}
	}
	return n
}

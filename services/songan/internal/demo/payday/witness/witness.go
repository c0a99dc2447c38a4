// Package witness compares what three witnesses say when a payday is over: the demo, by what it planned and did itself,
// the API, and the banks' own books. A payment is followed one by one, by its end-to-end id. It asks nobody itself.
package witness

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/songan-vn/songan/services/songan/internal/demo/payday/books"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/statement"
)

// Testimony is what the three witnesses say when everything is over.
type Testimony struct {
	library books.Library
	api     Counted
	// communes and banks are the statement, counted payment by payment as the API shows them.
	communes, banks map[string]statement.Sums
	// books are the banks' own, as far as they concern the lists of this payday.
	books   map[string]statement.Sums
	figures []statement.Figure
	// followed is how many payments stand in a bank's book as the API says.
	followed, byAccount int
	// journal is what is noticed about single payments.
	journal Journal
}

// New is a testimony before anybody has spoken. The banks' books are looked up in library.
func New(library books.Library) *Testimony {
	return &Testimony{
		library: library, communes: map[string]statement.Sums{}, banks: map[string]statement.Sums{}, books: map[string]statement.Sums{},
	}
}

// Line is what is looked at in a line of a list.
type Line struct {
	ID          string `json:"id"`
	Beneficiary string `json:"beneficiary"`
	Month       string `json:"month"`
	Kind        string `json:"kind"`
	Amount      int64  `json:"amount"`
	Method      string `json:"method"`
	Bank        string `json:"bank"`
	Held        bool   `json:"held"`
}

// Payment is what is looked at in a payment.
type Payment struct {
	ID          string `json:"id"`
	Beneficiary string `json:"beneficiary"`
	Month       string `json:"month"`
	Amount      int64  `json:"amount"`
	Status      string `json:"status"`
	Attempt     int    `json:"attempt"`
	EndToEndID  string `json:"end_to_end_id"`
	Bank        string `json:"bank"`
	Account     string `json:"account"`
	Reason      string `json:"reason"`
}

// Counted is what one witness counted besides the statement.
type Counted struct {
	Instructed, ByAccount, InCash, HandedOver, Reissued statement.Sum
}

// Hear counts the payments of a commune where they stand, and looks each of them up in its bank's book.
func (t *Testimony) Hear(commune string, lines []Line, all []Payment) error {
	sums, api := t.communes[commune], &t.api
	for _, l := range lines {
		if !l.Held {
			sums.Instructed = sums.Instructed.Plus(statement.Of(l.Amount))
		}
	}
	for _, one := range all {
		if err := sums.Count(one.Status, one.Amount); err != nil {
			return fmt.Errorf("payment %s: %w", one.ID, err)
		}
		sum := statement.Of(one.Amount)
		api.Instructed = api.Instructed.Plus(sum)
		switch {
		case one.Status == "cash_paid":
			api.HandedOver = api.HandedOver.Plus(sum)
		case one.Attempt > 1:
			api.Reissued = api.Reissued.Plus(sum)
		}
		if one.EndToEndID == "" {
			api.InCash = api.InCash.Plus(sum)
			continue
		}
		api.ByAccount = api.ByAccount.Plus(sum)
		if err := t.follow(one); err != nil {
			return err
		}
	}
	t.communes[commune] = sums
	return nil
}

// follow looks a payment up in its bank's book, with all its attempts.
func (t *Testimony) follow(one Payment) error {
	t.byAccount++
	sums := t.banks[one.Bank]
	sums.Instructed = sums.Instructed.Plus(statement.Of(one.Amount))
	if err := sums.Count(one.Status, one.Amount); err != nil {
		return fmt.Errorf("payment %s: %w", one.ID, err)
	}
	t.banks[one.Bank] = sums
	ids := attempts(one)
	for _, earlier := range ids[:len(ids)-1] {
		if e, found := t.library.Take(earlier); found && e.Status == "ACCC" {
			t.journal.Differs("attempt %s was credited and tried again", earlier)
		}
	}
	e, found := t.library.Take(one.EndToEndID)
	if found {
		own := t.books[e.Bank]
		own.Instructed = own.Instructed.Plus(statement.Of(e.Amount))
		if err := own.Count(e.State(), e.Amount); err != nil {
			return fmt.Errorf("payment %s in the bank's book: %w", one.EndToEndID, err)
		}
		t.books[e.Bank] = own
	}
	if different := differs(e, one, found); different != "" {
		t.journal.Differs("payment %s: %s", one.EndToEndID, different)
		return nil
	}
	t.followed++
	return nil
}

// differs says how a bank's book differs from what the API says of a payment, or nothing.
func differs(e books.Entry, one Payment, found bool) string {
	switch {
	case !found && (one.Status == "credited" || one.Status == "returned" || one.Status == "rejected"):
		return one.Status + ", and no bank knows it"
	case !found:
		return one.Status + ", and no bank has booked it"
	case e.Bank != one.Bank:
		return fmt.Sprintf("instructed at %s, and booked at %s", one.Bank, e.Bank)
	case e.Conflicts > 0:
		return "its id was used for another payment too"
	case e.Amount != one.Amount:
		return fmt.Sprintf("%d dong, and %d in the bank's book", one.Amount, e.Amount)
	case e.State() != one.Status:
		return fmt.Sprintf("%s, and %s in the bank's book", one.Status, e.State())
	case e.Status != "ACCC" && e.Reason != one.Reason:
		return fmt.Sprintf("%s for %q, and for %q in the bank's book", one.Status, one.Reason, e.Reason)
	}
	return ""
}

// attempts are the end-to-end ids of a payment, the last one last.
func attempts(one Payment) []string {
	at := strings.LastIndexByte(one.EndToEndID, '-')
	var ids []string
	for n := 1; at > 0 && n < one.Attempt; n++ {
		ids = append(ids, one.EndToEndID[:at+1]+strconv.Itoa(n))
	}
	return append(ids, one.EndToEndID)
}

// Compare puts the three side by side when everything was heard: what the demo counted, and the API's own statement. What
// the banks booked this time is in no list if nobody has looked it up by now.
func (t *Testimony) Compare(demo Counted, stated statement.Sums) {
	for _, id := range t.library.Left() {
		t.journal.Differs("a bank has a payment %s that stands in no list", id)
	}
	api := t.api
	listed, booked, nothing := total(t.communes), total(t.books), statement.Sum{}
	add := func(name string, demo, api, banks *statement.Sum) {
		t.figures = append(t.figures, statement.Figure{Name: name, Demo: demo, API: api, Banks: banks})
	}
	add("instructed", &demo.Instructed, &api.Instructed, nil)
	add("by account", &demo.ByAccount, &api.ByAccount, &booked.Instructed)
	add("credited", nil, &listed.Credited, &booked.Credited)
	add("rejected", nil, &listed.Rejected, &booked.Rejected)
	add("returned", nil, &listed.Returned, &booked.Returned)
	add("in flight", &nothing, &listed.InFlight, nil)
	add("unknown", &nothing, &listed.Unknown, nil)
	add("in cash", &demo.InCash, &api.InCash, nil)
	add("  of it handed over", &demo.HandedOver, &api.HandedOver, nil)
	add("tried again", &demo.Reissued, &api.Reissued, nil)
	for _, r := range rows() {
		if r.name != "difference" && r.name != "  handed over" { // the reconciliation has no sum of either
			counted, said := r.of(listed), r.of(stated)
			add("reconciled: "+r.name, &counted, &said, nil)
		}
	}
	left, none := stated.Difference(), statement.Sum{}
	add("reconciled: difference", &none, &left, nil)
}

func total(parts map[string]statement.Sums) statement.Sums {
	var all statement.Sums
	for _, sums := range parts {
		all = all.Plus(sums)
	}
	return all
}

// Err says what is not as it must be.
func (t *Testimony) Err() error {
	var faults []error
	if differing := statement.Differing(t.figures); len(differing) > 0 {
		faults = append(faults, fmt.Errorf("the witnesses do not agree on: %s", strings.Join(differing, "; ")))
	}
	for _, unit := range slices.Sorted(maps.Keys(t.communes)) {
		if d := t.communes[unit].Difference(); d != (statement.Sum{}) {
			faults = append(faults, fmt.Errorf("commune %s: %d payments and %d dong are missing", unit, d.Payments, d.Dong))
		}
	}
	if t.journal.Count > 0 {
		faults = append(faults, fmt.Errorf("%d payments are not what the banks' books say", t.journal.Count))
	}
	return errors.Join(faults...)
}

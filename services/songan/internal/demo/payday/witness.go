package payday

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/statement"
)

// testimony is what the three witnesses say when everything is over.
type testimony struct {
	// communes and banks are the statement, counted payment by payment as the API shows them.
	communes, banks map[string]statement.Sums
	// books are the banks' own, as far as they concern the lists of this payday.
	books   map[string]statement.Sums
	figures []statement.Figure
	// followed is how many payments stand in a bank's book as the API says.
	followed, byAccount int
	// journal is what is noticed about single payments.
	journal journal
}

// agreement is how long the API may take to hear what the banks have booked, and glanceEvery how often it is asked.
const agreement = 30 * time.Second

// hear asks all witnesses, and again for a while if they do not agree: reports are on their way.
func (p *play) hear(ctx context.Context) (*testimony, error) {
	began := time.Now()
	for {
		t, err := p.ask(ctx)
		if err != nil || t.err() == nil || time.Since(began) > agreement {
			return t, err
		}
		if err := client.Wait(ctx, glanceEvery); err != nil {
			return nil, fmt.Errorf("wait for reports: %w", err)
		}
	}
}

// ask asks the API and the banks about every payment of the lists.
func (p *play) ask(ctx context.Context) (*testimony, error) {
	t := &testimony{communes: map[string]statement.Sums{}, banks: map[string]statement.Sums{}, books: map[string]statement.Sums{}}
	books, err := p.banks.books(ctx)
	if err != nil {
		return nil, err
	}
	var demo, api counted
	var stated statement.Sums
	for _, o := range p.offices {
		all, err := p.payments(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("payments of commune %s: %w", o.unit, err)
		}
		if err := t.hearOffice(o, all, books, &api); err != nil {
			return nil, err
		}
		o.remember(&demo)
		reconciled, err := p.reconciliation(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("reconciliation of commune %s: %w", o.unit, err)
		}
		stated = stated.Plus(reconciled)
	}
	t.strangers(books, p.banks.before)
	t.compare(demo, api, stated)
	return t, nil
}

// counted is what one witness counted besides the statement.
type counted struct {
	instructed, byAccount, inCash, handedOver, reissued statement.Sum
}

// remember adds what the demo planned and did in an office.
func (o *office) remember(c *counted) {
	for _, l := range o.lines {
		amount, byAccount := l.Amount, l.Method == "account"
		if b := o.byID[l.Beneficiary]; b != nil {
			amount, byAccount = b.Monthly, b.paid() || o.signed && byAccount
		}
		sum := statement.Of(amount)
		switch {
		case l.Held:
			continue
		case byAccount:
			c.byAccount = c.byAccount.Plus(sum)
		default:
			c.inCash = c.inCash.Plus(sum)
		}
		c.instructed = c.instructed.Plus(sum)
	}
	for _, dong := range o.cashed {
		c.handedOver = c.handedOver.Plus(statement.Of(dong))
	}
	for _, dong := range o.reissued {
		c.reissued = c.reissued.Plus(statement.Of(dong))
	}
}

// hearOffice counts the payments of an office where they stand, and looks each of them up in its bank's book.
func (t *testimony) hearOffice(o *office, all []payment, books library, api *counted) error {
	sums := t.communes[o.unit]
	for _, l := range o.lines {
		if !l.Held {
			sums.Instructed = sums.Instructed.Plus(statement.Of(l.Amount))
		}
	}
	for _, one := range all {
		if err := sums.Count(one.Status, one.Amount); err != nil {
			return fmt.Errorf("payment %s: %w", one.ID, err)
		}
		sum := statement.Of(one.Amount)
		api.instructed = api.instructed.Plus(sum)
		switch {
		case one.Status == "cash_paid":
			api.handedOver = api.handedOver.Plus(sum)
		case one.Attempt > 1:
			api.reissued = api.reissued.Plus(sum)
		}
		if one.EndToEndID == "" {
			api.inCash = api.inCash.Plus(sum)
			continue
		}
		api.byAccount = api.byAccount.Plus(sum)
		if err := t.follow(one, books); err != nil {
			return err
		}
	}
	t.communes[o.unit] = sums
	return nil
}

// follow looks a payment up in its bank's book, with all its attempts.
func (t *testimony) follow(one payment, books library) error {
	t.byAccount++
	sums := t.banks[one.Bank]
	sums.Instructed = sums.Instructed.Plus(statement.Of(one.Amount))
	if err := sums.Count(one.Status, one.Amount); err != nil {
		return fmt.Errorf("payment %s: %w", one.ID, err)
	}
	t.banks[one.Bank] = sums
	ids := attempts(one)
	for _, earlier := range ids[:len(ids)-1] {
		if e, found := books.take(earlier); found && e.Status == "ACCC" {
			t.journal.differs("attempt %s was credited and tried again", earlier)
		}
	}
	e, found := books.take(one.EndToEndID)
	if found {
		own := t.books[e.bank]
		own.Instructed = own.Instructed.Plus(statement.Of(e.Amount))
		if err := own.Count(e.state(), e.Amount); err != nil {
			return fmt.Errorf("payment %s in the bank's book: %w", one.EndToEndID, err)
		}
		t.books[e.bank] = own
	}
	if different := e.differsFrom(one, found); different != "" {
		t.journal.differs("payment %s: %s", one.EndToEndID, different)
		return nil
	}
	t.followed++
	return nil
}

// attempts are the end-to-end ids of a payment, the last one last.
func attempts(one payment) []string {
	at := strings.LastIndexByte(one.EndToEndID, '-')
	var ids []string
	for n := 1; at > 0 && n < one.Attempt; n++ {
		ids = append(ids, one.EndToEndID[:at+1]+strconv.Itoa(n))
	}
	return append(ids, one.EndToEndID)
}

// strangers are payments that banks booked this time and that stand in no list.
func (t *testimony) strangers(books library, before map[string]bool) {
	for _, id := range slices.Sorted(maps.Keys(books.open)) {
		if !before[id] {
			t.journal.differs("a bank has a payment %s that stands in no list", id)
		}
	}
}

// reconciled are the parts of the API's own statement.
type reconciled struct {
	Instructed int64 `json:"instructed"`
	Credited   int64 `json:"credited"`
	Rejected   int64 `json:"rejected"`
	Returned   int64 `json:"returned"`
	InFlight   int64 `json:"in_flight"`
	Unknown    int64 `json:"unknown"`
	Cash       int64 `json:"cash"`
	Carried    int64 `json:"carried"`
}

// reconciliation is the statement that the API itself makes.
func (p *play) reconciliation(ctx context.Context, o *office) (statement.Sums, error) {
	var said struct {
		reconciled

		Counts reconciled `json:"counts"`
	}
	err := p.API.Read(ctx, client.Call{
		Path: disbursement + "/reconciliations/" + o.payroll, Token: o.treasurer, After: o.seen,
	}, &said)
	sum := func(count, dong int64) statement.Sum { return statement.Sum{Payments: int(count), Dong: dong} }
	return statement.Sums{
		Instructed: sum(said.Counts.Instructed, said.Instructed), Credited: sum(said.Counts.Credited, said.Credited),
		Rejected: sum(said.Counts.Rejected, said.Rejected), Returned: sum(said.Counts.Returned, said.Returned),
		InFlight: sum(said.Counts.InFlight, said.InFlight), Unknown: sum(said.Counts.Unknown, said.Unknown),
		Cash: sum(said.Counts.Cash, said.Cash), Carried: sum(said.Counts.Carried, said.Carried),
	}, err
}

// compare puts the three side by side.
func (t *testimony) compare(demo, api counted, stated statement.Sums) {
	listed, booked, nothing := total(t.communes), total(t.books), statement.Sum{}
	add := func(name string, demo, api, banks *statement.Sum) {
		t.figures = append(t.figures, statement.Figure{Name: name, Demo: demo, API: api, Banks: banks})
	}
	add("instructed", &demo.instructed, &api.instructed, nil)
	add("by account", &demo.byAccount, &api.byAccount, &booked.Instructed)
	add("credited", nil, &listed.Credited, &booked.Credited)
	add("rejected", nil, &listed.Rejected, &booked.Rejected)
	add("returned", nil, &listed.Returned, &booked.Returned)
	add("in flight", &nothing, &listed.InFlight, nil)
	add("unknown", &nothing, &listed.Unknown, nil)
	add("in cash", &demo.inCash, &api.inCash, nil)
	add("  of it handed over", &demo.handedOver, &api.handedOver, nil)
	add("tried again", &demo.reissued, &api.reissued, nil)
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

// err says what is not as it must be.
func (t *testimony) err() error {
	var faults []error
	if differing := statement.Differing(t.figures); len(differing) > 0 {
		faults = append(faults, fmt.Errorf("the witnesses do not agree on: %s", strings.Join(differing, "; ")))
	}
	for _, unit := range slices.Sorted(maps.Keys(t.communes)) {
		if d := t.communes[unit].Difference(); d != (statement.Sum{}) {
			faults = append(faults, fmt.Errorf("commune %s: %d payments and %d dong are missing", unit, d.Payments, d.Dong))
		}
	}
	if t.journal.count > 0 {
		faults = append(faults, fmt.Errorf("%d payments are not what the banks' books say", t.journal.count))
	}
	return errors.Join(faults...)
}

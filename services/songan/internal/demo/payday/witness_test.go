package payday

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/services/songan/internal/demo/payday/roll"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/statement"
)

// closing is the end of a payday, made up so that all witnesses agree.
type closing struct {
	office   *office
	payments []payment
	books    map[string]booked
}

// states of payments by account, with what the bank's book says.
func endings() map[string]string {
	return map[string]string{"credited": "ACCC", "rejected": "RJCT", "returned": "RTND"}
}

func drawClosing(t *rapid.T) closing {
	c := closing{
		office: &office{unit: "00004", month: "2026-11", byID: map[string]*person{}, cashed: map[string]int64{}, reissued: map[string]int64{}},
		books:  map[string]booked{},
	}
	for n := range rapid.IntRange(1, 40).Draw(t, "people") {
		b := &person{Beneficiary: &roll.Beneficiary{Number: n, Monthly: 54_000 * rapid.Int64Range(1, 60).Draw(t, "tenths")}, id: fmt.Sprint("b", n)}
		one := payment{ID: fmt.Sprint("p", n), Beneficiary: b.id, Month: "2026-11", Amount: b.Monthly}
		l := line{ID: one.ID, Beneficiary: b.id, Month: one.Month, Kind: "regular", Amount: b.Monthly, Method: "cash"}
		if rapid.Bool().Draw(t, "account") {
			b.account, l.Method = rapid.SampledFrom([]string{"opened", "active"}).Draw(t, "state"), "account"
			c.byAccount(t, &one, n)
		} else {
			b.account = rapid.SampledFrom([]string{"", "refused", "needs_information"}).Draw(t, "why")
			one.Status = "cash_pending"
			if rapid.Bool().Draw(t, "handed over") {
				one.Status, c.office.cashed[one.ID] = "cash_paid", one.Amount
			}
		}
		c.office.people, c.office.byID[b.id] = append(c.office.people, b), b
		c.office.lines, c.payments = append(c.office.lines, l), append(c.payments, one)
	}
	return c
}

// byAccount gives a payment its attempts, and enters them into the books.
func (c closing) byAccount(t *rapid.T, one *payment, n int) {
	one.Status = rapid.SampledFrom([]string{"credited", "rejected", "returned"}).Draw(t, "ending")
	one.Attempt = rapid.IntRange(1, 3).Draw(t, "attempt")
	one.Bank = rapid.SampledFrom([]string{"VBAAVNVX", "ICBVVNVX"}).Draw(t, "bank")
	one.EndToEndID = fmt.Sprintf("SA-P%d-%d", n, one.Attempt)
	if one.Attempt > 1 {
		c.office.reissued[one.ID] = one.Amount
	}
	if one.Status != "credited" {
		one.Reason = "AC04"
	}
	for _, id := range attempts(*one) {
		e := booked{booking{ID: id, Amount: one.Amount, Status: "RJCT", Reason: "AC04"}, one.Bank}
		if id == one.EndToEndID {
			e.Status, e.Reason = endings()[one.Status], one.Reason
		}
		c.books[id] = e
	}
}

// judge lets the witnesses speak.
func (c closing) judge(t *rapid.T) error {
	books := library{open: map[string]booked{}, twice: map[string]bool{}}
	for id, e := range c.books {
		books.open[id] = e
	}
	out := &testimony{communes: map[string]statement.Sums{}, banks: map[string]statement.Sums{}, books: map[string]statement.Sums{}}
	var demo, api counted
	if err := out.hearOffice(c.office, c.payments, books, &api); err != nil {
		t.Fatal(err)
	}
	c.office.remember(&demo)
	out.strangers(books, map[string]bool{"SA-OLD-1": true})
	out.compare(demo, api, total(out.communes))
	return out.err()
}

func TestWitnessesOfAnHonestPaydayAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawClosing(t)
		c.books["SA-OLD-1"] = booked{booking{ID: "SA-OLD-1", Amount: 1, Status: "ACCC"}, "VBAAVNVX"}
		if err := c.judge(t); err != nil {
			t.Fatal(err)
		}
	})
}

// crimes are what a payday must not overlook. Each returns false when there is nobody to do it to.
func crimes() map[string]func(*closing) bool {
	first := func(c *closing, fits func(payment) bool) int { return slices.IndexFunc(c.payments, fits) }
	byAccount := func(p payment) bool { return p.EndToEndID != "" }
	credited := func(p payment) bool { return p.Status == "credited" }
	inBook := func(c *closing, fits func(payment) bool, change func(*booked)) bool {
		i := first(c, fits)
		if i < 0 {
			return false
		}
		e := c.books[c.payments[i].EndToEndID]
		change(&e)
		c.books[c.payments[i].EndToEndID] = e
		return true
	}
	return map[string]func(*closing) bool{
		"a payment is lost":        func(c *closing) bool { c.payments = c.payments[1:]; return true },
		"a payment is there twice": func(c *closing) bool { c.payments = append(c.payments, c.payments[0]); return true },
		"the list pays another amount": func(c *closing) bool {
			c.office.lines[0].Amount++
			c.payments[0].Amount++
			return true
		},
		"a bank never got it": func(c *closing) bool {
			i := first(c, byAccount)
			if i >= 0 {
				delete(c.books, c.payments[i].EndToEndID)
			}
			return i >= 0
		},
		"a bank booked another amount": func(c *closing) bool { return inBook(c, byAccount, func(e *booked) { e.Amount += 1000 }) },
		"a bank rejected what is credited": func(c *closing) bool {
			return inBook(c, credited, func(e *booked) { e.Status, e.Reason = "RJCT", "AC04" })
		},
		"a bank paid what is rejected": func(c *closing) bool {
			return inBook(c, func(p payment) bool { return p.Status == "rejected" }, func(e *booked) { e.Status = "ACCC" })
		},
		"two payments had one id": func(c *closing) bool { return inBook(c, byAccount, func(e *booked) { e.Conflicts++ }) },
		"an attempt was paid and tried again": func(c *closing) bool {
			i := first(c, func(p payment) bool { return p.Attempt > 1 })
			if i < 0 {
				return false
			}
			id := attempts(c.payments[i])[0]
			e := c.books[id]
			e.Status = "ACCC"
			c.books[id] = e
			return true
		},
		"a bank paid somebody nobody knows": func(c *closing) bool {
			c.books["SA-NOBODY-1"] = booked{booking{ID: "SA-NOBODY-1", Amount: 540_000, Status: "ACCC"}, "VBAAVNVX"}
			return true
		},
		"cash is marked as handed over": func(c *closing) bool {
			i := first(c, func(p payment) bool { return p.Status == "cash_pending" })
			if i >= 0 {
				c.payments[i].Status = "cash_paid"
			}
			return i >= 0
		},
		"money is still on its way": func(c *closing) bool {
			i := first(c, credited)
			if i >= 0 {
				c.payments[i].Status = "in_flight"
			}
			return i >= 0
		},
	}
}

func TestWitnessesNoticeWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, commit := range crimes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				c := drawClosing(t)
				if commit(&c) && c.judge(t) == nil {
					t.Fatal("nobody noticed")
				}
			})
		})
	}
}

func TestAStateThatTheContractDoesNotKnowEndsThePayday(t *testing.T) {
	t.Parallel()
	out := &testimony{communes: map[string]statement.Sums{}, banks: map[string]statement.Sums{}, books: map[string]statement.Sums{}}
	var api counted
	err := out.hearOffice(&office{}, []payment{{Status: "vanished"}}, library{}, &api)
	if err == nil || !strings.Contains(err.Error(), "vanished") {
		t.Fatal(err)
	}
}

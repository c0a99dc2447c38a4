package payday

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/services/songan/internal/demo/payday/books"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/roll"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/statement"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/witness"
)

// closing is the end of a payday, made up so that all witnesses agree.
type closing struct {
	office   *office
	payments []witness.Payment
	books    map[string]books.Entry
}

// states of payments by account, with what the bank's book says.
func endings() map[string]string {
	return map[string]string{"credited": "ACCC", "rejected": "RJCT", "returned": "RTND"}
}

func drawClosing(t *rapid.T) closing {
	c := closing{
		office: &office{unit: "00004", month: "2026-11", byID: map[string]*person{}, cashed: map[string]int64{}, reissued: map[string]int64{}},
		books:  map[string]books.Entry{},
	}
	for n := range rapid.IntRange(1, 40).Draw(t, "people") {
		b := &person{Beneficiary: &roll.Beneficiary{Number: n, Monthly: 54_000 * rapid.Int64Range(1, 60).Draw(t, "tenths")}, id: fmt.Sprint("b", n)}
		one := witness.Payment{ID: fmt.Sprint("p", n), Beneficiary: b.id, Month: "2026-11", Amount: b.Monthly}
		l := witness.Line{ID: one.ID, Beneficiary: b.id, Month: one.Month, Kind: "regular", Amount: b.Monthly, Method: "cash"}
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
func (c closing) byAccount(t *rapid.T, one *witness.Payment, n int) {
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
		e := books.Entry{ID: id, Amount: one.Amount, Status: "RJCT", Reason: "AC04", Bank: one.Bank}
		if id == one.EndToEndID {
			e.Status, e.Reason = endings()[one.Status], one.Reason
		}
		c.books[id] = e
	}
}

// attempts are the end-to-end ids of a payment, the last one last.
func attempts(one witness.Payment) (ids []string) {
	at := strings.LastIndexByte(one.EndToEndID, '-')
	for n := range one.Attempt {
		ids = append(ids, fmt.Sprintf("%s-%d", one.EndToEndID[:at], n+1))
	}
	return ids
}

// stated is the statement that the API itself would make.
func (c closing) stated(t *rapid.T) (sums statement.Sums) {
	for _, l := range c.office.lines {
		sums.Instructed = sums.Instructed.Plus(statement.Of(l.Amount))
	}
	for _, one := range c.payments {
		if err := sums.Count(one.Status, one.Amount); err != nil {
			t.Fatal(err)
		}
	}
	return sums
}

// judge lets the witnesses speak.
func (c closing) judge(t *rapid.T) error {
	out := witness.New(books.LibraryOf(c.books, map[string]bool{"SA-OLD-1": true}))
	if err := out.Hear(c.office.unit, c.office.lines, c.payments); err != nil {
		t.Fatal(err)
	}
	var demo witness.Counted
	c.office.remember(&demo)
	out.Compare(demo, c.stated(t))
	return out.Err()
}

func TestWitnessesOfAnHonestPaydayAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawClosing(t)
		c.books["SA-OLD-1"] = books.Entry{ID: "SA-OLD-1", Amount: 1, Status: "ACCC", Bank: "VBAAVNVX"}
		if err := c.judge(t); err != nil {
			t.Fatal(err)
		}
	})
}

// crimes are what a payday must not overlook. Each returns false when there is nobody to do it to.
func crimes() map[string]func(*closing) bool {
	first := func(c *closing, fits func(witness.Payment) bool) int { return slices.IndexFunc(c.payments, fits) }
	byAccount := func(p witness.Payment) bool { return p.EndToEndID != "" }
	credited := func(p witness.Payment) bool { return p.Status == "credited" }
	inBook := func(c *closing, fits func(witness.Payment) bool, change func(*books.Entry)) bool {
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
		"a bank booked another amount": func(c *closing) bool { return inBook(c, byAccount, func(e *books.Entry) { e.Amount += 1000 }) },
		"a bank rejected what is credited": func(c *closing) bool {
			return inBook(c, credited, func(e *books.Entry) { e.Status, e.Reason = "RJCT", "AC04" })
		},
		"a bank paid what is rejected": func(c *closing) bool {
			return inBook(c, func(p witness.Payment) bool { return p.Status == "rejected" }, func(e *books.Entry) { e.Status = "ACCC" })
		},
		"two payments had one id": func(c *closing) bool { return inBook(c, byAccount, func(e *books.Entry) { e.Conflicts++ }) },
		"an attempt was paid and tried again": func(c *closing) bool {
			i := first(c, func(p witness.Payment) bool { return p.Attempt > 1 })
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
			c.books["SA-NOBODY-1"] = books.Entry{ID: "SA-NOBODY-1", Amount: 540_000, Status: "ACCC", Bank: "VBAAVNVX"}
			return true
		},
		"cash is marked as handed over": func(c *closing) bool {
			i := first(c, func(p witness.Payment) bool { return p.Status == "cash_pending" })
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
	out := witness.New(books.LibraryOf(nil, nil))
	err := out.Hear("00004", nil, []witness.Payment{{Status: "vanished"}})
	if err == nil || !strings.Contains(err.Error(), "vanished") {
		t.Fatal(err)
	}
}

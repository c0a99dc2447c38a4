package demo_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	api "github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

// badDay is a day at the banks on which, among the payments of a test, everything surely happens that ends otherwise than in a credit:
// that none of 100 payments comes back has a chance of one in a billion.
func badDay() *payday.Scenario {
	return &payday.Scenario{
		"reject":   map[string]int{"AC01": 80, "AC04": 120},
		"returns":  api.Object{"per_mille": 200, "after": 1_000_000, "reason": "AC04"},
		"accounts": map[string]int{"refused": 200, "needs_information": 50, "plain_name": 120},
	}
}

// column is one of the printed statement: payments and dong by row, and the cashless share.
type column struct {
	payments, dong map[string]int64
	cashless       string
}

// readStatement reads the table of communes, with the column of all together as the last one.
func readStatement(t *testing.T, out string) []column {
	t.Helper()
	_, table, found := strings.Cut(out, "\n  commune ")
	table, _, ended := strings.Cut(table, "\n\n")
	if !found || !ended {
		t.Fatalf("no statement was printed:\n%s", out)
	}
	rows := strings.Split(table, "\n")
	columns := make([]column, len(strings.Fields(rows[0])))
	for i := range columns {
		columns[i] = column{payments: map[string]int64{}, dong: map[string]int64{}}
	}
	for _, row := range rows[1:] {
		const label = 2 + 17
		name, cells := strings.TrimSpace(row[:label]), strings.Fields(row[label:])
		if len(cells) != 2*len(columns) {
			t.Fatalf("the row %q has %d cells for %d columns", name, len(cells), len(columns))
		}
		for i := range columns {
			if name == "cashless share" {
				columns[i].cashless = strings.Join(cells[2*i:2*i+2], " ")
				continue
			}
			columns[i].payments[name], columns[i].dong[name] = number(t, cells[2*i]), number(t, cells[2*i+1])
		}
	}
	return columns
}

func number(t *testing.T, cell string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.ReplaceAll(cell, ",", ""), 10, 64)
	if err != nil {
		t.Fatalf("the statement has %q for a number", cell)
	}
	return n
}

// checkStatement adds the printed statement up by itself, and asks that nothing which may become of money is missing in it.
func checkStatement(t *testing.T, system onemachine.Demo, out string) {
	t.Helper()
	columns := readStatement(t, out)
	for i, c := range columns {
		for what, of := range map[string]map[string]int64{"payments": c.payments, "dong": c.dong} {
			var sum int64
			for _, row := range []string{"credited", "rejected", "returned", "in flight", "unknown", "cash", "carried forward"} {
				amount, printed := of[row]
				if sum += amount; !printed && row != "carried forward" { // which is printed when there is something
					t.Errorf("column %d: the statement has no row %q of %s", i, row, what)
				}
			}
			difference, printed := of["difference"]
			if sum != of["instructed"] || difference != 0 || !printed {
				t.Errorf("column %d: %d %s of %d stand somewhere, the difference is said to be %d", i, sum, what, of["instructed"], difference)
			}
		}
		reached := c.payments["credited"] + c.payments["handed over"]
		share := (1000*c.payments["credited"] + reached/2) / max(1, reached)
		if want := fmt.Sprintf("%d.%d %%", share/10, share%10); c.cashless != want {
			t.Errorf("column %d: the cashless share is %q, want %s", i, c.cashless, want)
		}
	}
	together := columns[len(columns)-1]
	for _, row := range []string{"instructed", "credited", "rejected", "returned", "cash", "handed over"} {
		var payments, dong int64
		for _, c := range columns[:len(columns)-1] {
			payments, dong = payments+c.payments[row], dong+c.dong[row]
		}
		if together.payments[row] == 0 || payments != together.payments[row] || dong != together.dong[row] {
			t.Errorf("%s: %d payments of %d dong in the communes, together %d of %d", row, payments, dong, together.payments[row], together.dong[row])
		}
	}
	refused, err := api.List[json.RawMessage](t.Context(), api.New(system.BaseURL, 1), api.Call{
		Path: "/accounts/v1/accounts", Token: system.Actors["auditor"].Token,
	}, url.Values{"status": {"refused"}})
	if err != nil || len(refused) == 0 || together.payments["cash"] < int64(len(refused)) {
		t.Errorf("banks refused %d accounts (%v), and %d people are paid in cash", len(refused), err, together.payments["cash"])
	}
}

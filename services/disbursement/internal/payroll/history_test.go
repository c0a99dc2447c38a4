package payroll_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
)

// No order of commands, by any persons, lets one of them do two parts, releases what is not funded, or changes the lines. Where there
// are two treasurers, paying is two parts; where there are not, whoever entered the money releases it, and nobody else does two steps.
func TestNoHistoryBreaksTheRules(t *testing.T) {
	t.Parallel()
	persons, met := []string{"lan", "an", "chi", "tam", "phu", "thu"}, map[string]int{}
	anyHistory := func(t *rapid.T) {
		var p payroll.Payroll
		var history facts
		apart := rapid.Bool().Draw(t, "two treasurers")
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			by := rapid.SampledFrom(persons).Draw(t, "by")
			cmd := anyCommand(t, p, by, apart)
			decided, err := cmd.Decide(p, decider.Meta{})
			judgePersons(t, history, cmd, err, met)
			if err != nil {
				continue
			}
			history = append(history, decided...)
			p = decider.Fold(p, decided...)
		}
		checkHistory(t, history)
	}
	const hundreds = 10 // of histories, most of which end before any money is released
	for range hundreds {
		rapid.Check(t, anyHistory)
	}
	for _, what := range []string{
		"refused who has another part", "let who entered the money release", "refused who entered the money", "let another treasurer release",
	} {
		if met[what] == 0 {
			t.Errorf("never %s: %v", what, met)
		}
	}
}

// takes says who takes which part with a command; nobody where anybody may do it.
func takes(cmd payroll.Command) (by, part string, apart bool) {
	switch c := cmd.(type) {
	case payroll.Draft:
		return c.By, "make", false
	case payroll.Submit:
		return c.By, "make", false
	case payroll.Check:
		return c.By, "check", false
	case payroll.Approve:
		return c.By, "approve", false
	case payroll.Fund:
		return c.By, "pay", false
	case payroll.Release:
		return c.By, "pay", c.TwoTreasurers
	default:
		return "", "", false
	}
}

// judgePersons says from the history alone whether a person may take a command's part, and wants it refused for them exactly if not.
func judgePersons(t *rapid.T, history facts, cmd payroll.Command, err error, met map[string]int) {
	by, part, apart := takes(cmd)
	if part == "" {
		return
	}
	took, funded := parts(history)
	another := slices.ContainsFunc([]string{"make", "check", "approve", "pay"}, func(of string) bool { return of != part && took[by+" "+of] })
	_, releases := cmd.(payroll.Release)
	both := releases && funded[by]
	switch samePerson := problem.CodeOf(err) == "same_person"; {
	case samePerson != (another || both && apart) && (samePerson || err == nil):
		t.Fatalf("%T by %s, two treasurers %t, after %v: %v", cmd, by, apart, took, err)
	case samePerson && another:
		met["refused who has another part"]++
	case samePerson:
		met["refused who entered the money"]++
	case err == nil && both:
		met["let who entered the money release"]++
	case err == nil && releases && apart:
		met["let another treasurer release"]++
	}
}

// parts are who took which part in all drafts of a list, and who entered money since it was drafted.
func parts(history facts) (took, funded map[string]bool) {
	took, funded = map[string]bool{}, map[string]bool{}
	for _, e := range history {
		switch e := e.(type) {
		case disbursement.PayrollDrafted:
			took[e.By+" make"] = true
		case disbursement.PayrollSubmitted:
			took[e.By+" make"] = true
		case disbursement.PayrollChecked:
			took[e.By+" check"] = true
		case disbursement.PayrollApproved:
			took[e.By+" approve"] = true
		case disbursement.PayrollFunded:
			took[e.By+" pay"], funded[e.By] = true, true
		case disbursement.PayrollReleased:
			took[e.By+" pay"] = true
		}
	}
	return took, funded
}

// anyCommand is the next step of the list, so that histories get as far as its closure, or whatever else somebody may press.
func anyCommand(t *rapid.T, p payroll.Payroll, by string, apart bool) payroll.Command {
	amount := money.Amount(rapid.Int64Range(1, 600).Draw(t, "amount"))
	hash := rapid.SampledFrom([]string{p.Computed.Hash, "other"}).Draw(t, "hash")
	result := computed()
	result.Draft, result.Hash = p.Draft, rapid.SampledFrom([]string{"h1", "h2"}).Draw(t, "lines")
	next := map[string]payroll.Command{
		"":                payroll.Draft{Payroll: "L1", By: by},
		payroll.Rejected:  payroll.Draft{Payroll: "L1", By: by},
		payroll.Drafted:   payroll.Submit{By: by},
		payroll.Submitted: payroll.Check{By: by},
		payroll.Checked:   payroll.Approve{By: by},
		payroll.Approved:  payroll.Fund{Amount: p.Payable() - p.Funds, Reference: by + amountText(p.Funds), By: by},
		payroll.Funded:    payroll.Release{Hash: p.Computed.Hash, By: by, TwoTreasurers: apart},
		payroll.Released:  payroll.Complete{Payments: 2 - p.Removed.Count, Total: p.Payable()},
	}[p.Status]
	if p.Status == payroll.Drafted && !p.Ready() {
		next = payroll.Compute(result)
	}
	if next != nil && rapid.Bool().Draw(t, "next step") {
		return next
	}
	removal := payroll.Removal{Line: rapid.SampledFrom([]string{"P1", "P2"}).Draw(t, "line"), Reason: "died", Amount: 500}
	return rapid.SampledFrom([]payroll.Command{
		payroll.Draft{Payroll: "L1", By: by},
		payroll.Compute(result),
		payroll.Submit{By: by},
		payroll.Check{Hash: hash, By: by},
		payroll.Approve{By: by},
		payroll.Reject{By: by},
		payroll.Fund{Amount: amount, Reference: by + amountText(amount), By: by},
		payroll.Remove{Lines: []payroll.Removal{removal}},
		payroll.Release{Hash: hash, By: by, TwoTreasurers: apart},
		payroll.Release{Hash: hash, Removals: []payroll.Removal{removal}, By: by, TwoTreasurers: apart},
		payroll.Complete{Payments: 2 - p.Removed.Count, Total: p.Payable()},
		payroll.Close{By: by},
	}).Draw(t, "command")
}

func amountText(a money.Amount) string { return string(rune('a'+a%26)) + string(rune('a'+a/26%26)) }

// checkHistory follows a history with a bookkeeping of its own.
func checkHistory(t *rapid.T, history facts) {
	hash, funds, payable := "", int64(0), int64(0)
	done := map[string]int{}
	for _, e := range history {
		done[e.EventName()]++
		switch e := e.(type) {
		case disbursement.PayrollDrafted:
			hash = ""
		case disbursement.PayrollComputed:
			hash, payable = e.Hash, e.Total
		case disbursement.PayrollSubmitted:
			same(t, hash, e.Hash)
		case disbursement.PayrollChecked:
			same(t, hash, e.Hash)
		case disbursement.PayrollApproved:
			same(t, hash, e.Hash)
		case disbursement.PayrollFunded:
			funds += e.Amount
		case disbursement.LineRemoved:
			payable -= e.Amount
		case disbursement.PayrollReleased:
			same(t, hash, e.Hash)
			if funds < payable || done["disbursement.payroll_approved.v1"] == 0 {
				t.Fatalf("released with %d of %d", funds, payable)
			}
		}
	}
	if done["disbursement.payroll_released.v1"] > 1 || done["disbursement.release_completed.v1"] > 1 || done["disbursement.payroll_closed.v1"] > 1 {
		t.Fatalf("done twice: %v", done)
	}
}

func same(t *rapid.T, want, got string) {
	if want != got {
		t.Fatalf("the hash was %s and is %s", want, got)
	}
}

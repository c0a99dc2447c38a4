package payday

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/crowd"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/roll"
	"github.com/songan-vn/songan/services/songan/internal/demo/payday/witness"
)

// disbursement is where the routes of the disbursement service begin.
const disbursement = "/disbursement/v1"

// enrol enters the decisions of a commune. Who was registered a moment ago may not be known here yet: then the whole
// batch comes again, and what was entered is found.
func (p *play) enrol(ctx context.Context, o *office) error {
	var lines []any
	var whose []*person
	for _, b := range o.people {
		for _, d := range b.Decisions {
			if b.id == "" {
				continue
			}
			line := client.Object{
				"beneficiary": b.id, "programme": p.Programme, "category": d.Category,
				"decision": client.Object{"number": d.Number, "signed_on": d.SignedOn},
			}
			if d.Children > 0 {
				line["facts"] = client.Object{"children": d.Children}
			}
			lines, whose = append(lines, line), append(whose, b)
		}
	}
	entered := make([]bool, len(lines))
	return client.Until(ctx, "decisions", func(ctx context.Context) (bool, error) {
		unknown := 0
		err := p.batch(ctx, client.Call{
			Path: disbursement + "/enrolments/batch", Token: o.lisa, Key: p.key("enrol-%s-%s", p.Programme, o.unit),
		}, "enrolment", lines,
			func(i int, v client.Line) {
				switch {
				case v.Problem == nil && !entered[i]:
					entered[i] = true
					p.enrolled.Add(1)
				case v.Problem == nil:
				case strings.Contains(v.Problem.String(), "beneficiary_unknown"):
					unknown++
				default:
					p.journal.Differs("decision %d of beneficiary %d was not entered: %s", i, whose[i].Number, v.Problem)
				}
			})
		return unknown == 0, err
	})
}

// list is what is looked at in a payroll.
type list struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Month  string `json:"month"`
	// Totals are there once the lines are computed.
	Totals *struct {
		Lines int   `json:"lines"`
		Held  int   `json:"held"`
		Total int64 `json:"total"`
	} `json:"totals"`
}

const (
	// monthsAhead is how far in advance a list can be drafted, and redrafts how often one is that does not know all accounts
	// yet.
	monthsAhead = 2
	redrafts    = 10
)

// months are those that a list can be drafted for, from this one on.
func months(now time.Time) []string {
	this := vn.DateOf(now)
	all := []string{this.String()[:len("2026-11")]}
	for range monthsAhead {
		all = append(all, next(all[len(all)-1]))
	}
	return all
}

// Programme returns the first programme that still has a month without a list in every commune, or says that there is
// none.
func Programme(ctx context.Context, api *client.Client, system System, now time.Time) (string, error) {
	for _, programme := range roll.Programmes() {
		all, err := client.List[struct {
			Unit   string `json:"unit"`
			Month  string `json:"month"`
			Status string `json:"status"`
		}](ctx, api, client.Call{Path: disbursement + "/payrolls", Token: system.Actors["auditor"].Token}, url.Values{"programme": {programme}})
		if err != nil {
			return "", fmt.Errorf("look for lists of %s: %w", programme, err)
		}
		taken := map[string]int{}
		for _, l := range all {
			if slices.Contains(months(now), l.Month) && l.Status != "rejected" {
				taken[l.Unit]++
			}
		}
		if !slices.ContainsFunc(Communes(system), func(unit string) bool { return taken[unit] > monthsAhead }) {
			return programme, nil
		}
	}
	return "", fmt.Errorf("all lists until %s are paid; a new data directory (SONGAN_DATA) begins anew", months(now)[monthsAhead])
}

// draft has the list of a commune drafted: of this month, or of the first one after it that has none.
func (p *play) draft(ctx context.Context, o *office) error {
	for _, month := range months(p.Now()) {
		drafted, err := p.draftMonth(ctx, o, month, 1)
		if refusal, refused := errors.AsType[*client.Refusal](err); refused && strings.HasPrefix(refusal.Code, "payroll_exists") {
			continue
		}
		if err != nil {
			return fmt.Errorf("draft %s: %w", month, err)
		}
		return p.complete(ctx, o, drafted)
	}
	return errors.New("every month has a list")
}

// next is the month after.
func next(month string) string {
	at, err := time.Parse("2006-01", month)
	if err != nil {
		return month
	}
	return at.AddDate(0, 1, 0).Format("2006-01")
}

func (p *play) draftMonth(ctx context.Context, o *office, month string, nth int) (list, error) {
	var drafted list
	_, err := p.change(ctx, o, client.Call{
		Path: disbursement + "/payrolls", Token: o.lisa, Key: p.key("list-%s-%s-%s-%d", o.unit, p.Programme, month, nth),
	}, client.Object{"unit": o.unit, "programme": p.Programme, "month": month}, &drafted)
	return drafted, err
}

// complete waits until the lines are computed. Accounts that were opened a moment ago may not stand in the list yet; it
// is then rejected and drafted anew, as officers would.
func (p *play) complete(ctx context.Context, o *office, drafted list) error {
	o.payroll, o.month = drafted.ID, drafted.Month
	for nth := 2; ; nth++ {
		if err := p.computed(ctx, o); err != nil {
			return fmt.Errorf("read the list: %w", err)
		}
		missing := o.missing()
		if o.signed || missing == 0 || nth > redrafts {
			break
		}
		if err := client.Wait(ctx, client.GlanceEvery); err != nil {
			return err
		}
		call := p.payrollCall(o, o.accountant, "rejection")
		call.Key = fmt.Sprintf("%s-%d", call.Key, nth)
		if _, err := p.change(ctx, o, call, client.Object{"reason": "còn thiếu tài khoản vừa mở"}, &struct{}{}); err != nil {
			return fmt.Errorf("reject a list of %d people without their account: %w", missing, err)
		}
		if _, err := p.draftMonth(ctx, o, o.month, nth); err != nil {
			return fmt.Errorf("draft again: %w", err)
		}
	}
	p.compareLines(o)
	return nil
}

// payrollCall is a step of the office's list.
func (p *play) payrollCall(o *office, token, step string) client.Call {
	return client.Call{
		Path: disbursement + "/payrolls/" + o.payroll + "/" + step, Token: token, Key: p.key("payroll-%s-%s", o.payroll, step),
	}
}

func (p *play) read(ctx context.Context, o *office) (list, error) {
	var l list
	err := p.API.Read(ctx, client.Call{Path: disbursement + "/payrolls/" + o.payroll, Token: o.lisa, After: o.seen}, &l)
	return l, err
}

// change has disbursement change something, and notes where that stands, so that what is read next has seen it.
func (p *play) change(ctx context.Context, o *office, call client.Call, body, changed any) (client.Answer, error) {
	got, err := p.API.Change(ctx, call, body, changed)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = max(o.seen, got.Position)
	return got, err
}

// computed waits for the lines of the list and reads them.
func (p *play) computed(ctx context.Context, o *office) error {
	return client.Until(ctx, "lines of the list", func(ctx context.Context) (bool, error) {
		l, err := p.read(ctx, o)
		if err != nil || l.Totals == nil {
			return false, err
		}
		o.total, o.signed = l.Totals.Total, l.Status != "drafted"
		o.lines, err = client.List[witness.Line](ctx, p.API, client.Call{
			Path: disbursement + "/payrolls/" + o.payroll + "/lines", Token: o.lisa, After: o.seen,
		}, url.Values{})
		return len(o.lines) == l.Totals.Lines+l.Totals.Held, err // those who read what was computed are a moment behind
	})
}

// missing counts the people of the roll who do not stand in the list, or not with the account that they have.
func (o *office) missing() int {
	right := map[string]bool{}
	for _, l := range o.lines {
		if b := o.byID[l.Beneficiary]; b != nil && l.Month == o.month && (l.Method == "account") == b.paid() {
			right[l.Beneficiary] = true
		}
	}
	return len(o.byID) - len(right)
}

// compareLines compares the list with the roll, line by line.
func (p *play) compareLines(o *office) {
	regular := map[*person]int{}
	var total int64
	for _, l := range o.lines {
		if !l.Held {
			total += l.Amount
		}
		b := o.byID[l.Beneficiary]
		if b == nil {
			continue // of an earlier payday
		}
		if l.Month == o.month {
			regular[b]++
			p.listed.Add(1)
		}
		switch {
		case l.Amount != b.Monthly:
			p.journal.Differs("beneficiary %d gets %d for %s instead of %d", b.Number, l.Amount, l.Month, b.Monthly)
		case l.Held:
			p.journal.Differs("the line of beneficiary %d is held", b.Number)
		case (l.Method == "account") != b.paid() && !o.signed:
			p.journal.Differs("beneficiary %d gets %s with an account that is %q", b.Number, l.Method, b.account)
		}
	}
	for _, b := range o.people {
		if regular[b] != 1 {
			p.journal.Differs("beneficiary %d stands in the list %d times", b.Number, regular[b])
		}
	}
	if total != o.total {
		p.journal.Differs("the lines of %s add up to %d, the list says %d", o.unit, total, o.total)
	}
}

// sign takes the list from hand to hand. Whoever made it tries to approve it, too, and has to be refused.
func (p *play) sign(ctx context.Context, o *office) error {
	own := p.payrollCall(o, o.lisa, "approval")
	own.Key += "-own"
	for _, step := range []struct {
		call client.Call
		body any
	}{
		{p.payrollCall(o, o.lisa, "submission"), struct{}{}},
		{p.payrollCall(o, o.accountant, "check"), struct{}{}},
		{own, nil},
		{p.payrollCall(o, o.chairman, "approval"), struct{}{}},
		{p.payrollCall(o, o.cashier, "funding"), client.Object{"amount": o.total, "reference": p.order(o)}},
	} {
		if step.body == nil {
			if err := p.mustRefuse(ctx, "the maker approved their own list", step.call, struct{}{}); err != nil {
				return err
			}
			continue
		}
		if _, err := p.change(ctx, o, step.call, step.body, &struct{}{}); err != nil {
			return fmt.Errorf("%s: %w", step.call.Path[strings.LastIndexByte(step.call.Path, '/')+1:], err)
		}
	}
	return nil
}

// order is the number of the State Treasury's order.
func (p *play) order(o *office) string {
	return fmt.Sprintf("KB-%s/%s", crowd.Tag(p.Name), o.unit)
}

// presses is how many treasurers release a list at the same moment.
const presses = 2

// release pays the list. The button is pressed twice at once: one of them wins, the other is told so.
func (p *play) release(ctx context.Context, o *office) error {
	var won atomic.Int64
	err := client.Each(ctx, presses, presses, func(ctx context.Context, i int) error {
		call := p.payrollCall(o, o.treasurer, "release")
		call.Key = fmt.Sprintf("%s-%d", call.Key, i)
		got, err := p.change(ctx, o, call, struct{}{}, &json.RawMessage{})
		refusal, refused := errors.AsType[*client.Refusal](err)
		switch {
		case refused && refusal.Status == http.StatusConflict:
			return nil
		case err != nil:
			return fmt.Errorf("press the button: %w", err)
		case got.Status < http.StatusMultipleChoices:
			won.Add(1)
		}
		return nil
	})
	if err == nil && won.Load() != 1 {
		p.journal.Differs("%d of %d treasurers released the list of %s", won.Load(), presses, o.unit)
	}
	return err
}

package payroll

import (
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/problem"
)

// Command is a command on a payroll.
type Command = decider.Command[Payroll]

// Draft asks for the list of a unit, a programme and a month.
type Draft struct {
	Payroll   string
	Unit      events.Unit
	Programme string
	Month     string
	// AsOf is the day whose law and knowledge are used.
	AsOf string
	By   string
}

// Decide drafts a payroll that is new or was rejected.
func (c Draft) Decide(p Payroll, _ decider.Meta) ([]events.Event, error) {
	if p.Exists() && p.Status != Rejected {
		return nil, problem.New(problem.Conflict, "payroll_exists",
			"there is a list of this unit, programme and month", "đã có danh sách chi trả của đơn vị, chương trình và tháng này")
	}
	if err := p.mayTake(c.By, maker); err != nil {
		return nil, err
	}
	return []events.Event{disbursement.PayrollDrafted{
		Payroll: c.Payroll, Draft: p.Draft + 1, Unit: c.Unit, Programme: c.Programme, Month: c.Month, AsOf: c.AsOf, By: c.By,
	}}, nil
}

// Compute says that the clerk is done with a draft.
type Compute disbursement.PayrollComputed

// Decide records the result once. That of a draft which was rejected meanwhile is dropped.
func (c Compute) Decide(p Payroll, _ decider.Meta) ([]events.Event, error) {
	if p.Status != Drafted || p.Ready() || p.Draft != c.Draft {
		return nil, nil
	}
	return []events.Event{disbursement.PayrollComputed(c)}, nil
}

// Submit hands the list over to be checked.
type Submit struct {
	// Hash is that of the lines the officer saw; empty to not compare.
	Hash string
	By   string
}

// Decide refuses a list that is not computed, or has nothing to pay.
func (c Submit) Decide(p Payroll, _ decider.Meta) ([]events.Event, error) {
	if err := p.step(Drafted, c.Hash, c.By, maker); err != nil {
		return nil, err
	}
	if p.Computed.Lines == 0 {
		return nil, problem.Reject("payroll_empty", "the list pays nobody", "danh sách không chi trả cho ai")
	}
	return []events.Event{disbursement.PayrollSubmitted{Payroll: p.Payroll, Hash: p.Computed.Hash, By: c.By}}, nil
}

// Check finds the list right.
type Check struct {
	Hash string // see [Submit]
	By   string
}

// Decide refuses the maker.
func (c Check) Decide(p Payroll, _ decider.Meta) ([]events.Event, error) {
	if err := p.step(Submitted, c.Hash, c.By, checker); err != nil {
		return nil, err
	}
	return []events.Event{disbursement.PayrollChecked{Payroll: p.Payroll, Hash: p.Computed.Hash, By: c.By}}, nil
}

// Approve decides that the list is to be paid.
type Approve struct {
	Hash string // see [Submit]
	By   string
}

// Decide refuses maker and checker, and freezes the list.
func (c Approve) Decide(p Payroll, _ decider.Meta) ([]events.Event, error) {
	if err := p.step(Checked, c.Hash, c.By, approver); err != nil {
		return nil, err
	}
	return []events.Event{disbursement.PayrollApproved{
		Payroll: p.Payroll, Hash: p.Computed.Hash, Total: p.Computed.Total, By: c.By,
	}}, nil
}

// Reject ends the draft.
type Reject struct {
	// Note is the vault reference of the reason.
	Note string
	By   string
}

// Decide refuses once money was provided: from then on the list is paid, line by line or not at all.
func (c Reject) Decide(p Payroll, _ decider.Meta) ([]events.Event, error) {
	open := slices.Contains([]string{Drafted, Submitted, Checked, Approved, Funded}, p.Status)
	switch {
	case !p.Exists():
		return nil, ErrUnknown()
	case !open || p.Funds > 0:
		return nil, wrongState()
	}
	return []events.Event{disbursement.PayrollRejected{Payroll: p.Payroll, Draft: p.Draft, Note: c.Note, By: c.By}}, nil
}

// Fund says that money was provided, perhaps a part of it.
type Fund struct {
	Amount money.Amount
	// Reference names the order at the State Treasury; each counts once.
	Reference string
	By        string
	// Known are the faults that were found before.
	Known problem.Faults
}

// Decide refuses an order that was counted already, and more than was approved.
func (c Fund) Decide(p Payroll, _ decider.Meta) ([]events.Event, error) {
	if err := p.in(Approved, Funded); err != nil {
		return nil, err
	}
	faults := slices.Clone(c.Known)
	sum, err := p.Funds.Add(c.Amount)
	switch {
	case c.Amount <= 0:
		faults.At("/amount", problem.Fault{
			Code: "amount_not_positive", Message: "the amount is more than 0", MessageVI: "số tiền phải lớn hơn 0",
		})
	case err != nil || sum > money.Amount(p.Computed.Total):
		faults.At("/amount", problem.Fault{
			Code: "funds_exceed_total", Message: "this is more than the list was approved for", MessageVI: "vượt quá tổng số tiền đã duyệt",
		})
	}
	if slices.Contains(p.References, c.Reference) {
		faults.At("/reference", problem.Fault{
			Code: "reference_used", Message: "this order was counted already", MessageVI: "lệnh cấp kinh phí này đã được ghi nhận",
		})
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	if err := p.mayTake(c.By, payer); err != nil {
		return nil, err
	}
	return []events.Event{disbursement.PayrollFunded{
		Payroll: p.Payroll, Amount: int64(c.Amount), Reference: c.Reference, By: c.By,
	}}, nil
}

// Removal is a line that is not paid after all.
type Removal struct {
	Line string
	// Reason is as in [disbursement.LineRemoved]; package projections finds it (obsolete.go).
	Reason string
	Amount money.Amount
}

// Remove takes lines out of an approved list.
type Remove struct{ Lines []Removal }

// Decide removes what is not removed yet. In other states there is nothing to remove from: a draft is computed anew, and
// once a list is being released only the releaser knows which line is a payment by now; see [Withhold].
func (c Remove) Decide(p Payroll, _ decider.Meta) ([]events.Event, error) {
	if !p.Frozen() {
		return nil, nil
	}
	return p.remove(c.Lines), nil
}

// Withhold takes lines out of a list that is being released: what another list paid already, and what was stopped before
// its payment was there. Only the releaser says it.
type Withhold struct{ Lines []Removal }

// Decide removes nothing from a release that is complete.
func (c Withhold) Decide(p Payroll, _ decider.Meta) ([]events.Event, error) {
	if p.Status != Released || p.Done() {
		return nil, nil
	}
	return p.remove(c.Lines), nil
}

func (p Payroll) remove(lines []Removal) []events.Event {
	gone := p.Removed.Lines()
	var facts []events.Event
	for _, r := range lines {
		if gone[r.Line] {
			continue
		}
		gone[r.Line] = true
		facts = append(facts, disbursement.LineRemoved{Payroll: p.Payroll, Line: r.Line, Reason: r.Reason, Amount: int64(r.Amount)})
	}
	return facts
}

// ErrUnknown is the answer about a payroll that does not exist, or that the caller may not know of.
func ErrUnknown() error {
	return problem.New(problem.NotFound, "payroll_unknown", "there is no such list", "không có danh sách chi trả này")
}

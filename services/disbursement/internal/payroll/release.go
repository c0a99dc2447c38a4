package payroll

import (
	"slices"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/money"
	"github.com/songan-vn/songan/libs/problem"
)

// Release pays the frozen list.
type Release struct {
	// Hash was computed from the lines as they lie in the log now.
	Hash string
	// Removals are the lines that must not be paid any more, as far as the log knew it at Seen.
	Removals []Removal
	Seen     int64
	By       string
	// TwoTreasurers wants another person than those who entered the money.
	TwoTreasurers bool
}

// Decide refuses lines that are not those that were approved, and a list that is not funded.
func (c Release) Decide(p Payroll, _ decider.Meta) ([]events.Event, error) {
	switch {
	case p.Status == Released || p.Status == Closed:
		return nil, problem.New(problem.Conflict, "payroll_released", "the list was released already", "danh sách đã được phát hành chi trả")
	case !p.Frozen():
		return nil, errState(p)
	case c.Hash != p.Computed.Hash:
		return nil, hashDiffers()
	}
	if err := p.mayTake(c.By, payer); err != nil {
		return nil, err
	}
	if c.TwoTreasurers && slices.Contains(p.FundedBy, c.By) {
		return nil, problem.Reject("same_person", "whoever entered the money does not release the list; another treasurer has to do this",
			"người ghi nhận kinh phí không được phát hành chi trả; cần thủ quỹ khác thực hiện")
	}
	facts := p.remove(c.Removals)
	if after := decider.Fold(p, facts...); after.Status != Funded {
		return nil, problem.Reject("insufficient_funds", "the State Treasury has not provided enough money for the list",
			"kinh phí được cấp chưa đủ cho danh sách")
	}
	return append(facts, disbursement.PayrollReleased{Payroll: p.Payroll, Hash: p.Computed.Hash, Seen: c.Seen, By: c.By}), nil
}

// Complete says that the releaser is done.
type Complete struct {
	// Payments and Total are what became payments.
	Payments int
	Total    money.Amount
}

// Decide records it once, and refuses totals that do not add up to what was approved (invariant I5).
func (c Complete) Decide(p Payroll, _ decider.Meta) ([]events.Event, error) {
	switch {
	case p.Done():
		return nil, nil
	case p.Status != Released:
		return nil, errState(p)
	case c.Total+p.Removed.Total != money.Amount(p.Computed.Total) || c.Payments+p.Removed.Count != p.Computed.Lines:
		return nil, problem.Reject("release_differs", "payments and removed lines are not what was approved",
			"các khoản chi và dòng bị loại không khớp với danh sách đã duyệt")
	}
	return []events.Event{disbursement.ReleaseCompleted{
		Payroll: p.Payroll, Payments: c.Payments, Total: int64(c.Total), Removed: p.Removed.Count, RemovedTotal: int64(p.Removed.Total),
	}}, nil
}

// Close ends the payroll. Whoever closes it has carried forward before what was not paid.
type Close struct {
	// CarriedForward counts the payments that the next list takes over, Carried sums them up.
	CarriedForward int
	Carried        money.Amount
	By             string
}

// Decide refuses a payroll whose release is not complete, and leaves a closed one as it is.
func (c Close) Decide(p Payroll, _ decider.Meta) ([]events.Event, error) {
	if p.Status == Closed {
		return nil, nil
	}
	if err := p.MayClose(); err != nil {
		return nil, err
	}
	return []events.Event{disbursement.PayrollClosed{
		Payroll: p.Payroll, CarriedForward: c.CarriedForward, Carried: int64(c.Carried), By: c.By,
	}}, nil
}

// MayClose tells, before anything is carried forward, whether the payroll itself can be closed.
func (p Payroll) MayClose() error {
	if err := p.in(Released); err != nil {
		return err
	}
	if !p.Done() {
		return problem.Reject("release_not_complete", "the list is still being released", "danh sách đang được phát hành chi trả")
	}
	return nil
}

// step checks what submission, check and approval have in common.
func (p Payroll) step(from, hash, person string, taking part) error {
	if err := p.in(from); err != nil {
		return err
	}
	if !p.Ready() {
		return problem.Reject("payroll_not_computed", "the lines are still being computed", "danh sách đang được lập")
	}
	if hash != "" && hash != p.Computed.Hash {
		return hashDiffers()
	}
	return p.mayTake(person, taking)
}

// in refuses all other states.
func (p Payroll) in(states ...string) error {
	if slices.Contains(states, p.Status) {
		return nil
	}
	return errState(p)
}

func errState(p Payroll) error {
	if !p.Exists() {
		return ErrUnknown()
	}
	return wrongState()
}

func wrongState() error {
	return problem.Reject("payroll_state", "the list is not in a state in which this can be done", "trạng thái danh sách không cho phép thao tác này")
}

func hashDiffers() error {
	return problem.New(problem.Conflict, "hash_differs", "these are not the lines that stand in the list", "nội dung danh sách đã khác với bản được xem")
}

// mayTake refuses a person who has another part in the payroll.
func (p Payroll) mayTake(person string, taking part) error {
	if taken, did := p.parts[person]; did && taken != taking || person == "" {
		return problem.Reject("same_person", "nobody takes two parts in one list; another person has to do this",
			"một người không được làm hai khâu trong cùng danh sách; cần người khác thực hiện")
	}
	return nil
}

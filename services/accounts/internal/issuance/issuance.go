// Package issuance is the life of a batch in which officers ask a bank for accounts.
//
//  1. The maker drafts and submits it. Another person approves or rejects it: what counts is who they are, not which
//     role they have. The maker may take it back until it is approved.
//  2. An approved batch becomes a request for each member, who may have got an account meanwhile, or died, and is then
//     left out and counted.
//  3. A batch that replaces an account has one member.
package issuance

import (
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// MaxMembers is how many beneficiaries one batch may have.
const MaxMembers = 5000

// The states of a batch. [Requested] is the last one of a batch that was approved.
const (
	Drafted   = "drafted"
	Submitted = "submitted"
	Approved  = "approved"
	Rejected  = "rejected"
	Requested = "requested"
)

// Issuance is the folded state. Its zero value is a batch nobody drafted.
type Issuance struct {
	accounts.IssuanceDrafted
	Status string
	// DecidedBy approved or rejected it.
	DecidedBy string
	// RejectionNote is the vault reference of the reason.
	RejectionNote string
	Requested     int
	LeftOut       int
}

// Exists tells whether the batch was drafted.
func (i Issuance) Exists() bool { return i.Status != "" }

// Evolve is the whole state machine on one screen.
func (i Issuance) Evolve(e events.Event) Issuance {
	switch e := e.(type) {
	case accounts.IssuanceDrafted:
		i = Issuance{IssuanceDrafted: e, Status: Drafted}
	case accounts.IssuanceSubmitted:
		i.Status = Submitted
	case accounts.IssuanceApproved:
		i.Status, i.DecidedBy = Approved, e.By
	case accounts.IssuanceRejected:
		i.Status, i.DecidedBy, i.RejectionNote = Rejected, e.By, e.Note
	case accounts.IssuanceRequested:
		i.Status, i.Requested, i.LeftOut = Requested, e.Requested, e.LeftOut
	default:
		panic(decider.Unknown(e))
	}
	return i
}

// ErrUnknown is the answer about a batch that does not exist, or that the caller may not know of.
func ErrUnknown() error {
	return problem.New(problem.NotFound, "issuance_unknown", "there is no such issuance", "không có đợt cấp tài khoản này")
}

// Owned lets officers change batches of their own unit only. To everybody else they do not exist.
type Owned struct {
	// Sees tells whether the officer is responsible for a unit.
	Sees    func(events.Unit) bool
	Command decider.Command[Issuance]
}

// Decide asks the command when the batch is the officer's own.
func (c Owned) Decide(i Issuance, m decider.Meta) ([]events.Event, error) {
	if !i.Exists() || !c.Sees(i.Unit) {
		return nil, ErrUnknown()
	}
	return c.Command.Decide(i, m)
}

// Draft lists people for whom a bank is to open accounts. They were looked up before.
type Draft struct {
	Fact accounts.IssuanceDrafted
	// Known are the faults that were found before, so that the caller hears all at once.
	Known problem.Faults
	// Refused is what else was found before; nil when nothing was.
	Refused error
}

// Decide refuses an empty batch and one that is there already.
func (c Draft) Decide(i Issuance, m decider.Meta) ([]events.Event, error) {
	if err := c.Known.Err(); err != nil {
		return nil, err
	}
	switch n := len(c.Fact.Beneficiaries); {
	case c.Refused != nil:
		return nil, c.Refused
	case i.Exists():
		return nil, problem.New(problem.Conflict, "issuance_exists", "this issuance was drafted already", "đợt cấp tài khoản này đã được lập")
	case n == 0:
		return nil, problem.Reject("issuance_empty",
			"nobody of this unit is without an account", "không có người hưởng nào của đơn vị chưa có tài khoản")
	case n > MaxMembers:
		return nil, problem.Reject("issuance_too_large", "an issuance has at most 5,000 members", "mỗi đợt cấp tối đa 5.000 người")
	}
	fact := c.Fact
	fact.By = m.Actor
	return []events.Event{fact}, nil
}

// Submit asks for approval.
type Submit struct{}

// Decide lets the maker submit, and nobody else.
func (c Submit) Decide(i Issuance, m decider.Meta) ([]events.Event, error) {
	switch {
	case !i.Exists():
		return nil, ErrUnknown()
	case i.Status != Drafted:
		return nil, problem.Reject("issuance_not_drafted", "only a draft is submitted", "chỉ đợt đang soạn mới được trình")
	case i.By != m.Actor:
		return nil, problem.Reject("not_the_maker", "whoever drafted the issuance submits it", "người lập đợt cấp là người trình")
	}
	return []events.Event{accounts.IssuanceSubmitted{Issuance: i.Issuance, By: m.Actor}}, nil
}

// Approve agrees to the batch.
type Approve struct{}

// Decide wants another person than the maker.
func (c Approve) Decide(i Issuance, m decider.Meta) ([]events.Event, error) {
	if err := i.decidable(); err != nil {
		return nil, err
	}
	if i.By == m.Actor {
		return nil, problem.Reject("same_person", "nobody approves their own issuance", "không ai được duyệt đợt cấp do mình lập")
	}
	return []events.Event{accounts.IssuanceApproved{Issuance: i.Issuance, By: m.Actor}}, nil
}

// Reject ends the batch without any request.
type Reject struct {
	// Note is the vault reference of the reason.
	Note string
}

// Decide lets another person reject what was submitted, and the maker take back what was not approved.
func (c Reject) Decide(i Issuance, m decider.Meta) ([]events.Event, error) {
	withdrawn := i.Status == Drafted && i.By == m.Actor
	if err := i.decidable(); err != nil && !withdrawn {
		return nil, err
	}
	return []events.Event{accounts.IssuanceRejected{Issuance: i.Issuance, Note: c.Note, By: m.Actor}}, nil
}

// decidable refuses to decide about what was not submitted, or decided already.
func (i Issuance) decidable() error {
	switch i.Status {
	case Submitted:
		return nil
	case Drafted:
		return problem.Reject("issuance_not_submitted", "the issuance was not submitted yet", "đợt cấp tài khoản chưa được trình")
	case Approved, Requested:
		return problem.Reject("issuance_approved", "the issuance was approved", "đợt cấp tài khoản đã được duyệt")
	case Rejected:
		return problem.Reject("issuance_rejected", "the issuance was rejected", "đợt cấp tài khoản đã bị từ chối")
	default:
		return ErrUnknown()
	}
}

// Finish records that every member was requested or left out.
type Finish struct{ Requested, LeftOut int }

// Decide has nothing to do for a batch that is finished.
func (c Finish) Decide(i Issuance, _ decider.Meta) ([]events.Event, error) {
	if i.Status != Approved {
		return nil, nil
	}
	return []events.Event{accounts.IssuanceRequested{Issuance: i.Issuance, Requested: c.Requested, LeftOut: c.LeftOut}}, nil
}

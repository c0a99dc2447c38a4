package enrolment

import (
	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/disbursement/internal/month"
)

// Command is a command on an enrolment.
type Command = decider.Command[Enrolment]

// ahead is how many months in advance a change may be entered: further is a slip of the keyboard.
const ahead = 12

// Enrol grants the programme.
type Enrol struct {
	Grant disbursement.Enrolled
	// Known are the faults that were found before.
	Known problem.Faults
}

// Decide grants once: id is made of person, programme, category and decision.
func (c Enrol) Decide(e Enrolment, _ decider.Meta) ([]events.Event, error) {
	if err := c.Known.Err(); err != nil {
		return nil, err
	}
	if e.Exists() {
		return nil, problem.New(problem.Conflict, "enrolment_exists",
			"this decision was entered for the person already", "quyết định này đã được nhập cho người hưởng")
	}
	return []events.Event{c.Grant}, nil
}

// Suspend pays nothing from a month on, until the right is resumed; see [Resume].
type Suspend struct {
	From month.Month
	// Note is the vault reference of the reason.
	Note string
	By   string
}

// Decide refuses months before the right, or after its end.
func (c Suspend) Decide(e Enrolment, m decider.Meta) ([]events.Event, error) {
	if err := e.open(); err != nil {
		return nil, err
	}
	if e.Suspended() {
		return nil, problem.Reject("enrolment_suspended", "the right is suspended already", "đã tạm dừng hưởng")
	}
	var faults problem.Faults
	e.within(&faults, c.From, m)
	if last := len(e.Suspensions) - 1; last >= 0 && c.From.Before(e.Suspensions[last].ResumedFrom) {
		faults.At("/from_month", problem.Fault{
			Code: "month_before_resumption", Message: "the right was resumed later than that", MessageVI: "tháng này trước tháng được hưởng lại",
		})
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []events.Event{disbursement.EnrolmentSuspended{
		Enrolment: e.Enrolment(), FromMonth: c.From.String(), Note: c.Note, By: c.By,
	}}, nil
}

// Resume ends a suspension.
type Resume struct {
	From month.Month
	// Limit is how many months the law lets a suspension last.
	Limit int
	By    string
}

// Decide refuses a resumption that comes too late: then the right has ended.
func (c Resume) Decide(e Enrolment, m decider.Meta) ([]events.Event, error) {
	if err := e.open(); err != nil {
		return nil, err
	}
	if !e.Suspended() {
		return nil, problem.Reject("enrolment_not_suspended", "the right is not suspended", "không trong thời gian tạm dừng")
	}
	var faults problem.Faults
	e.within(&faults, c.From, m)
	since := e.Suspensions[len(e.Suspensions)-1].From
	switch {
	case c.From.Before(since):
		faults.At("/from_month", problem.Fault{
			Code: "month_before_suspension", Message: "the suspension begins later than that", MessageVI: "tháng này trước tháng tạm dừng",
		})
	case c.From.After(since.Add(c.Limit)):
		faults.At("/from_month", problem.Fault{
			Code: "suspension_lapsed", Message: "the suspension lasted too long and ended the right; it needs a new decision",
			MessageVI: "tạm dừng quá thời hạn nên đã thôi hưởng; cần quyết định mới",
		})
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []events.Event{disbursement.EnrolmentResumed{Enrolment: e.Enrolment(), FromMonth: c.From.String(), By: c.By}}, nil
}

// Stop ends the right for good; another one needs a new decision.
type Stop struct {
	// From is the first month without right.
	From month.Month
	// Note is the vault reference of the reason; empty for a death.
	Note string
	By   string
}

// Decide stops, or moves the stop to an earlier month. Of the same month it takes the place of a death's, so that a right which was entered
// by mistake can be called so whatever came between.
func (c Stop) Decide(e Enrolment, m decider.Meta) ([]events.Event, error) {
	switch {
	case !e.Exists():
		return nil, ErrUnknown()
	case !e.StoppedFrom.IsZero() && !c.From.Before(e.StoppedFrom) && (!e.Died || c.From != e.StoppedFrom):
		return nil, problem.Reject("enrolment_stopped", "the right was stopped already", "đã dừng hưởng")
	}
	var faults problem.Faults
	e.within(&faults, c.From, m)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []events.Event{disbursement.EnrolmentStopped{
		Enrolment: e.Enrolment(), FromMonth: c.From.String(), Note: c.Note, By: c.By,
	}}, nil
}

// Die stops the right because of the person's death.
type Die struct {
	DiedOn vn.Date
	By     string
}

// Decide has nothing to do where the right ends before. Somebody who died before the right began never had it.
func (c Die) Decide(e Enrolment, _ decider.Meta) ([]events.Event, error) {
	from := month.Of(c.DiedOn).Next()
	if from.Before(e.Start()) {
		from = e.Start()
	}
	if !e.Exists() || !e.StoppedFrom.IsZero() && !from.Before(e.StoppedFrom) {
		return nil, nil
	}
	return []events.Event{disbursement.EnrolmentStopped{Enrolment: e.Enrolment(), FromMonth: from.String(), By: c.By}}, nil
}

// open refuses changes of a right that was stopped.
func (e Enrolment) open() error {
	switch {
	case !e.Exists():
		return ErrUnknown()
	case !e.StoppedFrom.IsZero():
		return problem.Reject("enrolment_stopped", "the right was stopped already", "đã dừng hưởng")
	}
	return nil
}

// within refuses months before the right and far in the future.
func (e Enrolment) within(f *problem.Faults, from month.Month, m decider.Meta) {
	switch {
	case from.Before(e.Start()):
		f.At("/from_month", problem.Fault{
			Code: "month_before_right", Message: "the right begins later than that", MessageVI: "tháng này trước tháng bắt đầu hưởng",
		})
	case from.After(month.Of(vn.DateOf(m.At)).Add(ahead)):
		f.At("/from_month", problem.Fault{
			Code: "month_too_far", Message: "this lies more than a year ahead", MessageVI: "tháng này còn hơn một năm nữa",
		})
	}
}

// ErrUnknown is the answer about an enrolment that does not exist, or that the caller may not know of.
func ErrUnknown() error {
	return problem.New(problem.NotFound, "enrolment_unknown", "there is no such enrolment", "không có hồ sơ hưởng này")
}

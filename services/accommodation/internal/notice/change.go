package notice

import (
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accommodation/internal/duty"
)

// ErrUnknown is the answer about a notice that does not exist, or that the caller may not know of.
func ErrUnknown() error {
	return problem.New(problem.NotFound, "notice_unknown", "there is no such notice", "không có thông báo lưu trú này")
}

// open refuses changes of stays that are over.
func (n Notice) open() error {
	switch n.Status {
	case Notified:
		return nil
	case Gone:
		return problem.Reject("notice_departed", "the guest has departed", "khách đã rời đi")
	case Cancelled:
		return problem.Reject("notice_cancelled", "the notice was cancelled", "thông báo đã bị hủy")
	default:
		return ErrUnknown()
	}
}

// Owned lets those change a notice who may. To everybody else the notice does not exist.
type Owned struct {
	// Sees tells whether the caller may know of it.
	Sees    func(Notice) bool
	Command decider.Command[Notice]
}

// Decide asks the command when the notice is the caller's to change.
func (c Owned) Decide(n Notice, m decider.Meta) ([]events.Event, error) {
	if !n.Exists() || !c.Sees(n) {
		return nil, ErrUnknown()
	}
	return c.Command.Decide(n, m)
}

// Depart records that the guest left.
type Depart struct{ DepartedAt time.Time }

// Decide refuses a departure before the arrival or in the future.
func (c Depart) Decide(n Notice, m decider.Meta) ([]events.Event, error) {
	if err := n.open(); err != nil {
		return nil, err
	}
	var faults problem.Faults
	switch {
	case c.DepartedAt.Before(n.ArrivedAt):
		faults.At("/departed_at", problem.Fault{
			Code: "departure_before_arrival", Message: "the departure lies before the arrival", MessageVI: "thời điểm đi trước thời điểm đến",
		})
	case c.DepartedAt.After(m.At.Add(ahead)):
		faults.At("/departed_at", problem.Fault{
			Code: "departed_in_future", Message: "the departure lies in the future", MessageVI: "thời điểm đi nằm trong tương lai",
			Hint: "announce a later day with an extension",
		})
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []events.Event{accommodation.Departed{Notice: n.Notice, DepartedAt: c.DepartedAt}}, nil
}

// Extend changes the day on which the guest is expected to leave.
type Extend struct {
	// ExpectedDeparture is a calendar day at the facility.
	ExpectedDeparture string
}

// Decide warns when the stay becomes temporary residence. The same day again is recorded too: a request that left no
// trace would be executed anew when it is repeated late, over a newer one.
func (c Extend) Decide(n Notice, m decider.Meta) ([]events.Event, error) {
	if err := n.open(); err != nil {
		return nil, err
	}
	var faults problem.Faults
	checkExpected(&faults, c.ExpectedDeparture, n.ArrivedAt)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []events.Event{accommodation.StayExtended{
		Notice: n.Notice, ExpectedDeparture: c.ExpectedDeparture, Warnings: WithLength(n.Warnings, n.ArrivedAt, c.ExpectedDeparture, m.At),
	}}, nil
}

// ChangeRoom moves the guest within the facility.
type ChangeRoom struct{ Room string }

// Decide records the room, the same one too; see [Extend].
func (c ChangeRoom) Decide(n Notice, _ decider.Meta) ([]events.Event, error) {
	if err := n.open(); err != nil {
		return nil, err
	}
	return []events.Event{accommodation.RoomChanged{Notice: n.Notice, Room: c.Room}}, nil
}

// Correct replaces a person who was entered wrongly.
type Correct struct {
	// Guest is the new vault reference.
	Guest        string
	Nationality  string
	DocumentType string
	// Warnings are the person's, on the day of arrival and with whom they came: see guest.Guest.
	Warnings func(arrived vn.Date, companion string) []string
	// Note is the vault reference of the reason.
	Note   string
	Remote bool
	Rules  duty.Rules
	// Known are the faults that were found before.
	Known problem.Faults
}

// Decide keeps what was fulfilled and adds or removes the foreigner's duty.
func (c Correct) Decide(n Notice, m decider.Meta) ([]events.Event, error) {
	switch n.Status {
	case Notified, Gone:
	default:
		return nil, n.open()
	}
	if err := c.Known.Err(); err != nil {
		return nil, err
	}
	last := m.At
	if n.Status == Gone {
		last = n.DepartedAt
	}
	return []events.Event{accommodation.GuestCorrected{
		Notice: n.Notice, Guest: c.Guest, Nationality: c.Nationality, DocumentType: c.DocumentType,
		Duties:   c.duties(n, m.At),
		Warnings: WithLength(c.Warnings(vn.DateOf(n.ArrivedAt), n.AccompaniedBy), n.ArrivedAt, n.ExpectedDeparture, last),
		Note:     c.Note,
	}}, nil
}

func (c Correct) duties(n Notice, at time.Time) []accommodation.Duty {
	duties := c.Rules.Fulfilled(duty.Stay{
		ArrivedAt: n.ArrivedAt, Foreigner: vn.Country(c.Nationality).Foreign(), Remote: c.Remote,
	}, at)
	for i, d := range duties {
		if first, done := ofKind(n.Fulfilled, d.Kind); done {
			duties[i] = first
		}
	}
	return duties
}

// Cancel takes back a notice of a stay that never took place.
type Cancel struct {
	// Note is the vault reference of the reason.
	Note string
}

// Decide refuses to cancel a stay that is over.
func (c Cancel) Decide(n Notice, _ decider.Meta) ([]events.Event, error) {
	if err := n.open(); err != nil {
		return nil, err
	}
	return []events.Event{accommodation.StayCancelled{Notice: n.Notice, Note: c.Note}}, nil
}

// RecordIdentity notes what the population database answered.
type RecordIdentity struct {
	// Guest is the reference that was asked about.
	Guest  string
	Result string
	Fields []string
}

// Decide drops an answer about a person who was corrected since, and an answer that is known already.
func (c RecordIdentity) Decide(n Notice, _ decider.Meta) ([]events.Event, error) {
	switch {
	case !n.Exists():
		return nil, ErrUnknown()
	case c.Guest != n.Guest, c.Result == n.Identity:
		return nil, nil
	}
	return []events.Event{accommodation.IdentityRecorded{
		Notice: n.Notice, Guest: c.Guest, Result: c.Result, Fields: c.Fields,
	}}, nil
}

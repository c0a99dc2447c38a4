package notice

import (
	"slices"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/accommodation/internal/duty"
)

const (
	// ahead is how far an instant may lie in the future, because clocks of front desks differ.
	ahead = 15 * time.Minute
	// oldest is how far back an arrival may lie. Older entries are more likely a mistyped year.
	oldest = 366 * 24 * time.Hour
	// stayDays is the length in days from which a stay is temporary residence (Law 68/2020/QH14 Art. 27, 30).
	stayDays = 30
)

// WarnTemporaryResidence says that the stay is long enough to be temporary residence.
const WarnTemporaryResidence = "temporary_residence_required"

// Notify enters a stay. Facility, person reference and rules were asked for before the decision.
type Notify struct {
	Stay     accommodation.StayNotified
	Remote   bool
	Rules    duty.Rules
	Warnings []string
	// Known are the faults that were found before, so that the caller hears all at once.
	Known problem.Faults
}

// Decide records the stay with its duties, or says everything that is wrong with its times.
func (c Notify) Decide(n Notice, m decider.Meta) ([]events.Event, error) {
	if n.Exists() {
		return nil, problem.New(problem.Conflict, "notice_exists",
			"this stay was notified already", "lượt lưu trú này đã được thông báo")
	}
	faults := slices.Clone(c.Known)
	checkArrival(&faults, c.Stay.ArrivedAt, m.At)
	checkExpected(&faults, c.Stay.ExpectedDeparture, c.Stay.ArrivedAt)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	stay := c.Stay
	stay.NotifiedAt = m.At
	stay.Duties = c.Rules.Fulfilled(duty.Stay{
		ArrivedAt: stay.ArrivedAt, Foreigner: vn.Country(stay.Nationality).Foreign(), Remote: c.Remote,
	}, m.At)
	stay.Warnings = WithLength(c.Warnings, stay.ArrivedAt, stay.ExpectedDeparture, m.At)
	return []events.Event{stay}, nil
}

func checkArrival(faults *problem.Faults, arrived, now time.Time) {
	switch {
	case arrived.After(now.Add(ahead)):
		faults.At("/arrived_at", problem.Fault{
			Code: "arrived_in_future", Message: "the arrival lies in the future", MessageVI: "thời điểm đến nằm trong tương lai",
			Hint: "notify a guest when they arrive",
		})
	case arrived.Before(now.Add(-oldest)):
		faults.At("/arrived_at", problem.Fault{
			Code: "arrived_too_long_ago", Message: "the arrival lies more than a year back", MessageVI: "thời điểm đến đã hơn một năm",
			Hint: "check the year",
		})
	}
}

func checkExpected(faults *problem.Faults, expected string, arrived time.Time) {
	if expected != "" && expected < localDay(arrived) {
		faults.At("/expected_departure", problem.Fault{
			Code: "departure_before_arrival", Message: "the departure lies before the arrival", MessageVI: "ngày đi trước ngày đến",
		})
	}
}

func localDay(at time.Time) string { return at.In(vn.Zone).Format(time.DateOnly) }

// WithLength adds or removes the warning about long stays. The guest was there until last, and may be expected, on a calendar day
// or an empty one, to stay longer.
func WithLength(warnings []string, arrived time.Time, expected string, last time.Time) []string {
	kept := slices.DeleteFunc(slices.Clone(warnings), func(w string) bool { return w == WarnTemporaryResidence })
	lasted := vn.DateOf(arrived).DaysUntil(vn.DateOf(last)) >= stayDays
	if lasted || expected != "" && expected >= localDay(arrived.AddDate(0, 0, stayDays)) {
		kept = append(kept, WarnTemporaryResidence)
	}
	return kept
}

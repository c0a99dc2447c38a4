// Package duty says which authorities a stay must be notified to, and until when.
//
//  1. A stay notice is due before 23:00 on the day the stay begins; a stay that begins from 23:00 on is due
//     before 08:00 the next morning (Law on Residence 68/2020/QH14 Art. 30). Exactly 23:00:00 counts as "from 23:00".
//  2. A stay that begins between 00:00 and 08:00 is due at 08:00 the same morning. The law does not say so in as
//     many words; we read the night as one night.
//  3. A foreigner is declared within 12 hours of arrival, 24 hours in remote areas (Law 47/2014/QH13 Art. 33).
//     That is a second duty with its own clock, fulfilled by the same entry.
//  4. A notice at the very second of the deadline is in time.
//  5. Hours, kinds and legal bases are data (rules.json), chosen by the local day on which the stay begins.
//     The clock is Asia/Ho_Chi_Minh, UTC+7, without daylight saving.
package duty

import (
	"time"

	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/vn"
)

// The kinds of duty.
const (
	StayNotice             = "stay_notice"
	ImmigrationDeclaration = "immigration_declaration"
)

// Stay is what a deadline depends on.
type Stay struct {
	ArrivedAt time.Time
	// Foreigner is a guest whose nationality is not Vietnamese.
	Foreigner bool
	// Remote is a facility in a remote area.
	Remote bool
}

// Fulfilled returns the duties of a stay that was notified at the given instant, with lateness. A stay on a
// day for which no rule is in force has no duties.
func (r Rules) Fulfilled(s Stay, notifiedAt time.Time) []accommodation.Duty {
	var duties []accommodation.Duty
	for _, rule := range r.rules {
		if !rule.appliesTo(s) {
			continue
		}
		due := rule.dueAt(s)
		duties = append(duties, accommodation.Duty{
			Kind: rule.Kind, DueAt: due, NotifiedAt: notifiedAt, LateBySeconds: lateBy(notifiedAt, due),
			Rule: rule.ID, LegalBasis: rule.LegalBasis,
		})
	}
	return duties
}

// lateBy counts begun seconds after the deadline.
func lateBy(notified, due time.Time) int64 {
	late := notified.Sub(due)
	if late <= 0 {
		return 0
	}
	return int64((late + time.Second - 1) / time.Second)
}

func (r rule) appliesTo(s Stay) bool {
	if r.AppliesTo == foreigners && !s.Foreigner {
		return false
	}
	day := s.ArrivedAt.In(vn.Zone).Format(time.DateOnly)
	return r.ValidFrom <= day && (r.ValidTo == "" || day < r.ValidTo)
}

func (r rule) dueAt(s Stay) time.Time {
	local := s.ArrivedAt.In(vn.Zone)
	if r.Kind == ImmigrationDeclaration {
		hours := r.WithinHours
		if s.Remote {
			hours = r.WithinHoursRemote
		}
		return local.Add(time.Duration(hours) * time.Hour)
	}
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, vn.Zone)
	morning, evening := midnight.Add(r.morning), midnight.Add(r.evening)
	switch {
	case local.Before(morning):
		return morning
	case local.Before(evening):
		return evening
	default:
		return morning.AddDate(0, 0, 1)
	}
}

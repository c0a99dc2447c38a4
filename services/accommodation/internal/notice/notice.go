// Package notice is the life of one stay notice.
//
//  1. A stay is notified once; the same request again answers with the first result (the store sees to that).
//  2. Times are checked against the clock of the call: an arrival may lie at most 15 minutes ahead (clocks
//     differ) and at most a year back. A late notice is accepted and marked late; refusing it would hide a guest.
//  3. A departed or cancelled stay does not change any more, except that the person may be corrected after departure.
//  4. 30 days or more is no longer a stay but temporary residence: a warning, because the guest is there already. It is counted to
//     the latest of the expected departure, the departure and, as long as there is none, now, at every step that may change it.
//  5. A correction brings a new reference to the person and starts the identity check again. A guest who turns out
//     to be a foreigner has the second duty from then on; one who turns out not to be has it no more. What was fulfilled once stays
//     fulfilled at that moment, even if a mistaken correction took the duty away in between.
//  6. An answer of the population database counts only for the reference that was asked about.
package notice

import (
	"slices"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/decider"
)

// The states of a notice.
const (
	Notified  = "notified"
	Gone      = "departed"
	Cancelled = "cancelled"
)

// Pending is the result of the identity check until it is answered.
const Pending = "pending"

// Notice is the folded state of a stay notice. Its zero value is a stay nobody notified.
type Notice struct {
	accommodation.StayNotified

	// Fulfilled has the first fulfilment of each kind of duty, of those too that a correction took away.
	Fulfilled      []accommodation.Duty
	Status         string
	DepartedAt     time.Time
	Identity       string
	IdentityFields []string
}

// Exists tells whether the stay was notified.
func (n Notice) Exists() bool { return n.Status != "" }

// Evolve is the whole state machine on one screen.
func (n Notice) Evolve(e events.Event) Notice {
	switch e := e.(type) {
	case accommodation.StayNotified:
		n = Notice{StayNotified: e, Fulfilled: e.Duties, Status: Notified, Identity: Pending}
	case accommodation.Departed:
		n.Status, n.DepartedAt = Gone, e.DepartedAt
		n.Warnings = WithLength(n.Warnings, n.ArrivedAt, n.ExpectedDeparture, e.DepartedAt)
	case accommodation.StayExtended:
		n.ExpectedDeparture = e.ExpectedDeparture
		n.Warnings = e.Warnings
	case accommodation.RoomChanged:
		n.Room = e.Room
	case accommodation.GuestCorrected:
		n.Guest, n.Nationality, n.DocumentType = e.Guest, e.Nationality, e.DocumentType
		n.Duties, n.Fulfilled, n.Warnings = e.Duties, withFirst(n.Fulfilled, e.Duties), e.Warnings
		n.Identity, n.IdentityFields = Pending, nil
	case accommodation.StayCancelled:
		n.Status = Cancelled
	case accommodation.IdentityRecorded:
		n.Identity, n.IdentityFields = e.Result, e.Fields
	default:
		panic(decider.Unknown(e))
	}
	return n
}

// withFirst adds the kinds of duty that were not fulfilled before.
func withFirst(before, now []accommodation.Duty) []accommodation.Duty {
	all := slices.Clip(before)
	for _, d := range now {
		if _, found := ofKind(all, d.Kind); !found {
			all = append(all, d)
		}
	}
	return all
}

func ofKind(duties []accommodation.Duty, kind string) (accommodation.Duty, bool) {
	for _, d := range duties {
		if d.Kind == kind {
			return d, true
		}
	}
	return accommodation.Duty{}, false
}

package facility

import (
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/problem"
)

// Command is a command on a facility.
type Command = decider.Command[Facility]

// Register enters a facility.
type Register accommodation.FacilityRegistered

// Decide registers once.
func (c Register) Decide(f Facility, _ decider.Meta) ([]events.Event, error) {
	if f.Exists() {
		return nil, problem.New(problem.Conflict, "facility_exists",
			"the facility is registered already", "cơ sở lưu trú đã được đăng ký")
	}
	return []events.Event{accommodation.FacilityRegistered(c)}, nil
}

// Suspend makes the facility's keys refused until it is reinstated.
type Suspend struct {
	// Note is the vault reference of the reason.
	Note string
}

// Decide suspends a facility that is not suspended.
func (c Suspend) Decide(f Facility, _ decider.Meta) ([]events.Event, error) {
	switch {
	case !f.Exists():
		return nil, ErrUnknown()
	case f.Suspended:
		return nil, problem.Reject("facility_suspended", "the facility is suspended already", "cơ sở đã bị tạm ngừng")
	}
	return []events.Event{accommodation.FacilitySuspended{Facility: f.Facility, Note: c.Note}}, nil
}

// Reinstate ends a suspension.
type Reinstate struct {
	// Note is the vault reference of the reason.
	Note string
}

// Decide reinstates a suspended facility.
func (c Reinstate) Decide(f Facility, _ decider.Meta) ([]events.Event, error) {
	switch {
	case !f.Exists():
		return nil, ErrUnknown()
	case !f.Suspended:
		return nil, problem.Reject("facility_not_suspended", "the facility is not suspended", "cơ sở không bị tạm ngừng")
	}
	return []events.Event{accommodation.FacilityReinstated{Facility: f.Facility, Note: c.Note}}, nil
}

// IssueKey lets software post for the facility.
type IssueKey struct {
	Key       string
	Hash      []byte
	ExpiresAt time.Time
}

// Decide refuses a key beyond the limit and one that is expired from the start.
func (c IssueKey) Decide(f Facility, m decider.Meta) ([]events.Event, error) {
	switch {
	case !f.Exists():
		return nil, ErrUnknown()
	case f.usableKeys(m.At) >= MaxKeys:
		return nil, problem.Reject("too_many_keys", "revoke a key before issuing another", "hãy thu hồi một khóa trước khi cấp khóa mới")
	case !c.ExpiresAt.After(m.At):
		return nil, problem.Reject("key_expired", "the key would be expired from the start", "khóa hết hạn ngay khi cấp")
	}
	return []events.Event{KeyIssued{Facility: f.Facility, Key: c.Key, Hash: c.Hash, ExpiresAt: c.ExpiresAt}}, nil
}

func (f Facility) usableKeys(at time.Time) int {
	usable := 0
	for _, k := range f.Keys {
		if k.ExpiresAt.After(at) {
			usable++
		}
	}
	return usable
}

// RevokeKey makes a key refused at once.
type RevokeKey struct{ Key string }

// Decide revokes a key of this facility; one that is revoked already stays so.
func (c RevokeKey) Decide(f Facility, _ decider.Meta) ([]events.Event, error) {
	if !f.Exists() {
		return nil, ErrUnknown()
	}
	if _, usable := f.Keys[c.Key]; !usable {
		return nil, problem.New(problem.NotFound, "key_unknown", "the facility has no such key", "cơ sở không có khóa này")
	}
	return []events.Event{KeyRevoked{Facility: f.Facility, Key: c.Key}}, nil
}

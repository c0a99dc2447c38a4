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

// Suspend has whoever acts for the facility refused, by whatever they show, until it is reinstated.
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

// Decide refuses a key beyond the limit, one that is expired from the start, and one without an end to speak of.
func (c IssueKey) Decide(f Facility, m decider.Meta) ([]events.Event, error) {
	switch {
	case !f.Exists():
		return nil, ErrUnknown()
	case f.usableKeys(m.At) >= MaxKeys:
		return nil, problem.Reject("too_many_keys", "revoke a key before issuing another", "hãy thu hồi một khóa trước khi cấp khóa mới")
	}
	var faults problem.Faults
	c.checkEnd(&faults, m.At)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []events.Event{KeyIssued{
		Facility: f.Facility, Key: c.Key, Hash: c.Hash, ExpiresAt: c.ExpiresAt, IssuedBy: m.Actor, IssuedAt: m.At,
	}}, nil
}

func (c IssueKey) checkEnd(faults *problem.Faults, now time.Time) {
	switch {
	case !c.ExpiresAt.After(now):
		faults.At("/expires_at", problem.Fault{
			Code: "key_expired", Message: "the key would be expired from the start", MessageVI: "khóa hết hạn ngay khi cấp",
		})
	case c.ExpiresAt.After(now.Add(LongestLife)):
		faults.At("/expires_at", problem.Fault{
			Code: "key_life_too_long", Message: "a key ends two years from now at the latest", MessageVI: "khóa có hiệu lực tối đa hai năm",
		})
	}
}

func (f Facility) usableKeys(at time.Time) int {
	usable := 0
	for _, k := range f.Keys {
		if k.Usable(at) {
			usable++
		}
	}
	return usable
}

// ReplaceKey issues a key's successor; the old one goes on until a time.
type ReplaceKey struct {
	Key   string
	Next  IssueKey
	Until time.Time
}

// Decide replaces a key that is good, once. The successor ends with the old key, unless it is said otherwise.
func (c ReplaceKey) Decide(f Facility, m decider.Meta) ([]events.Event, error) {
	key, known := f.Keys[c.Key]
	switch {
	case !f.Exists():
		return nil, ErrUnknown()
	case !known || key.Revoked:
		return nil, errNoKey()
	case key.Successor != "" || !key.Usable(m.At):
		return nil, problem.Reject("key_not_rotated",
			"the key has ended, or has a successor already", "khóa đã hết hạn hoặc đã có khóa thay thế")
	}
	next := c.Next
	if next.ExpiresAt.IsZero() {
		next.ExpiresAt = key.ExpiresAt
	}
	var faults problem.Faults
	if c.Until.Before(m.At) || c.Until.After(m.At.Add(MostOverlap)) {
		faults.At("/old_until", problem.Fault{
			Code: "overlap_out_of_range", Message: "the old key ends between now and 90 days from now", MessageVI: "khóa cũ hết hạn từ bây giờ đến tối đa 90 ngày",
		})
	}
	next.checkEnd(&faults, m.At)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	issued, err := next.Decide(f, m)
	if err != nil {
		return nil, err
	}
	until := c.Until
	if until.After(key.ExpiresAt) {
		until = key.ExpiresAt
	}
	return append(issued, KeyReplaced{Facility: f.Facility, Key: c.Key, Successor: next.Key, Until: until}), nil
}

func errNoKey() error {
	return problem.New(problem.NotFound, "key_unknown", "the facility has no such key", "cơ sở không có khóa này")
}

// RevokeKey makes a key refused at once.
type RevokeKey struct{ Key string }

// Decide revokes a key of this facility; one that is revoked already stays so.
func (c RevokeKey) Decide(f Facility, _ decider.Meta) ([]events.Event, error) {
	if !f.Exists() {
		return nil, ErrUnknown()
	}
	if k, known := f.Keys[c.Key]; !known || k.Revoked {
		return nil, errNoKey()
	}
	return []events.Event{KeyRevoked{Facility: f.Facility, Key: c.Key}}, nil
}

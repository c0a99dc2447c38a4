// Package accommodation declares the facts about facilities and the stays they notify
// (Law on Residence 68/2020/QH14 Art. 30; Law 47/2014/QH13 Art. 33 for foreigners).
//
// Streams: "facility-<id>" and "notice-<id>". Guests, names of facilities and every free text stand in the
// vault of the accommodation service; a fact names them by reference.
package accommodation

import (
	"time"

	"github.com/songan-vn/songan/events"
)

// Catalog lists every published fact of this package; logs and the bus decode only these.
func Catalog() []events.Event { return append(FacilityFacts(), NoticeFacts()...) }

// FacilityFacts lists the published facts of a facility's stream.
func FacilityFacts() []events.Event {
	return []events.Event{FacilityRegistered{}, FacilitySuspended{}, FacilityReinstated{}}
}

// NoticeFacts lists the facts of a notice's stream.
func NoticeFacts() []events.Event {
	return []events.Event{
		StayNotified{},
		Departed{},
		StayExtended{},
		RoomChanged{},
		GuestCorrected{},
		StayCancelled{},
		IdentityRecorded{},
	}
}

// FacilityRegistered says that the commune police entered a place that lodges people.
type FacilityRegistered struct {
	Facility string `json:"facility"`
	// Kind is one of the state portal's six: tourist, dormitory, medical, household, boarding_house, other.
	Kind string `json:"kind"`
	// Unit is the commune's code and the day from which the code means this commune.
	Unit Unit `json:"unit"`
	// Remote facilities have 24 h instead of 12 h to declare a foreigner.
	Remote bool `json:"remote,omitempty"`
	// Organisation facilities are fined double (Decree 282/2025/ND-CP).
	Organisation bool `json:"organisation,omitempty"`
	// Profile is the vault reference of name, address, phone and the person in charge.
	Profile string `json:"profile"`
}

// EventName is the fact's name in the log and on the bus.
func (FacilityRegistered) EventName() string { return "accommodation.facility_registered.v1" }

// Unit names an administrative unit.
type Unit = events.Unit

// FacilitySuspended says that whoever acts for the facility is refused until it is reinstated.
type FacilitySuspended struct {
	Facility string `json:"facility"`
	// Note is the vault reference of the officer's reason.
	Note string `json:"note"`
}

// EventName is the fact's name in the log and on the bus.
func (FacilitySuspended) EventName() string { return "accommodation.facility_suspended.v1" }

// FacilityReinstated ends a suspension.
type FacilityReinstated struct {
	Facility string `json:"facility"`
	Note     string `json:"note"`
}

// EventName is the fact's name in the log and on the bus.
func (FacilityReinstated) EventName() string { return "accommodation.facility_reinstated.v1" }

// Duty is one obligation towards an authority that a stay creates.
type Duty struct {
	// Kind is stay_notice (commune police) or immigration_declaration (immigration police).
	Kind       string    `json:"kind"`
	DueAt      time.Time `json:"due_at"`
	NotifiedAt time.Time `json:"notified_at"`
	// LateBySeconds is 0 when the duty was fulfilled in time.
	LateBySeconds int64 `json:"late_by_seconds"`
	// Rule is the identifier of the rule in the rules file that was in force on the day of arrival.
	Rule       string `json:"rule"`
	LegalBasis string `json:"legal_basis"`
}

// StayNotified says that a facility notified a guest's stay.
type StayNotified struct {
	Notice       string `json:"notice"`
	Receipt      string `json:"receipt"`
	Facility     string `json:"facility"`
	FacilityKind string `json:"facility_kind"`
	Unit         Unit   `json:"unit"`
	// Guest is the vault reference of the person.
	Guest string `json:"guest"`
	// Nationality is an ISO 3166-1 alpha-3 code.
	Nationality string `json:"nationality"`
	// DocumentType is citizen_id, old_id, passport, birth_certificate or none.
	DocumentType string    `json:"document_type"`
	ArrivedAt    time.Time `json:"arrived_at"`
	NotifiedAt   time.Time `json:"notified_at"`
	// ExpectedDeparture is a calendar day at the facility, "2026-11-23"; empty when not known.
	ExpectedDeparture string `json:"expected_departure,omitempty"`
	Room              string `json:"room,omitempty"`
	// Reason is tourism, business, medical_treatment, medical_carer, study, work, family_visit or other.
	Reason string `json:"reason"`
	// AccompaniedBy is the notice of the adult a child came with, or of the patient a carer came for.
	AccompaniedBy string `json:"accompanied_by,omitempty"`
	Group         string `json:"group,omitempty"`
	Duties        []Duty `json:"duties"`
	// Warnings are codes of what is unusual but accepted, such as unknown_citizen_id_prefix.
	Warnings []string `json:"warnings,omitempty"`
}

// EventName is the fact's name in the log and on the bus.
func (StayNotified) EventName() string { return "accommodation.stay_notified.v1" }

// Departed says that the guest left.
type Departed struct {
	Notice     string    `json:"notice"`
	DepartedAt time.Time `json:"departed_at"`
}

// EventName is the fact's name in the log and on the bus.
func (Departed) EventName() string { return "accommodation.departed.v1" }

// StayExtended says that the guest stays longer or shorter than expected.
type StayExtended struct {
	Notice            string   `json:"notice"`
	ExpectedDeparture string   `json:"expected_departure"`
	Warnings          []string `json:"warnings,omitempty"`
}

// EventName is the fact's name in the log and on the bus.
func (StayExtended) EventName() string { return "accommodation.stay_extended.v1" }

// RoomChanged says that the guest moved within the facility.
type RoomChanged struct {
	Notice string `json:"notice"`
	Room   string `json:"room"`
}

// EventName is the fact's name in the log and on the bus.
func (RoomChanged) EventName() string { return "accommodation.room_changed.v1" }

// GuestCorrected says that the person was entered wrongly. The old reference stays readable in the
// history until it is erased; checks start again with the new one.
type GuestCorrected struct {
	Notice       string `json:"notice"`
	Guest        string `json:"guest"`
	Nationality  string `json:"nationality"`
	DocumentType string `json:"document_type"`
	// Duties is the whole list after the correction: a guest who turns out to be a foreigner has two.
	Duties   []Duty   `json:"duties"`
	Warnings []string `json:"warnings,omitempty"`
	// Note is the vault reference of the reason given.
	Note string `json:"note"`
}

// EventName is the fact's name in the log and on the bus.
func (GuestCorrected) EventName() string { return "accommodation.guest_corrected.v1" }

// StayCancelled says that the stay never took place.
type StayCancelled struct {
	Notice string `json:"notice"`
	// Note is the vault reference of the reason given.
	Note string `json:"note"`
}

// EventName is the fact's name in the log and on the bus.
func (StayCancelled) EventName() string { return "accommodation.stay_cancelled.v1" }

// IdentityRecorded says what the national population database answered about the guest.
type IdentityRecorded struct {
	Notice string `json:"notice"`
	// Guest is the reference that was checked; an answer about a reference that was corrected since is not recorded.
	Guest string `json:"guest"`
	// Result is matched, mismatched, not_found or unavailable.
	Result string `json:"result"`
	// Fields names what differs: full_name, birth_date, sex. Never a value.
	Fields []string `json:"fields,omitempty"`
}

// EventName is the fact's name in the log and on the bus.
func (IdentityRecorded) EventName() string { return "accommodation.identity_recorded.v1" }

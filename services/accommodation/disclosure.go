package accommodation

import (
	"strings"

	"github.com/songan-vn/songan/events"
	facts "github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/decider"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn/person"
)

// What is shown of people here goes through the table of package privacy. A stay in a medical facility, or for treatment,
// tells of the guest's health: it is sensitive.

// Stated says why somebody looks at a stay. Sensitive ones are shown in full for a purpose and a case alone; both are
// recorded.
type Stated struct {
	Purpose string `query:"purpose" pattern:"^[a-z][a-z0-9_.-]{0,63}$" doc:"what the guest is read for; with a case it shows more of a sensitive stay"`
	Case    string `query:"case" pattern:"^[!-~]{1,100}$" doc:"number of the file the reading belongs to"`
}

// Validate refuses a purpose or a case that names somebody.
func (s Stated) Validate(f *problem.Faults) {
	person.CheckNobody(f, "/purpose", s.Purpose)
	person.CheckNobody(f, "/case", s.Case)
}

// orSupervision is what a stay's guest is read for: what was said, or the supervision of that stay by law.
func (s Stated) orSupervision(stay string) Stated {
	if s.given() {
		return s
	}
	return Stated{Purpose: purposeSupervision, Case: stay}
}

func (s Stated) given() bool { return s.Purpose != "" && s.Case != "" }

// sensitive tells whether a stay tells of its guest's health.
func sensitive(stay facts.StayNotified) bool {
	return stay.FacilityKind == "medical" || strings.HasPrefix(stay.Reason, "medical_")
}

// readerOf is how a caller stands to a stay.
func readerOf(who access.Principal, stay facts.StayNotified, stated bool) privacy.Reader {
	return privacy.Reader{Role: who.Role, Sensitive: sensitive(stay), Stated: stated}
}

// mask leaves out of an answer what a stay tells of its guest to whom it is not for.
func (a *app) mask(answer *Notice, r privacy.Reader) {
	for field, text := range map[string]*string{
		"stay.reason": &answer.Reason, "stay.room": &answer.Room, "stay.group": &answer.Group, "stay.accompanied_by": &answer.AccompaniedBy,
		"stay.nationality": &answer.Nationality,
	} {
		shown := a.disclosure.Text(field, r, *text)
		answer.Masked = answer.Masked || shown != *text
		*text = shown
	}
	if len(answer.Warnings) > 0 && !a.disclosure.Sees("stay.warnings", r) {
		answer.Warnings, answer.Masked = []Warning{}, true
	}
}

// maskFact does the same to a fact of the stay's history.
func (a *app) maskFact(fact events.Event, r privacy.Reader) events.Event {
	text := func(field, value string) string { return a.disclosure.Text(field, r, value) }
	switch f := fact.(type) {
	case facts.StayNotified:
		f.Reason, f.Room, f.Group = text("stay.reason", f.Reason), text("stay.room", f.Room), text("stay.group", f.Group)
		f.FacilityKind, f.AccompaniedBy = text("stay.facts", f.FacilityKind), text("stay.accompanied_by", f.AccompaniedBy)
		f.Nationality, f.DocumentType = text("stay.nationality", f.Nationality), text("stay.document_type", f.DocumentType)
		f.Warnings = a.maskWarnings(f.Warnings, r)
		return f
	case facts.GuestCorrected:
		f.Nationality, f.DocumentType = text("stay.nationality", f.Nationality), text("stay.document_type", f.DocumentType)
		f.Warnings = a.maskWarnings(f.Warnings, r)
		return f
	case facts.StayExtended:
		f.Warnings = a.maskWarnings(f.Warnings, r)
		return f
	case facts.RoomChanged:
		f.Room = text("stay.room", f.Room)
		return f
	case facts.Departed, facts.StayCancelled, facts.IdentityRecorded:
		return fact // everybody who sees the stay sees all of it
	default:
		panic(decider.Unknown(fact))
	}
}

func (a *app) maskWarnings(codes []string, r privacy.Reader) []string {
	if a.disclosure.Sees("stay.warnings", r) {
		return codes
	}
	return nil
}

func errSensitive() error {
	return problem.New(problem.Forbidden, "sensitive_stay", "this stay tells of somebody's health; it needs a purpose and a case, and the right role",
		"thông báo này liên quan đến sức khỏe; cần mục đích, số hồ sơ và đúng vai trò")
}

package accommodation

import (
	"time"

	facts "github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/services/accommodation/internal/guest"
	"github.com/songan-vn/songan/services/accommodation/internal/notice"
)

// Notice is a stay as the service answers with it.
type Notice struct {
	ID                string       `json:"id"`
	Receipt           string       `json:"receipt"`
	Status            string       `json:"status" enum:"notified,departed,cancelled"`
	Facility          string       `json:"facility"`
	Unit              string       `json:"unit"`
	ArrivedAt         time.Time    `json:"arrived_at"`
	NotifiedAt        time.Time    `json:"notified_at"`
	ExpectedDeparture string       `json:"expected_departure,omitzero"`
	DepartedAt        *time.Time   `json:"departed_at,omitzero"`
	Room              string       `json:"room,omitzero"`
	Reason            string       `json:"reason"`
	AccompaniedBy     string       `json:"accompanied_by,omitzero"`
	Group             string       `json:"group,omitzero"`
	Nationality       string       `json:"nationality"`
	Duties            []Duty       `json:"duties"`
	Identity          string       `json:"identity" enum:"pending,matched,mismatched,not_found,unavailable"`
	IdentityFields    []string     `json:"identity_fields,omitempty" doc:"what differs from the population database"`
	Warnings          []Warning    `json:"warnings"`
	Guest             *guest.Guest `json:"guest,omitzero" doc:"only where the caller may read the person, in the form that the role may see"`
	Masked            bool         `json:"masked,omitzero" doc:"not everything is shown as it is, for the caller's role, or for want of a purpose and a case"`
	Erased            bool         `json:"erased,omitzero" doc:"the person was erased from the vault"`
	Unreadable        bool         `json:"unreadable,omitzero" doc:"the person's row was damaged or tampered with"`
}

// Duty is an obligation with its deadline and where it stands in the law.
type Duty struct {
	Kind          string    `json:"kind" enum:"stay_notice,immigration_declaration"`
	DueAt         time.Time `json:"due_at"`
	Late          bool      `json:"late"`
	LateBySeconds int64     `json:"late_by_seconds"`
	MinutesLeft   int64     `json:"minutes_left" doc:"between the notice and the deadline; 0 when late"`
	Rule          string    `json:"rule"`
	LegalBasis    string    `json:"legal_basis"`
}

// Warning is something unusual that was accepted.
type Warning struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	MessageVI string `json:"message_vi"`
}

// answer answers a command with the state it led to.
func answer(out eventstore.Outcome[notice.Notice], err error) (httpapi.Done[Notice], error) {
	if err != nil {
		return httpapi.Done[Notice]{}, err
	}
	return httpapi.Done[Notice]{Answer: view(out.State), Position: out.Position, Replayed: out.Replayed}, nil
}

func view(n notice.Notice) Notice {
	v := Notice{
		ID: n.Notice, Receipt: n.Receipt, Status: n.Status, Facility: n.Facility, Unit: n.Unit.Code,
		ArrivedAt: n.ArrivedAt, NotifiedAt: n.NotifiedAt, ExpectedDeparture: n.ExpectedDeparture,
		Room: n.Room, Reason: n.Reason, AccompaniedBy: n.AccompaniedBy, Group: n.Group, Nationality: n.Nationality,
		Duties: duties(n.Duties), Identity: n.Identity, IdentityFields: n.IdentityFields, Warnings: warnings(n.Warnings),
	}
	if n.Status == notice.Gone {
		v.DepartedAt = &n.DepartedAt
	}
	return v
}

func duties(fulfilled []facts.Duty) []Duty {
	answer := make([]Duty, 0, len(fulfilled))
	for _, d := range fulfilled {
		answer = append(answer, Duty{
			Kind: d.Kind, DueAt: d.DueAt, Late: d.LateBySeconds > 0, LateBySeconds: d.LateBySeconds,
			MinutesLeft: max(0, int64(d.DueAt.Sub(d.NotifiedAt)/time.Minute)),
			Rule:        d.Rule, LegalBasis: d.LegalBasis,
		})
	}
	return answer
}

func warnings(codes []string) []Warning {
	answer := make([]Warning, 0, len(codes))
	for _, code := range codes {
		text, textVI := guest.WarningText(code)
		answer = append(answer, Warning{Code: code, Message: text, MessageVI: textVI})
	}
	return answer
}

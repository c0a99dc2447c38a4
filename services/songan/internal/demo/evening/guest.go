package evening

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
)

// Party is the kind of company that somebody comes in.
type Party string

// The kinds of party.
const (
	Alone      Party = "alone"
	Friends    Party = "friends"
	Family     Party = "families"
	Foreigners Party = "foreigners"
	Coach      Party = "coaches"
	Students   Party = "students"
	Hospital   Party = "hospitals"
)

// Parties lists the kinds of party.
func Parties() []Party { return []Party{Alone, Friends, Family, Foreigners, Coach, Students, Hospital} }

// What the population database will have said about a guest, as in the contract.
const (
	Matched     = "matched"
	Mismatched  = "mismatched"
	NotFound    = "not_found"
	Unavailable = "unavailable"
)

// The states of a notice, as in the contract.
const (
	Notified  = "notified"
	Departed  = "departed"
	Cancelled = "cancelled"
)

// Outcome is what must come of a check-in when the evening is over.
type Outcome struct {
	// Code is why the check-in is refused; nothing below it matters then. It is empty when it is accepted.
	Code string
	// Status of the answer.
	Status int
	// Late is a deadline that had passed.
	Late bool
	// Foreigner means a second duty.
	Foreigner bool
	// Identity is the answer of the population database; Fields is what differs.
	Identity string
	Fields   []string

	State string
	Room  string
	// Nights is how long the guest is expected to stay.
	Nights int
}

// Guest is somebody at a front desk.
type Guest struct {
	Number int
	Party  Party
	// Person is as the front desk types them.
	Person people.Person
	// Papers is who they are according to their papers, when the front desk mistypes them and corrects it later.
	Papers people.Person
	// With is the guest whom this one accompanies, by number; -1 for nobody.
	With int
	Want Outcome

	reason, group, room string
	nights              int
	late                bool
	explanation         string // of somebody without a document
	mistake             *mistake
}

// arrivedLate is when late guests arrived on the day before. Whatever the hour is now, 23:00 has passed since.
const arrivedLate = 14

// closeCall is how near a deadline is too near to say beforehand who is in time: a check-in may have to be repeated
// for some minutes. Clocks may differ by 15 minutes, so a guest may be entered a little before they arrive.
const closeCall = 10 * time.Minute

// Arrival is when a guest arrived who is entered now.
func (g *Guest) Arrival(now time.Time) time.Time {
	today := vn.DateOf(now)
	if g.late {
		return today.AddDays(-1).At(arrivedLate, 0)
	}
	for _, hour := range []int{8, 23} { // the deadlines of the law
		deadline := today.At(hour, 0)
		if left := deadline.Sub(now); left > 0 && left < closeCall {
			return deadline
		}
	}
	return now.In(vn.Zone).Truncate(time.Second)
}

// Entry is what a front desk knows when it enters a guest.
type Entry struct {
	Now, Arrival time.Time
	// Companion is the notice of the guest whom this one accompanies.
	Companion string
	// Ref is the front desk's own mark, in a batch.
	Ref string
}

// Notice is the body of the guest's check-in, with the mistake that the front desk makes.
func (g *Guest) Notice(e Entry) ([]byte, error) {
	person, err := g.personBody(g.Person)
	if err != nil {
		return nil, err
	}
	notice := client.Object{
		"guest": person, "arrived_at": e.Arrival.Format(time.RFC3339), "reason": g.reason, "room": g.room,
		"expected_departure": departure(e.Arrival, g.nights),
	}
	for name, value := range map[string]string{"accompanied_by": e.Companion, "group": g.group, "client_ref": e.Ref} {
		if value != "" {
			notice[name] = value
		}
	}
	if g.mistake != nil && g.mistake.notice != nil {
		g.mistake.notice(notice, e.Now)
	}
	body, err := json.Marshal(notice)
	if err != nil {
		return nil, fmt.Errorf("write notice: %w", err)
	}
	if g.mistake != nil && g.mistake.raw != nil {
		body = g.mistake.raw(body)
	}
	return body, nil
}

// personBody is a person as JSON that can still be spoilt.
func (g *Guest) personBody(p people.Person) (client.Object, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("write guest: %w", err)
	}
	var body client.Object
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, fmt.Errorf("write guest: %w", err)
	}
	if g.explanation != "" {
		body["document"] = client.Object{"type": "none", "explanation": g.explanation}
	}
	return body, nil
}

// Change is the body of a change of the guest's notice.
func (g *Guest) Change(verb Verb, e Entry) ([]byte, error) {
	var body client.Object
	switch verb {
	case Depart:
		at := e.Now
		if at.Before(e.Arrival) {
			at = e.Arrival
		}
		body = client.Object{"departed_at": at.In(vn.Zone).Format(time.RFC3339Nano)}
	case Extend:
		body = client.Object{"expected_departure": departure(e.Arrival, g.Want.Nights)}
	case Move:
		body = client.Object{"room": g.Want.Room}
	case Correct:
		person, err := g.personBody(g.Papers)
		if err != nil {
			return nil, err
		}
		body = client.Object{"guest": person, "reason": "gõ nhầm, đã đối chiếu lại giấy tờ"}
	case Cancel:
		body = client.Object{"reason": "khách đổi ý, không nhận phòng"}
	case Notify, NotifyMany, Repeat:
		return nil, fmt.Errorf("%s is no change", verb)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("write change: %w", err)
	}
	return text, nil
}

// Departure is the day on which a guest who arrived then is expected to leave, once everything is entered.
func (g *Guest) Departure(arrival time.Time) string { return departure(arrival, g.Want.Nights) }

func departure(arrival time.Time, nights int) string {
	return vn.DateOf(arrival).AddDays(nights).String()
}

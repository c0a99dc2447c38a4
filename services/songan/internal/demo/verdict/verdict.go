// Package verdict compares what the system answers about a guest with what an evening's plan says must come of them.
// Nothing it says about a difference holds anything of the guest.
package verdict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/songan-vn/songan/services/songan/internal/demo/client"
	"github.com/songan-vn/songan/services/songan/internal/demo/evening"
)

// Notice is what is looked at in a notice.
type Notice struct {
	ID                string    `json:"id"`
	Status            string    `json:"status"`
	Facility          string    `json:"facility"`
	NotifiedAt        time.Time `json:"notified_at"`
	ExpectedDeparture string    `json:"expected_departure"`
	Room              string    `json:"room"`
	Duties            []struct {
		Kind string `json:"kind"`
		Late bool   `json:"late"`
	} `json:"duties"`
	Identity       string   `json:"identity"`
	IdentityFields []string `json:"identity_fields"`
	// Masked says that not everything is shown: of a patient, administrators see neither why nor in which room they stay.
	Masked bool `json:"masked"`
}

// Late tells whether any duty was fulfilled too late.
func (n Notice) Late() bool {
	for _, d := range n.Duties {
		if d.Late {
			return true
		}
	}
	return false
}

// Problem is what is looked at in a refusal.
type Problem struct {
	Code   string `json:"code"`
	Errors []struct {
		Code string `json:"code"`
	} `json:"errors"`
}

// code names a refusal: the faults of a body if there are any, and several of them together.
func (p Problem) code() string {
	var codes []string
	for _, e := range p.Errors {
		codes = append(codes, e.Code)
	}
	if len(codes) == 0 {
		return p.Code
	}
	slices.Sort(codes)
	return strings.Join(slices.Compact(codes), "+")
}

// Verdict is what became of one guest.
type Verdict struct {
	Index   int      `json:"index"`
	Status  int      `json:"status"`
	Notice  *Notice  `json:"notice"`
	Problem *Problem `json:"problem"`
}

// Of reads the answer to a request about one guest.
func Of(a client.Answer) (Verdict, error) {
	v := Verdict{Status: a.Status}
	var err error
	if a.Status < http.StatusMultipleChoices {
		v.Notice = &Notice{}
		err = json.Unmarshal(a.Body, v.Notice)
	} else {
		v.Problem = &Problem{}
		err = json.Unmarshal(a.Body, v.Problem)
	}
	if err != nil {
		return v, fmt.Errorf("status %d with a body that is no JSON", a.Status)
	}
	return v, nil
}

// ListOf reads the answer to a batch: a line per guest, in their order.
func ListOf(a client.Answer, guests int) ([]Verdict, error) {
	if a.Status != http.StatusOK {
		v, err := Of(a)
		if err == nil && v.Problem != nil {
			err = fmt.Errorf("the whole list was refused with %s", v.Problem.code())
		}
		return nil, errors.Join(err, fmt.Errorf("status %d for a list", a.Status))
	}
	var verdicts []Verdict
	for line := range bytes.Lines(a.Body) {
		var v Verdict
		if err := json.Unmarshal(line, &v); err != nil {
			return nil, errors.New("a line of the answer is no JSON")
		}
		if v.Index != len(verdicts) || (v.Notice == nil) == (v.Problem == nil) {
			return nil, fmt.Errorf("line %d of the answer is about line %d, with status %d", len(verdicts), v.Index, v.Status)
		}
		verdicts = append(verdicts, v)
	}
	if len(verdicts) != guests {
		return nil, fmt.Errorf("%d verdicts for %d guests", len(verdicts), guests)
	}
	return verdicts, nil
}

// Later tells whether a guest of a list has to be entered again.
func (v Verdict) Later() bool {
	return v.Status == http.StatusServiceUnavailable || v.Status == http.StatusTooManyRequests
}

// Figure names what became of a guest, in the words of the plan.
func (v Verdict) Figure() string {
	if v.Problem != nil {
		return evening.Refused(v.Problem.code())
	}
	return evening.Accepted
}

// CheckIn says what is wrong with the answer about a guest, or nothing. Status 200 is a line of a list that was done by
// an attempt before, whose answer was lost.
func CheckIn(g *evening.Guest, facility string, v Verdict) string {
	want := evening.Accepted
	if g.Want.Code != "" {
		want = evening.Refused(g.Want.Code)
	}
	switch got := v.Figure(); {
	case got != want:
		return fmt.Sprintf("%s instead of %s", got, want)
	case v.Status != g.Want.Status && (v.Notice == nil || v.Status != http.StatusOK):
		return fmt.Sprintf("status %d instead of %d", v.Status, g.Want.Status)
	case v.Notice == nil:
		return ""
	}
	n, duties := v.Notice, 1
	if g.Want.Foreigner {
		duties = 2
	}
	switch {
	case n.ID == "":
		return "a notice without an id"
	case n.Facility != facility:
		return "a notice of another facility"
	case len(n.Duties) != duties:
		return fmt.Sprintf("%d duties instead of %d", len(n.Duties), duties)
	case n.Late() != g.Want.Late:
		return fmt.Sprintf("late is %t instead of %t", n.Late(), g.Want.Late)
	}
	return ""
}

// Change says what is wrong with the answer to a change, or nothing.
func Change(act *evening.Act, departure string, v Verdict) string {
	g := act.Guests[0]
	if v.Problem != nil || act.Code != "" {
		if got := v.code(); got != act.Code {
			return fmt.Sprintf("%s: answered %q instead of %q", act.Verb, got, act.Code)
		}
		return ""
	}
	n, ok := v.Notice, true
	switch act.Verb {
	case evening.Depart, evening.Cancel:
		ok = n.Status == g.Want.State
	case evening.Extend:
		ok = n.ExpectedDeparture == departure
	case evening.Move:
		ok = n.Room == g.Want.Room
	case evening.Correct:
		ok = n.Identity == "pending"
	case evening.Notify, evening.NotifyMany, evening.Repeat:
		ok = false
	}
	if !ok {
		return fmt.Sprintf("%s: the answer does not show it", act.Verb)
	}
	return ""
}

// code is why something was refused, or empty.
func (v Verdict) code() string {
	if v.Problem == nil {
		return ""
	}
	return v.Problem.code()
}

// Listed says how a notice differs when the evening is over from what must have come of it, or nothing.
func Listed(g *evening.Guest, arrival time.Time, n Notice) string {
	want := g.Want
	switch {
	case n.Status != want.State:
		return fmt.Sprintf("the status is %s instead of %s", n.Status, want.State)
	case n.Late() != want.Late:
		return fmt.Sprintf("late is %t instead of %t", n.Late(), want.Late)
	case n.Room != want.Room && (!n.Masked || n.Room != ""), n.ExpectedDeparture != g.Departure(arrival):
		return "room or departure are not what was entered"
	case want.State == evening.Cancelled: // whether it is still checked does not matter
	case n.Identity != want.Identity || !slices.Equal(n.IdentityFields, want.Fields):
		return fmt.Sprintf("identity is %s %v instead of %s %v", n.Identity, n.IdentityFields, want.Identity, want.Fields)
	}
	return ""
}

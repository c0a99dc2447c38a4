package privacy

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/songan-vn/songan/libs/vn"
	"github.com/songan-vn/songan/libs/vn/workday"
)

//go:embed rules.json
var national []byte

// Where a period begins.
const (
	// Sealed counts from when the row was written.
	Sealed = "sealed"
	// LastRead counts from when the row was last read for work, or written if it never was.
	LastRead = "last_read"
)

// Retention says how long rows of one purpose are kept.
type Retention struct {
	ID      string `json:"id"`
	Service string `json:"service"`
	Purpose string `json:"purpose"`
	Class   Class  `json:"class"`
	// AlsoSensitive names the part of the rows that is sensitive, where it is not all of them.
	AlsoSensitive string `json:"also_sensitive,omitempty"`
	ValidFrom     string `json:"valid_from"`
	ValidTo       string `json:"valid_to,omitempty"`
	Months        int    `json:"months"`
	CountsFrom    string `json:"counts_from"`
	// OnRequest is what the person's own request does before the period is over: erase or keep.
	OnRequest  string `json:"on_request"`
	LegalBasis string `json:"legal_basis"`
	// Source is where the number comes from, Verified whether it was compared with the text of the law.
	Source   string `json:"source"`
	Verified bool   `json:"verified"`
}

// What a request of the person does.
const (
	OnRequestErase = "erase"
	OnRequestKeep  = "keep"
)

// Before is the moment before which a row was written, or last read, that is due now.
func (r Retention) Before(now time.Time) time.Time { return now.In(vn.Zone).AddDate(0, -r.Months, 0) }

// Deadline says until when something has to be done for a person.
type Deadline struct {
	ID                string `json:"id"`
	Kind              string `json:"kind"`
	ValidFrom         string `json:"valid_from"`
	ValidTo           string `json:"valid_to,omitempty"`
	AnswerWorkingDays int    `json:"answer_working_days,omitempty"`
	DoneDays          int    `json:"done_days,omitempty"`
	DoneHours         int    `json:"done_hours,omitempty"`
	LegalBasis        string `json:"legal_basis"`
	// Source is where the number comes from, Verified whether it was compared with the text of the law.
	Source   string `json:"source"`
	Verified bool   `json:"verified"`
}

// The kinds of deadlines.
const (
	Access  = "access"
	Erasure = "erasure"
	Breach  = "breach"
)

// AnswerBy is until when a person who asked at a moment has to hear what will be done: the end of the last working day.
func (d Deadline) AnswerBy(at time.Time, c *workday.Calendar) time.Time {
	return c.After(vn.DateOf(at), d.AnswerWorkingDays).AddDays(1).At(0, 0)
}

// DoneBy is until when it has to be done.
func (d Deadline) DoneBy(at time.Time) time.Time {
	if d.DoneHours > 0 {
		return at.Add(time.Duration(d.DoneHours) * time.Hour)
	}
	return vn.DateOf(at).AddDays(d.DoneDays+1).At(0, 0)
}

// Rules are all that ever held.
type Rules struct {
	retention []Retention
	deadlines []Deadline
}

// LoadRules returns the rules of a file, or those that come with the program for an empty path.
func LoadRules(path string) (Rules, error) {
	if path == "" {
		return ParseRules(national)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return Rules{}, fmt.Errorf("read rules of retention: %w", err)
	}
	return ParseRules(file)
}

// ParseRules reads a rules file. It refuses unknown members, rules that say too little, and two that hold on one day.
func ParseRules(file []byte) (Rules, error) {
	var content struct {
		Note      string      `json:"note"`
		Retention []Retention `json:"retention"`
		Deadlines []Deadline  `json:"deadlines"`
	}
	dec := json.NewDecoder(bytes.NewReader(file))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&content); err != nil {
		return Rules{}, fmt.Errorf("read rules of retention: %w", err)
	}
	spans := make([]span, 0, len(content.Retention)+len(content.Deadlines))
	for _, r := range content.Retention {
		if err := r.check(); err != nil {
			return Rules{}, fmt.Errorf("rule %q: %w", r.ID, err)
		}
		spans = append(spans, span{r.ID, "retention " + r.Service + " " + r.Purpose, r.ValidFrom, r.ValidTo})
	}
	for _, d := range content.Deadlines {
		if err := d.check(); err != nil {
			return Rules{}, fmt.Errorf("deadline %q: %w", d.ID, err)
		}
		spans = append(spans, span{d.ID, "deadline " + d.Kind, d.ValidFrom, d.ValidTo})
	}
	return Rules{content.Retention, content.Deadlines}, checkSpans(spans)
}

func (r Retention) check() error {
	switch {
	case r.ID == "" || r.Service == "" || r.Purpose == "" || r.LegalBasis == "" || r.Source == "":
		return errors.New("an id, a service, a purpose, a legal basis and a source are needed")
	case r.Class != Basic && r.Class != Sensitive:
		return errors.New("the class is neither basic nor sensitive")
	case r.Months < 1:
		return errors.New("a number of months is needed")
	case r.CountsFrom != Sealed && r.CountsFrom != LastRead:
		return errors.New("counts_from is neither sealed nor last_read")
	case r.OnRequest != OnRequestErase && r.OnRequest != OnRequestKeep:
		return errors.New("on_request is neither erase nor keep")
	}
	return nil
}

func (d Deadline) check() error {
	switch {
	case d.ID == "" || d.LegalBasis == "" || d.Source == "":
		return errors.New("an id, a legal basis and a source are needed")
	case d.Kind != Access && d.Kind != Erasure && d.Kind != Breach:
		return errors.New("the kind is not known")
	case d.Kind != Breach && (d.AnswerWorkingDays < 1 || d.DoneDays < 1), d.Kind == Breach && d.DoneHours < 1:
		return errors.New("the time is missing")
	}
	return nil
}

// span is when a rule about something holds.
type span struct{ id, about, from, to string }

func checkSpans(spans []span) error {
	for i, s := range spans {
		if _, err := vn.ParseDate(s.from); err != nil {
			return fmt.Errorf("rule %q: valid_from: %w", s.id, err)
		}
		if _, err := vn.ParseDate(s.to); err != nil && s.to != "" {
			return fmt.Errorf("rule %q: valid_to: %w", s.id, err)
		}
		for _, o := range spans[:i] {
			if o.id == s.id || o.about == s.about && s.overlaps(o) {
				return fmt.Errorf("rules %q and %q hold on the same day", o.id, s.id)
			}
		}
	}
	return nil
}

func (s span) overlaps(o span) bool {
	return (s.to == "" || o.from < s.to) && (o.to == "" || s.from < o.to)
}

func holds(from, to string, day vn.Date) bool {
	text := day.String()
	return from <= text && (to == "" || text < to)
}

// Of returns the rules of a service that hold at a moment.
func (r Rules) Of(service string, at time.Time) (all []Retention) {
	for _, rule := range r.retention {
		if rule.Service == service && holds(rule.ValidFrom, rule.ValidTo, vn.DateOf(at)) {
			all = append(all, rule)
		}
	}
	return all
}

// All returns every rule of retention, those that no longer hold included.
func (r Rules) All() []Retention { return r.retention }

// ErasedOnRequest lists the purposes of a service that a request of the person erases, or ever erased.
func (r Rules) ErasedOnRequest(service string) (purposes []string) {
	for _, rule := range r.retention {
		if rule.Service == service && rule.OnRequest == OnRequestErase {
			purposes = append(purposes, rule.Purpose)
		}
	}
	return purposes
}

// Deadlines returns every deadline, those that no longer hold included.
func (r Rules) Deadlines() []Deadline { return r.deadlines }

// Deadline returns what holds for a kind of request that arrives at a moment.
func (r Rules) Deadline(kind string, at time.Time) (Deadline, bool) {
	for _, d := range r.deadlines {
		if d.Kind == kind && holds(d.ValidFrom, d.ValidTo, vn.DateOf(at)) {
			return d, true
		}
	}
	return Deadline{}, false
}

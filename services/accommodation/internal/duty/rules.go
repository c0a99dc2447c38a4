package duty

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"
)

//go:embed rules.json
var national []byte

// foreigners marks a rule that concerns guests of other nationalities only.
const foreigners = "foreigners"

// Rules are all rules that ever held, with the days on which they held.
type Rules struct{ rules []rule }

type rule struct {
	ID                string `json:"id"`
	Kind              string `json:"kind"`
	AppliesTo         string `json:"applies_to"`
	ValidFrom         string `json:"valid_from"`
	ValidTo           string `json:"valid_to"`
	LegalBasis        string `json:"legal_basis"`
	Before            string `json:"before"`
	NextMorning       string `json:"next_morning"`
	WithinHours       int    `json:"within_hours"`
	WithinHoursRemote int    `json:"within_hours_remote"`
	// Source is where the values come from, Verified whether they were compared with the text of the law.
	Source   string `json:"source"`
	Verified bool   `json:"verified"`

	evening, morning time.Duration // Before and NextMorning as time since midnight
}

// National returns the rules that come with the program.
func National() Rules {
	rules, err := Parse(national)
	if err != nil {
		panic(err) //nolint:forbidigo // the embedded file is part of the program, and a test reads it
	}
	return rules
}

// Parse reads a rules file. It refuses unknown fields, impossible days and hours, and two rules of one kind
// that hold on the same day.
func Parse(file []byte) (Rules, error) {
	var content struct {
		Note  string `json:"note"`
		Rules []rule `json:"rules"`
	}
	dec := json.NewDecoder(bytes.NewReader(file))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&content); err != nil {
		return Rules{}, fmt.Errorf("read rules: %w", err)
	}
	for i := range content.Rules {
		if err := content.Rules[i].check(); err != nil {
			return Rules{}, fmt.Errorf("rule %q: %w", content.Rules[i].ID, err)
		}
		for _, earlier := range content.Rules[:i] {
			if earlier.overlaps(content.Rules[i]) {
				return Rules{}, fmt.Errorf("rules %q and %q hold on the same day", earlier.ID, content.Rules[i].ID)
			}
		}
	}
	return Rules{rules: content.Rules}, nil
}

func (r *rule) check() (err error) {
	if _, err = time.Parse(time.DateOnly, r.ValidFrom); err != nil {
		return fmt.Errorf("valid_from: %w", err)
	}
	if _, err = time.Parse(time.DateOnly, r.ValidTo); err != nil && r.ValidTo != "" {
		return fmt.Errorf("valid_to: %w", err)
	}
	if r.ID == "" || r.LegalBasis == "" {
		return fmt.Errorf("an id and a legal basis are needed")
	}
	if r.AppliesTo != "everyone" && r.AppliesTo != foreigners {
		return fmt.Errorf("applies_to is neither everyone nor foreigners")
	}
	switch r.Kind {
	case StayNotice:
		if r.evening, err = sinceMidnight(r.Before); err != nil {
			return fmt.Errorf("before: %w", err)
		}
		if r.morning, err = sinceMidnight(r.NextMorning); err != nil {
			return fmt.Errorf("next_morning: %w", err)
		}
	case ImmigrationDeclaration:
		if r.WithinHours < 1 || r.WithinHoursRemote < r.WithinHours {
			return fmt.Errorf("hours are needed, and remote areas have no less of them")
		}
	default:
		return fmt.Errorf("the kind is not known")
	}
	return nil
}

func (r rule) overlaps(other rule) bool {
	return r.Kind == other.Kind &&
		(r.ValidTo == "" || other.ValidFrom < r.ValidTo) &&
		(other.ValidTo == "" || r.ValidFrom < other.ValidTo)
}

func sinceMidnight(clock string) (time.Duration, error) {
	t, err := time.Parse("15:04", clock)
	if err != nil {
		return 0, fmt.Errorf("read time of day: %w", err)
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, nil
}

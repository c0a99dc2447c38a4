package desk

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/songan-vn/songan/services/simulators/internal/delay"
	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

// Manner is a way to report what became of a payment; the ledger is right whatever is reported.
type Manner string

// The manners that are not honest, complete, in order and once.
const (
	Mute             Manner = "silent"            // never a word, not even to an inquiry
	Lost             Manner = "lost"              // no report, but an inquiry is answered
	AcknowledgedOnly Manner = "acknowledged_only" // ACTC, and then nothing but answers to inquiries
	Twice            Manner = "twice"             // every report twice
	OutOfOrder       Manner = "out_of_order"      // the last report first
	Contradictory    Manner = "contradictory"     // credited, and then rejected; or the other way round
	WrongAmount      Manner = "wrong_amount"      // 1,000 dong more than was instructed
	Garbage          Manner = "garbage"           // something that is no report
)

// Manners lists them in the order in which the dice decide about them.
func Manners() []Manner {
	return []Manner{Mute, Lost, AcknowledgedOnly, Twice, OutOfOrder, Contradictory, WrongAmount, Garbage}
}

// The fates of a request for an account, other than to be opened for its holder with everything done.
const (
	NeedsInformation = "needs_information"
	Refused          = "refused"
	BiometricPending = "biometric_pending" // opened, and may not withdraw electronically yet
	OtherName        = "other_name"        // opened in the name of somebody else
	PlainName        = "plain_name"        // the name without accents, in capitals
	MaskedName       = "masked_name"       // N*** V** A**
)

// Fates lists them in the order in which the dice decide about them.
func Fates() []string {
	return []string{NeedsInformation, Refused, BiometricPending, OtherName, PlainName, MaskedName}
}

// How payments are acknowledged before the verdict; nothing is ACTC once.
const (
	AcknowledgeNever = "none"
	AcknowledgeSteps = "steps" // RCVD, ACTC, ACCP, ACSP and, for credits, ACSC
)

// Limits of what can be asked for.
const (
	slowest     = 10 * time.Minute
	longestTime = 24 * time.Hour
	perMille    = 1000
)

// Scenario says how the bank behaves. The zero value is a bank that books and reports everything at once.
type Scenario struct {
	// Acknowledge is empty for ACTC before the verdict, or one of [AcknowledgeNever] and [AcknowledgeSteps].
	Acknowledge string `json:"acknowledge,omitempty"`
	// Reject is how many of 1,000 payments are rejected, by reason (AC01, MD07, ...).
	Reject map[string]int `json:"reject,omitempty"`
	// Manner is how many of 1,000 payments are reported in each way.
	Manner map[Manner]int `json:"manner,omitempty"`
	// Accounts is how many of 1,000 requests for an account have each fate.
	Accounts map[string]int `json:"accounts,omitempty"`
	// Returns says which credits come back.
	Returns Returns `json:"returns,omitzero"`
	// Latency passes before anything is reported.
	Latency delay.Latency `json:"latency,omitzero"`
	// Silent accepts and books everything and answers nothing. What was not answered is never answered by itself.
	Silent bool `json:"silent,omitempty"`
	// Down stops reading instructions.
	Down bool `json:"down,omitempty"`
	// RefuseRecalls keeps the money when it is asked back.
	RefuseRecalls bool `json:"refuse_recalls,omitempty"`
	// AnyAccount credits any account number, as long as there is one, and any name.
	AnyAccount bool `json:"any_account,omitempty"`
	// ForMS ends all this after so many milliseconds; 0 is until further notice.
	ForMS int64 `json:"for_ms,omitempty"`
}

// Returns are credits that come back: PerMille of 1,000, after After further payments were decided, for Reason.
type Returns struct {
	PerMille int    `json:"per_mille,omitempty"`
	After    int64  `json:"after,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

var isReason = regexp.MustCompile(`^[A-Z]{2}[A-Z0-9]{2}$`)

// Check says what is wrong with a scenario.
func (s Scenario) Check() error {
	switch {
	case s.Acknowledge != "" && s.Acknowledge != AcknowledgeNever && s.Acknowledge != AcknowledgeSteps:
		return fmt.Errorf("acknowledge is left out, %q or %q", AcknowledgeNever, AcknowledgeSteps)
	case s.ForMS < 0 || s.ForMS > longestTime.Milliseconds():
		return fmt.Errorf("for_ms is 0 to %d", longestTime.Milliseconds())
	case s.Returns.PerMille < 0 || s.Returns.PerMille > perMille || s.Returns.After < 0:
		return errors.New("returns are 0 to 1000 per_mille, after 0 or more")
	case s.Returns.Reason != "" && !isReason.MatchString(s.Returns.Reason):
		return errors.New("a reason of returns has four capitals or digits")
	}
	for reason := range s.Reject {
		if !isReason.MatchString(reason) {
			return errors.New("reject names reasons of four capitals or digits")
		}
	}
	return errors.Join(s.Latency.Check(slowest),
		shares("reject", s.Reject, slices.Collect(maps.Keys(s.Reject))),
		shares("manner", s.Manner, Manners()), shares("accounts", s.Accounts, Fates()))
}

func shares[K ~string](what string, given map[K]int, known []K) error {
	sum := 0
	for key, share := range given {
		if share < 0 || share > perMille || !slices.Contains(known, key) {
			return fmt.Errorf("%s is %v, each with 0 to 1000", what, known)
		}
		sum += share
	}
	if sum > perMille {
		return fmt.Errorf("%s: more than 1,000 of 1,000", what)
	}
	return nil
}

// draw picks one of the shares, or nothing.
func draw[K ~string](d *dice.Dice, given map[K]int, order []K) K {
	roll := int(d.Below(perMille))
	for _, key := range order {
		if roll < given[key] {
			return key
		}
		roll -= given[key]
	}
	return ""
}

// Stage is the scenario of the moment.
type Stage struct {
	now  func() time.Time
	base Scenario

	mu      sync.Mutex
	current Scenario
	until   time.Time     // zero: until further notice
	changed chan struct{} // closed and replaced at every change
}

// NewStage begins with a scenario.
func NewStage(base Scenario, now func() time.Time) *Stage {
	s := &Stage{now: now, base: base, changed: make(chan struct{})}
	s.Set(base)
	return s
}

// Set replaces the scenario.
func (s *Stage) Set(to Scenario) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.until = to, time.Time{}
	if to.ForMS > 0 {
		s.until = s.now().Add(time.Duration(to.ForMS) * time.Millisecond)
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// Get returns the scenario, how long it still lasts (0: until further notice), and a channel that is closed when it
// changes. One whose time is over gives way to the one of the start, or to none if that was limited in time as well.
func (s *Stage) Get() (current Scenario, left time.Duration, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if !s.until.IsZero() && !now.Before(s.until) {
		s.current, s.until = s.base, time.Time{}
		if s.base.ForMS > 0 {
			s.current = Scenario{}
		}
	}
	if !s.until.IsZero() {
		left = max(s.until.Sub(now), time.Millisecond)
	}
	return s.current, left, s.changed
}

// Reset goes back to the scenario of the start.
func (s *Stage) Reset() { s.Set(s.base) }

// IsReason tells whether a text looks like a reason of ISO 20022.
func IsReason(text string) bool { return isReason.MatchString(text) }

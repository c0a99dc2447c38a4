package signin

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn/person"
)

// desk adds the routes by which administrators look after others' sessions. They are named by the id that facts and logs
// have.
func (s *Signin) desk(a *httpapi.API) {
	httpapi.Query(a, httpapi.Route{
		Pattern: "GET /people/{id}/sessions", Summary: "A person's living sessions", Action: "auth.list_sessions",
	}, s.sessionsOf)
	httpapi.Ask(a, httpapi.Route{
		Pattern: "POST /people/{id}/revocation", Action: "auth.revoke_person",
		Summary: "End all sessions of a person, or refuse the tokens that a machine has, and the keys that either holds or gave out; " +
			"the provider decides about new tokens, and the operators about keys in their file",
	}, s.revokeOf)
	httpapi.Ask(a, httpapi.Route{
		Pattern: "POST /people/{id}/factor-reset", Action: "auth.reset_factor",
		Summary: "Take away the authenticator of somebody who lost it, and end their sessions",
	}, s.resetOf)
	httpapi.Ask(a, httpapi.Route{Pattern: "POST /sessions/{id}/revocation", Summary: "End one session", Action: "auth.revoke_session"}, s.revokeOne)
}

// SessionView is a session as administrators see it.
type SessionView struct {
	ID        string    `json:"id"`
	Role      string    `json:"role"`
	Strong    bool      `json:"strong" doc:"a second factor was shown"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (s *Signin) sessionsOf(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Page[SessionView], error) {
	living, err := s.Sessions(ctx, c.Path("id"))
	page := httpapi.Page[SessionView]{Items: make([]SessionView, 0, len(living))}
	for _, n := range living {
		page.Items = append(page.Items, SessionView{n.ID, string(n.Who.Role), n.Strong, n.Created, n.Seen, n.Expires})
	}
	return page, err
}

// Ended says what was ended.
type Ended struct {
	ID string `json:"id"`
}

// opaqueID is how long an id of a provider's is at least: the numbers of people are shorter.
const opaqueID = 18

// likePerson says what is wrong with a name or a number of a person in the place of the id that facts and logs have. In an id that
// is long enough to be a provider's, digits tell nothing.
func likePerson(id string) error {
	if len(id) >= opaqueID {
		id = strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return -1
			}
			return r
		}, id)
	}
	var faults problem.Faults
	person.CheckNobody(&faults, "/id", id)
	return faults.Err()
}

// noNumber refuses the number of somebody's document or telephone. A name is not refused: ids of offices and machines may read
// like one ("ha-noi-desk"), and nothing must keep them from being cut off.
func noNumber(id string) error {
	if strings.ContainsFunc(id, unicode.IsLetter) {
		return nil
	}
	return likePerson(id)
}

// logged is an id as the log has it, which no person is named in.
func logged(id string) zap.Field {
	if likePerson(id) != nil {
		id = "looks_like_a_person"
	}
	return zap.String("actor", id)
}

func (s *Signin) revokeOf(ctx context.Context, c httpapi.Call[struct{}]) (Ended, error) {
	if err := noNumber(c.Path("id")); err != nil {
		return Ended{}, err
	}
	s.log.Info("sessions, tokens and keys revoked", logged(c.Path("id")), zap.String("by", c.Who.Actor()))
	// Both are tried: what fails of one must not leave the other.
	return Ended{c.Path("id")}, errors.Join(s.RevokePerson(ctx, c.Path("id")), s.options.AlsoRevoke(ctx, c.Path("id"), c.Who.Actor()))
}

func (s *Signin) resetOf(ctx context.Context, c httpapi.Call[struct{}]) (Ended, error) {
	if err := noNumber(c.Path("id")); err != nil {
		return Ended{}, err
	}
	s.log.Info("second factor reset", logged(c.Path("id")), zap.String("by", c.Who.Actor()))
	return Ended{c.Path("id")}, s.ResetFactor(ctx, c.Path("id"))
}

func (s *Signin) revokeOne(ctx context.Context, c httpapi.Call[struct{}]) (Ended, error) {
	found, err := s.Revoke(ctx, c.Path("id"))
	if err != nil {
		return Ended{}, err
	}
	if !found {
		return Ended{}, problem.New(problem.NotFound, "session_unknown", "no such session lives", "không có phiên nào như vậy")
	}
	s.log.Info("session revoked", zap.String("session", c.Path("id")), zap.String("by", c.Who.Actor()))
	return Ended{c.Path("id")}, nil
}

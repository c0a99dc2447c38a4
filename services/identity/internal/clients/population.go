package clients

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/time/rate"

	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/peer"
	"github.com/songan-vn/songan/services/identity/internal/check"
)

// Population asks the national population database. The whole nation asks it, so a province keeps to its share.
type Population struct {
	client *peer.Client
	share  *rate.Limiter
}

// NewPopulation returns a client that asks at most perSecond times a second.
func NewPopulation(o Options, perSecond int) *Population {
	return &Population{client: peer.NewClient(o), share: rate.NewLimiter(rate.Limit(perSecond), perSecond)}
}

// Check compares a person with the register. Fields names what differs when the outcome is a mismatch.
func (p *Population) Check(ctx context.Context, who Person) (outcome check.Outcome, fields []string, err error) {
	type verdict struct {
		Result  string   `json:"result"`
		Differs []string `json:"differs"`
	}
	if err := p.share.Wait(ctx); err != nil {
		return check.Unasked, nil, breaker.Down(fmt.Errorf("wait for a turn at the population database: %w", err))
	}
	answer, err := peer.Post[verdict](ctx, p.client, "/v1/checks", map[string]string{
		"number": who.Document.Number, "full_name": who.FullName, "birth_date": who.BirthDate, "sex": who.Sex,
	})
	if err != nil {
		return check.Unasked, nil, fmt.Errorf("ask population database: %w", err)
	}
	switch answer.Result {
	case "matched":
		return check.Matched, nil, nil
	case "not_found":
		return check.NotFound, nil, nil
	case "mismatched":
		if fields, ok := known(answer.Differs); ok {
			return check.Mismatched, fields, nil
		}
	}
	return check.Unasked, nil, breaker.Down(fmt.Errorf("ask population database: %w", peer.ErrUnreadable))
}

// known accepts names of fields only, so that a register that answers with values cannot put them into a fact.
func known(fields []string) ([]string, bool) {
	for _, f := range fields {
		if !slices.Contains([]string{"full_name", "birth_date", "sex"}, f) {
			return nil, false
		}
	}
	return fields, len(fields) > 0
}

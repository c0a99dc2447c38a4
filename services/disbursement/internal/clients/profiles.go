// Package clients asks the accounts service about people who receive money.
package clients

import (
	"context"
	"fmt"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/peer"
)

// Profile is what the rules and the lists need to know of a beneficiary.
type Profile struct {
	Beneficiary string      `json:"beneficiary"`
	Found       bool        `json:"found"`
	Unit        events.Unit `json:"unit"`
	// Mark is the person's keyed name.
	Mark      string `json:"mark"`
	BirthDate string `json:"birth_date"`
	// DiedOn is empty for the living.
	DiedOn string `json:"died_on"`
}

// Profiles asks for the profiles of beneficiaries. Questions that come at the same time go in one call.
type Profiles struct {
	batcher *peer.Batcher[string, Profile]
}

// together is the most that accounts answers in one call.
const together = 500

// NewProfiles returns a client; it opens no connection yet.
func NewProfiles(o peer.Options) *Profiles {
	client := peer.NewClient(o)
	ask := func(ctx context.Context, ids []string) (map[string]Profile, error) {
		type found struct {
			Items []Profile `json:"items"`
		}
		answer, err := peer.Post[found](ctx, client, "/accounts/v1/profiles", map[string]any{
			"beneficiaries": ids, "purpose": "enrolment", "case": "enrolment-" + ids[0],
		})
		if err != nil {
			return nil, fmt.Errorf("ask accounts for profiles: %w", err)
		}
		profiles := make(map[string]Profile, len(answer.Items))
		for _, item := range answer.Items {
			profiles[item.Beneficiary] = item
		}
		return profiles, nil
	}
	return &Profiles{batcher: peer.NewBatcher(peer.Batching{Most: together}, ask)}
}

// Profile answers false for a beneficiary that accounts does not know.
func (p *Profiles) Profile(ctx context.Context, beneficiary string) (Profile, bool, error) {
	profile, known, err := p.batcher.Ask(ctx, beneficiary)
	return profile, known && profile.Found, err
}

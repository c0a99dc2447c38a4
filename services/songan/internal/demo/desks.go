package demo

import (
	"context"
	"fmt"

	"github.com/songan-vn/songan/services/simulators/people"
	"github.com/songan-vn/songan/services/songan/internal/demo/client"
)

// api is where the routes of the accommodation service begin.
const api = "/accommodation/v1"

// desk is a facility of the evening and the key of its software.
type desk struct {
	id, token string
}

// registrations is how many facilities are registered at the same time.
const registrations = 8

// register enters the facilities as the police of the province and has a key issued for each. The idempotency keys follow from
// the seed, so a second evening finds the same facilities and gets the same keys.
func (s *show) register(ctx context.Context) ([]desk, error) {
	desks := make([]desk, len(s.plan.Facilities))
	err := client.Each(ctx, registrations, len(desks), func(ctx context.Context, n int) (err error) {
		key := fmt.Sprintf("demo-%d-facility-%d", s.args.Seed, n)
		if desks[n], err = s.open(ctx, key, s.plan.Facilities[n]); err != nil {
			return fmt.Errorf("register facility %d: %w", n, err)
		}
		s.facilities.Add(1)
		return nil
	})
	return desks, err
}

func (s *show) open(ctx context.Context, key string, f people.Facility) (desk, error) {
	var registered struct {
		ID string `json:"id"`
	}
	if err := s.api.Create(ctx, client.Call{Path: api + "/facilities", Token: s.police, Key: key}, f, &registered); err != nil {
		return desk{}, fmt.Errorf("register a facility: %w", err)
	}
	var issued struct {
		Token string `json:"token"`
	}
	issue := client.Call{Path: api + "/facilities/" + registered.ID + "/keys", Token: s.police, Key: key + "-key"}
	if err := s.api.Create(ctx, issue, client.Object{}, &issued); err != nil {
		return desk{}, fmt.Errorf("issue a key: %w", err)
	}
	return desk{id: registered.ID, token: issued.Token}, nil
}

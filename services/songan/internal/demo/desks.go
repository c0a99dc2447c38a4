package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/songan-vn/songan/services/simulators/people"
)

// api is where the routes of the accommodation service begin.
const api = "/accommodation/v1"

// desk is a facility of the evening and the key of its software.
type desk struct {
	id, token string
	isNew     bool
}

// registrations is how many facilities are registered at the same time.
const registrations = 8

// register enters the facilities as the administrator and has a key issued for each. The idempotency keys follow from
// the seed, so a second evening finds the same facilities and gets the same keys.
func register(ctx context.Context, c *client, admin string, seed uint64, facilities []people.Facility, shown *gauge) ([]desk, error) {
	desks := make([]desk, len(facilities))
	err := each(ctx, registrations, len(facilities), func(ctx context.Context, n int) (err error) {
		if desks[n], err = open(ctx, c, admin, fmt.Sprintf("demo-%d-facility-%d", seed, n), facilities[n]); err != nil {
			return fmt.Errorf("register facility %d: %w", n, err)
		}
		shown.add(1)
		return nil
	})
	return desks, err
}

func open(ctx context.Context, c *client, admin, key string, f people.Facility) (desk, error) {
	var registered struct {
		ID string `json:"id"`
	}
	replayed, err := c.create(ctx, call{path: api + "/facilities", token: admin, key: key}, f, &registered)
	if err != nil {
		return desk{}, err
	}
	var issued struct {
		Token string `json:"token"`
	}
	forever := map[string]any{"expires_at": time.Date(2099, time.January, 1, 0, 0, 0, 0, time.UTC)}
	issue := call{path: api + "/facilities/" + registered.ID + "/keys", token: admin, key: key + "-key"}
	if _, err := c.create(ctx, issue, forever, &issued); err != nil {
		return desk{}, fmt.Errorf("issue a key: %w", err)
	}
	return desk{id: registered.ID, token: issued.Token, isNew: !replayed}, nil
}

// create posts body and reads what was made.
func (c *client) create(ctx context.Context, r call, body, made any) (replayed bool, err error) {
	r.method = http.MethodPost
	if r.body, err = json.Marshal(body); err != nil {
		return false, fmt.Errorf("write body: %w", err)
	}
	got, err := c.do(ctx, r)
	if err != nil {
		return false, err
	}
	if got.status != http.StatusCreated {
		return false, refusalOf(got)
	}
	if err := json.Unmarshal(got.body, made); err != nil {
		return false, fmt.Errorf("read answer: %w", err)
	}
	return got.replayed, nil
}

// read gets a document.
func (c *client) read(ctx context.Context, r call, into any) error {
	r.method = http.MethodGet
	got, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	if got.status != http.StatusOK {
		return refusalOf(got)
	}
	if err := json.Unmarshal(got.body, into); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// refusalOf says why a request was refused that should not have been.
func refusalOf(a answer) error {
	var p problem
	if err := json.Unmarshal(a.body, &p); err != nil || p.Code == "" {
		return fmt.Errorf("answered with status %d", a.status)
	}
	return fmt.Errorf("answered with status %d, %s", a.status, p.code())
}

// Package identity is the service that checks people against the national population database. It is the only one
// that calls it, and it keeps nobody: a person is asked for by reference, held for one check, and forgotten.
package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accommodation"
	"github.com/songan-vn/songan/events/accounts"
	facts "github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/identity/internal/clients"
	"github.com/songan-vn/songan/services/identity/internal/reactions"
)

// Name is the service's name in topics and configuration.
const Name = "identity"

// Config is what has to be set besides service.Config.
type Config struct {
	// PopulationURL and PopulationKey reach the population database.
	PopulationURL string `env:"SONGAN_POPULATION_URL,required"`
	PopulationKey string `env:"SONGAN_POPULATION_KEY,required"`
	// PopulationRate is the province's share of the population database, in checks per second.
	PopulationRate int `env:"SONGAN_POPULATION_RATE" envDefault:"400"`
	// PeopleURL and PeopleToken reach the accommodation service, which knows the person behind a reference.
	PeopleURL   string `env:"SONGAN_PEOPLE_URL,required"`
	PeopleToken string `env:"SONGAN_PEOPLE_TOKEN,required"`
	// AccountsURL and AccountsToken reach the accounts service, which knows beneficiaries. Without them, beneficiaries are
	// not checked: an installation for stay notices alone has none.
	AccountsURL   string `env:"SONGAN_ACCOUNTS_URL"`
	AccountsToken string `env:"SONGAN_ACCOUNTS_TOKEN"`
	// InFlight is how many people are checked at the same time, per partition.
	InFlight int `env:"SONGAN_IDENTITY_IN_FLIGHT" envDefault:"16"`
}

func (c Config) check() error {
	switch {
	case c.PopulationRate < 1 || c.InFlight < 1:
		return errors.New("SONGAN_POPULATION_RATE and SONGAN_IDENTITY_IN_FLIGHT are at least 1")
	case (c.AccountsURL == "") != (c.AccountsToken == ""):
		return errors.New("SONGAN_ACCOUNTS_URL and SONGAN_ACCOUNTS_TOKEN belong together")
	}
	return nil
}

// New builds the service from the environment.
func New(ctx context.Context, deps service.Deps) (service.Service, error) {
	return service.FromEnv(ctx, deps, NewWith)
}

// NewWith builds the service for a process that knows where its dependencies are.
func NewWith(ctx context.Context, deps service.Deps, config Config) (service.Service, error) {
	if err := config.check(); err != nil {
		return service.Service{}, err
	}
	base, err := foundation.Open(ctx, deps, foundation.Options{
		Service: Name, Own: events.NewCatalog(facts.Catalog()), Others: others(config),
	})
	if err != nil {
		return service.Service{}, err
	}
	checks, err := newChecks(deps, base, config)
	if err == nil {
		err = base.React("checks", config.InFlight, checks.Handlers()...)
	}
	if err != nil {
		base.Close()
		return service.Service{}, err
	}
	api := httpapi.New(base.API("Identity checks"))
	base.Operate(api)
	return base.Service(api), nil
}

// others are the facts about people who are to be checked.
func others(config Config) events.Catalog {
	if config.AccountsURL == "" {
		return events.NewCatalog(accommodation.NoticeFacts())
	}
	return events.NewCatalog(accommodation.NoticeFacts(), accounts.BeneficiaryFacts())
}

func newChecks(deps service.Deps, base *foundation.Foundation, config Config) (reactions.Checks, error) {
	population, err := newBreaker("population", deps)
	if err != nil {
		return reactions.Checks{}, err
	}
	people, err := newPeople(deps, config)
	if err != nil {
		return reactions.Checks{}, err
	}
	return reactions.Checks{
		Log: base.Log, Now: deps.Now, People: people,
		Population: clients.NewPopulation(clients.Options{
			URL: config.PopulationURL, Token: config.PopulationKey, Breaker: population, Now: deps.Now,
		}, config.PopulationRate),
	}, nil
}

// newPeople makes a client, with a breaker of its own, of each service that knows people.
func newPeople(deps service.Deps, config Config) (map[string]*clients.People, error) {
	around, err := newBreaker("people", deps)
	if err != nil {
		return nil, err
	}
	people := map[string]*clients.People{"accommodation": clients.NewPeople("accommodation", clients.Options{
		URL: config.PeopleURL, Token: config.PeopleToken, Breaker: around, Now: deps.Now,
	})}
	if config.AccountsURL == "" {
		return people, nil
	}
	if around, err = newBreaker("accounts", deps); err != nil {
		return nil, err
	}
	people["accounts"] = clients.NewPeople("accounts", clients.Options{
		URL: config.AccountsURL, Token: config.AccountsToken, Breaker: around, Now: deps.Now,
	})
	return people, nil
}

// openFor is how long an open breaker waits before it probes: short, because the facts wait meanwhile.
const openFor = 2 * time.Second

func newBreaker(name string, deps service.Deps) (*breaker.Breaker, error) {
	b, err := breaker.New(name, breaker.Settings{OpenFor: openFor, Registerer: deps.Metrics})
	if err != nil {
		return nil, fmt.Errorf("breaker around %s: %w", name, err)
	}
	return b, nil
}

package onemachine

import (
	"context"
	"fmt"

	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/simulators/population"
)

// Seed makes the people of the simulated register; the demo's guests come from the same one.
const Seed = 6

// simulators starts the outside world: programs on ports of their own, which the services reach over the network as
// they would the real ones. An installation with a real population database configures the identity service alone.
func (m *machine) simulators(ctx context.Context) (service.Service, error) {
	register, err := population.New(population.Options{Key: m.cast.populationKey, Seed: Seed, Now: m.deps.Now})
	if err != nil {
		return service.Service{}, fmt.Errorf("make the simulated register: %w", err)
	}
	if err := register.Start(ctx); err != nil {
		return service.Service{}, err
	}
	m.population, m.populationControl = register.URL(), register.ControlURL()
	return service.Service{Name: "simulators", Close: func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
		defer cancel()
		return register.Close(ctx)
	}}, nil
}

package onemachine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/simulators/bank"
	"github.com/songan-vn/songan/services/simulators/population"
)

// Seed makes the people of the simulated register; the demo's guests come from the same one.
const Seed = 6

// simulators starts the outside world: programs on ports of their own, which the services reach over the network as
// they would the real ones. An installation with a real population database and real banks configures identity and
// bankgateway alone.
func (m *machine) simulators(ctx context.Context) (_ service.Service, err error) {
	var started []interface{ Close(context.Context) error }
	closeAll := func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
		defer cancel()
		var faults []error
		for _, s := range started {
			faults = append(faults, s.Close(ctx))
		}
		return errors.Join(faults...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll())
		}
	}()
	register, err := population.New(population.Options{Key: m.cast.populationKey, Seed: Seed, Now: m.deps.Now})
	if err != nil {
		return service.Service{}, fmt.Errorf("make the simulated register: %w", err)
	}
	if err := register.Start(ctx); err != nil {
		return service.Service{}, fmt.Errorf("start the simulated register: %w", err)
	}
	started = append(started, register)
	m.population, m.populationControl = register.URL(), register.ControlURL()
	for _, bic := range Banks() {
		options, err := m.bankOptions(bic)
		if err != nil {
			return service.Service{}, err
		}
		simulated, err := bank.New(options)
		if err != nil {
			return service.Service{}, fmt.Errorf("make the simulated bank %s: %w", bic, err)
		}
		started = append(started, simulated)
		if err := simulated.Start(ctx); err != nil {
			return service.Service{}, fmt.Errorf("start a simulated bank: %w", err)
		}
		m.banks[bic] = Bank{Control: simulated.ControlURL()}
	}
	return service.Service{Name: "simulators", Close: closeAll}, nil
}

// bankOptions are those of a bank with a login of its own, which knows nothing of the system but the published contract.
// It behaves from its start as it is to: what it was told at its control address it forgets when it is killed.
func (m *machine) bankOptions(bic string) (bank.Options, error) {
	actor := m.cast.actors["bank_"+bic]
	options := bank.Options{
		BIC: bic, Topics: m.store.config.Topics, Brokers: m.store.config.Brokers,
		User: actor.KafkaUser, Password: actor.KafkaPassword,
		Dir: filepath.Join(m.deps.Config.Data, "banks", bic), Seed: Seed, Now: m.deps.Now,
	}
	if scenario := os.Getenv("SONGAN_BANK_SCENARIO"); scenario != "" {
		if err := json.Unmarshal([]byte(scenario), &options.Scenario); err != nil {
			return options, fmt.Errorf("read SONGAN_BANK_SCENARIO: %w", err)
		}
	}
	return options, nil
}

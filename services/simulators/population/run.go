package population

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Run is the program: it reads its settings from the environment, says where it listens, and stays until ctx ends.
func Run(ctx context.Context, getenv func(string) string, out io.Writer) error {
	options, err := optionsFrom(getenv)
	if err != nil {
		return err
	}
	simulator, err := New(options)
	if err != nil {
		return err
	}
	if err := simulator.Start(ctx); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "population database of %d people: checks %s/v1/checks, control %s/control/faults\n",
		simulator.register.Size(), simulator.URL(), simulator.ControlURL()); err != nil {
		return errors.Join(err, simulator.Close(context.WithoutCancel(ctx)))
	}
	<-ctx.Done()
	return simulator.Close(context.WithoutCancel(ctx))
}

func optionsFrom(getenv func(string) string) (Options, error) {
	get := func(name string) string { return getenv("SONGAN_POPULATION_" + name) }
	number := func(name string) (uint64, error) {
		n, err := strconv.ParseUint(cmp.Or(get(name), "0"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("SONGAN_POPULATION_%s is not a number", name)
		}
		return n, nil
	}
	o := Options{
		Addr: cmp.Or(get("ADDR"), "127.0.0.1:9400"), ControlAddr: cmp.Or(get("CONTROL_ADDR"), "127.0.0.1:9401"), Key: get("KEY"),
	}
	if o.Key == "" {
		return Options{}, errors.New("SONGAN_POPULATION_KEY is not set")
	}
	var err error
	if o.Seed, err = number("SEED"); err != nil {
		return Options{}, err
	}
	if o.Size, err = number("SIZE"); err != nil {
		return Options{}, err
	}
	if faults := get("FAULTS"); faults != "" {
		decoder := json.NewDecoder(strings.NewReader(faults))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&o.Faults); err != nil {
			return Options{}, fmt.Errorf("read SONGAN_POPULATION_FAULTS: %w", err)
		}
	}
	return o, nil
}

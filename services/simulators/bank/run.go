package bank

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/songan-vn/songan/libs/certificate"
)

// Run is the program: it reads its settings from the environment, says where it listens, and stays until ctx ends.
func Run(ctx context.Context, getenv func(string) string, out io.Writer) error {
	options, err := optionsFrom(getenv)
	if err != nil {
		return err
	}
	options.Log = out
	simulator, err := New(options)
	if err != nil {
		return err
	}
	if err := simulator.Start(ctx); err != nil {
		return errors.Join(err, simulator.Close(context.WithoutCancel(ctx)))
	}
	if _, err := fmt.Fprintf(out, "bank %s: control %s/control/scenario, ledger %s/ledger\n",
		options.BIC, simulator.ControlURL(), simulator.ControlURL()); err != nil {
		return errors.Join(err, simulator.Close(context.WithoutCancel(ctx)))
	}
	<-ctx.Done()
	return simulator.Close(context.WithoutCancel(ctx))
}

func optionsFrom(getenv func(string) string) (Options, error) {
	get := func(name string) string { return getenv("SONGAN_BANK_" + name) }
	o := Options{
		BIC: get("BIC"), User: get("USER"), Password: get("PASSWORD"), Dir: get("DIR"),
		ControlAddr: cmp.Or(get("CONTROL_ADDR"), "127.0.0.1:9411"), Brokers: strings.Split(get("BROKERS"), ","),
	}
	for _, name := range []string{"BIC", "BROKERS", "DIR"} {
		if get(name) == "" {
			return Options{}, fmt.Errorf("SONGAN_BANK_%s is not set", name)
		}
	}
	var err error
	if files := (certificate.Files{CA: get("TLS_CA"), Certificate: get("TLS_CERTIFICATE"), Key: get("TLS_KEY")}); files != (certificate.Files{}) {
		if o.TLS, err = files.Client(nil); err != nil {
			return Options{}, fmt.Errorf("SONGAN_BANK_TLS_CA, _TLS_CERTIFICATE, _TLS_KEY: %w", err)
		}
	}
	if o.Seed, err = strconv.ParseUint(cmp.Or(get("SEED"), "0"), 10, 64); err != nil {
		return Options{}, errors.New("SONGAN_BANK_SEED is not a number")
	}
	if scenario := get("SCENARIO"); scenario != "" {
		decoder := json.NewDecoder(strings.NewReader(scenario))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&o.Scenario); err != nil {
			return Options{}, fmt.Errorf("read SONGAN_BANK_SCENARIO: %w", err)
		}
	}
	return o, nil
}

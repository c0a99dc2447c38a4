// Command population runs the simulated population database on its own.
//
// It is set by the environment: SONGAN_POPULATION_ADDR and _CONTROL_ADDR (where to listen, default 127.0.0.1:9400
// and 127.0.0.1:9401), _KEY (what callers send, required), _SEED and _SIZE (which register), _FAULTS (what goes
// wrong from the start, as JSON).
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/songan-vn/songan/services/simulators/population"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := population.Run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "population:", err)
		os.Exit(1)
	}
}

// Command bank runs one simulated bank on its own.
//
// It is set by the environment: SONGAN_BANK_BIC (which bank), _BROKERS, _USER and _PASSWORD (Kafka, as that bank),
// _TLS_CA, _TLS_CERTIFICATE and _TLS_KEY (files, where the brokers speak TLS), _DIR (the folder of its ledger), _CONTROL_ADDR (default 127.0.0.1:9411), _SEED, _SCENARIO (how it behaves, as JSON).
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/songan-vn/songan/services/simulators/bank"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bank.Run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bank:", err)
		os.Exit(1)
	}
}

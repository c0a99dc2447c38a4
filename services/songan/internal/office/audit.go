package office

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/services/disbursement/audit"
)

// Audit recomputes the invariants of money from the logs alone.
type Audit struct {
	Data     string `help:"Data directory of a running system." env:"SONGAN_DATA" default:".songan"`
	Rules    string `help:"File of the rates and coefficients that disbursement was given; those of the program if it is left out." env:"SONGAN_DISBURSEMENT_RULES"`
	Database string `help:"The server's URL; that of the running system in the data directory if it is left out." env:"DATABASE_URL"`
}

// ErrAudit says that an invariant does not hold.
var ErrAudit = errors.New("an invariant does not hold")

// Do prints a line for each invariant and errs with [ErrAudit] if one does not hold.
func (a Audit) Do(ctx context.Context, out io.Writer) error {
	place := Place{Data: a.Data, Database: a.Database}
	var pools [3]*pgxpool.Pool
	for i, service := range []string{"accounts", "disbursement", "bankgateway"} {
		address, err := place.address(service)
		if err != nil {
			return err
		}
		const conns = 3
		if pools[i], err = pg.Open(ctx, address, pg.Options{MaxConns: conns, Name: service + "-audit"}); err != nil {
			return fmt.Errorf("open %s: %w", service, err)
		}
		defer pools[i].Close()
	}
	report, err := audit.Run(ctx, audit.Sources{Accounts: pools[0], Disbursement: pools[1], Gateway: pools[2], Rules: a.Rules})
	if err != nil {
		return fmt.Errorf("recompute the invariants: %w", err)
	}
	if _, err := report.WriteTo(out); err != nil {
		return fmt.Errorf("print the audit: %w", err)
	}
	if !report.OK() {
		return ErrAudit
	}
	return nil
}

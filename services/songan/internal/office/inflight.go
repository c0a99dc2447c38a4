package office

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/accounts"
	people "github.com/songan-vn/songan/services/accounts/needed"
	"github.com/songan-vn/songan/services/disbursement"
	money "github.com/songan-vn/songan/services/disbursement/needed"
)

// neededWithin is how long read models may take to come up to their logs; they do not where a service is stopped.
const neededWithin = 30 * time.Second

// needed asks for the vault of accounts what the service itself asks, of the databases instead of over HTTP. Whoever opens
// another vault has nobody to ask.
func (p Place) needed(service string, pool *pgxpool.Pool) vault.Needed {
	if service != accounts.Name {
		return nil
	}
	return func(ctx context.Context, refs []vault.Ref) (map[vault.Ref]string, error) {
		ctx, cancel := context.WithTimeout(ctx, neededWithin)
		defer cancel()
		address, err := p.address(disbursement.Name)
		if err != nil {
			return nil, err
		}
		payments, err := pg.Open(ctx, address, pg.Options{MaxConns: 1, Name: disbursement.Name + "-office"})
		if err != nil {
			return nil, fmt.Errorf("open the log of payments: %w", err)
		}
		defer payments.Close()
		return people.Of(ctx, pool, refs, func(ctx context.Context, beneficiaries []string) ([]string, error) {
			return money.Of(ctx, payments, beneficiaries)
		})
	}
}

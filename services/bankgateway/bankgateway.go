// Package bankgateway is the service that talks to banks: one channel per bank, of two Kafka topics that this bank and
// the gateway alone may use. It asks for accounts, instructs, inquires and recalls, and turns what banks report into
// facts without personal data. Account numbers stand in its vault.
package bankgateway

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bank"
	facts "github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/pace"
	"github.com/songan-vn/songan/libs/peer"
	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/plainjson"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/bankgateway/internal/clients"
	"github.com/songan-vn/songan/services/bankgateway/internal/projections"
	"github.com/songan-vn/songan/services/bankgateway/internal/reactions"
	"github.com/songan-vn/songan/services/bankgateway/internal/reactions/claims"
	"github.com/songan-vn/songan/services/bankgateway/trail"
)

// Name is the service's name in paths, topics and configuration.
const Name = "bankgateway"

// Config is what has to be set besides service.Config.
type Config struct {
	// Banks are the BICs of the banks that are connected.
	Banks []string `env:"SONGAN_BANKS,required"`
	// BankPasswords lets banks in to Kafka, "BIC:password,BIC:password"; best given as SONGAN_BANK_PASSWORDS_FILE. The
	// user of a bank without one is somebody else's business.
	BankPasswords map[string]string `env:"SONGAN_BANK_PASSWORDS"`
	// BankGrants gives the banks' users their rights at start; for that, SONGAN_KAFKA_USER has to be allowed to.
	BankGrants bool `env:"SONGAN_BANK_GRANTS" envDefault:"true"`
	// AccountsURL and AccountsToken reach the accounts service, which knows the person behind a reference.
	AccountsURL   string `env:"SONGAN_ACCOUNTS_URL,required"`
	AccountsToken string `env:"SONGAN_ACCOUNTS_TOKEN,required"`
	// InFlight is how many reports of a bank are handled at the same time, per partition.
	InFlight int `env:"SONGAN_BANKGATEWAY_IN_FLIGHT" envDefault:"64"`
	// Retention is how long banks' topics keep what is said on them. 0 leaves that to whoever keeps the cluster.
	Retention time.Duration `env:"SONGAN_BANKGATEWAY_RETENTION" envDefault:"2160h"`
}

// leastRetention is what no outage of a bank, and no quarantine of its reports, should last: what is older is gone on both sides.
const leastRetention = 30 * 24 * time.Hour

// bic is ISO 9362.
var bic = regexp.MustCompile(`^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$`)

func (c Config) check() error {
	if c.InFlight < 1 {
		return errors.New("SONGAN_BANKGATEWAY_IN_FLIGHT is at least 1")
	}
	if c.Retention != 0 && c.Retention < leastRetention {
		return fmt.Errorf("SONGAN_BANKGATEWAY_RETENTION is at least %s, or 0", leastRetention)
	}
	banks := slices.Sorted(slices.Values(c.Banks))
	for i, b := range banks {
		if !bic.MatchString(b) || i > 0 && banks[i-1] == b {
			return fmt.Errorf("SONGAN_BANKS: %q is no BIC, or stands there twice", b)
		}
	}
	for b := range c.BankPasswords {
		if !slices.Contains(banks, b) {
			return fmt.Errorf("SONGAN_BANK_PASSWORDS: %q is not in SONGAN_BANKS", b)
		}
	}
	return nil
}

// app is what the handlers and runners work with.
type app struct {
	pool   *pgxpool.Pool
	log    *eventstore.Store
	vault  *vault.Vault
	now    func() time.Time
	logger *zap.Logger
	config Config
	people *clients.People
	banks  map[string]*clients.Bank
	gauges gauges
	pace   *pace.Pace

	dispatches, channels *projection.Model
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
		Service: Name, Own: events.NewCatalog(facts.Catalog()),
		Others: events.NewCatalog(accounts.Catalog(), disbursement.Catalog()), HeardLater: true,
	})
	if err != nil {
		return service.Service{}, err
	}
	a := &app{
		pool: base.Pool, log: base.Log, vault: base.Vault, now: deps.Now, logger: deps.Log, config: config,
		banks: map[string]*clients.Bank{}, pace: base.Pace,
	}
	if err := a.wire(ctx, base, deps); err != nil {
		base.Close()
		return service.Service{}, err
	}
	routes := a.routes(base.API("Bank gateway"))
	base.Operate(routes)
	err = base.TellOfPeople(routes, func(_ context.Context, keys subject.Keys) (subject.Trail, error) { return trail.Of(keys), nil })
	if err != nil {
		err = errors.Join(err, a.close())
		base.Close()
		return service.Service{}, err
	}
	s := base.Service(routes, service.Runner{Name: "outbox", Run: a.sendAll}, service.Runner{Name: "gauges", Run: a.count})
	s.Close = func() error { defer base.Close(); return a.close() }
	return s, nil
}

// peopleOpenFor is how long an open breaker waits before it probes: short, because payments wait meanwhile.
const peopleOpenFor = 2 * time.Second

// wire adds the read models, the banks and the reactions.
func (a *app) wire(ctx context.Context, base *foundation.Foundation, deps service.Deps) (err error) {
	around, err := breaker.New("gateway_accounts", breaker.Settings{OpenFor: peopleOpenFor, Registerer: deps.Metrics})
	if err != nil {
		return fmt.Errorf("breaker around accounts: %w", err)
	}
	if a.gauges, err = newGauges(deps.Metrics); err != nil {
		return fmt.Errorf("metrics of banks: %w", err)
	}
	a.people = clients.NewPeople(peer.Options{URL: a.config.AccountsURL, Token: a.config.AccountsToken, Breaker: around, Now: a.now})
	if err := claims.Migrate(ctx, base.Pool); err != nil {
		return fmt.Errorf("make the table of claims: %w", err)
	}
	if a.dispatches, err = base.ProjectWith(ctx, projections.Dispatches(), "accounts", "disbursement"); err != nil {
		return err
	}
	if a.channels, err = base.Project(ctx, projections.Channels()); err != nil {
		return err
	}
	for _, b := range a.config.Banks {
		if err := a.connect(ctx, base, deps, b); err != nil {
			return err
		}
	}
	held := reactions.Held{Outbox: a.outbox(), Now: a.now}
	return base.ReactTo("held", foundation.Reading{
		Topics: []string{kafkabus.OwnLog}, Catalog: events.NewCatalog(held.Facts()),
	}, held.Handlers()...)
}

// connect opens the way to a bank and listens to it. Each bank is a consumer of its own.
func (a *app) connect(ctx context.Context, base *foundation.Foundation, deps service.Deps, b string) (err error) {
	topics := bank.Topics{Prefix: deps.Config.Topics, BIC: b}
	err = clients.Ensure(ctx, base.Bus, topics, clients.Access{
		Grant: a.config.BankGrants, Password: a.config.BankPasswords[b], Replication: deps.Config.Replication,
		Retention: a.config.Retention,
	})
	if err != nil {
		return fmt.Errorf("name the topics of bank %s: %w", b, err)
	}
	if a.banks[b], err = clients.NewBank(base.Bus, topics, deps.Metrics); err != nil {
		return fmt.Errorf("connect bank %s: %w", b, err)
	}
	reports := reactions.Reports{Bank: b, Pool: a.pool, Log: a.log, Vault: a.vault, People: a.people, Now: a.now}
	return base.ReactTo("reports."+b, foundation.Reading{
		Topics: []string{topics.Reports()}, Catalog: events.NewCatalog(bank.Reports()), InFlight: a.config.InFlight, Foreign: reports.Foreign(),
	}, reports.Handlers()...)
}

func (a *app) outbox() reactions.Outbox {
	return reactions.Outbox{
		Resolver: reactions.Resolver{Vault: a.vault, People: a.people},
		Pool:     a.pool, Log: a.log, Now: a.now, Logger: a.logger,
		Shows: a.dispatches.Shows, Written: a.dispatches.Written, Rush: a.pace.Rush, Rushing: a.pace.Rushing, JSON: plainjson.Standard(),
	}
}

// leadPause is the wait before the locks are taken again.
const leadPause = time.Second

// sendAll serves every bank, each in one process at a time.
func (a *app) sendAll(ctx context.Context) error {
	outbox := a.outbox()
	for ctx.Err() == nil {
		err := pg.Lead(ctx, a.pool, a.config.Banks, func(ctx context.Context, b string) { outbox.Run(ctx, a.banks[b]) })
		if err != nil {
			a.logger.Error("sending to banks stopped and starts again", telemetry.Err(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(leadPause):
		}
	}
	return nil
}

func (a *app) close() error {
	var faults []error
	for _, b := range a.banks {
		if b != nil {
			faults = append(faults, b.Close())
		}
	}
	return errors.Join(faults...)
}

// routes is the whole HTTP surface of the service.
func (a *app) routes(o httpapi.Options) *httpapi.API {
	api := httpapi.New(o)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /banks", Summary: "How the channel to each bank is doing", Action: "bankgateway.list_banks", After: a.channels.WaitFor,
	}, a.listBanks)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /dispatches", Summary: "What is to be said to banks and was not yet, in the order in which it came", Action: "bankgateway.list_dispatches",
		After: a.dispatches.WaitFor,
	}, a.listDispatches)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /banks/{bic}/pause", Summary: "Send nothing to a bank for now; what it reports is heard", Action: "bankgateway.pause_bank",
	}, a.pause)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /banks/{bic}/resumption", Summary: "Send to the bank again", Action: "bankgateway.resume_bank",
	}, a.resume)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /instructions/{id}/history", Summary: "Everything that was said about one instruction", Action: "bankgateway.read_instruction_history",
	}, a.history)
	return api
}

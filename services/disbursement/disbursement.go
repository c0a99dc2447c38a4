// Package disbursement is the service of social-security money: who is entitled to what, the monthly lists (payrolls),
// and the payments that are made of them. No list is paid that three persons have not had in their hands, and none that
// is not funded.
package disbursement

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	facts "github.com/songan-vn/songan/events/disbursement"
	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/peer"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/libs/witness"
	"github.com/songan-vn/songan/services/disbursement/internal/clients"
	"github.com/songan-vn/songan/services/disbursement/internal/entitlement"
	"github.com/songan-vn/songan/services/disbursement/internal/payroll"
	"github.com/songan-vn/songan/services/disbursement/internal/projections"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/clerk"
	"github.com/songan-vn/songan/services/disbursement/internal/reactions/stops"
	"github.com/songan-vn/songan/services/disbursement/internal/voucher"
	"github.com/songan-vn/songan/services/disbursement/trail"
)

// Name is the service's name in paths, topics and configuration.
const Name = "disbursement"

// Config is what can be set besides service.Config.
type Config struct {
	// AccountsURL and AccountsToken reach the accounts service, which knows beneficiaries.
	AccountsURL   string `env:"SONGAN_ACCOUNTS_URL,required"`
	AccountsToken string `env:"SONGAN_ACCOUNTS_TOKEN,required"`
	// Rules is a file that replaces the rates and coefficients which come with the program.
	Rules string `env:"SONGAN_DISBURSEMENT_RULES"`
	// LookBack is how many months before its own a list looks for arrears and overpaid months.
	LookBack int `env:"SONGAN_DISBURSEMENT_LOOK_BACK" envDefault:"12"`
	// Silence is how long a bank may say nothing about a payment before it is asked.
	Silence time.Duration `env:"SONGAN_DISBURSEMENT_SILENCE" envDefault:"15m"`
	// TwoTreasurers wants another person to release a list than those who entered its money. Whoever has two treasurers wants it.
	TwoTreasurers bool `env:"SONGAN_DISBURSEMENT_TWO_TREASURERS" envDefault:"false"`
}

// check says what is wrong with the configuration.
func (c Config) check() error {
	const years = 5 * 12
	if c.LookBack < 0 || c.LookBack > years {
		return errors.New("SONGAN_DISBURSEMENT_LOOK_BACK is between 0 and 60 months")
	}
	if c.Silence <= 0 {
		return errors.New("SONGAN_DISBURSEMENT_SILENCE is more than 0")
	}
	return nil
}

// app is what the handlers work with.
type app struct {
	pool   *pgxpool.Pool
	log    *eventstore.Store
	vault  *vault.Vault
	now    func() time.Time
	logger *zap.Logger
	config Config
	rules  entitlement.Rules
	units  *units.Directory
	people *clients.Profiles
	clerk  *clerk.Clerk
	stops  *stops.Gate
	// closing lets few closures at a time keep a connection.
	closing chan struct{}

	enrolments, beneficiaries, payrolls, lines *projection.Model

	// disclosure says in which form each role sees what about people; proof proves a fact of a stream.
	disclosure privacy.Table
	proof      func(ctx context.Context, stream string, version int) (witness.Receipt, error)

	// payment is what payments.go works with.
	payment paymentParts
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
	rules, err := service.ReadRules("SONGAN_DISBURSEMENT_RULES", config.Rules, entitlement.National, entitlement.Parse)
	if err != nil {
		return service.Service{}, err
	}
	directory, err := units.Load()
	if err != nil {
		return service.Service{}, err
	}
	around, err := breaker.New("disbursement_accounts", breaker.Settings{OpenFor: openFor, Registerer: deps.Metrics})
	if err != nil {
		return service.Service{}, fmt.Errorf("breaker around accounts: %w", err)
	}
	base, err := foundation.Open(ctx, deps, foundation.Options{
		Service: Name,
		Own:     events.NewCatalog(facts.Catalog(), payroll.PrivateFacts(), voucher.PrivateFacts()),
		Others:  events.NewCatalog(accounts.Catalog(), bankgateway.Catalog(), facts.EnrolmentFacts()),
	})
	if err != nil {
		return service.Service{}, err
	}
	a := &app{
		pool: base.Pool, log: base.Log, vault: base.Vault, now: deps.Now, logger: deps.Log, config: config,
		rules: rules, units: directory, stops: stops.New(base.Pool), closing: make(chan struct{}, closuresAtOnce), disclosure: base.Disclosure, proof: base.Proof,
		people: clients.NewProfiles(peer.Options{
			URL: config.AccountsURL, Token: config.AccountsToken, Breaker: around, Now: deps.Now,
		}),
	}
	if err := a.wire(ctx, base); err != nil {
		base.Close()
		return service.Service{}, err
	}
	api := a.routes(base.API("Disbursement of social-security money"))
	base.Operate(api)
	err = base.TellOfPeople(api, func(ctx context.Context, keys subject.Keys) (subject.Trail, error) {
		return trail.Of(ctx, base.Pool, keys)
	})
	if err != nil {
		base.Close()
		return service.Service{}, err
	}
	return base.Service(api, a.runners()...), nil
}

const (
	// openFor is how long an open breaker waits before it probes.
	openFor = 2 * time.Second
	// inFlight is how many facts of one partition are reacted to at the same time.
	inFlight = 32
)

// wire adds the read models, the reactions and the clerk.
func (a *app) wire(ctx context.Context, base *foundation.Foundation) (err error) {
	if a.enrolments, err = base.Project(ctx, projections.Enrolments()); err != nil {
		return err
	}
	if a.payrolls, err = base.Project(ctx, projections.Payrolls()); err != nil {
		return err
	}
	if a.lines, err = base.Project(ctx, projections.Lines()); err != nil {
		return err
	}
	if a.beneficiaries, err = base.ProjectOthers(ctx, projections.Beneficiaries(), "accounts"); err != nil {
		return err
	}
	if a.payment.model, err = base.ProjectPatiently(ctx, projections.Payments()); err != nil {
		return err
	}
	a.clerk = clerk.New(clerk.Deps{
		Pool: base.Pool, Log: base.Log, Vault: base.Vault, Rules: a.rules, Units: a.units, LookBack: a.config.LookBack,
		Enrolments: a.enrolments, Payrolls: a.payrolls, Lines: a.lines, Payments: a.payment.model, Now: a.now, Logger: a.logger,
	})
	changes := reactions.Changes{Log: base.Log, Pool: base.Pool, Stops: a.stops, Enrolments: a.enrolments, Lines: a.lines, Payrolls: a.payrolls, Payments: a.payment.model, Now: a.now}
	// What banks say is not for it, and much.
	from := foundation.Reading{
		Topics: []string{base.Topic("accounts"), kafkabus.OwnLog}, InFlight: inFlight,
		Catalog: events.NewCatalog(accounts.Catalog(), facts.EnrolmentFacts()),
	}
	if err := base.ReactTo("changes", from, changes.Handlers()...); err != nil {
		return err
	}
	return a.wirePayments(base)
}

// routes is the HTTP surface of the service; that of payments stands in payments.go.
func (a *app) routes(o httpapi.Options) *httpapi.API {
	api := httpapi.New(o)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /programmes", Summary: "Programmes and their categories", Action: "disbursement.read_programmes", Cache: referenceAge,
	}, a.programmes)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /rates", Summary: "Standards, provincial levels and coefficients as they hold", Action: "disbursement.read_rates",
	}, a.rates)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /entitlements/{beneficiary}", Summary: "What a person is entitled to in a month, with the proof",
		Action: "disbursement.read_entitlement", After: a.enrolments.WaitFor,
	}, a.entitled)
	a.enrolmentRoutes(api)
	a.payrollRoutes(api)
	a.paymentRoutes(api)
	return api
}

// referenceAge is how long reference data may be kept by callers.
const referenceAge = 5 * time.Minute

func (a *app) enrolmentRoutes(api *httpapi.API) {
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /enrolments", Summary: "Enter a decision that grants a programme", Action: "disbursement.enrol", Status: http.StatusCreated,
	}, a.enrol, a.checkEnrol)
	httpapi.Batch(api, httpapi.Route{
		Pattern: "POST /enrolments/batch", Summary: "Enter many decisions, with a verdict for each", Action: "disbursement.enrol", Status: http.StatusCreated,
	}, httpapi.Batching{Member: "enrolment"}, httpapi.Aside(a.enrol), a.checkEnrol)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /enrolments", Summary: "List enrolments", Action: "disbursement.list_enrolments", After: a.enrolments.WaitFor,
	}, a.listEnrolments)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /enrolments/{id}/suspension", Summary: "Pay nothing from a month on, until a re-check", Action: "disbursement.suspend_enrolment",
	}, a.suspend, a.checkSuspend)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /enrolments/{id}/resumption", Summary: "Pay again from a month on", Action: "disbursement.resume_enrolment",
	}, a.resume, a.checkResume)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /enrolments/{id}/stop", Summary: "End the right", Action: "disbursement.stop_enrolment",
	}, a.stop, a.checkStop)
}

func (a *app) payrollRoutes(api *httpapi.API) {
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payrolls", Summary: "Draft the list of a unit, a programme and a month", Action: "disbursement.draft_payroll", Status: http.StatusCreated,
	}, a.draft, a.checkDraft)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /payrolls", Summary: "List the lists", Action: "disbursement.list_payrolls", After: a.payrolls.WaitFor,
	}, a.listPayrolls)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /payrolls/{id}", Summary: "Read a list's state, totals and progress", Action: "disbursement.read_payroll", After: a.payrolls.WaitFor,
	}, a.onePayroll)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /payrolls/{id}/lines", Summary: "The lines of a list, in its order", Action: "disbursement.list_lines", After: a.lines.WaitFor,
	}, a.listLines)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /payrolls/{id}/lines/{line}", Summary: "A line with the proof of its amount", Action: "disbursement.read_line", After: a.lines.WaitFor,
	}, a.oneLine)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /payrolls/{id}/changes", Summary: "What differs from the month before, and why", Action: "disbursement.list_changes", After: a.lines.WaitFor,
	}, a.changes)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /payrolls/{id}/signals", Summary: "What somebody has to look at", Action: "disbursement.list_signals", After: a.lines.WaitFor,
	}, a.signals)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payrolls/{id}/submission", Summary: "Hand the list over to be checked", Action: "disbursement.submit_payroll",
	}, a.submit)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payrolls/{id}/check", Summary: "Find the list right", Action: "disbursement.check_payroll",
	}, a.check)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payrolls/{id}/approval", Summary: "Decide that the list is to be paid", Action: "disbursement.approve_payroll",
	}, a.approve)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payrolls/{id}/rejection", Summary: "End the draft; another one may follow",
		Action: "disbursement.reject_payroll",
	}, a.reject)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payrolls/{id}/funding", Summary: "Record money that the State Treasury provided", Action: "disbursement.fund_payroll",
	}, a.fund, a.checkFund)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /payrolls/{id}/release", Summary: "Pay the list", Action: "disbursement.release_payroll", Timeout: releaseTimeout,
	}, a.release)
}

// releaseTimeout is for reading a province's lines once more before they are paid.
const releaseTimeout = 60 * time.Second

// Package accounts is the service of beneficiaries and their social-security accounts: LISA officers register people,
// batches of requests go to banks after two people agreed, and what the banks answer becomes the state of an account
// (Project 06; dispatch 5234/LDTBXH-TTTT). Nothing is paid here: that is disbursement.
package accounts

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/events"
	facts "github.com/songan-vn/songan/events/accounts"
	"github.com/songan-vn/songan/events/bankgateway"
	"github.com/songan-vn/songan/events/identity"
	"github.com/songan-vn/songan/libs/eventstore"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/projection"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn/banks"
	"github.com/songan-vn/songan/libs/vn/units"
	"github.com/songan-vn/songan/services/accounts/internal/projections"
	"github.com/songan-vn/songan/services/accounts/internal/reactions"
)

// Name is the service's name in paths, topics and configuration.
const Name = "accounts"

// app is what the handlers work with.
type app struct {
	pool   *pgxpool.Pool
	log    *eventstore.Store
	vault  *vault.Vault
	now    func() time.Time
	logger *zap.Logger
	units  *units.Directory
	banks  *banks.Directory
	// approved hands batches to the issuer without delay.
	approved chan string
	// disclosure says in which form each role sees what about people.
	disclosure privacy.Table

	beneficiaries, issuances, accounts *projection.Model
}

// New builds the service from the environment.
func New(ctx context.Context, deps service.Deps) (service.Service, error) {
	return service.FromEnv(ctx, deps, NewWith)
}

// NewWith builds the service for a process that knows where its dependencies are.
func NewWith(ctx context.Context, deps service.Deps, config Config) (service.Service, error) {
	directory, err := units.Load()
	if err != nil {
		return service.Service{}, err
	}
	known, err := banks.Load()
	if err != nil {
		return service.Service{}, err
	}
	keeper, err := newKeeper(deps, config)
	if err != nil {
		return service.Service{}, err
	}
	base, err := foundation.Open(ctx, deps, foundation.Options{
		Service: Name,
		Own:     events.NewCatalog(facts.Catalog()),
		Others:  events.NewCatalog(identity.Catalog(), bankgateway.OpeningFacts(), []events.Event{bankgateway.DeathReported{}}),
		Needed:  keeper.needed,
	})
	if err != nil {
		return service.Service{}, err
	}
	keeper.pool = base.Pool
	a := &app{
		pool: base.Pool, log: base.Log, vault: base.Vault, now: deps.Now, logger: deps.Log,
		units: directory, banks: known, approved: make(chan string, waitingIssuances), disclosure: base.Disclosure,
	}
	if err := a.wire(ctx, base); err != nil {
		base.Close()
		return service.Service{}, err
	}
	routes := a.routes(base.API("Social-security accounts"))
	base.Operate(routes)
	base.AnswerPeople(routes, keeper.subjects())
	return base.Service(routes, service.Runner{Name: "issuer", Run: a.issue}), nil
}

// inFlight is how many facts of others are recorded at the same time, per partition.
const inFlight = 64

// wire adds the read models and the reactions.
func (a *app) wire(ctx context.Context, base *foundation.Foundation) (err error) {
	if a.beneficiaries, err = base.Project(ctx, projections.Beneficiaries()); err != nil {
		return err
	}
	if a.issuances, err = base.Project(ctx, projections.Issuances()); err != nil {
		return err
	}
	if a.accounts, err = base.Project(ctx, projections.Accounts()); err != nil {
		return err
	}
	if _, err = base.Project(ctx, projections.People()); err != nil {
		return err
	}
	return base.React("others", inFlight, slices.Concat(
		reactions.Identity{Log: base.Log, Now: a.now}.Handlers(), reactions.Openings{Log: base.Log, Now: a.now}.Handlers(),
		reactions.Deaths{Log: base.Log, Now: a.now}.Handlers(),
	)...)
}

// seen waits until all three read models have reached a position, for queries that join them.
func (a *app) seen(ctx context.Context, position int64) error {
	for _, model := range []*projection.Model{a.beneficiaries, a.issuances, a.accounts} {
		if err := model.WaitFor(ctx, position); err != nil {
			return fmt.Errorf("wait for %s: %w", model.Name(), err)
		}
	}
	return nil
}

// routes is the whole HTTP surface of the service.
func (a *app) routes(o httpapi.Options) *httpapi.API {
	api := httpapi.New(o)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /beneficiaries", Summary: "Register a beneficiary", Action: "accounts.register_beneficiary", Status: http.StatusCreated,
	}, httpapi.Now(a.register), a.checkRegister)
	httpapi.Batch(api, httpapi.Route{
		Pattern: "POST /beneficiaries/batch", Summary: "Register many beneficiaries, with a verdict for each", Action: "accounts.register_beneficiary", Status: http.StatusCreated,
	}, httpapi.Batching{Member: "beneficiary"}, a.register, a.checkRegister)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /beneficiaries/{id}/correction", Summary: "The person or the representative was entered wrongly, or has changed", Action: "accounts.correct_beneficiary",
	}, a.correct, a.checkCorrect)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /beneficiaries/{id}/death", Summary: "The beneficiary has died", Action: "accounts.record_death",
	}, a.die, a.checkDeath)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /beneficiaries/{id}/death/dismissal", Summary: "The person lives, whatever the bank said", Action: "accounts.dismiss_death",
	}, a.dismissDeath)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /beneficiaries/{id}/death/revocation", Summary: "Another officer takes back a death that was recorded wrongly", Action: "accounts.revoke_death",
	}, a.revokeDeath)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /beneficiaries", Summary: "List beneficiaries; the unit's officers see the people, and each reading is recorded",
		Action: "accounts.list_beneficiaries", After: a.beneficiaries.WaitFor,
	}, a.listBeneficiaries)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /beneficiaries/{id}", Summary: "Read a beneficiary with their accounts", Action: "accounts.read_beneficiary",
	}, a.oneBeneficiary)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /beneficiaries/{id}/history", Summary: "Everything that happened to a beneficiary and their accounts", Action: "accounts.read_beneficiary_history",
	}, a.history)
	a.issuanceRoutes(api)
	a.accountRoutes(api)
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /persons", Summary: "Resolve references to people, for other services", Action: "accounts.resolve_people",
	}, a.persons)
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /profiles", Summary: "What a right to money depends on, for other services", Action: "accounts.read_profiles",
	}, a.profiles)
	return api
}

// issuanceBody is the size of a batch that names its members.
const issuanceBody = 512 << 10

func (a *app) issuanceRoutes(api *httpapi.API) {
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /issuances", Summary: "Draft a batch of requests for accounts at one bank", Action: "accounts.draft_issuance",
		Status: http.StatusCreated, BodyLimit: issuanceBody,
	}, a.draft, a.checkDraft)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /issuances/{id}/submission", Summary: "The maker asks for approval", Action: "accounts.submit_issuance",
	}, a.submit)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /issuances/{id}/approval", Summary: "Another person approves; the bank is asked for the accounts", Action: "accounts.approve_issuance",
	}, a.approve)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /issuances/{id}/rejection", Summary: "Reject the batch, or take one's own draft back",
		Action: "accounts.reject_issuance",
	}, a.reject)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /issuances", Summary: "List batches, the latest draft first", Action: "accounts.list_issuances", After: a.issuances.WaitFor,
	}, a.listIssuances)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /issuances/{id}", Summary: "Read a batch with the number of members in each state", Action: "accounts.read_issuance", After: a.seen,
	}, a.oneIssuance)
}

func (a *app) accountRoutes(api *httpapi.API) {
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /accounts", Summary: "List accounts, requests and members of drafts", Action: "accounts.list_accounts", After: a.accounts.WaitFor,
	}, a.listAccounts)
	httpapi.Query(api, httpapi.Route{Pattern: "GET /accounts/{id}", Summary: "Read an account", Action: "accounts.read_account"}, a.oneAccount)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /accounts/{id}/confirmation", Summary: "Another officer confirms a holder whose name only comes close",
		Action: "accounts.confirm_holder",
	}, a.confirm)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /accounts/{id}/suspension", Summary: "Pay nothing into the account for now", Action: "accounts.suspend_account",
	}, a.suspend)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /accounts/{id}/block", Summary: "The bank or an authority blocked the account", Action: "accounts.block_account",
	}, a.block)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /accounts/{id}/reinstatement", Summary: "Another officer ends the suspension or the block", Action: "accounts.reinstate_account",
	}, a.reinstate)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /accounts/{id}/closure", Summary: "End the account, or the request for it", Action: "accounts.close_account",
	}, a.closeAccount)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /accounts/{id}/replacement", Summary: "Draft a batch of one that replaces the account, for approval as any other",
		Action: "accounts.replace_account", Status: http.StatusCreated,
	}, a.replace, a.checkReplace)
}

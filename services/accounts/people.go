package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/songan-vn/songan/libs/breaker"
	"github.com/songan-vn/songan/libs/foundation"
	"github.com/songan-vn/songan/libs/peer"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/services/accounts/needed"
	"github.com/songan-vn/songan/services/accounts/trail"
)

// Config is what can be set besides service.Config.
type Config struct {
	// DisbursementURL and DisbursementToken reach the disbursement service, which knows whose money is not settled.
	DisbursementURL   string `env:"SONGAN_DISBURSEMENT_URL,required"`
	DisbursementToken string `env:"SONGAN_DISBURSEMENT_TOKEN,required"`
	// GatewayURL and GatewayToken reach the bank gateway, which keeps the numbers of accounts.
	GatewayURL   string `env:"SONGAN_BANKGATEWAY_URL,required"`
	GatewayToken string `env:"SONGAN_BANKGATEWAY_TOKEN,required"`
}

const (
	// openFor is how long an open breaker waits before it probes.
	openFor = 2 * time.Second
	// askPatience is how long disbursement may take to answer: it waits for its read models.
	askPatience = 8 * time.Second
	// neededWithin is how long it may take to find out who is needed.
	neededWithin = 10 * time.Second
)

// keeper answers the vault who cannot be erased yet, and people what others keep of them.
type keeper struct {
	// pool is set once the database is open; the vault is not used before.
	pool                  *pgxpool.Pool
	disbursement, gateway *peer.Client
}

func newKeeper(deps service.Deps, config Config) (*keeper, error) {
	around, err := breaker.New("accounts_disbursement", breaker.Settings{OpenFor: openFor, Registerer: deps.Metrics})
	if err != nil {
		return nil, fmt.Errorf("breaker around disbursement: %w", err)
	}
	numbers, err := breaker.New("accounts_bankgateway", breaker.Settings{OpenFor: openFor, Registerer: deps.Metrics})
	if err != nil {
		return nil, fmt.Errorf("breaker around the bank gateway: %w", err)
	}
	return &keeper{
		disbursement: peer.NewClient(peer.Options{
			URL: config.DisbursementURL, Token: config.DisbursementToken, Breaker: around, Now: deps.Now, Patience: askPatience,
		}),
		gateway: peer.NewClient(peer.Options{
			URL: config.GatewayURL, Token: config.GatewayToken, Breaker: numbers, Now: deps.Now, Patience: askPatience,
		}),
	}, nil
}

// subjects answers people who ask about their data.
func (k *keeper) subjects() foundation.Subjects {
	return foundation.Subjects{
		Trail: func(ctx context.Context, found []vault.Ref) (subject.Trail, error) {
			return trail.Of(ctx, k.pool, found)
		},
		Elsewhere: func(ctx context.Context, ask foundation.AskElsewhere, found subject.Trail, facts []subject.Fact) ([]subject.Report, error) {
			reports := []subject.Report{}
			for _, other := range []struct {
				service string
				client  *peer.Client
				keys    subject.Keys
			}{
				{"disbursement", k.disbursement, trail.Files(found)}, {"bankgateway", k.gateway, trail.Accounts(found, facts)},
			} {
				report, err := foundation.AskAbout(ctx, other.client, other.service, foundation.AboutPerson{
					Kind: ask.Kind, Case: ask.Case, Keys: other.keys,
				})
				if err != nil {
					return nil, fmt.Errorf("%w: %w", errUnknownElsewhere(), err)
				}
				reports = append(reports, report)
			}
			return reports, nil
		},
	}
}

func errUnknownElsewhere() error {
	return &problem.Problem{
		Kind: problem.Unavailable, Code: "elsewhere_unknown", RetryAfter: openFor,
		Detail:   "what other services keep of the person cannot be found out now, so the request stays open",
		DetailVI: "hiện chưa hỏi được các dịch vụ khác đang lưu gì về người này, nên yêu cầu chưa được trả lời",
	}
}

// needed is asked before anybody is erased. Where it cannot be found out, nobody is.
func (k *keeper) needed(ctx context.Context, refs []vault.Ref) (map[vault.Ref]string, error) {
	ctx, cancel := context.WithTimeout(ctx, neededWithin)
	defer cancel()
	found, err := needed.Of(ctx, k.pool, refs, k.unsettled)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnknownNeeds(), err)
	}
	return found, nil
}

// unsettled asks disbursement.
func (k *keeper) unsettled(ctx context.Context, beneficiaries []string) ([]string, error) {
	type answer struct {
		Beneficiaries []string `json:"beneficiaries"`
	}
	found, err := peer.Post[answer](ctx, k.disbursement, "/disbursement/v1/needs", map[string]any{"beneficiaries": beneficiaries})
	if err != nil {
		return nil, err
	}
	if found.Beneficiaries == nil { // an answer without the list says nothing about anybody
		return nil, peer.ErrUnreadable
	}
	return found.Beneficiaries, nil
}

func errUnknownNeeds() error {
	return &problem.Problem{
		Kind: problem.Unavailable, Code: "needs_unknown", RetryAfter: openFor,
		Detail:   "whether money is on its way to the person cannot be found out now, so nothing is erased",
		DetailVI: "hiện chưa xác định được còn khoản chi nào đang thực hiện hay không, nên chưa xóa dữ liệu",
	}
}

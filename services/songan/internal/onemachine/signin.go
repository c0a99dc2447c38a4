package onemachine

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin"
	"github.com/songan-vn/songan/libs/embedded/oidc"
	"github.com/songan-vn/songan/libs/service"
)

// Login is how a person of the demo signs in, at /auth/v1/login.
type Login struct {
	User     string `json:"user"`
	Password string `json:"password"`
	// TOTP is the secret of the person's authenticator, in base32; only who handles money has one.
	TOTP string `json:"totp,omitempty"`
}

// isPerson tells whether an actor signs in, beside having a key for scripts.
func (a Actor) isPerson() bool {
	return !slices.Contains([]access.Role{access.Service, access.Bank, access.Facility}, access.Role(a.Role))
}

// principal is who an actor is, by their key and by their login: the same person, so that four eyes stay four.
// Scripts play who handles money, so their keys are vouched for.
func (a Actor) principal(name string) access.Principal {
	return access.Principal{
		ID: "demo-" + name, Role: access.Role(a.Role), Unit: a.Unit, Bank: a.Bank, Facility: a.Facility, SecondFactor: a.handlesMoney(),
	}
}

func (a Actor) handlesMoney() bool {
	return slices.Contains([]access.Role{access.Approver, access.Treasurer}, access.Role(a.Role))
}

// login makes a person's login, or returns that of an earlier start. Hashes are kept, because each takes a while.
func login(tokens map[string]string, name string, a Actor) (Login, oidc.User) {
	l := Login{User: name, Password: secret(tokens, "password_"+name)}
	if tokens["hash_"+name] == "" {
		tokens["hash_"+name] = oidc.HashPassword(l.Password)
	}
	if a.handlesMoney() {
		if tokens["totp_"+name] == "" {
			tokens["totp_"+name] = oidc.NewTOTP()
		}
		l.TOTP = tokens["totp_"+name]
	}
	unit := a.Unit
	if unit == "" && a.Role == string(access.Auditor) {
		unit = "*" // the whole province
	}
	return l, oidc.User{
		Subject: a.principal(name).ID, Name: name, Password: tokens["hash_"+name], TOTP: l.TOTP,
		Claims: map[string]any{"songan_role": a.Role, "songan_unit": unit, "songan_bank": a.Bank, "songan_facility": a.Facility},
	}
}

// signIn makes the provider, unless another one is configured, and what signs people in by it. From here on every
// service takes sessions and tokens.
func (m *machine) signIn(ctx context.Context) (all []service.Service, err error) {
	config, err := service.Load[signin.Config]()
	if err != nil {
		return nil, err
	}
	config.BaseURL = strings.TrimSuffix(cmp.Or(config.BaseURL, "http://"+m.deps.Config.HTTP), "/")
	if config.Issuer == "" {
		provider, err := m.provider(&config)
		if err != nil {
			return nil, err
		}
		all = append(all, service.Service{Name: "idp", Handler: provider})
	}
	if config.DatabaseURL, err = m.store.database(ctx, signin.Name); err != nil {
		return nil, err
	}
	around, err := m.deps.OpenAccess(ctx, config)
	return append(all, around...), err
}

// provider is the embedded one, with the demo's people; the configuration is made to fit it.
func (m *machine) provider(config *signin.Config) (*oidc.Provider, error) {
	config.Issuer, config.ClientSecret, config.OpaqueSubjects = config.BaseURL+"/idp", m.cast.consoleSecret, true
	log := m.deps.Log.Named("idp")
	return oidc.New(oidc.Options{
		Issuer: config.Issuer, Dir: filepath.Join(m.deps.Config.Data, "idp"), Audience: config.Audience, Now: m.deps.Now,
		Users: m.cast.users, Address: m.deps.API.Limits.Address,
		Clients: []oidc.Client{{
			ID: config.ClientID, Secret: oidc.HashSecret(config.ClientSecret),
			Redirects: []string{config.BaseURL + "/auth/v1/callback"}, AfterLogout: []string{config.BaseURL + "/"},
		}},
		Noted: func(a oidc.Attempt) {
			log.Info("sign-in", zap.String("outcome", a.Outcome), zap.String("actor", a.Subject))
		},
	})
}

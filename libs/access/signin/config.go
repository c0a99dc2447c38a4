package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/pg"
)

// Config is what sign-in is configured by; see service.Load.
type Config struct {
	Issuer   string `env:"SONGAN_OIDC_ISSUER"`
	ClientID string `env:"SONGAN_OIDC_CLIENT_ID" envDefault:"songan-console"`
	// ClientSecret is best given as SONGAN_OIDC_CLIENT_SECRET_FILE.
	ClientSecret string   `env:"SONGAN_OIDC_CLIENT_SECRET"`
	Audience     string   `env:"SONGAN_OIDC_AUDIENCE" envDefault:"songan-api"`
	Scopes       []string `env:"SONGAN_OIDC_SCOPES" envDefault:"songan,offline_access"`
	// Claims is Claims as JSON; empty takes [DefaultClaims].
	Claims         string   `env:"SONGAN_OIDC_CLAIMS"`
	OpaqueSubjects bool     `env:"SONGAN_OIDC_OPAQUE_SUBJECTS" envDefault:"false"`
	StrongACR      []string `env:"SONGAN_OIDC_STRONG_ACR"`
	BaseURL        string   `env:"SONGAN_BASE_URL"`
	// DatabaseURL is where sessions are. All services that take them share it.
	DatabaseURL string `env:"SONGAN_SESSION_DATABASE_URL"`
	// Serve makes this process serve the routes of sign-in and of keys; one of an installation does.
	Serve bool `env:"SONGAN_SERVE_SIGNIN" envDefault:"false"`
	// Key is the file of the key that seals; in the data directory when it is empty, and made when it is not there.
	Key      string        `env:"SONGAN_SESSION_KEY"`
	Data     string        `env:"SONGAN_DATA" envDefault:".songan"`
	Idle     time.Duration `env:"SONGAN_SESSION_IDLE" envDefault:"30m"`
	Absolute time.Duration `env:"SONGAN_SESSION_LIFE" envDefault:"10h"`
	Recheck  time.Duration `env:"SONGAN_SESSION_RECHECK" envDefault:"5m"`
	Grace    time.Duration `env:"SONGAN_SESSION_GRACE" envDefault:"15m"`
}

// poolConns are for sessions: one look-up per request of a person.
const poolConns = 8

// With is what sign-in is opened with beside its configuration: service.Deps' API, without a service's name, and
// [Options.AlsoRevoke].
type With struct {
	API        httpapi.Options
	AlsoRevoke func(ctx context.Context, person, by string) error
}

// Open connects to the sessions' database, brings it up to date, and returns a relying party; closing gives the
// connections back.
func Open(ctx context.Context, c Config, w With) (_ *Signin, closing func(), err error) {
	options, err := c.Options()
	if err != nil {
		return nil, nil, err
	}
	api := w.API
	options.API, options.AlsoRevoke = api, w.AlsoRevoke
	pool, err := pg.Open(ctx, c.DatabaseURL, pg.Options{
		MaxConns: poolConns, Name: Name, Registerer: api.Metrics, Tracer: api.Tracer,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("SONGAN_SESSION_DATABASE_URL: %w", err)
	}
	if err := Migrate(ctx, pool); err != nil {
		pool.Close()
		return nil, nil, err
	}
	s, err := New(pool, options)
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return s, pool.Close, nil
}

// Ready tells whether sessions can be looked up.
func (s *Signin) Ready(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("reach the database of sessions: %w", err)
	}
	return nil
}

// Options reads the key and the claims. What it returns lacks API.
func (c Config) Options() (Options, error) {
	claims, err := parseClaims(c.Claims)
	if err != nil {
		return Options{}, fmt.Errorf("SONGAN_OIDC_CLAIMS: %w", err)
	}
	key, err := c.SealingKey()
	if err != nil {
		return Options{}, fmt.Errorf("SONGAN_SESSION_KEY: %w", err)
	}
	return Options{
		Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: c.ClientSecret, Audience: c.Audience, BaseURL: c.BaseURL,
		Scopes: c.Scopes, Claims: claims, OpaqueSubjects: c.OpaqueSubjects, StrongACR: c.StrongACR, Key: key,
		Idle: c.Idle, Absolute: c.Absolute, Recheck: c.Recheck, Grace: c.Grace,
	}, nil
}

func parseClaims(text string) (Claims, error) {
	if text == "" {
		return DefaultClaims(), nil
	}
	var c Claims
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return Claims{}, errors.New(`this is not JSON like {"role":"roles","unit":"unit","roles":{"duyet":"approver"}}`)
	}
	return c, c.check()
}

// SealingKey reads the configured key, which has to be there, or the data directory's own, which is made.
func (c Config) SealingKey() ([]byte, error) {
	if c.Key != "" {
		return seal.ReadKey(c.Key)
	}
	path := filepath.Join(c.Data, "session.key")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := seal.CreateKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make the key of sessions: %w", err)
		}
	}
	return seal.ReadKey(path)
}

package oidc

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/songan-vn/songan/libs/embedded/oidc/internal/pending"
	"github.com/songan-vn/songan/libs/embedded/oidc/internal/private"
)

const (
	refreshLife    = 24 * time.Hour // from the sign-in on, however often it is used
	refreshKeyFile = "refresh.key"
	refreshKeySize = 32
)

// refresher makes refresh tokens. Nothing is kept: a token is what it says, sealed, so that it outlives a restart. It is of
// use only to the client that it was made for, with that client's secret.
type refresher struct {
	sealing cipher.AEAD
	now     func() time.Time
}

// grant is what a refresh token stands for. Its methods are what the library asks of one.
type grant struct {
	Subject  string    `json:"sub"`
	Client   string    `json:"client"`
	AuthTime time.Time `json:"auth_time"`
	AMR      []string  `json:"amr"`
	Scopes   []string  `json:"scopes"`
	Until    time.Time `json:"until"`
}

// GetAMR lists how the user signed in.
func (g *grant) GetAMR() []string { return g.AMR }

// GetACR says how sure that was.
func (g *grant) GetACR() string { return (&pending.Request{Factors: g.AMR}).GetACR() }

// GetAudience is whom the ID token is for.
func (g *grant) GetAudience() []string { return []string{g.Client} }

// GetAuthTime is when the user signed in.
func (g *grant) GetAuthTime() time.Time { return g.AuthTime }

// GetClientID is who may use it.
func (g *grant) GetClientID() string { return g.Client }

// GetScopes is what was asked for at the sign-in.
func (g *grant) GetScopes() []string { return g.Scopes }

// GetSubject is who signed in.
func (g *grant) GetSubject() string { return g.Subject }

// SetCurrentScopes narrows nothing: there is one scope of ours.
func (g *grant) SetCurrentScopes([]string) {}

func openRefresher(dir string, now func() time.Time) (*refresher, error) {
	path := filepath.Join(dir, refreshKeyFile)
	key, err := private.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, refreshKeySize)
		rand.Read(key) // never fails: crypto/rand ends the process instead
		err = private.Write(path, key)
	}
	if err == nil && len(key) != refreshKeySize {
		err = fmt.Errorf("%s is not one of ours", path)
	}
	if err != nil {
		return nil, fmt.Errorf("key of refresh tokens: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key of refresh tokens: %w", err)
	}
	sealing, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("key of refresh tokens: %w", err)
	}
	return &refresher{sealing, now}, nil
}

func (r *refresher) seal(g *grant) (string, error) {
	plain, err := json.Marshal(g)
	if err != nil {
		return "", fmt.Errorf("encode refresh token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(r.sealing.Seal(nil, nil, plain, nil)), nil
}

func (r *refresher) open(token string) (*grant, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, op.ErrInvalidRefreshToken
	}
	plain, err := r.sealing.Open(nil, nil, sealed, nil)
	if err != nil {
		return nil, op.ErrInvalidRefreshToken
	}
	var g grant
	if json.Unmarshal(plain, &g) != nil || !r.now().Before(g.Until) {
		return nil, op.ErrInvalidRefreshToken
	}
	return &g, nil
}

// CreateAccessAndRefreshTokens names a token, says until when it lives, and makes what gets the next one. A refresh token
// that was used lives no longer for it.
func (s *store) CreateAccessAndRefreshTokens(
	ctx context.Context, asked op.TokenRequest, _ string,
) (id, refresh string, expires time.Time, err error) {
	var g *grant
	switch r := asked.(type) {
	case *grant:
		g = r
	case *pending.Request:
		g = &grant{
			Subject: r.Subject, Client: r.Asked.ClientID, AuthTime: r.At, AMR: r.Factors, Scopes: r.Asked.Scopes,
			Until: s.now().Add(refreshLife),
		}
	default:
		return "", "", time.Time{}, errNotDoneHere
	}
	if refresh, err = s.refresher.seal(g); err != nil {
		return "", "", time.Time{}, err
	}
	id, expires, err = s.CreateAccessToken(ctx, asked)
	return id, refresh, expires, err
}

// TokenRequestByRefreshToken opens a refresh token of somebody who is still a user. What they may do is looked up anew.
func (s *store) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	g, err := s.refresher.open(token)
	if err != nil {
		return nil, err
	}
	if _, known := s.users[g.Subject]; !known || !slices.Contains(g.Scopes, zitadel.ScopeOfflineAccess) {
		return nil, op.ErrInvalidRefreshToken
	}
	return g, nil
}

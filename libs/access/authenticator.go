package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/libs/httpapi/limits"
	"github.com/songan-vn/songan/libs/problem"
)

const (
	failuresAtOnce   = 20              // from one address before it has to wait
	failureEvery     = 3 * time.Second // after which one more attempt is allowed
	addresses        = 50_000          // that are remembered
	goodKeys         = 50_000          // that worked lately
	maxAuthorization = 4096            // characters of the header
)

// Authenticator tells who calls. Its keyrings are asked in order.
type Authenticator struct {
	keyrings []Keyring
	proofs   []Proof
	now      func() time.Time
	failures *limits.Rates
	good     *limits.Recent[struct{}]

	certified []Role
	used      func(string)
	refused   func(context.Context, Principal) error
}

// Options configures an [Authenticator].
type Options struct {
	// Now is the clock by which keys expire.
	Now func() time.Time
	// Proofs are the other ways to show who calls, asked in order.
	Proofs []Proof
	// Certified are the roles that need a client's certificate beside their key or token.
	Certified []Role
	// Used is told the id of every key that worked, for each request: it has to be quick. Nil is fine.
	Used func(key string)
}

// Proof is another way than an API key to show who calls: a person's session, a token of an identity provider. It is a
// true boundary; package signin has both.
type Proof interface {
	// Credential returns what a request shows of this kind, and "" when it shows nothing. A proof in a cookie leaves
	// requests alone that have an Authorization header: who says explicitly who they are means it.
	Credential(r *http.Request) string
	// Prove tells whose the credential is. The error is a *problem.Problem, "invalid_token" for a guess, unless
	// whoever knows could not be asked.
	Prove(ctx context.Context, r *http.Request, credential string) (Principal, error)
}

// New returns an authenticator over keyrings.
func New(o Options, keyrings ...Keyring) *Authenticator {
	if o.Used == nil {
		o.Used = func(string) {}
	}
	return &Authenticator{
		certified: o.Certified,
		used:      o.Used,

		keyrings: keyrings,
		proofs:   o.Proofs,
		now:      o.Now,
		failures: limits.NewRates(limits.RatesOptions{
			Every: failureEvery, Burst: failuresAtOnce, Callers: addresses, Now: o.Now,
		}),
		good:    limits.NewRecent[struct{}](goodKeys),
		refused: func(context.Context, Principal) error { return nil },
	}
}

// Unless returns an authenticator that lets in whom this one does, unless refused has an error for them. It is asked about every
// caller, by whatever they showed who they are, for every request: it has to be quick.
func (a *Authenticator) Unless(refused func(context.Context, Principal) error) *Authenticator {
	stricter := *a
	stricter.refused = refused
	return &stricter
}

// Identify returns who sent a request, from this address. The error is as [Authenticator.Authenticate]'s.
func (a *Authenticator) Identify(ctx context.Context, r *http.Request, address string) (Principal, error) {
	who, err := a.identify(ctx, r, address)
	if err != nil {
		return Principal{}, err
	}
	if err := a.bound(r, who); err != nil {
		return Principal{}, err
	}
	if err := a.refused(ctx, who); err != nil {
		return Principal{}, err
	}
	return who, nil
}

// bound compares who calls with whom the connection's certificate names.
func (a *Authenticator) bound(r *http.Request, who Principal) error {
	holder, shown := certificate.HolderOf(r.TLS)
	if !shown && who.Is(a.certified...) {
		return problem.New(problem.Unauthenticated, "certificate_required",
			"your role needs a client certificate beside the key", "vai trò này cần chứng thư máy khách cùng với mã truy cập")
	}
	if shown && holder != (certificate.Holder{Bank: who.Bank, Facility: who.Facility}) {
		return problem.New(problem.Unauthenticated, "certificate_mismatch",
			"the client certificate and the key are not of the same bank or facility",
			"chứng thư máy khách và mã truy cập không cùng một ngân hàng hoặc cơ sở")
	}
	return nil
}

func (a *Authenticator) identify(ctx context.Context, r *http.Request, address string) (Principal, error) {
	for _, proof := range a.proofs {
		if credential := proof.Credential(r); credential != "" {
			return a.prove(ctx, proof, r, presented{credential, address})
		}
	}
	return a.Authenticate(ctx, r.Header.Get("Authorization"), address)
}

// presented is a credential, and from where it came.
type presented struct{ credential, address string }

// prove asks a proof, unless too many wrong credentials came from the address lately and this one did not just work.
func (a *Authenticator) prove(ctx context.Context, proof Proof, r *http.Request, p presented) (Principal, error) {
	sum := sha256.Sum256([]byte(p.credential))
	name := string(sum[:])
	if _, worked := a.good.Get(name); !worked {
		if wait, spent := a.failures.Spent(p.address); spent {
			return Principal{}, tooManyFailures(wait)
		}
	}
	who, err := proof.Prove(ctx, r, p.credential)
	if problem.CodeOf(err) == codeGuess {
		a.failures.Take(p.address)
	}
	if err != nil {
		return Principal{}, err
	}
	a.good.Put(name, struct{}{})
	return who, nil
}

// codeGuess is what a [Proof] calls a credential that nobody gave out.
const codeGuess = "invalid_token"

// Authenticate returns who calls with this Authorization header from this address. The error is a
// *problem.Problem, unless a keyring could not be asked.
func (a *Authenticator) Authenticate(ctx context.Context, authorization, address string) (Principal, error) {
	if authorization == "" {
		return Principal{}, problem.New(problem.Unauthenticated, "no_credentials",
			"this needs an Authorization header with a bearer token", "cần có tiêu đề Authorization với mã truy cập")
	}
	id, secret, ok := parseHeader(authorization)
	if _, worked := a.good.Get(id); !ok || !worked {
		if wait, spent := a.failures.Spent(address); spent {
			return Principal{}, tooManyFailures(wait)
		}
	}
	p, err := a.check(ctx, id, secret)
	if code := problem.CodeOf(err); code == "invalid_key" {
		a.failures.Take(address)
	}
	if err != nil {
		return Principal{}, err
	}
	a.good.Put(id, struct{}{})
	a.used(id)
	return p, nil
}

// parseHeader reads "Bearer <token>"; the scheme is not case-sensitive (RFC 9110).
func parseHeader(authorization string) (id, secret string, ok bool) {
	scheme, token, _ := strings.Cut(authorization, " ")
	if len(authorization) > maxAuthorization || !strings.EqualFold(scheme, "Bearer") {
		return "", "", false
	}
	return Parse(strings.TrimSpace(token))
}

// check compares the secret before anything else is said about the key, and does so for unknown keys too.
func (a *Authenticator) check(ctx context.Context, id, secret string) (Principal, error) {
	key, err := a.lookup(ctx, id)
	if err != nil && !errors.Is(err, ErrUnknownKey) {
		return Principal{}, fmt.Errorf("look up key %s: %w", id, err)
	}
	if err != nil {
		key = Key{Hash: make([]byte, len(hash("")))}
	}
	switch {
	case !key.Matches(secret) || err != nil:
		return Principal{}, problem.New(problem.Unauthenticated, "invalid_key",
			"the token is not one of ours", "mã truy cập không hợp lệ")
	case key.Revoked:
		return Principal{}, problem.New(problem.Unauthenticated, "key_revoked",
			"this key was revoked", "mã truy cập đã bị thu hồi")
	case !key.ExpiresAt.IsZero() && !a.now().Before(key.ExpiresAt) && key.Replaced:
		return Principal{}, problem.New(problem.Unauthenticated, "key_replaced",
			"this key was replaced by another, and the time for both is over", "mã truy cập này đã được thay bằng mã mới")
	case !key.ExpiresAt.IsZero() && !a.now().Before(key.ExpiresAt):
		return Principal{}, problem.New(problem.Unauthenticated, "key_expired",
			"this key has expired", "mã truy cập đã hết hạn")
	case key.Suspended:
		return Principal{}, problem.New(problem.Unauthenticated, "key_suspended",
			"this key is suspended", "mã truy cập đang bị tạm khoá")
	}
	return key.Principal, nil
}

func (a *Authenticator) lookup(ctx context.Context, id string) (Key, error) {
	if id == "" {
		return Key{}, ErrUnknownKey
	}
	for _, ring := range a.keyrings {
		key, err := ring.Lookup(ctx, id)
		if !errors.Is(err, ErrUnknownKey) {
			return key, err
		}
	}
	return Key{}, ErrUnknownKey
}

func tooManyFailures(wait time.Duration) error {
	return &problem.Problem{
		Kind: problem.TooMany, Code: "too_many_failures",
		Detail:     "too many wrong tokens came from this address; wait before the next attempt",
		DetailVI:   "địa chỉ này đã gửi quá nhiều mã truy cập sai; xin chờ rồi thử lại",
		RetryAfter: wait,
	}
}

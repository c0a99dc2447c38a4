package signin

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"slices"
	"strings"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin/internal/party"
	"github.com/songan-vn/songan/libs/problem"
)

// Claims says which claims of a token mean what. A name with dots reaches into objects ("realm_access.roles"), unless
// there is a claim of that very name.
type Claims struct {
	Role     string `json:"role"`
	Facility string `json:"facility,omitempty"`
	Unit     string `json:"unit,omitempty"`
	Bank     string `json:"bank,omitempty"`
	// Scopes names the claim of a machine's scopes, a text like access.Scopes; nobody has any when it is empty.
	Scopes string `json:"scopes,omitempty"`
	// Roles translates the provider's words into ours; what is not in it is no role. Empty takes our own words.
	Roles map[string]access.Role `json:"roles,omitempty"`
}

// DefaultClaims are those of the embedded provider.
func DefaultClaims() Claims {
	return Claims{Role: "songan_role", Facility: "songan_facility", Unit: "songan_unit", Bank: "songan_bank", Scopes: "songan_scopes"}
}

func (c Claims) check() error {
	if c.Role == "" {
		return errors.New("the claim of the role is needed")
	}
	for _, role := range c.Roles {
		if !role.Known() {
			return errors.New("the claims' roles hold one that does not exist")
		}
	}
	return nil
}

const maxSubject = 64

// personID is the principal's id: see rule 5.
func personID(issuer, subject string, opaque bool) string {
	if opaque && isPlain(subject) && !strings.HasPrefix(subject, access.KeyHolder) {
		return subject
	}
	const bits128 = 16
	sum := sha256.Sum256([]byte(issuer + "\x00" + subject))
	return "p-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:bits128]))
}

// PersonID is the principal's id of a provider's subject, for operators who want to revoke or look up somebody.
func (s *Signin) PersonID(subject string) string {
	return personID(s.options.Issuer, subject, s.options.OpaqueSubjects)
}

// isPlain tells whether a value is one that ids and codes have.
func isPlain(s string) bool {
	if s == "" || len(s) > maxSubject {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// principal makes a principal of claims. It refuses what is unclear.
func (c Claims) principal(id string, claims map[string]any) (access.Principal, error) {
	p := access.Principal{ID: id}
	var err error
	if p.Role, err = c.role(claims); err != nil {
		return access.Principal{}, err
	}
	for _, bound := range []struct {
		name string
		into *string
	}{{c.Facility, &p.Facility}, {c.Unit, &p.Unit}, {c.Bank, &p.Bank}} {
		value, ok := text(claims, bound.name)
		if !ok || value == wholeProvince && bound.into != &p.Unit {
			return access.Principal{}, incomplete()
		}
		*bound.into = value
	}
	if p.Unit, err = unitOf(p.Role, p.Unit); err != nil {
		return access.Principal{}, err
	}
	if p.Scopes, err = c.scopes(claims); err != nil {
		return access.Principal{}, err
	}
	if p.Unbounded() {
		return access.Principal{}, incomplete()
	}
	return p, nil
}

// wholeProvince is what the claim of the unit says of an office of the whole province. It has to be said: that a claim was
// forgotten must not show everything.
const wholeProvince = "*"

// unitOf is the unit of the claim, which the roles that may do without one have to do without in so many words.
func unitOf(role access.Role, claim string) (string, error) {
	everywhere := role == access.Auditor || role == access.Steering
	switch {
	case everywhere && claim == wholeProvince:
		return "", nil
	case everywhere && claim == "", claim == wholeProvince:
		return "", incomplete()
	}
	return claim, nil
}

// scopes reads what a machine is for. A claim that is there and cannot be read is a refusal, never all that the role may.
func (c Claims) scopes(claims map[string]any) (access.Scopes, error) {
	claim := find(claims, c.Scopes)
	if claim == nil || c.Scopes == "" {
		return "", nil
	}
	said := access.Scopes(strings.Join(words(claim), " "))
	if said == "" || said.Check() != nil {
		return "", incomplete()
	}
	return said, nil
}

// role finds the one role that the claims name.
func (c Claims) role(claims map[string]any) (access.Role, error) {
	var found []access.Role
	for _, word := range words(find(claims, c.Role)) {
		role := access.Role(word)
		if len(c.Roles) > 0 {
			role = c.Roles[word]
		}
		if role.Known() && !slices.Contains(found, role) {
			found = append(found, role)
		}
	}
	if len(found) != 1 {
		return "", problem.New(problem.Forbidden, "no_single_role",
			"the provider names no role for this account, or several; ask whoever gives out accounts",
			"tài khoản chưa được gán vai trò, hoặc có nhiều vai trò; xin liên hệ quản trị viên")
	}
	return found[0], nil
}

// needsSecondFactor tells whether a role approves or releases money.
func needsSecondFactor(role access.Role) bool {
	return role == access.Approver || role == access.Treasurer
}

// find returns a claim by its name, or by the way to it.
func find(claims map[string]any, name string) any {
	if value, ok := claims[name]; ok || name == "" {
		return value
	}
	head, rest, nested := strings.Cut(name, ".")
	inner, ok := claims[head].(map[string]any)
	if !nested || !ok {
		return nil
	}
	return find(inner, rest)
}

// words returns the texts of a claim that is a text or a list of texts.
func words(claim any) []string {
	switch v := claim.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, item := range v {
			if word, ok := item.(string); ok {
				all = append(all, word)
			}
		}
		return all
	}
	return nil
}

// text returns a claim that is absent or a code; anything else is not ok.
func text(claims map[string]any, name string) (string, bool) {
	claim := find(claims, name)
	if claim == nil || name == "" {
		return "", true
	}
	value, ok := claim.(string)
	return value, ok && (value == "" || value == wholeProvince || isPlain(value))
}

func incomplete() error {
	return problem.New(problem.Forbidden, "claims_incomplete",
		"the provider does not say for which unit, facility or bank this account acts; ask whoever gives out accounts",
		"tài khoản chưa được gán đơn vị, cơ sở hoặc ngân hàng; xin liên hệ quản trị viên")
}

// strong tells whether the provider asserts a second factor.
func (s *Signin) strong(claims map[string]any) bool {
	acr, _ := claims["acr"].(string)
	if acr != "" && slices.Contains(s.options.StrongACR, acr) {
		return true
	}
	// One factor is one factor, be it a code or a device: providers that let people in without a password say "otp" or "hwk".
	shown := words(claims["amr"])
	return slices.Contains(shown, "mfa") || slices.ContainsFunc([]string{"otp", "hwk"}, func(second string) bool {
		return slices.Contains(shown, second) && slices.ContainsFunc(shown, func(first string) bool { return first != second })
	})
}

// principalOf makes a principal of a token that may be believed.
func (s *Signin) principalOf(t party.Token) (access.Principal, error) {
	if t.Subject == "" {
		return access.Principal{}, party.InvalidToken()
	}
	return s.options.Claims.principal(s.PersonID(t.Subject), t.Claims)
}

// signedIn is [Signin.principalOf] of a person; a role of programs is none of theirs.
func (s *Signin) signedIn(t party.Token) (access.Principal, error) {
	who, err := s.principalOf(t)
	if err == nil && who.Role == access.Service {
		err = problem.New(problem.Forbidden, "role_not_allowed", "this is a role of programs", "vai trò này chỉ dành cho phần mềm")
	}
	return who, err
}

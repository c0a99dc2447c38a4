package keybook

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn/person"
)

// Name is the first part of every path of this package.
const Name = "access"

// Handler serves the administrators' routes. API is service.Deps' own, with Auth.
func (b *Book) Handler(o httpapi.Options) http.Handler {
	o.Service, o.Title = Name, "Keys"
	o.Description = "API keys of programs. A token is answered once, to the request that made it; only a hash is kept."
	o.Name, o.Fingerprint = b.name, b.fingerprint
	api := httpapi.New(o)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /keys", Summary: "Give a key to a program", Action: "access.give_key", Status: http.StatusCreated,
	}, b.issueKey, b.checkIssue)
	httpapi.Query(api, httpapi.Route{Pattern: "GET /keys", Summary: "List keys, the latest first", Action: "access.list_keys"}, b.listKeys)
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /keys/{id}/rotation", Summary: "Give a key's holder its successor; the old one goes on for a while",
		Action: "access.rotate_key", Status: http.StatusCreated,
	}, b.rotateKey, b.checkRotation)
	httpapi.Command(api, httpapi.Route{Pattern: "DELETE /keys/{id}", Summary: "Refuse a key from now on", Action: "access.revoke_key"}, b.revokeKey)
	httpapi.Query(api, httpapi.Route{
		Pattern: "GET /keys/{id}/use", Summary: "When a key of any kind was last used, to the minute", Action: "access.read_key_use",
	}, b.lastUse)
	return api
}

const (
	defaultLife    = 365 * 24 * time.Hour
	longestLife    = 2 * 365 * 24 * time.Hour
	defaultOverlap = 7 * 24 * time.Hour
)

// IssueBody says for whom and for what a key is.
type IssueBody struct {
	Holder    string    `json:"holder" maxLength:"56" doc:"who holds it, in records: letters, digits and hyphens, nobody's name; kept with key- before it"`
	Role      string    `json:"role" maxLength:"32" doc:"bank, auditor, steering, or admin with scopes; people sign in, facilities' keys are given out at the facility, and keys of other roles are the operators' to make"`
	Unit      string    `json:"unit,omitzero" maxLength:"8"`
	Bank      string    `json:"bank,omitzero" maxLength:"11" doc:"BIC"`
	Scopes    string    `json:"scopes,omitzero" maxLength:"500" doc:"services it is for, divided by spaces, each with :read behind it if it must change nothing; all that the role may when left out"`
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"a year from now when left out, two at most"`
}

// plainWord is what holders and bounds are spelled with.
const plainWord = `^[A-Za-z0-9-]+$`

// Validate compares the role with its bounds.
func (b IssueBody) Validate(f *problem.Faults) {
	role, word := access.Role(b.Role), regexp.MustCompile(plainWord)
	for pointer, value := range map[string]string{"/holder": b.Holder, "/unit": b.Unit, "/bank": b.Bank} {
		person.CheckNobody(f, pointer, value)
		if value != "" && !word.MatchString(value) {
			f.At(pointer, fault("invalid", "letters, digits and hyphens", "chữ cái, chữ số và gạch nối"))
		}
	}
	switch {
	case b.Role == "":
	case !roleOfKeys(role):
		f.At("/role", fault("role_without_keys", "there is no such role, or its keys are not given out here", "không có vai trò này, hoặc vai trò không được cấp mã truy cập tại đây"))
	case role == access.Admin && everything(b.Scopes):
		f.At("/scopes", fault("scopes_missing", "an administrator's key names the services that it is for", "mã của quản trị viên phải nêu rõ các dịch vụ được dùng"))
	case access.Principal{Role: role, Unit: b.Unit, Bank: b.Bank}.Unbounded():
		f.At("/role", fault("bound_missing", "this role needs its unit or bank", "vai trò này cần đơn vị hoặc ngân hàng"))
	}
	if access.Scopes(b.Scopes).Check() != nil {
		f.At("/scopes", fault("invalid", "names of services with :read or without", "tên dịch vụ, có hoặc không có :read"))
	}
}

// roleOfKeys tells whether keys of a role are given out here: those of banks, of who only reads, and of an administrator for
// some services. Officers, who act in their own name, facilities and our own services get none.
func roleOfKeys(role access.Role) bool {
	return slices.Contains([]access.Role{access.Bank, access.Auditor, access.Steering, access.Admin}, role)
}

// everything tells whether scopes leave nothing out.
func everything(scopes string) bool {
	return access.Scopes(scopes).Cover("")
}

// holderPrefix is what a holder's id begins with; see package signin, which gives no person such an id.
const holderPrefix = access.KeyHolder

// holderID is who holds a key, in facts, logs and records.
func holderID(holder string) string { return holderPrefix + strings.TrimPrefix(holder, holderPrefix) }

func fault(code, message, messageVI string) problem.Fault {
	return problem.Fault{Code: code, Message: message, MessageVI: messageVI}
}

// Issued is a key with its token.
type Issued struct {
	View

	Token string `json:"token" doc:"cannot be read again: only a hash is kept"`
}

// View is a key as it is answered.
type View struct {
	Key       string    `json:"key"`
	Holder    string    `json:"holder" doc:"as it stands in facts and records"`
	Role      string    `json:"role"`
	Facility  string    `json:"facility,omitzero"`
	Unit      string    `json:"unit,omitzero"`
	Bank      string    `json:"bank,omitzero"`
	Scopes    string    `json:"scopes,omitzero"`
	IssuedAt  time.Time `json:"issued_at"`
	IssuedBy  string    `json:"issued_by"`
	ExpiresAt time.Time `json:"expires_at"`
	Successor string    `json:"successor,omitzero"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	RevokedBy string    `json:"revoked_by,omitzero"`
	LastUsed  time.Time `json:"last_used_at,omitzero" doc:"to the minute"`
}

func view(e Entry) View {
	p := e.Key.Principal
	return View{
		Key: e.Key.ID, Holder: p.ID, Role: string(p.Role), Facility: p.Facility, Unit: p.Unit, Bank: p.Bank, Scopes: string(p.Scopes),
		IssuedAt: e.IssuedAt, IssuedBy: e.IssuedBy, ExpiresAt: e.Key.ExpiresAt, Successor: e.Successor,
		RevokedAt: e.RevokedAt, RevokedBy: e.RevokedBy, LastUsed: e.LastUsed,
	}
}

// derived makes the key of a request, the same for a repeat. Of is the key that it succeeds, "" for a first one.
func derived[B any](b *Book, c httpapi.Call[B], of string, p access.Principal) (token string, key access.Key) {
	derive := func(kind string) string { return b.name(kind, of, c.Who.Scope(), c.Key) }
	return access.Token(derive("key"), []byte(derive("secret-1")+derive("secret-2")), p)
}

// request is who asks for a change, and what for.
func request[B any](c httpapi.Call[B]) Request {
	return Request{By: c.Who.Actor(), Scopes: c.Who.Scopes, Fingerprint: c.Meta.Fingerprint}
}

// checkEnd refuses an end of a key in the past, or too far away. None is one by default.
func checkEnd(end, now time.Time) (faults problem.Faults) {
	if !end.IsZero() && (!end.After(now) || end.After(now.Add(longestLife))) {
		faults.At("/expires_at", fault("out_of_range", "after now, and two years from now at most", "sau thời điểm hiện tại và tối đa hai năm"))
	}
	return faults
}

func (b *Book) checkIssue(_ context.Context, c httpapi.Call[IssueBody]) error {
	return checkEnd(c.In.ExpiresAt, b.now()).Err()
}

func (b *Book) issueKey(ctx context.Context, c httpapi.Call[IssueBody]) (httpapi.Done[Issued], error) {
	if err := b.checkIssue(ctx, c); err != nil {
		return httpapi.Done[Issued]{}, err
	}
	end := c.In.ExpiresAt
	if end.IsZero() {
		end = b.now().Add(defaultLife)
	}
	token, key := derived(b, c, "", access.Principal{
		ID: holderID(c.In.Holder), Role: access.Role(c.In.Role), Unit: c.In.Unit, Bank: c.In.Bank, Scopes: access.Scopes(c.In.Scopes),
	})
	key.ExpiresAt = end
	e, replayed, err := b.Issue(ctx, key, request(c))
	return httpapi.Done[Issued]{Answer: Issued{view(e), token}, Replayed: replayed}, err
}

// RotateBody says how long both keys are good.
type RotateBody struct {
	OldUntil  time.Time `json:"old_until,omitzero" doc:"when the old key ends; in 7 days when left out, 90 at most"`
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"when the new key ends; with the old one when left out"`
}

func (b *Book) rotateKey(ctx context.Context, c httpapi.Call[RotateBody]) (httpapi.Done[Issued], error) {
	if faults := checkEnd(c.In.ExpiresAt, b.now()); len(faults) > 0 {
		return httpapi.Done[Issued]{}, b.checkRotation(ctx, c)
	}
	until := c.In.OldUntil
	if until.IsZero() {
		until = b.now().Add(defaultOverlap)
	}
	token, next := derived(b, c, c.Path("id"), access.Principal{})
	e, replayed, err := b.Rotate(ctx, Rotation{Request: request(c), Key: c.Path("id"), Next: next, Until: until, ExpiresAt: c.In.ExpiresAt})
	return httpapi.Done[Issued]{Answer: Issued{view(e), token}, Replayed: replayed}, err
}

// checkRotation looks at both ends. That of the old key is looked at again with the key, which may have a successor already.
func (b *Book) checkRotation(_ context.Context, c httpapi.Call[RotateBody]) error {
	faults := checkEnd(c.In.ExpiresAt, b.now())
	if !c.In.OldUntil.IsZero() && !access.MayOverlap(b.now(), c.In.OldUntil) {
		faults.At("/old_until", overlapFault())
	}
	return faults.Err()
}

func (b *Book) revokeKey(ctx context.Context, c httpapi.Call[struct{}]) (httpapi.Done[View], error) {
	e, err := b.Revoke(ctx, c.Path("id"), c.Who.Actor())
	return httpapi.Done[View]{Answer: view(e)}, err
}

// ListKeys narrows the list.
type ListKeys struct {
	httpapi.Paging[Place]

	Holder string `query:"holder" maxLength:"64" doc:"with key- before it, or without"`
}

func (b *Book) listKeys(ctx context.Context, c httpapi.Call[ListKeys]) (httpapi.Page[View], error) {
	var after Place
	if c.In.Cursor.At != nil {
		after = *c.In.Cursor.At
	}
	holder := c.In.Holder
	if holder != "" {
		holder = holderID(holder)
	}
	entries, err := b.List(ctx, holder, after, c.In.More())
	if err != nil {
		return httpapi.Page[View]{}, err
	}
	return httpapi.PageOf(c.In.Paging, entries, view, func(e Entry) Place { return Place{e.IssuedAt, e.Key.ID} }), nil
}

// Use is when a key was used.
type Use struct {
	Key      string    `json:"key"`
	LastUsed time.Time `json:"last_used_at,omitzero"`
}

func (b *Book) lastUse(ctx context.Context, c httpapi.Call[struct{}]) (Use, error) {
	at, err := b.Uses.Last(ctx, c.Path("id"))
	return Use{Key: c.Path("id"), LastUsed: at}, err
}

// Package document makes the OpenAPI 3.1 document of an API, and a page to read it and try it out.
//
//  1. The document is made from the types and tags that requests are read by (package strict), with huma's registry
//     and types. It cannot say anything else than the code does.
//  2. Field tags: doc, example, default, enum, format, minLength, maxLength, pattern, minimum, maximum, minItems,
//     maxItems. Required is what has no omitzero.
//  3. The page is ours, small, without anything from elsewhere: it works offline and under a strict policy.
package document

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

// Kind is what sort of endpoint it is.
type Kind int

// The kinds of endpoints.
const (
	Query   Kind = iota // GET with parameters
	Command             // changes something, with an Idempotency-Key
	Ask                 // POST that changes nothing
	Batch               // many commands in one request
	Raw                 // reads and writes by itself
)

// About heads a document.
type About struct {
	Service, Title, Description string
	// Problem is the type of every refusal.
	Problem reflect.Type
}

// Endpoint is what there is to say about a route.
type Endpoint struct {
	Kind                 Kind
	Method, Path         string
	Params               []string // of the path
	Summary, Description string
	Roles                []string
	// Action is what the caller does, by its name in the policies; empty for a public one.
	Action  string
	Public  bool
	Status  int
	Waits   bool // knows Songan-After
	Cached  bool // has an ETag
	In, Out reflect.Type
	Body    bool   // In is a body, and there is something in it
	Member  string // of a batch's verdicts
}

// Document collects endpoints.
type Document struct {
	about     About
	endpoints []Endpoint
	build     func() ([]byte, error)
}

// New returns a document without endpoints.
func New(about About) *Document {
	d := &Document{about: about}
	d.build = sync.OnceValues(d.marshal)
	return d
}

// Add adds an endpoint. The document is made when it is first asked for; what is added later is not in it.
func (d *Document) Add(e Endpoint) { d.endpoints = append(d.endpoints, e) }

// JSON returns the document.
func (d *Document) JSON() ([]byte, error) { return d.build() }

func (d *Document) marshal() ([]byte, error) {
	b := &builder{registry: newRegistry(), refusal: d.about.Problem}
	api := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: d.about.Title, Version: "1", Description: d.about.Description + conventions},
		Paths:   map[string]*huma.PathItem{},
		Components: &huma.Components{
			Schemas:         b.registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer", Description: "An API key."}},
			Responses:       map[string]*huma.Response{"Problem": b.problem()},
		},
		Security: []map[string][]string{{"key": {}}},
	}
	for _, e := range d.endpoints {
		api.AddOperation(b.operation(e))
	}
	tellNulls(b.registry.Map())
	data, err := api.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("write openapi document: %w", err)
	}
	return data, nil
}

const conventions = `

**Reading bodies.** Unknown and repeated members are refused; ` + "`null`" + ` means absent; a required text is not blank.
Everything that is wrong is answered at once, as ` + "`application/problem+json`" + ` with a JSON pointer per fault.

**Changing things.** Every POST that changes something carries an ` + "`Idempotency-Key`" + `: the same for each attempt, a new
one for everything else. A repeat is answered with the first answer and ` + "`Idempotent-Replay: true`" + `; another body under
the same key is refused. Keys never expire.

**Reading what was written.** A change answers with ` + "`Songan-Position`" + `; a read that carries it as ` + "`Songan-After`" + ` sees
the change.

**Waiting.** 429 and 503 say in ` + "`Retry-After`" + ` when to come again.
`

// newRegistry names schemas by their types, and puts the package before a name that is taken.
func newRegistry() huma.Registry {
	taken := map[string]reflect.Type{}
	return huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		name := huma.DefaultSchemaNamer(t, hint)
		if other, ok := taken[name]; ok && other != t {
			of := t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:]
			name = strings.ToUpper(of[:1]) + of[1:] + name
		}
		taken[name] = t
		return name
	})
}

// tellNulls says in the schemas what package strict does: null is read as absent where absent is allowed. (huma calls
// lists nullable wherever they stand.)
func tellNulls(schemas map[string]*huma.Schema) {
	for _, s := range schemas {
		for name, property := range s.Properties {
			optional := !slices.Contains(s.Required, name)
			property.Nullable = optional && property.Ref == "" && property.Type != ""
			if property.Nullable && property.Enum != nil {
				property.Enum = append(property.Enum, nil)
			}
		}
	}
}

// operationID makes "postNoticesByIdDeparture" of "POST /accommodation/v1/notices/{id}/departure".
func operationID(e Endpoint) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(e.Method))
	_, path, _ := strings.Cut(e.Path, "/v1/")
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			b.WriteString("By")
			part = strings.TrimSuffix(name, "}")
		}
		for word := range strings.FieldsFuncSeq(part, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

func statusKey(status int) string {
	if status == 0 {
		status = http.StatusOK
	}
	return strconv.Itoa(status)
}

// tag groups endpoints by the first part of their path behind the version.
func tag(e Endpoint) string {
	_, path, _ := strings.Cut(e.Path, "/v1/")
	first, _, _ := strings.Cut(path, "/")
	return first
}

// roles says who may call an endpoint.
func roles(e Endpoint) string {
	if e.Public {
		return "\n\nAnybody may call this."
	}
	names := slices.Sorted(maps.Keys(setOf(e.Roles)))
	return "\n\nRoles: " + strings.Join(names, ", ") + "."
}

func setOf(names []string) map[string]bool {
	set := map[string]bool{}
	for _, n := range names {
		set[n] = true
	}
	return set
}

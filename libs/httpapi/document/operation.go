package document

import (
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const (
	mediaJSON    = "application/json"
	mediaLines   = "application/x-ndjson"
	mediaProblem = "application/problem+json"
)

// builder makes operations; the schemas that they share collect in its registry.
type builder struct {
	registry huma.Registry
	refusal  reflect.Type
}

func (b *builder) operation(e Endpoint) *huma.Operation {
	op := &huma.Operation{
		Method: e.Method, Path: e.Path, OperationID: operationID(e), Tags: []string{tag(e)},
		Summary: e.Summary, Description: strings.TrimSpace(e.Description + roles(e)),
		Responses: map[string]*huma.Response{
			statusKey(e.Status): b.answer(e),
			"default":           {Ref: "#/components/responses/Problem"},
		},
	}
	if e.Action != "" {
		op.Extensions = map[string]any{"x-songan-action": e.Action}
	}
	if e.Public {
		op.Security = []map[string][]string{{}}
	}
	if e.Cached {
		op.Responses["304"] = &huma.Response{Description: "You have this already: the ETag is the one you sent."}
	}
	op.Parameters = b.parameters(e)
	if e.Body || e.Kind == Batch {
		op.RequestBody = b.body(e)
	}
	return op
}

func (b *builder) parameters(e Endpoint) []*huma.Param {
	var params []*huma.Param
	for _, name := range e.Params {
		params = append(params, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	if e.Kind == Query {
		params = append(params, b.query(e.In)...)
	}
	if e.Method == http.MethodPost && (e.Kind == Command || e.Kind == Batch) {
		most := 200
		params = append(params, &huma.Param{
			Name: "Idempotency-Key", In: "header", Required: true,
			Description: "The same for every attempt at this, another for everything else. Visible ASCII.",
			Schema:      &huma.Schema{Type: huma.TypeString, MaxLength: &most, Pattern: "^[!-~]+$"},
		})
	}
	if e.Waits {
		least := 0.0
		params = append(params, &huma.Param{
			Name: "Songan-After", In: "header", Description: "A Songan-Position: the answer waits until it is visible here.",
			Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: &least},
		})
	}
	return params
}

// query describes the fields of a parameters type, those of embedded structs among them.
func (b *builder) query(t reflect.Type) []*huma.Param {
	var params []*huma.Param
	for f := range t.Fields() {
		tag, tagged := f.Tag.Lookup("query")
		if f.Anonymous && !tagged {
			params = append(params, b.query(f.Type)...)
			continue
		}
		if !tagged {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		schema := huma.SchemaFromField(b.registry, f, name)
		schema.Nullable = false
		params = append(params, &huma.Param{
			Name: name, In: "query", Required: options == "required", Description: schema.Description, Schema: schema,
		})
	}
	return params
}

func (b *builder) body(e Endpoint) *huma.RequestBody {
	schema := b.registry.Schema(e.In, true, "Body")
	if e.Kind != Batch {
		return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{mediaJSON: {Schema: schema}}}
	}
	return &huma.RequestBody{
		Required: true,
		Description: "A JSON array, or one JSON object per line. Each may carry a `client_ref` of up to 64 visible ASCII " +
			"characters, which its verdict repeats: make it a number of yours, never a person's.",
		Content: map[string]*huma.MediaType{
			mediaJSON:  {Schema: &huma.Schema{Type: huma.TypeArray, Items: schema}},
			mediaLines: {Schema: schema},
		},
	}
}

func (b *builder) answer(e Endpoint) *huma.Response {
	r := &huma.Response{Description: "Done.", Headers: map[string]*huma.Param{
		"Songan-Request": {Description: "Names this request.", Schema: &huma.Schema{Type: huma.TypeString}},
	}}
	if e.Kind == Command || e.Kind == Batch {
		r.Headers["Songan-Position"] = &huma.Param{
			Description: "Where the change stands; send it as Songan-After to read it.",
			Schema:      &huma.Schema{Type: huma.TypeInteger, Format: "int64"},
		}
	}
	switch e.Kind {
	case Raw:
		return r
	case Batch:
		verdict := b.verdict(e)
		r.Content = map[string]*huma.MediaType{mediaJSON: {Schema: batchAnswer(verdict)}, mediaLines: {Schema: verdict}}
		return r
	case Command:
		r.Headers["Idempotent-Replay"] = &huma.Param{
			Description: "true when an earlier request with the same key did it.", Schema: &huma.Schema{Type: huma.TypeBoolean},
		}
	}
	if e.Status != http.StatusNoContent {
		r.Content = map[string]*huma.MediaType{mediaJSON: {Schema: b.registry.Schema(e.Out, true, "Answer")}}
	}
	return r
}

// verdict describes what a batch says about one item.
func (b *builder) verdict(e Endpoint) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"index", "status"},
		Properties: map[string]*huma.Schema{
			"index":      {Type: huma.TypeInteger, Description: "The item's place, from 0."},
			"client_ref": {Type: huma.TypeString},
			"status":     {Type: huma.TypeInteger, Description: "201 new, 200 a repeat, otherwise see problem."},
			e.Member:     b.registry.Schema(e.Out, true, "Answer"),
			"problem":    b.registry.Schema(b.refusal, true, "Problem"),
		},
	}
}

func batchAnswer(verdict *huma.Schema) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"accepted", "rejected", "items"},
		Properties: map[string]*huma.Schema{
			"accepted": {Type: huma.TypeInteger}, "rejected": {Type: huma.TypeInteger},
			"items": {Type: huma.TypeArray, Items: verdict},
		},
	}
}

// problem describes every refusal, once.
func (b *builder) problem() *huma.Response {
	return &huma.Response{
		Description: "Refused: RFC 9457, with everything that is wrong at once. No value that was sent is repeated.",
		Headers: map[string]*huma.Param{"Retry-After": {
			Description: "Seconds to wait, with 429 and 503.", Schema: &huma.Schema{Type: huma.TypeInteger},
		}},
		Content: map[string]*huma.MediaType{mediaProblem: {Schema: b.registry.Schema(b.refusal, true, "Problem")}},
	}
}

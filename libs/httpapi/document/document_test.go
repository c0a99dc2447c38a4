package document_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/httpapi/document"
)

type guest struct {
	FullName string  `json:"full_name" maxLength:"100" doc:"As it stands on the document."`
	Sex      string  `json:"sex" enum:"male,female"`
	Visa     string  `json:"visa,omitzero" enum:"DL,EV"`
	Phone    *string `json:"phone,omitzero"`
}

type notify struct {
	Guest     guest     `json:"guest"`
	ArrivedAt time.Time `json:"arrived_at"`
	Tags      []string  `json:"tags,omitzero" maxItems:"3"`
}

type notice struct {
	ID    string  `json:"id"`
	Guest guest   `json:"guest"`
	Notes []int64 `json:"notes"`
}

type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor,omitzero"`
}

type paging struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type filter struct {
	paging
	Unit string     `query:"unit,required" doc:"The commune."`
	From *time.Time `query:"from"`
	Kind []string   `query:"kind" enum:"a,b"`
}

type problemDocument struct {
	Code string `json:"code"`
}

func documented() *document.Document {
	d := document.New(document.About{
		Service: "accommodation", Title: "Accommodation", Description: "Stays.", Problem: reflect.TypeFor[problemDocument](),
	})
	roles := []string{"facility", "admin"}
	d.Add(document.Endpoint{
		Kind: document.Command, Method: "POST", Path: "/accommodation/v1/notices", Summary: "Notify", Roles: roles, Status: 201,
		In: reflect.TypeFor[notify](), Out: reflect.TypeFor[notice](), Body: true,
	})
	d.Add(document.Endpoint{
		Kind: document.Query, Method: "GET", Path: "/accommodation/v1/notices", Roles: roles, Waits: true,
		In: reflect.TypeFor[filter](), Out: reflect.TypeFor[page[notice]](),
	})
	d.Add(document.Endpoint{
		Kind: document.Batch, Method: "POST", Path: "/accommodation/v1/notices/batch", Roles: roles, Member: "notice",
		In: reflect.TypeFor[notify](), Out: reflect.TypeFor[notice](), Body: true,
	})
	d.Add(document.Endpoint{
		Kind: document.Command, Method: "DELETE", Path: "/accommodation/v1/keys/{key}", Params: []string{"key"}, Roles: roles, Status: 204,
		In: reflect.TypeFor[struct{}](), Out: reflect.TypeFor[struct{}](),
	})
	d.Add(document.Endpoint{
		Kind: document.Query, Method: "GET", Path: "/accommodation/v1/units", Public: true, Cached: true,
		In: reflect.TypeFor[struct{}](), Out: reflect.TypeFor[map[string]string](),
	})
	return d
}

// at follows a path of names and indices into the document.
func at(t *testing.T, doc map[string]any, path ...any) any {
	t.Helper()
	var here any = doc
	for _, p := range path {
		switch p := p.(type) {
		case string:
			here = here.(map[string]any)[p]
		case int:
			here = here.([]any)[p]
		}
		if here == nil {
			t.Fatalf("nothing at %v", path)
		}
	}
	return here
}

func parsed(t *testing.T) map[string]any {
	t.Helper()
	data, err := documented().JSON()
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestTheDocumentSaysWhatTheTypesSay(t *testing.T) {
	t.Parallel()
	doc := parsed(t)
	schemas := []any{"components", "schemas"}
	path := func(more ...any) []any { return append(append([]any{}, schemas...), more...) }
	for _, test := range []struct {
		path []any
		want any
	}{
		{[]any{"openapi"}, "3.1.0"},
		{[]any{"info", "title"}, "Accommodation"},
		{path("Guest", "required"), []any{"full_name", "sex"}},
		{path("Guest", "additionalProperties"), false},
		{path("Guest", "properties", "full_name"), map[string]any{"type": "string", "maxLength": 100.0, "description": "As it stands on the document."}},
		{path("Guest", "properties", "sex"), map[string]any{"type": "string", "enum": []any{"male", "female"}}},
		{path("Guest", "properties", "visa"), map[string]any{"type": []any{"string", "null"}, "enum": []any{"DL", "EV", nil}}},
		{path("Guest", "properties", "phone", "type"), []any{"string", "null"}},
		{path("Notify", "properties", "arrived_at", "format"), "date-time"},
		{path("Notify", "properties", "tags", "type"), []any{"array", "null"}},
		{path("Notice", "properties", "notes", "type"), "array"},
		{[]any{"paths", "/accommodation/v1/notices", "post", "operationId"}, "postNotices"},
		{[]any{"paths", "/accommodation/v1/keys/{key}", "delete", "operationId"}, "deleteKeysByKey"},
		{[]any{"paths", "/accommodation/v1/notices", "post", "description"}, "Roles: admin, facility."},
		{[]any{"paths", "/accommodation/v1/notices", "post", "parameters", 0, "name"}, "Idempotency-Key"},
		{[]any{"paths", "/accommodation/v1/notices", "get", "parameters", 0}, map[string]any{"name": "limit", "in": "query", "schema": map[string]any{
			"type": "integer", "format": "int64", "minimum": 1.0, "maximum": 200.0, "default": 50.0,
		}}},
		{[]any{"paths", "/accommodation/v1/notices", "get", "parameters", 1, "required"}, true},
		{[]any{"paths", "/accommodation/v1/notices", "get", "parameters", 4, "name"}, "Songan-After"},
		{[]any{"paths", "/accommodation/v1/notices", "post", "responses", "default", "$ref"}, "#/components/responses/Problem"},
		{[]any{"paths", "/accommodation/v1/notices/batch", "post", "requestBody", "content", "application/x-ndjson", "schema", "$ref"}, "#/components/schemas/Notify"},
		{[]any{"paths", "/accommodation/v1/units", "get", "security", 0}, map[string]any{}},
		{[]any{"security", 0}, map[string]any{"key": []any{}}},
	} {
		if d := cmp.Diff(test.want, at(t, doc, test.path...)); d != "" {
			t.Errorf("%v: %s", test.path, d)
		}
	}
}

func TestEveryReferenceOfTheDocumentLeadsSomewhere(t *testing.T) {
	t.Parallel()
	doc := parsed(t)
	found := 0
	var walk func(any)
	walk = func(here any) {
		switch here := here.(type) {
		case map[string]any:
			if ref, ok := here["$ref"].(string); ok {
				found++
				var path []any
				for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
					path = append(path, part)
				}
				at(t, doc, path...)
			}
			for _, v := range here {
				walk(v)
			}
		case []any:
			for _, v := range here {
				walk(v)
			}
		}
	}
	walk(doc)
	if found < 5 {
		t.Errorf("%d references", found)
	}
}

func TestTwoTypesOfOneNameHaveTwoSchemas(t *testing.T) {
	t.Parallel()
	d := documented()
	type Notice struct {
		Other string `json:"other"`
	}
	d.Add(document.Endpoint{
		Kind: document.Query, Method: "GET", Path: "/accommodation/v1/others", Roles: []string{"admin"},
		In: reflect.TypeFor[struct{}](), Out: reflect.TypeFor[Notice](),
	})
	data, err := d.JSON()
	if err != nil || !strings.Contains(string(data), `"Document_testNotice":{`) {
		t.Errorf("%v: %s", err, data)
	}
}

func TestThePageComesWithoutAnythingFromElsewhere(t *testing.T) {
	t.Parallel()
	h := documented().Handler()
	for path, want := range map[string]string{
		"/accommodation/docs": "text/html", "/accommodation/docs/docs.js": "text/javascript", "/accommodation/docs/docs.css": "text/css",
		"/accommodation/openapi.json": "application/json",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), want) {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, w.Header())
		}
		if strings.Contains(w.Body.String(), "http://") || strings.Contains(w.Body.String(), "https://") {
			t.Errorf("%s loads from elsewhere", path)
		}
	}
	for path, want := range map[string]int{"/accommodation/docs/": 308, "/accommodation/docs/none.js": 404, "/accommodation/docs/..%2fhandler.go": 404} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func ExampleDocument_JSON() {
	type answer struct {
		ID string `json:"id" doc:"Of the notice."`
	}
	d := document.New(document.About{Service: "accommodation", Title: "Accommodation", Problem: reflect.TypeFor[problemDocument]()})
	d.Add(document.Endpoint{
		Kind: document.Query, Method: "GET", Path: "/accommodation/v1/notices/{id}", Params: []string{"id"}, Roles: []string{"facility"},
		In: reflect.TypeFor[struct{}](), Out: reflect.TypeFor[answer](),
	})
	data, _ := d.JSON()
	var doc struct {
		Components struct{ Schemas map[string]json.RawMessage }
	}
	_ = json.Unmarshal(data, &doc)
	fmt.Println(string(doc.Components.Schemas["Answer"]))
	// Output: {"additionalProperties":false,"properties":{"id":{"description":"Of the notice.","type":"string"}},"required":["id"],"type":"object"}
}

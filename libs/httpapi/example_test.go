package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/problem"
)

// depart is a command: in a service, a type of the domain with a method Decide.
type depart struct {
	DepartedAt time.Time `json:"departed_at"`
}

type departed struct {
	Notice string `json:"notice"`
	Status string `json:"status"`
}

func Example() {
	token, hotel := access.Generate(access.Principal{Role: access.Facility, Facility: "F1"})
	api := httpapi.New(httpapi.Options{
		Service: "accommodation", Title: "Accommodation",
		Auth:        access.New(access.Options{Now: time.Now}, access.Static(hotel)),
		Name:        digest,
		Fingerprint: func(b []byte) string { return digest("body", string(b)) },
		Policy:      policies(time.Now),
		Now:         time.Now, Log: zap.NewNop(), Limits: httpapi.DefaultLimits(),
	})
	httpapi.Command(api, httpapi.Route{
		Pattern: "POST /notices/{id}/departure", Summary: "A guest left", Action: notifying,
	}, func(_ context.Context, c httpapi.Call[depart]) (httpapi.Done[departed], error) {
		// In a service: out, err := eventstore.Execute(ctx, log, "notice-"+c.Path("id"), c.In, c.Meta)
		return httpapi.Done[departed]{Answer: departed{c.Path("id"), "departed"}, Position: 42}, nil
	})

	for _, body := range []string{`{"departed_at":"2026-11-23T09:00:00+07:00"}`, `{"departed":"2026-11-23"}`} {
		r := httptest.NewRequest("POST", "/accommodation/v1/notices/N1/departure", strings.NewReader(body)) //nolint:noctx // an example
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "departure-of-N1")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		var answer struct {
			Notice string
			Code   string
			Errors []problem.Fault
		}
		_ = json.Unmarshal(w.Body.Bytes(), &answer)
		fmt.Println(w.Code, answer.Notice+answer.Code)
		for _, f := range answer.Errors {
			fmt.Println(f.Pointer, f.MessageVI)
		}
	}
	// Output:
	// 200 N1
	// 422 invalid_body
	// /departed không có trường này
	// /departed_at bắt buộc phải có
}

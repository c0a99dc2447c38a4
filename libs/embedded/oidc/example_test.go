package oidc_test

import (
	"fmt"
	"os"
	"time"

	"github.com/songan-vn/songan/libs/embedded/oidc"
)

func Example() {
	dir, err := os.MkdirTemp("", "idp")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	provider, err := oidc.New(oidc.Options{
		Issuer: "http://127.0.0.1:8080/idp", Dir: dir, Audience: "songan-api", Now: time.Now,
		Users: []oidc.User{{
			Subject: "demo-police", Name: "police", Password: oidc.HashPassword("a long password"),
			Claims: map[string]any{"songan_role": "commune_police", "songan_unit": "00004"},
		}},
		Clients: []oidc.Client{{
			ID: "console", Secret: oidc.HashSecret(oidc.NewSecret()),
			Redirects: []string{"http://127.0.0.1:8080/auth/v1/callback"},
		}},
	})
	fmt.Println(provider != nil, err) // http.Handle("/idp/", provider)
	// Output: true <nil>
}

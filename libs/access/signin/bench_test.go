package signin_test

import (
	"net/http"
	"testing"

	"github.com/songan-vn/songan/libs/access"
)

// BenchmarkIdentify is what it costs to find out who calls, in each of the three ways.
func BenchmarkIdentify(b *testing.B) {
	o := open(b)
	person := o.browser()
	person.signIn("auditor")
	auth := access.New(access.Options{Now: o.clock.Now, Proofs: o.signin.Proofs()}, access.Static(o.key()))
	for name, header := range map[string][2]string{
		"key":     {"Authorization", "Bearer " + apiKey},
		"token":   {"Authorization", "Bearer " + o.token("machine")},
		"session": {"Cookie", "__Host-songan=" + person.cookie("__Host-songan").Value},
	} {
		r := person.request(http.MethodGet, "/work/v1/things", "")
		r.Header.Set(header[0], header[1])
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := auth.Identify(b.Context(), r, "office"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	r := person.request(http.MethodGet, "/work/v1/things", "")
	b.Run("key, as before", func(b *testing.B) {
		for b.Loop() {
			if _, err := auth.Authenticate(r.Context(), "Bearer "+apiKey, "office"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

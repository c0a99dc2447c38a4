package service_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/testkit"
)

// guarded is a process with one service that says who calls, keys for it, and certificates.
type guarded struct {
	*hosted
	config    service.Config
	authority *certificate.Authority
	tokens    map[string]string
}

func guard(t *testing.T, change func(*service.Config)) *guarded {
	t.Helper()
	a, err := certificate.OpenAuthority(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	files, err := a.Server(time.Hour, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	c, err := service.LoadFrom[service.Config](map[string]string{"SONGAN_HTTP": "127.0.0.1:0", "SONGAN_STOP_PATIENCE": "5s"})
	if err != nil {
		t.Fatal(err)
	}
	c.HTTPS, c.TLSCertificate, c.TLSKey, c.TLSClients = testkit.FreeAddress(t), files.Certificate, files.Key, a.CA()
	c.Certified = []access.Role{access.Bank}
	change(&c)
	g := &guarded{config: c, authority: a, tokens: map[string]string{}}
	deps, closeDeps, err := service.NewDeps(t.Context(), "test", c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = closeDeps(context.Background()) })
	deps.Log = zap.NewNop()
	ring := access.StaticKeyring{}
	for name, p := range map[string]access.Principal{
		"ICBVVNVX": {Role: access.Bank, Bank: "ICBVVNVX"}, "auditor": {Role: access.Auditor}, "admin": {Role: access.Admin},
		"scraper": {Role: access.Admin, Scopes: "metrics:read"}, "narrow": {Role: access.Admin, Scopes: "accounts"},
	} {
		token, key := access.Generate(p)
		g.tokens[name], ring[key.ID] = token, key
	}
	deps.Keys = append(deps.Keys, ring)
	auth := deps.Auth()
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := auth.Identify(r.Context(), r, "192.0.2.1")
		if err != nil {
			_, _ = io.WriteString(w, err.Error())
			return
		}
		_, _ = io.WriteString(w, "hello "+string(p.Role))
	})
	ctx, cancel := context.WithCancel(t.Context())
	g.hosted = &hosted{stop: cancel, done: make(chan error, 1)}
	listening := make(chan net.Addr, 1)
	h := deps.Host()
	h.Listening = func(a net.Addr) { listening <- a }
	go func() { g.done <- service.Run(ctx, h, service.Service{Name: "work", Handler: who}) }()
	select {
	case at := <-listening:
		g.url = "http://" + at.String()
	case err := <-g.done:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-g.done; err != nil {
			t.Error(err)
		}
	})
	return g
}

// page is an answer, read.
type page struct {
	status   int
	header   http.Header
	body     string
	protocol string
}

// call asks with a key, and with a client's certificate if files are given.
func (g *guarded) call(t *testing.T, url, actor string, files certificate.Files) page {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	if strings.HasPrefix(url, "https:") {
		files.CA = g.authority.CA()
		client, err := files.Client(nil)
		if err != nil {
			t.Fatal(err)
		}
		transport.DialTLSContext = client.DialContext
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if actor != "" {
		r.Header.Set("Authorization", "Bearer "+g.tokens[actor])
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return page{body: err.Error()}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page{answer.StatusCode, answer.Header, string(body), answer.Proto}
}

func TestABanksKeyIsOfUseOnlyWithThatBanksCertificate(t *testing.T) {
	t.Parallel()
	g := guard(t, func(*service.Config) {})
	issue := func(h certificate.Holder) certificate.Files {
		files, err := g.authority.Client(time.Hour, h)
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	own, others := issue(certificate.Holder{Bank: "ICBVVNVX"}), issue(certificate.Holder{Bank: "BFTVVNVX"})
	secure := "https://" + g.config.HTTPS + "/work/x"
	for _, c := range []struct {
		name, url, actor string
		files            certificate.Files
		want             string
	}{
		{"with its certificate", secure, "ICBVVNVX", own, "hello bank"},
		{"with none", secure, "ICBVVNVX", certificate.Files{}, "certificate_required"},
		{"without TLS", g.url + "/work/x", "ICBVVNVX", certificate.Files{}, "certificate_required"},
		{"with another bank's", secure, "ICBVVNVX", others, "certificate_mismatch"},
		{"a person's key with a bank's certificate", secure, "admin", own, "certificate_mismatch"},
		{"a person's key without one", secure, "admin", certificate.Files{}, "hello admin"},
		{"a certificate without a key", secure, "", own, "no_credentials"},
	} {
		if got := g.call(t, c.url, c.actor, c.files).body; !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q instead of %q", c.name, got, c.want)
		}
	}
	if got := g.call(t, secure, "admin", certificate.Files{}); got.header.Get("Strict-Transport-Security") == "" || got.protocol != "HTTP/1.1" {
		t.Errorf("%+v", got)
	}
}

func TestMetricsAreForAdministratorsWhereTheAPIIs(t *testing.T) {
	t.Parallel()
	g := guard(t, func(*service.Config) {})
	for actor, status := range map[string]int{
		"": http.StatusUnauthorized, "auditor": http.StatusForbidden, "narrow": http.StatusForbidden, "admin": http.StatusOK,
		"scraper": http.StatusOK,
	} {
		got := g.call(t, g.url+"/metrics", actor, certificate.Files{})
		if got.status != status || strings.Contains(got.body, "go_goroutines") != (status == http.StatusOK) {
			t.Errorf("%q: %d %.200s", actor, got.status, got.body)
		}
	}
}

func TestMetricsWithAnAddressOfTheirOwnAreThereAlone(t *testing.T) {
	t.Parallel()
	g := guard(t, func(c *service.Config) { c.Metrics = testkit.FreeAddress(t) })
	if got := g.call(t, g.url+"/metrics", "admin", certificate.Files{}); got.status != http.StatusNotFound {
		t.Error(got.status)
	}
	own := "http://" + g.config.Metrics
	if got := g.call(t, own+"/metrics", "", certificate.Files{}); got.status != http.StatusOK || !strings.Contains(got.body, "go_goroutines") {
		t.Error(got.status)
	}
	if got := g.call(t, own+"/work/x", "admin", certificate.Files{}); got.status != http.StatusNotFound {
		t.Error("the API is served beside the metrics")
	}
}

func TestWhatNoServiceAnswersHasSafeHeadersToo(t *testing.T) {
	t.Parallel()
	g := guard(t, func(*service.Config) {})
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/nothing"} {
		answer := g.call(t, g.url+path, "", certificate.Files{})
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Strict-Transport-Security": "",
		} {
			if got := answer.header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

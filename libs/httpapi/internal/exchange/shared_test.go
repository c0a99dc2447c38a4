package exchange_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/httpapi/internal/exchange"
	"github.com/songan-vn/songan/libs/httpapi/limits"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestCallersAreCountedByTheirOwnAddress counts by rates of one: two requests of the same address show as 429.
func TestCallersAreCountedByTheirOwnAddress(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	type from struct {
		remote    string
		forwarded []string
	}
	for name, test := range map[string]struct {
		a, b from
		same bool
	}{
		"another port":                    {from{"203.0.113.7:1", nil}, from{"203.0.113.7:2", nil}, true},
		"another address":                 {from{"203.0.113.7:1", nil}, from{"203.0.113.8:1", nil}, false},
		"mapped into IPv6":                {from{"203.0.113.7:1", nil}, from{"[::ffff:203.0.113.7]:1", nil}, true},
		"the same network of IPv6":        {from{"[2001:db8::1]:1", nil}, from{"[2001:db8::ffff:2]:1", nil}, true},
		"another network of IPv6":         {from{"[2001:db8::1]:1", nil}, from{"[2001:db8:0:1::1]:1", nil}, false},
		"behind our proxy":                {from{"10.0.0.1:1", []string{"203.0.113.7"}}, from{"10.0.0.2:1", []string{"203.0.113.7"}}, true},
		"two behind our proxy":            {from{"10.0.0.1:1", []string{"203.0.113.7"}}, from{"10.0.0.1:1", []string{"203.0.113.8"}}, false},
		"two proxies":                     {from{"10.0.0.1:1", []string{"203.0.113.7, 10.0.0.9"}}, from{"203.0.113.7:1", nil}, true},
		"two headers":                     {from{"10.0.0.1:1", []string{"203.0.113.7", "10.0.0.9"}}, from{"203.0.113.7:1", nil}, true},
		"a lie told to our proxy":         {from{"10.0.0.1:1", []string{"1.1.1.1, 203.0.113.7"}}, from{"10.0.0.1:1", []string{"2.2.2.2, 203.0.113.7"}}, true},
		"a lie without our proxy":         {from{"203.0.113.7:1", []string{"1.1.1.1"}}, from{"203.0.113.7:1", []string{"2.2.2.2"}}, true},
		"nonsense told by our proxy":      {from{"10.0.0.1:1", []string{"unknown"}}, from{"10.0.0.1:1", []string{"hidden"}}, true},
		"something that is no IP address": {from{"@", nil}, from{"@", nil}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := exchange.DefaultLimits()
			l.Proxies = proxies
			l.Addresses = limits.NewRates(limits.RatesOptions{Every: time.Hour, Burst: 1, Callers: 10, Now: time.Now})
			h := exchange.NewServer(exchange.Options{Now: time.Now, Log: zap.NewNop(), Limits: l}).
				Handler(&exchange.Route{Method: "GET", Path: "/", Public: true, Timeout: time.Second}, nothing)
			statuses := map[int]int{}
			for _, f := range []from{test.a, test.b} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
				r.RemoteAddr = f.remote
				r.Header["X-Forwarded-For"] = f.forwarded
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				statuses[w.Code]++
			}
			if same := statuses[http.StatusTooManyRequests] == 1; same != test.same {
				t.Error(statuses)
			}
		})
	}
}

package service_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/libs/telemetry"
)

func TestConfigurationHasDefaultsAndComesFromTheEnvironment(t *testing.T) {
	t.Parallel()
	c, err := service.LoadFrom[service.Config](map[string]string{})
	if err != nil || c.HTTP != "127.0.0.1:8080" || c.Data != ".songan" || c.StopPatience != 15*time.Second || c.Requests != 512 ||
		c.PrincipalRequests != 128 || c.PrincipalStreams != 4 {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = service.LoadFrom[service.Config](map[string]string{
		"SONGAN_HTTP": ":80", "KAFKA_BROKERS": "a:9092,b:9092", "SONGAN_TRUSTED_PROXIES": "10.0.0.0/8,fd00::/8",
	})
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	if err != nil || c.HTTP != ":80" || !cmp.Equal(c.Brokers, []string{"a:9092", "b:9092"}) || fmt.Sprint(c.Proxies) != fmt.Sprint(proxies) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestEverythingThatIsWrongIsNamedAndNoValueIs(t *testing.T) {
	t.Parallel()
	type own struct {
		URL     string        `env:"SONGAN_POPULATION_URL,required"`
		Retries int           `env:"SONGAN_RETRIES"`
		Wait    time.Duration `env:"SONGAN_WAIT"`
	}
	_, err := service.LoadFrom[own](map[string]string{"SONGAN_RETRIES": "hunter2", "SONGAN_WAIT": "hunter3"})
	if err == nil {
		t.Fatal("read")
	}
	for _, name := range []string{"SONGAN_POPULATION_URL", "SONGAN_RETRIES is not a int", "SONGAN_WAIT is not a time.Duration"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
	if strings.Contains(err.Error(), "hunter") {
		t.Error(err)
	}
}

func TestASecretMayStandInAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := service.LoadFrom[service.Config](map[string]string{"SONGAN_KAFKA_PASSWORD_FILE": path, "DATABASE_URL_FILE": path, "HOME_FILE": "/none"})
	if err != nil || c.KafkaPassword != "hunter2" || c.DatabaseURL != "hunter2" {
		t.Error(c, err)
	}
	c, err = service.LoadFrom[service.Config](map[string]string{"SONGAN_KAFKA_PASSWORD_FILE": path, "SONGAN_KAFKA_PASSWORD": "nearer"})
	if err != nil || c.KafkaPassword != "nearer" {
		t.Error(c, err)
	}
	if _, err = service.LoadFrom[service.Config](map[string]string{"SONGAN_KAFKA_PASSWORD_FILE": path + "x"}); err == nil ||
		!strings.Contains(err.Error(), "SONGAN_KAFKA_PASSWORD_FILE") {
		t.Error(err)
	}
}

// The file of checkpoints is no file of a secret: it is not there yet when a service starts for the first time.
func TestTheFileOfCheckpointsIsNotReadAsASecret(t *testing.T) {
	t.Parallel()
	c, err := service.LoadFrom[service.Config](map[string]string{"SONGAN_WITNESS_FILE": "/none/{service}.jsonl"})
	if err != nil || c.WitnessFile != "/none/{service}.jsonl" {
		t.Error(c.WitnessFile, err)
	}
}

func TestLimitsAreThoseOfTheConfiguration(t *testing.T) {
	t.Parallel()
	l := service.Config{Requests: 1, Streams: 2, RatePrincipal: 1, PrincipalStreams: 1}.Limits(time.Now)
	if l.PrincipalRequests != nil || !l.PrincipalStreams.Take("a") || l.PrincipalStreams.Take("a") || l.Spool == nil {
		t.Error("shares of a principal")
	}
	if l.Bodies.Take(32<<20+1) || !l.Bodies.Take(32<<20) {
		t.Error("an array has no room, or has too much")
	}
	if l.Addresses != nil || l.Principals == nil || l.Requests == nil || l.Streams == nil {
		t.Errorf("%+v", l)
	}
	l.Principals.Take("a")
	if _, ok := l.Principals.Take("a"); ok {
		t.Error("two at once")
	}
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	l = service.Config{RateAddress: 1, Proxies: proxies}.Limits(time.Now)
	l.Addresses.Take("a")
	if _, ok := l.Addresses.Take("a"); ok || l.Principals != nil || !slices.Equal(l.Proxies, proxies) {
		t.Errorf("%+v", l)
	}
	usual, err := service.LoadFrom[service.Config](nil)
	if err != nil {
		t.Fatal(err)
	}
	if l = usual.Limits(time.Now); !l.Bodies.Take(256<<20) || l.Bodies.Take(1) {
		t.Error("memory for bodies")
	}
	if l.Addresses == nil || l.Principals == nil || l.PrincipalRequests == nil || l.PrincipalStreams == nil || l.Proxies != nil {
		t.Errorf("without a word in the configuration: %+v", l)
	}
}

func ExampleLoadFrom() {
	type config struct {
		Population string        `env:"SONGAN_POPULATION_URL,required"`
		Patience   time.Duration `env:"SONGAN_POPULATION_PATIENCE" envDefault:"3s"`
	}
	c, err := service.LoadFrom[config](map[string]string{"SONGAN_POPULATION_URL": "http://127.0.0.1:8090"})
	fmt.Println(c.Population, c.Patience, err)

	_, err = service.LoadFrom[config](map[string]string{"SONGAN_POPULATION_PATIENCE": "long"})
	fmt.Println(strings.Contains(err.Error(), "SONGAN_POPULATION_PATIENCE is not a time.Duration"))
	// Output:
	// http://127.0.0.1:8090 3s <nil>
	// true
}

func TestSettingsOfTLSThatContradictEachOtherAreRefused(t *testing.T) {
	t.Parallel()
	for what, environment := range map[string]map[string]string{
		"SONGAN_HTTPS needs":                  {"SONGAN_HTTPS": "127.0.0.1:0"},
		"SONGAN_TLS_CLIENT_ROLES needs":       {"SONGAN_TLS_CLIENT_ROLES": "bank"},
		"certificates are for the roles bank": {"SONGAN_TLS_CLIENT_ROLES": "treasurer"},
	} {
		c, err := service.LoadFrom[service.Config](environment)
		if err != nil {
			t.Fatal(err)
		}
		err = service.Run(t.Context(), service.Host{Config: c, Log: zap.NewNop(), Metrics: telemetry.Metrics()})
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTheClusterIsReachedByTLSWhenAVariableSaysSo(t *testing.T) {
	t.Parallel()
	a, err := certificate.OpenAuthority(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	broker := secret(t, a)
	for name, test := range map[string]struct {
		environment map[string]string
		tls, taken  bool
	}{
		"plain":                    {nil, false, true},
		"the system's authorities": {map[string]string{"KAFKA_TLS": "true"}, true, false},
		"its own":                  {map[string]string{"KAFKA_TLS_CA": a.CA()}, true, true},
	} {
		c, err := service.LoadFrom[service.Config](test.environment)
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Cluster("test", nil)
		if err != nil || (s.TLS != nil) != test.tls {
			t.Errorf("%s: %+v %v", name, s.TLS, err)
		}
		conn, err := s.TLS.DialContext(t.Context(), "tcp", broker)
		if (err == nil) != test.taken {
			t.Errorf("%s: a server of our own authority: %v", name, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	if _, err := (service.Config{KafkaCA: "/nowhere"}).Cluster("test", nil); err == nil || !strings.Contains(err.Error(), "KAFKA_TLS_CA") {
		t.Error(err)
	}
}

// secret is the address of a server with a certificate of an authority.
func secret(t *testing.T, a *certificate.Authority) string {
	t.Helper()
	files, err := a.Server(time.Hour, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	if server.TLS, err = files.Server(nil); err != nil {
		t.Fatal(err)
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

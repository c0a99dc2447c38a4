package service

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/httpapi/limits"
	"github.com/songan-vn/songan/libs/httpapi/lines"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/kms"
	"github.com/songan-vn/songan/libs/vault"
)

// Config is what every service is configured by. A service with more has a struct of its own, read by [Load].
type Config struct {
	HTTP string `env:"SONGAN_HTTP" envDefault:"127.0.0.1:8080"`
	// HTTPS is a second address, where the same is served with TLS; empty for none.
	HTTPS string `env:"SONGAN_HTTPS"`
	// TLSCertificate and TLSKey are the files of the server's certificate, TLSClients that of the authorities whose clients'
	// certificates are taken.
	TLSCertificate string `env:"SONGAN_TLS_CERTIFICATE"`
	TLSKey         string `env:"SONGAN_TLS_KEY"`
	TLSClients     string `env:"SONGAN_TLS_CLIENT_CA"`
	// Certified are the roles that have to come with a client's certificate beside their key or token.
	Certified []access.Role `env:"SONGAN_TLS_CLIENT_ROLES"`
	// Metrics is an address where /metrics is served to everybody who reaches it, and not on the API's then; empty serves
	// it there, to administrators.
	Metrics string `env:"SONGAN_METRICS"`

	Data        string   `env:"SONGAN_DATA" envDefault:".songan"`
	DatabaseURL string   `env:"DATABASE_URL"`
	Kafka       string   `env:"SONGAN_KAFKA" envDefault:"127.0.0.1:9092"`
	Brokers     []string `env:"KAFKA_BROKERS"`
	KafkaUser   string   `env:"SONGAN_KAFKA_USER"`
	// KafkaPassword is best given as SONGAN_KAFKA_PASSWORD_FILE.
	KafkaPassword string `env:"SONGAN_KAFKA_PASSWORD"`
	// KafkaTLS encrypts connections to brokers; so does a file of theirs. KafkaCA judges brokers in the place of the system's
	// authorities, and the certificate is shown to those that ask for one.
	KafkaTLS         bool   `env:"KAFKA_TLS" envDefault:"false"`
	KafkaCA          string `env:"KAFKA_TLS_CA"`
	KafkaCertificate string `env:"KAFKA_TLS_CERTIFICATE"`
	KafkaKey         string `env:"KAFKA_TLS_KEY"`

	// Topics is what the names of topics begin with, so that several installations, or tests, can
	// share a cluster.
	Topics string `env:"SONGAN_TOPICS" envDefault:"songan"`
	// Replication is how many brokers keep each topic; -1 is the cluster's own default.
	Replication int `env:"SONGAN_KAFKA_REPLICATION" envDefault:"-1"`
	// KafkaSession is how long a process may be silent before others read its partitions; so long nobody does after a kill.
	KafkaSession time.Duration `env:"SONGAN_KAFKA_SESSION" envDefault:"10s"`
	// AccessKeys is the file of the operators' API keys, VaultKeys that of the vault's master key.
	AccessKeys string `env:"SONGAN_ACCESS_KEYS"`
	VaultKeys  string `env:"SONGAN_VAULT_KEYS"`
	// VaultKMS names the key that seals vaults' key files; empty leaves them to their mode. KMSToken is best given as
	// SONGAN_KMS_TOKEN_FILE.
	VaultKMS string `env:"SONGAN_VAULT_KMS"`
	KMSToken string `env:"SONGAN_KMS_TOKEN"`
	// WitnessKey is the file of the key that signs checkpoints of the log, WitnessFile where they are kept. Both belong on
	// another machine than the database. {service} in them stands for the name of the service.
	WitnessKey  string `env:"SONGAN_WITNESS_KEY"`
	WitnessFile string `env:"SONGAN_WITNESS_FILE"`

	// RetentionRules and Holidays are files that replace those which come with the program: how long people's data is kept
	// and when a person is answered, and which days are not worked.
	RetentionRules string `env:"SONGAN_RETENTION_RULES"`
	Holidays       string `env:"SONGAN_HOLIDAYS"`

	LogLevel  string `env:"SONGAN_LOG_LEVEL" envDefault:"info"`
	LogFormat string `env:"SONGAN_LOG_FORMAT" envDefault:"json"`
	Version   string `env:"SONGAN_VERSION" envDefault:"dev"`

	// Connections, Requests and Streams bound what is open and under way at the same time.
	Connections int `env:"SONGAN_MAX_CONNECTIONS" envDefault:"8192"`
	Requests    int `env:"SONGAN_MAX_REQUESTS" envDefault:"512"`
	Streams     int `env:"SONGAN_MAX_STREAMS" envDefault:"32"`
	// Bodies is the memory of all bodies above 64 KiB, in bytes.
	Bodies int64 `env:"SONGAN_MAX_BODY_BYTES" envDefault:"268435456"`
	// PrincipalRequests and PrincipalStreams are those of one facility, bank or person among them; 0 is without limit.
	PrincipalRequests int `env:"SONGAN_PRINCIPAL_REQUESTS" envDefault:"128"`
	PrincipalStreams  int `env:"SONGAN_PRINCIPAL_STREAMS" envDefault:"4"`
	// RatePrincipal and RateAddress are requests per second of one of them; 0 is without limit. The defaults are a fence
	// against programs that run wild, far above what one machine can serve.
	RatePrincipal int `env:"SONGAN_RATE_PRINCIPAL" envDefault:"20000"`
	RateAddress   int `env:"SONGAN_RATE_ADDRESS" envDefault:"40000"`
	// Proxies are the networks whose X-Forwarded-For is believed.
	Proxies []netip.Prefix `env:"SONGAN_TRUSTED_PROXIES"`

	// StopDelay is the time between "not ready" and the end of listening, for load balancers to notice.
	StopDelay time.Duration `env:"SONGAN_STOP_DELAY" envDefault:"0s"`
	// StopPatience is the time for requests to finish, and then for runners to stop.
	StopPatience time.Duration `env:"SONGAN_STOP_PATIENCE" envDefault:"15s"`
}

// check refuses settings that contradict each other.
func (c Config) check() error {
	var faults []error
	if c.HTTPS != "" && (c.TLSCertificate == "" || c.TLSKey == "") {
		faults = append(faults, errors.New("SONGAN_HTTPS needs SONGAN_TLS_CERTIFICATE and SONGAN_TLS_KEY"))
	}
	if len(c.Certified) > 0 && (c.HTTPS == "" || c.TLSClients == "") {
		faults = append(faults, errors.New("SONGAN_TLS_CLIENT_ROLES needs SONGAN_HTTPS and SONGAN_TLS_CLIENT_CA"))
	}
	for _, role := range c.Certified {
		if role != access.Bank && role != access.Facility {
			faults = append(faults, errors.New("SONGAN_TLS_CLIENT_ROLES: certificates are for the roles bank and facility"))
		}
	}
	return errors.Join(faults...)
}

// Cluster returns how the Kafka cluster is reached. report hears of a renewed certificate that cannot be taken.
func (c Config) Cluster(client string, report func(error)) (kafkabus.Settings, error) {
	s := kafkabus.Settings{Brokers: c.Brokers, User: c.KafkaUser, Password: c.KafkaPassword, ClientID: client, Session: c.KafkaSession}
	files := certificate.Files{CA: c.KafkaCA, Certificate: c.KafkaCertificate, Key: c.KafkaKey}
	if !c.KafkaTLS && files == (certificate.Files{}) {
		return s, nil
	}
	var err error
	if s.TLS, err = files.Client(report); err != nil {
		return kafkabus.Settings{}, fmt.Errorf("KAFKA_TLS_CA, KAFKA_TLS_CERTIFICATE, KAFKA_TLS_KEY: %w", err)
	}
	return s, nil
}

// KMS returns what seals vaults' key files; nil when nothing does.
func (c Config) KMS(metrics prometheus.Registerer) (vault.KMS, error) {
	if c.VaultKMS == "" {
		return nil, nil
	}
	key, err := kms.Open(kms.Options{URI: c.VaultKMS, Token: c.KMSToken, Registerer: metrics})
	if err != nil {
		return nil, fmt.Errorf("SONGAN_VAULT_KMS, SONGAN_KMS_TOKEN: %w", err)
	}
	return key, nil
}

// Limits makes the limits of a process's APIs.
func (c Config) Limits(now func() time.Time) httpapi.Limits {
	const (
		waitingPerPlace = 4
		patience        = 2 * time.Second
		callers         = 50_000
		spool           = 2 << 30                // bytes of verdicts of all batches that wait on the disk
		leastBodies     = 4 * httpapi.ArrayBytes // or an array would hardly ever have room
	)
	gate := func(width int) *limits.Gate {
		return limits.NewGate(limits.GateOptions{Width: width, Queue: waitingPerPlace * width, Patience: patience})
	}
	rates := func(perSecond int) *limits.Rates {
		if perSecond <= 0 {
			return nil
		}
		return limits.NewRates(limits.RatesOptions{
			Every: time.Second / time.Duration(perSecond), Burst: perSecond, Callers: callers, Now: now,
		})
	}
	return httpapi.Limits{
		Requests: gate(c.Requests), Streams: gate(c.Streams),
		Principals: rates(c.RatePrincipal), Addresses: rates(c.RateAddress),
		PrincipalRequests: limits.NewShares(c.PrincipalRequests), PrincipalStreams: limits.NewShares(c.PrincipalStreams),
		Spool: lines.NewBudget(spool), Bodies: lines.NewBudget(max(c.Bodies, leastBodies)), Proxies: c.Proxies,
	}
}

// Load reads C from the environment; its fields are tagged as those of [Config]. The error names every variable that is
// missing or wrong, and no value.
func Load[C any]() (C, error) { return LoadFrom[C](env.ToMap(os.Environ())) }

// LoadFrom is [Load] from another environment than the process's.
func LoadFrom[C any](environment map[string]string) (C, error) {
	var c C
	environment, err := withFiles(environment)
	if err != nil {
		return c, err
	}
	if err := env.ParseWithOptions(&c, env.Options{Environment: environment}); err != nil {
		var zero C
		return zero, explain[C](err)
	}
	return c, nil
}

// withFiles reads the variables that stand in files: secrets are mounted, not put into an environment that every child
// process and every dump of it shows.
func withFiles(environment map[string]string) (map[string]string, error) {
	const suffix = "_FILE"
	all := make(map[string]string, len(environment))
	var faults []error
	for name, value := range environment {
		all[name] = value
		target, ok := strings.CutSuffix(name, suffix)
		ours := strings.HasPrefix(name, "SONGAN_") || name == "DATABASE_URL"+suffix
		if _, set := environment[target]; !ok || !ours || set || value == "" || slices.Contains(paths(), name) {
			continue
		}
		content, err := os.ReadFile(value)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		all[target] = strings.TrimRight(string(content), "\r\n")
	}
	return all, errors.Join(faults...)
}

// explain names the variables and leaves their values out.
func explain[C any](err error) error {
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return fmt.Errorf("read configuration: %w", err)
	}
	var said []error
	for _, e := range all.Errors {
		if p, ok := errors.AsType[env.ParseError](e); ok {
			e = fmt.Errorf("%s is not a %s", variable[C](p.Name), p.Type)
		}
		said = append(said, e)
	}
	return fmt.Errorf("read configuration: %w", errors.Join(said...))
}

// variable returns the variable of a field.
func variable[C any](field string) string {
	f, ok := reflect.TypeFor[C]().FieldByName(field)
	if !ok {
		return field
	}
	name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
	return name
}

package kafkabus_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/kafkabus/grants"
	"github.com/songan-vn/songan/libs/testkit"
)

// sealed is a broker that is reached by TLS alone, and only with a client's certificate.
type sealed struct{ testkit.Sealed }

// connect is a program that has these files; none is one that knows nothing of TLS.
func (s sealed) connect(t *testing.T, files certificate.Files) kafkabus.Config {
	t.Helper()
	settings := kafkabus.Settings{Brokers: []string{s.Addr}, User: s.User, Password: s.Password}
	if files != (certificate.Files{}) {
		var err error
		if settings.TLS, err = files.Client(nil); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := kafkabus.Connect(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cfg.Close)
	return cfg
}

// reaches makes a topic and a user: one goes through the transport, the other through the dialer as well.
func reaches(t *testing.T, cfg kafkabus.Config) error {
	t.Helper()
	if err := kafkabus.EnsureTopic(t.Context(), cfg, "sealed."+rand.Text(), 1, -1); err != nil {
		return err
	}
	return grants.EnsureUser(t.Context(), cfg, "customer-"+rand.Text(), rand.Text())
}

func TestABrokerIsReachedByTLSWithBothCertificatesAndNotOtherwise(t *testing.T) {
	t.Parallel()
	s := sealed{testkit.SealedKafka(t)}
	files, err := s.Authority.Client(time.Hour, certificate.Holder{Bank: "ICBVVNVX"})
	if err != nil {
		t.Fatal(err)
	}
	if err := reaches(t, s.connect(t, files)); err != nil {
		t.Fatal(err)
	}
	other, err := certificate.OpenAuthority(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	strangers, err := other.Client(time.Hour, certificate.Holder{Bank: "ICBVVNVX"})
	if err != nil {
		t.Fatal(err)
	}
	strangers.CA = s.Authority.CA()
	for name, files := range map[string]certificate.Files{
		"without TLS": {}, "without a certificate": {CA: s.Authority.CA()}, "with another authority's certificate": strangers,
		"for a broker of another authority": {CA: other.CA(), Certificate: files.Certificate, Key: files.Key},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := s.connect(t, files)
			client := kafka.Client{Addr: kafka.TCP(s.Addr), Transport: cfg.Transport, Timeout: 2 * time.Second}
			if _, err := client.Metadata(t.Context(), &kafka.MetadataRequest{}); err == nil {
				t.Error("the transport reached the broker")
			}
			if conn, err := cfg.Dialer.DialContext(t.Context(), "tcp", s.Addr); err == nil {
				_ = conn.Close()
				t.Error("the dialer reached the broker")
			}
		})
	}
}

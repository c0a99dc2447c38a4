package main

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
)

// Mutual TLS from end to end: a bank with its certificate is instructed and reports, and one without hears nothing.
func TestTheExampleShowsItsCertificate(t *testing.T) {
	t.Parallel()
	broker, bic := testkit.SealedKafka(t), rand.Text()[:8]
	cfg := connect(t, kafkabus.Settings{
		Brokers: []string{broker.Addr}, User: broker.User, Password: broker.Password, TLS: broker.Client(t, certificate.Holder{Facility: "gateway"}),
	}, bic)
	files, err := broker.Authority.Client(time.Hour, certificate.Holder{Bank: bic})
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"BIC": bic, "BROKERS": broker.Addr, "KAFKA_USER": topicsOf(bic).User(), "KAFKA_PASSWORD": "secret", "PAID": filepath.Join(t.TempDir(), "paid.txt"),
		"TLS": "on", "SSL_CERT_FILE": files.CA, "CERTIFICATE": files.Certificate, "KEY": files.Key,
	}
	authorities, err := os.ReadFile(files.CA)
	bare := &tls.Config{RootCAs: x509.NewCertPool()} //nolint:gosec // 1.2 is the least that a client speaks
	if err != nil || !bare.RootCAs.AppendCertsFromPEM(authorities) {
		t.Fatal(err)
	}
	conn, err := (&tls.Dialer{Config: bare}).DialContext(t.Context(), "tcp", broker.Addr)
	if err == nil { // TLS 1.3 tells a client only when it reads
		_, err = conn.Read(make([]byte, 1))
		_ = conn.Close()
	}
	if err == nil {
		t.Error("the broker takes whoever comes without a certificate")
	}
	start(t, env)
	instruct(t, cfg, bic, bank.PaymentInstructed{EndToEndID: "e2e-1", Amount: 540_000})
	if got := reports(t, cfg, bic, 1); got[0].Status != "ACCC" {
		t.Errorf("the report is %+v", got[0])
	}
}

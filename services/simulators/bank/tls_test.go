package bank_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/libs/kafkabus"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/services/simulators/bank"
)

// Mutual TLS from end to end: the gateway's side and the bank each show the broker a certificate.
func TestABankShowsItsCertificateToBrokers(t *testing.T) {
	t.Parallel()
	broker := testkit.SealedKafka(t)
	g := gatewayAt(t, kafkabus.Settings{
		Brokers: []string{broker.Addr}, User: broker.User, Password: broker.Password, TLS: broker.Client(t, certificate.Holder{Facility: "gateway"}),
	})
	files, err := broker.Authority.Client(time.Hour, certificate.Holder{Bank: g.bic})
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"SONGAN_BANK_BIC": g.bic, "SONGAN_BANK_BROKERS": broker.Addr, "SONGAN_BANK_USER": g.topics.User(), "SONGAN_BANK_PASSWORD": g.password,
		"SONGAN_BANK_DIR": t.TempDir(), "SONGAN_BANK_CONTROL_ADDR": "127.0.0.1:0", "SONGAN_BANK_SCENARIO": `{"any_account":true}`,
		"SONGAN_BANK_TLS_CA": files.CA, "SONGAN_BANK_TLS_CERTIFICATE": files.Certificate, "SONGAN_BANK_TLS_KEY": files.Key,
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- bank.Run(ctx, func(name string) string { return env[name] }, io.Discard) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	g.instruct(payment("e2e-1", 540_000))
	if diff := cmp.Diff([]string{"ACTC", "ACCC FT1 540000"}, g.said(2)["e2e-1"]); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

func TestABanksCertificateHasToBeOneWithAKey(t *testing.T) {
	t.Parallel()
	env := map[string]string{"SONGAN_BANK_BIC": "B", "SONGAN_BANK_BROKERS": "b", "SONGAN_BANK_DIR": "d", "SONGAN_BANK_TLS_CERTIFICATE": "/nowhere"}
	if err := bank.Run(t.Context(), func(name string) string { return env[name] }, io.Discard); err == nil {
		t.Error("started with half of a certificate")
	}
}

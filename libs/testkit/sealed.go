package testkit

import (
	"crypto/rand"
	"crypto/tls"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/certificate"
	"github.com/songan-vn/songan/libs/embedded/kafka"
)

// Sealed is a broker that speaks TLS alone, and only with whom shows a certificate of its authority.
type Sealed struct {
	Authority            *certificate.Authority
	Addr, User, Password string
}

// SealedKafka starts one for this test. User may do everything.
func SealedKafka(t testing.TB) Sealed {
	t.Helper()
	authority, err := certificate.OpenAuthority(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	files, err := authority.Server(time.Hour, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	outer, err := files.Server(nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := outer.GetConfigForClient(nil)
	if err != nil {
		t.Fatal(err)
	}
	config.ClientAuth, config.NextProtos = tls.RequireAndVerifyClientCert, nil
	s := Sealed{Authority: authority, User: "songan", Password: rand.Text()}
	broker, err := kafka.Start(kafka.Options{
		Dir: t.TempDir(), Volatile: true, TLS: config, Users: []kafka.User{{Name: s.User, Password: s.Password, Super: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() }) // a volatile broker has nothing to lose
	s.Addr = broker.Addr()
	return s
}

// Client is how somebody with a certificate of the authority connects.
func (s Sealed) Client(t testing.TB, h certificate.Holder) *certificate.Client {
	t.Helper()
	files, err := s.Authority.Client(time.Hour, h)
	if err != nil {
		t.Fatal(err)
	}
	client, err := files.Client(nil)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
)

// encryption is for brokers that speak TLS: CA judges them, CERTIFICATE and KEY show who we are where
// they ask for it. Without a CA there is none.
func encryption(getenv func(string) string) (*tls.Config, error) {
	if getenv("CA") == "" {
		return nil, nil
	}
	authorities, err := os.ReadFile(getenv("CA"))
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	if !config.RootCAs.AppendCertsFromPEM(authorities) {
		return nil, errors.New("CA holds no certificate")
	}
	if getenv("CERTIFICATE") == "" {
		return config, nil
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { // read each time: it is renewed
		own, err := tls.LoadX509KeyPair(getenv("CERTIFICATE"), getenv("KEY"))
		return &own, err
	}
	return config, nil
}

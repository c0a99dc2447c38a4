package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

const (
	folderMode = 0o700
	fileMode   = 0o600
	serialBits = 128
	caLife     = 10 * 365 * 24 * time.Hour
	backdate   = 5 * time.Minute // for clocks that are behind
	caName     = "ca"
)

// Authority issues certificates for demonstrations and tests. Its key lies in a file beside what it issued.
type Authority struct {
	dir  string
	now  func() time.Time
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// OpenAuthority reads the authority of a folder (ca.crt, ca.key), or makes one.
func OpenAuthority(dir string, now func() time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, fmt.Errorf("make the folder of certificates: %w", err)
	}
	a := &Authority{dir: dir, now: now}
	files := a.files(caName)
	_, err := os.Stat(files.Key)
	if errors.Is(err, fs.ErrNotExist) {
		err = a.create()
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	pair, err := files.own()
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, errors.New("certificate authority: ca.crt and ca.key are not of an authority that was made here")
	}
	a.cert, a.key = pair.Leaf, key
	return a, nil
}

func (a *Authority) create() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("generate key: %w", err)
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Song An demonstration CA"}, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return a.write(caName, template, signer{template, key, caLife}, key)
}

// CA is the file by which others know certificates of this authority.
func (a *Authority) CA() string { return a.files(caName).Certificate }

func (a *Authority) files(name string) Files {
	return Files{
		CA: filepath.Join(a.dir, caName+".crt"), Certificate: filepath.Join(a.dir, name+".crt"), Key: filepath.Join(a.dir, name+".key"),
	}
}

// Server issues a certificate for a server under host names and addresses, in server.crt and server.key.
func (a *Authority) Server(life time.Duration, names ...string) (Files, error) {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Song An server"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	return a.issue("server", template, life)
}

// Client issues a certificate for a holder's machine, in bank-<BIC>.crt or facility-<id>.crt and the key beside it.
func (a *Authority) Client(life time.Duration, h Holder) (Files, error) {
	id, name := h.Bank, "bank-"+h.Bank
	if id == "" {
		id, name = h.Facility, "facility-"+h.Facility
	}
	if !plain(id) || h.Bank != "" && h.Facility != "" {
		return Files{}, errors.New("a client's certificate is for one bank or one facility, named by letters, digits and hyphens")
	}
	return a.issue(name, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		URIs:        []*url.URL{{Scheme: scheme, Opaque: h.uri()}},
	}, life)
}

// plain keeps what is no id out of names of files.
func plain(id string) bool {
	const most = 64
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return id != "" && len(id) <= most
}

// signer is who signs, and for how long.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	life time.Duration
}

func (a *Authority) issue(name string, template *x509.Certificate, life time.Duration) (Files, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Files{}, fmt.Errorf("generate key of %s: %w", name, err)
	}
	if err := a.write(name, template, signer{a.cert, a.key, life}, key); err != nil {
		return Files{}, fmt.Errorf("issue certificate of %s: %w", name, err)
	}
	return a.files(name), nil
}

// write signs a template and writes certificate and key, replacing those of an earlier time.
func (a *Authority) write(name string, template *x509.Certificate, by signer, key *ecdsa.PrivateKey) error {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits))
	if err != nil {
		return fmt.Errorf("choose a serial number: %w", err)
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = a.now().Add(-backdate), a.now().Add(by.life)
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key.Public(), by.key)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode key: %w", err)
	}
	files := a.files(name)
	if err := private(files.Key, "PRIVATE KEY", secret); err != nil {
		return err
	}
	return private(files.Certificate, "CERTIFICATE", der)
}

// private writes a file for the owner alone, the whole of it or nothing.
func private(path, kind string, der []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when the rename worked
	err = pem.Encode(f, &pem.Block{Type: kind, Bytes: der})
	if err := errors.Join(err, f.Chmod(fileMode), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("put in place: %w", err)
	}
	return nil
}

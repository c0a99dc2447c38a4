// Package certificate is who is on the other end of a connection by TLS, and what our own ends of one are configured by.
//
//  1. A file that holds a private key is for its owner alone (0600), or it is refused: whoever reads it is us.
//  2. A client's certificate names its holder by one URI among its alternative names, "songan:bank:<BIC>" or
//     "songan:facility:<id>". A certificate that names two holders, or has a word of ours that we do not know, names nobody.
//  3. A certificate is no key. It says that a bank's key, or token, comes from that bank's machine; see access.Options.
//  4. Certificates are renewed by replacing files: what is new counts for connections that are made from then on, and what cannot
//     be taken changes nothing.
//  5. An [Authority] is for demonstrations and tests. An installation has one that issues, renews and revokes.
package certificate

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

const notOurs = 0o077 // what others must not be able to do with a private key's file

// Files say where the parts of one end of a connection lie. All of them may be empty.
type Files struct {
	// CA holds certificates of the authorities by which the other end is judged.
	CA string
	// Certificate and Key are this end's own; both or none.
	Certificate, Key string
}

// Client is the end that calls. Nil is one without TLS.
type Client struct{ end *watched }

// Client returns the end that calls. Without a CA the system's authorities judge the server. All files are read again when they
// change, for connections that are made from then on, and report hears when they cannot be taken.
func (f Files) Client(report func(error)) (*Client, error) {
	end, err := watch(report, f.client, f.CA, f.Certificate, f.Key)
	if err != nil {
		return nil, err
	}
	return &Client{end}, nil
}

func (f Files) client() (c *tls.Config, err error) {
	c = &tls.Config{MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		if c.RootCAs, err = pool(f.CA); err != nil {
			return nil, err
		}
	}
	if f.Certificate == "" && f.Key == "" {
		return c, nil
	}
	own, err := f.own()
	if err != nil {
		return nil, err
	}
	c.Certificates = []tls.Certificate{own}
	return c, nil
}

// dialTimeout is how long a connection may take until it can be used.
const dialTimeout = 5 * time.Second

// DialContext makes a connection, by what the files say now.
func (c *Client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if c == nil {
		return (&net.Dialer{}).DialContext(ctx, network, address) //nolint:wrapcheck // stands for net's own
	}
	return (&tls.Dialer{Config: c.end.current()}).DialContext(ctx, network, address) //nolint:wrapcheck // stands for tls's own
}

// Server returns the end that is called. With a CA it asks clients for a certificate and takes one of this CA or none:
// who has to have one is decided where it is known who calls. All files are read again when they change, for connections that
// are made from then on, and report hears when they cannot be taken.
func (f Files) Server(report func(error)) (*tls.Config, error) {
	end, err := watch(report, f.server, f.CA, f.Certificate, f.Key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return end.current(), nil },
	}, nil
}

func (f Files) server() (*tls.Config, error) {
	own, err := f.own()
	if err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}, NextProtos: []string{"http/1.1"}}
	if f.CA == "" {
		return c, nil
	}
	if c.ClientCAs, err = pool(f.CA); err != nil {
		return nil, err
	}
	c.ClientAuth = tls.VerifyClientCertIfGiven
	return c, nil
}

func (f Files) own() (tls.Certificate, error) {
	if f.Certificate == "" || f.Key == "" {
		return tls.Certificate{}, errors.New("a certificate and its key belong together")
	}
	info, err := os.Stat(f.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("look at private key: %w", err)
	}
	if info.Mode().Perm()&notOurs != 0 {
		return tls.Certificate{}, fmt.Errorf("private key %s is open to others (mode %#o): chmod 600 it", f.Key, info.Mode().Perm())
	}
	pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read certificate and key: %w", err)
	}
	return pair, nil
}

func pool(path string) (*x509.CertPool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read certificates of authorities: %w", err)
	}
	all := x509.NewCertPool()
	if !all.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", path)
	}
	return all, nil
}

// Holder is whom a client's certificate was issued to: a bank or a facility.
type Holder struct{ Bank, Facility string }

const (
	scheme   = "songan"
	bank     = "bank:"
	facility = "facility:"
)

func (h Holder) uri() string {
	if h.Bank != "" {
		return bank + h.Bank
	}
	return facility + h.Facility
}

// HolderOf returns whom the client's certificate of a connection names. Whether the certificate is good was decided when the
// connection was made; a connection without TLS, or without a client's certificate, names nobody.
func HolderOf(state *tls.ConnectionState) (Holder, bool) {
	if state == nil || len(state.VerifiedChains) == 0 {
		return Holder{}, false
	}
	var found []Holder
	for _, name := range state.VerifiedChains[0][0].URIs {
		if !strings.EqualFold(name.Scheme, scheme) {
			continue
		}
		kind, id, _ := strings.Cut(name.Opaque, ":")
		switch {
		case id != "" && kind+":" == bank:
			found = append(found, Holder{Bank: id})
		case id != "" && kind+":" == facility:
			found = append(found, Holder{Facility: id})
		default:
			return Holder{}, false
		}
	}
	if len(found) != 1 {
		return Holder{}, false
	}
	return found[0], true
}

// Thumbprint returns the digest by which a token is bound to a client's certificate (x5t#S256 of RFC 8705), and "" for a
// connection without one.
func Thumbprint(state *tls.ConnectionState) string {
	if state == nil || len(state.VerifiedChains) == 0 {
		return ""
	}
	sum := sha256.Sum256(state.VerifiedChains[0][0].Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

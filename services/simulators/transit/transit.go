// Package transit simulates a key management service by the protocol of a Vault's transit engine, as far as Song An asks of
// one: encrypt and decrypt with associated data, a token, refusals, and being away. Keys are made of a seed, so that a
// restart opens what was sealed before. Nothing of this is for production.
package transit

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

const (
	prefix      = "vault:v1:"
	mostBody    = 8 << 20
	headerTime  = 5 * time.Second
	closingTime = 5 * time.Second
)

// Service answers for every mount and key. Its zero value lets nobody in.
type Service struct {
	// Token is what callers send; Seed is what keys are made of.
	Token, Seed string
	// Away makes every call fail with 503, Calls counts those that were answered.
	Away  atomic.Bool
	Calls atomic.Int64
}

type message struct {
	Plaintext  []byte `json:"plaintext,omitempty"`
	Ciphertext string `json:"ciphertext,omitempty"`
	Associated []byte `json:"associated_data,omitempty"`
}

// ServeHTTP answers POST /v1/<mount>/encrypt/<key> and /decrypt/<key>.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	const words = 4
	token := r.Header.Get("X-Vault-Token")
	switch {
	case s.Away.Load():
		http.Error(w, `{"errors":["sealed"]}`, http.StatusServiceUnavailable)
		return
	case s.Token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(s.Token)) != 1:
		http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
		return
	case len(parts) != words || parts[0] != "v1" || r.Method != http.MethodPost:
		http.NotFound(w, r)
		return
	}
	var in message
	if json.NewDecoder(io.LimitReader(r.Body, mostBody)).Decode(&in) != nil {
		http.Error(w, `{"errors":["no JSON"]}`, http.StatusBadRequest)
		return
	}
	out, err := s.do(parts[2], parts[1]+"/"+parts[3], in)
	if err != nil {
		http.Error(w, `{"errors":["cannot be done"]}`, http.StatusBadRequest)
		return
	}
	s.Calls.Add(1)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]message{"data": out}) // a caller that is gone
}

func (s *Service) do(what, key string, in message) (message, error) {
	m := hmac.New(sha256.New, []byte(s.Seed))
	_, _ = io.WriteString(m, key) // a hash takes all
	block, err := aes.NewCipher(m.Sum(nil))
	if err != nil {
		return message{}, fmt.Errorf("make cipher: %w", err)
	}
	sealing, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return message{}, fmt.Errorf("make cipher: %w", err)
	}
	switch what {
	case "encrypt":
		sealed := sealing.Seal(nil, nil, in.Plaintext, in.Associated)
		return message{Ciphertext: prefix + base64.StdEncoding.EncodeToString(sealed)}, nil
	case "decrypt":
		sealed, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(in.Ciphertext, prefix))
		if err != nil {
			return message{}, fmt.Errorf("read ciphertext: %w", err)
		}
		plain, err := sealing.Open(nil, nil, sealed, in.Associated)
		if err != nil {
			return message{}, fmt.Errorf("open: %w", err)
		}
		return message{Plaintext: plain}, nil
	}
	return message{}, errors.New("another operation")
}

// Run is the program: SONGAN_TRANSIT_ADDR (127.0.0.1:9420), _TOKEN and _SEED, both required. It stays until ctx ends.
func Run(ctx context.Context, getenv func(string) string, out io.Writer) error {
	s := &Service{Token: getenv("SONGAN_TRANSIT_TOKEN"), Seed: getenv("SONGAN_TRANSIT_SEED")}
	if s.Token == "" || s.Seed == "" {
		return errors.New("SONGAN_TRANSIT_TOKEN and SONGAN_TRANSIT_SEED are needed")
	}
	address := getenv("SONGAN_TRANSIT_ADDR")
	if address == "" {
		address = "127.0.0.1:9420"
	}
	var l net.ListenConfig
	listener, err := l.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("SONGAN_TRANSIT_ADDR: %w", err)
	}
	_, _ = fmt.Fprintf(out, "key management service: transit+http://%s/transit/<key>\n", listener.Addr())
	server := &http.Server{Handler: s, ReadHeaderTimeout: headerTime}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	err = server.Shutdown(ctx)
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

package kms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/songan-vn/songan/libs/breaker"
)

const (
	patience   = 10 * time.Second
	mostAnswer = 4 << 20
	scheme     = "transit+"
)

// transit is a key in a service.
type transit struct {
	base, mount, name, token string
	client                   *http.Client
}

func openTransit(o Options) (*Key, error) {
	rest, ok := strings.CutPrefix(o.URI, scheme)
	if !ok {
		return nil, errURI
	}
	u, err := url.Parse(rest)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && (u.Scheme != "http" || !local(u.Hostname())) {
		return nil, errURI
	}
	mount, name, ok := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if !ok || mount == "" || name == "" || strings.Contains(name, "/") || o.Token == "" {
		return nil, errors.Join(errURI, errors.New("and a token is needed"))
	}
	around, err := breaker.New("kms", breaker.Settings{Registerer: o.Registerer})
	if err != nil {
		return nil, fmt.Errorf("breaker around the key management service: %w", err)
	}
	client := http.Client{Timeout: patience}
	if o.Client != nil {
		client = *o.Client
	}
	client.Transport = breaker.Transport{Breaker: around, Base: client.Transport}
	// A redirect would take the token, and the secret itself, to an address that nobody configured.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	k := transit{base: u.Scheme + "://" + u.Host, mount: mount, name: name, token: o.Token, client: &client}
	return &Key{wrap: k.wrap, unwrap: k.unwrap}, nil
}

// local tells whether a host is this machine; elsewhere plain HTTP would show secrets to the network.
func local(host string) bool { return host == "127.0.0.1" || host == "localhost" || host == "::1" }

type message struct {
	Plaintext  []byte `json:"plaintext,omitempty"`
	Ciphertext string `json:"ciphertext,omitempty"`
	Associated []byte `json:"associated_data,omitempty"`
}

func (k transit) wrap(secret, associated []byte) ([]byte, error) {
	answer, err := k.ask("encrypt", message{Plaintext: secret, Associated: associated})
	if err != nil {
		return nil, err
	}
	if answer.Ciphertext == "" {
		return nil, errors.New("kms: encrypt: the answer holds nothing")
	}
	return []byte(answer.Ciphertext), nil
}

func (k transit) unwrap(wrapped, associated []byte) ([]byte, error) {
	answer, err := k.ask("decrypt", message{Ciphertext: string(wrapped), Associated: associated})
	if err != nil {
		return nil, err
	}
	if len(answer.Plaintext) == 0 {
		return nil, errors.New("kms: decrypt: the answer holds nothing")
	}
	return answer.Plaintext, nil
}

func (k transit) ask(what string, body message) (message, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return message{}, fmt.Errorf("kms: %s: encode", what)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	at := k.base + "/v1/" + url.PathEscape(k.mount) + "/" + what + "/" + url.PathEscape(k.name)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(data))
	if err != nil {
		return message{}, fmt.Errorf("kms: %s: build request: %w", what, err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Vault-Token", k.token)
	answer, err := k.client.Do(request)
	if err != nil {
		return message{}, fmt.Errorf("kms: %s: %w", what, err)
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return message{}, fmt.Errorf("kms: %s: read answer: %w", what, err)
	}
	var said struct {
		Data message `json:"data"`
	}
	if answer.StatusCode != http.StatusOK || json.Unmarshal(text, &said) != nil {
		return message{}, fmt.Errorf("kms: %s: the service answered %d", what, answer.StatusCode)
	}
	return said.Data, nil
}

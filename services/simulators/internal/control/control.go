// Package control is what the simulators' HTTP interfaces have in common: an address that only this machine reaches,
// strict JSON in, JSON out, and refusals with a code.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// Listen opens an address of this machine, and no other.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for control: %w", err)
	}
	if !isLoopback(listener.Addr().String()) {
		return nil, errors.Join(errors.New("the control API listens on loopback only"), listener.Close())
	}
	return listener, nil
}

// Stop lets answers under way finish, until ctx ends, and then hangs up: a client that opened a connection and never asked
// anything would otherwise hold up the end, and it is no fault.
func Stop(ctx context.Context, server *http.Server) error {
	err := server.Shutdown(ctx)
	if ctx.Err() != nil {
		err = server.Close()
	}
	if err != nil {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

// Only lets programs of this machine through. A page in a browser on the same machine reaches loopback too, and always
// says where it comes from.
func Only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.RemoteAddr) || r.Header.Get("Origin") != "" {
			Refuse(w, http.StatusForbidden, "loopback_only", "the control API is for this machine only")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

// Read reads one JSON object of so many bytes and nothing after it, without unknown fields.
func Read(w http.ResponseWriter, r *http.Request, limit int64, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read body: something follows the object")
	}
	return nil
}

// Write answers with JSON.
func Write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller is gone; there is nobody to tell
}

// Refuse answers with a code and a sentence.
func Refuse(w http.ResponseWriter, status int, code, message string) {
	Write(w, status, refusal{code, message})
}

type refusal struct {
	Error   string `json:"error"`
	Message string `json:"message"`
}

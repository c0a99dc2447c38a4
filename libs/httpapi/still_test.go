package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/testkit"
)

// oneKey is a keyring whose key changes.
type oneKey struct{ key atomic.Pointer[access.Key] }

func (k *oneKey) Lookup(context.Context, string) (access.Key, error) { return *k.key.Load(), nil }

func TestAStreamDoesNotOutliveItsCallersKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*access.Key)
		code   string
	}{
		"revoked":       {func(k *access.Key) { k.Revoked = true }, "key_revoked"},
		"suspended":     {func(k *access.Key) { k.Suspended = true }, "key_suspended"},
		"for less":      {func(k *access.Key) { k.Principal.Scopes = "accommodation:read" }, "scope_not_allowed"},
		"another role":  {func(k *access.Key) { k.Principal.Role = access.Auditor }, "role_not_allowed"},
		"somebody else": {func(k *access.Key) { k.Principal.Facility = "F2" }, "access_changed"},
		"as before":     {func(*access.Key) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ring := &oneKey{}
			s := newSetup(t, func(o *httpapi.Options) { o.Auth = access.New(access.Options{Now: o.Now}, ring) })
			before := s.key
			ring.key.Store(&before)
			s.batch(httpapi.Batching{}, arrive)
			server := s.serve(t)
			in, out := io.Pipe()
			go func() { _, _ = io.WriteString(out, "{\"n\":1}\n") }()
			answer, err := server.Client().Do(s.request(t, server, in))
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			verdicts := bufio.NewReader(answer.Body)
			if _, err := verdicts.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			after := s.key
			c.change(&after)
			ring.key.Store(&after)
			s.clock.Advance(5 * time.Second)
			go func() {
				_, _ = io.WriteString(out, "{\"n\":2}\n")
				_ = out.Close()
			}()
			rest, err := io.ReadAll(verdicts)
			if taken := strings.Contains(string(rest), `"n":2`); taken != (c.code == "") || (err != nil) != (c.code != "") {
				t.Errorf("%q, %v", rest, err)
			}
			testkit.Eventually(t, func() error {
				if c.code != "" && !strings.Contains(s.log.String(), `"code":"`+c.code+`"`) {
					return errors.New(s.log.String())
				}
				return nil
			})
		})
	}
}

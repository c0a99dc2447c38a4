package pending

import (
	"errors"
	"testing"
	"time"

	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"
)

func TestASignInIsFinishedOnce(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	p := New(func() time.Time { return now })
	r, err := p.Add(zitadel.AuthRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{nil, ErrNone} { // two forms at the same time: the first counts
		if _, err := p.Change(r.ID, func(r *Request) { r.Subject = "somebody" }); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	late, err := p.Add(zitadel.AuthRequest{})
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(RequestLife + time.Second)
	if _, err := p.Change(late.ID, func(*Request) {}); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if err := p.SaveCode(late.ID, "code"); !errors.Is(err, ErrNone) {
		t.Error("a code for a sign-in that nobody finished:", err)
	}
}

func TestWhatIsRememberedHasALimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	p := New(func() time.Time { return now })
	for range mostPending {
		if _, err := p.Add(zitadel.AuthRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Add(zitadel.AuthRequest{}); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	now = now.Add(RequestLife + time.Second)
	if _, err := p.Add(zitadel.AuthRequest{}); err != nil || len(p.requests) != 1 {
		t.Error(err, len(p.requests))
	}
}

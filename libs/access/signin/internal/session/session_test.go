package session_test

import (
	"bytes"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin"
	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
	"github.com/songan-vn/songan/libs/access/signin/internal/session"
	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// Whoever is cut off while they type their code does not come out of it with a stronger session: what ended stays so, and what a
// second factor makes of a session is a new token, with which the old one ends.
func TestASessionThatEndedIsNotSteppedUp(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if err := signin.Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	secrets, err := seal.New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	s := session.New(pool, session.Options{Idle: time.Hour, Recheck: time.Hour, Grace: time.Hour, Secrets: secrets, Now: time.Now, Log: zap.NewNop()})
	begin := func(before string, n session.Session) (string, session.Session, error) {
		n.Who, n.Expires = access.Principal{ID: "p-lan", Role: access.Approver, Unit: "00004"}, time.Now().Add(time.Hour)
		return s.Begin(t.Context(), before, n)
	}
	weak, n, err := begin("", session.Session{})
	if err != nil {
		t.Fatal(err)
	}
	strong, stepped, err := begin(weak, session.Session{ID: n.ID, Strong: true})
	if err != nil || !stepped.Strong || strong == weak {
		t.Fatalf("%+v %v", stepped, err)
	}
	if _, err := s.Lookup(t.Context(), weak); problem.CodeOf(err) != "session_ended" {
		t.Error("the session without a second factor lives on:", err)
	}
	if err := s.RevokePerson(t.Context(), "p-lan"); err != nil {
		t.Fatal(err)
	}
	if token, _, err := begin(strong, session.Session{ID: stepped.ID, Strong: true}); problem.CodeOf(err) != "session_ended" || token != "" {
		t.Errorf("a session that was revoked meanwhile is stepped up: %v", err)
	}
	if left, err := s.Of(t.Context(), "p-lan"); err != nil || len(left) > 0 {
		t.Errorf("%+v %v", left, err)
	}
}

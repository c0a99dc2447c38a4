package signin

import (
	"bytes"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/songan-vn/songan/libs/access"
	"github.com/songan-vn/songan/libs/access/signin/internal/seal"
	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/testkit/policytest"
)

func TestSweepingForgetsWhatIsLongOver(t *testing.T) {
	t.Parallel()
	pool := testkit.Postgres(t)
	if err := Migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	clock := testkit.NewClock(time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC))
	s, err := New(pool, Options{
		Issuer: "https://id", ClientID: "c", ClientSecret: "s", BaseURL: "https://songan.vn", Claims: DefaultClaims(),
		Key: bytes.Repeat([]byte{1}, 32),
		API: httpapi.Options{Now: clock.Now, Log: zap.NewNop(), Metrics: prometheus.NewRegistry(), Policy: policytest.Load(t, time.Now)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if proofs := s.Proofs(); len(proofs) != 1 {
		t.Error("without an audience there are no tokens")
	}
	token, session, err := s.sessions.Begin(t.Context(), "", Session{Who: access.Principal{ID: "p", Role: access.Auditor, Scopes: "accounts:read"}, Expires: clock.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.sessions.Lookup(t.Context(), token)
	if err != nil || got.Who != session.Who || got.ID != session.ID || !got.Expires.Equal(session.Expires) {
		t.Fatalf("%+v, %v", got, err)
	}
	var stored []byte
	if err := pool.QueryRow(t.Context(), `select token from signin_sessions`).Scan(&stored); err != nil || !bytes.Equal(stored, seal.Digest(token)) {
		t.Error("what is stored is not the token's digest", err)
	}
	rows := func() (n int) {
		if err := pool.QueryRow(t.Context(), `select count(*) from signin_sessions`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	clock.Advance(90 * 24 * time.Hour)
	if err := s.sessions.SweepOnce(t.Context()); err != nil || rows() != 1 {
		t.Fatal(rows(), err)
	}
	clock.Advance(2 * time.Hour)
	if err := s.sessions.SweepOnce(t.Context()); err != nil || rows() != 0 {
		t.Fatal(rows(), err)
	}
}

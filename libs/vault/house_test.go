package vault_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap/zapcore"

	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
)

func TestMain(m *testing.M) {
	testkit.Main(m, testkit.Roles{"seal": sealInChild})
}

type person struct {
	Name  string `json:"name"`
	Born  string `json:"born"`
	Phone string `json:"phone"`
}

const (
	number = "079190001234"
	folded = "NGUYEN THI ANH TUYET"
)

func tuyet() person {
	return person{Name: "Nguyễn Thị Ánh Tuyết", Born: "1990-03-08", Phone: "0912345678"}
}

func binh() person { return person{Name: "Trần Văn Bình", Born: "1985-12-31", Phone: "0987654321"} }

func reading() vault.Reading {
	return vault.Reading{Actor: "officer:lan", Purpose: "identity_check", Case: "notice-7"}
}
func asked() vault.Erasure { return vault.Erasure{Actor: "officer:lan", Reason: "subject_request"} }

func evening() time.Time {
	return time.Date(2026, 11, 21, 22, 0, 0, 0, time.FixedZone("UTC+7", 7*3600))
}

// house is a vault with everything around it.
type house struct {
	*vault.Vault
	pool  *pgxpool.Pool
	keys  string // path of the key file
	clock *testkit.Clock
	log   *lockedBuffer
	// needed is what vaults that are opened from then on ask.
	needed vault.Needed
}

func (h *house) ledger() string { return h.keys + ".erasures.jsonl" }

type lockedBuffer struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.Write(p)
}

// newHouse opens a vault on a schema of its own.
func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{
		pool: testkit.Postgres(t), keys: filepath.Join(t.TempDir(), "vault.keys"),
		clock: testkit.NewClock(evening()), log: &lockedBuffer{},
	}
	if err := errors.Join(vault.Migrate(t.Context(), h.pool), vault.CreateMaster(h.keys)); err != nil {
		t.Fatal(err)
	}
	h.Vault = h.another(t)
	return h
}

// another opens one more vault on the same tables and keys, as another process would.
func (h *house) another(t testing.TB) *vault.Vault {
	t.Helper()
	keys, err := vault.LoadKeys(h.keys)
	if err != nil {
		t.Fatal(err)
	}
	log, err := telemetry.Logger("debug", "json", zapcore.AddSync(h.log))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), h.pool, keys, vault.Options{Now: h.clock.Now, Log: log, Needed: h.needed})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// seal seals and stores a person.
func (h *house) seal(t testing.TB, value any, index vault.Index, expires time.Time) vault.Row {
	t.Helper()
	row, err := h.Seal("stay_guest", value, index, expires)
	if err != nil {
		t.Fatal(err)
	}
	insert(t, h.pool, row)
	return row
}

// insert stores rows as eventstore does.
func insert(t testing.TB, pool *pgxpool.Pool, rows ...vault.Row) {
	t.Helper()
	for _, row := range rows {
		var expires *time.Time
		if !row.ExpiresAt.IsZero() {
			expires = &row.ExpiresAt
		}
		_, err := pool.Exec(t.Context(), `
insert into vault (ref, purpose, key, ciphertext, document_index, name_index, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)`,
			string(row.Ref), row.Purpose, row.Key, row.Ciphertext, row.DocumentIndex, row.NameIndex, expires)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the people that v can read.
func read(t *testing.T, v *vault.Vault, refs ...vault.Ref) map[vault.Ref]person {
	t.Helper()
	got, err := v.Read(t.Context(), reading(), refs...)
	if err != nil {
		t.Fatal(err)
	}
	people := map[vault.Ref]person{}
	for ref, plain := range got {
		var p person
		if err := plain.Decode(&p); err != nil {
			t.Fatal(err)
		}
		people[ref] = p
	}
	return people
}

func exec(t *testing.T, pool *pgxpool.Pool, statement string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func count(t *testing.T, pool *pgxpool.Pool, query string, args ...any) int {
	t.Helper()
	n := 0
	if err := pool.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

package office

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
)

func TestMain(m *testing.M) { testkit.Main(m, nil) }

// A search finds a thousand rows at most; an erasure goes on until there are none.
func TestAnErasureGoesOnUntilNothingIsFound(t *testing.T) {
	t.Parallel()
	const number, many = "001090123456", vault.MaxRefs + 1
	pool, path := testkit.Postgres(t), filepath.Join(t.TempDir(), "vault.key")
	if err := errors.Join(vault.Migrate(t.Context(), pool), vault.CreateMaster(path)); err != nil {
		t.Fatal(err)
	}
	keys, err := vault.LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), pool, keys, vault.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range many {
		row, err := v.Seal("guest", map[string]string{"name": "Nguyễn Văn An"}, vault.Index{Document: number}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		const insert = `insert into vault (ref, purpose, key, ciphertext, document_index) values ($1, $2, $3, $4, $5)`
		if _, err := pool.Exec(t.Context(), insert, string(row.Ref), row.Purpose, row.Key, row.Ciphertext, row.DocumentIndex); err != nil {
			t.Fatal(err)
		}
	}
	e := Erase{Case: Case{Actor: "officer:lan", Case: "2026/1"}, Reason: "subject_request"}
	who := &known{search: search{e.Case, "erasure", number}}
	proof, err := e.erase(t.Context(), subject.Place{Service: "tower", Pool: pool, Vault: v}, who, func(vault.Holding) bool { return false })
	if err != nil || len(proof.Refs) != many {
		t.Fatalf("%d erased, %v", len(proof.Refs), err)
	}
	var left int
	if err := pool.QueryRow(t.Context(), `select count(*) from vault`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows are left, %v", left, err)
	}
}

// A database without the read models that say who is needed is no proof that nobody is.
func TestMissingTablesAreNoAnswer(t *testing.T) {
	t.Parallel()
	place := Place{Data: t.TempDir(), Database: testkit.PostgresURL(t)}
	needed := place.needed("accounts", testkit.Postgres(t))
	if found, err := needed(context.WithoutCancel(t.Context()), []vault.Ref{"0193c0de-0000-7000-8000-000000000000"}); err == nil {
		t.Errorf("answered with %v", found)
	}
	if place.needed("accommodation", nil) != nil {
		t.Error("somebody is asked about guests")
	}
}

package witness_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/witness"
)

const register = origin + "/readings"

// registered is a bench whose keeper keeps the register of readings.
func registered(t *testing.T) *bench {
	t.Helper()
	b := open(t)
	b.file = filepath.Join(t.TempDir(), "readings.jsonl")
	b.keeper = b.registrar()
	return b
}

func (b *bench) registrar() *witness.Keeper {
	return witness.NewKeeper(b.pool, witness.Options{
		Of: witness.Readings, Origin: register, Signer: b.signer, Now: time.Now, Publish: []func(context.Context, []byte) error{witness.ToFile(b.file)},
	})
}

const someReading = `insert into vault_readings (at, kind, actor, purpose, case_ref, refs)
	select clock_timestamp(), 'read', 'officer:lan', 'identity_check', 'notice-7', array[gen_random_uuid(), gen_random_uuid()]`

// read records n readings, and begins one more that fails: its number stays vacant.
func (b *bench) read(t *testing.T, n int) {
	t.Helper()
	if _, err := b.pool.Exec(t.Context(), someReading+fmt.Sprintf(" from generate_series(1, %d)", n)); err != nil {
		t.Fatal(err)
	}
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), someReading); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// settle signs until numbers up to this one are settled.
func (b *bench) settle(t *testing.T, number int64) {
	t.Helper()
	testkit.Eventually(t, func() error {
		if c := b.sign(t); c.Size != number {
			return fmt.Errorf("signed up to %d, want %d", c.Size, number)
		}
		return nil
	})
}

func (b *bench) verifyRegister(t *testing.T, db pg.Querier) witness.Report {
	t.Helper()
	checkpoints, err := witness.ReadFile(b.file, b.verifiers)
	if err != nil {
		t.Fatal(err)
	}
	report, err := witness.Readings.Verify(t.Context(), db, register, checkpoints)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// Who takes their trace out of the register, or puts somebody else's in, is found out, as a superuser too.
func TestEveryTamperingWithTheRegisterIsFound(t *testing.T) {
	t.Parallel()
	b := registered(t)
	const batches, each = 5, 260 // over the edge of a chunk
	for i := range batches {
		b.read(t, each)
		b.settle(t, int64(i+1)*(each+1))
	}
	clean := b.verifyRegister(t, b.pool)
	if len(clean.Findings) > 0 || clean.Rows != batches*each || clean.Signed != batches*(each+1) {
		t.Fatalf("%+v", clean)
	}
	b.coin(t, 1)
	b.read(t, 3) // not signed yet
	if report := b.verifyRegister(t, b.pool); len(report.Findings) > 0 {
		t.Fatalf("before it is signed: %+v", report)
	}
	dice := rand.New(rand.NewPCG(3, 4))
	for range 10 {
		for kind, tamper := range registerTamperings(1+dice.IntN(each), clean.Signed) {
			b.tampered(t, kind, tamper)
		}
	}
}

// registerTamperings say what is done to the reading of a number, and what is to be found of it.
func registerTamperings(number int, signed int64) map[string]string {
	at := fmt.Sprintf(" where id = %d", number)
	insert := `insert into vault_readings (id, at, kind, actor, purpose, case_ref, refs) overriding system value
		select %d, at, kind, actor, purpose, case_ref, refs from vault_readings` + at
	return map[string]string{
		"changed":              `update vault_readings set actor = 'officer:hoa'` + at,
		"changed (when)":       `update vault_readings set at = at + interval '1 microsecond'` + at,
		"changed (what for)":   `update vault_readings set purpose = 'other'` + at,
		"changed (which case)": `update vault_readings set case_ref = 'other'` + at,
		"changed (how)":        `update vault_readings set kind = 'report'` + at,
		"changed (whom)":       `update vault_readings set refs = refs[1:1]` + at,
		"removed":              `delete from vault_readings` + at,
		"inserted":             fmt.Sprintf(insert, 261), // the vacancy of the first batch
		"inserted (before)":    fmt.Sprintf(insert, -7),
		"inserted (behind)":    fmt.Sprintf(insert, 1_000_000_000_000_000),
		"cut":                  fmt.Sprintf(`delete from vault_readings where id >= %d`, signed-5),
		"forged":               `delete from vault_readings` + at + `; delete from witness_leaves where tree = 'readings'`,
	}
}

// tampered does it, looks for what has to be found, and undoes it.
func (b *bench) tampered(t *testing.T, kind, query string) {
	t.Helper()
	tx, err := b.pool.BeginTx(t.Context(), pgx.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	var want string
	_, _ = fmt.Sscan(kind, &want)
	report, named := b.verifyRegister(t, tx), false
	for _, f := range report.Findings {
		named = named || f.Kind == want || want == "cut" && f.Kind == "removed" // what was read later stands behind it
	}
	if !named {
		t.Errorf("%s\nwanted %s, got %+v", query, kind, report.Findings)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A reading has its number before it is committed. The tree waits for it, and not for one that never comes.
func TestAReadingThatIsCommittedLateIsNoTampering(t *testing.T) {
	t.Parallel()
	b := registered(t)
	b.read(t, 2)
	const before, after, again = 3, 6, 8
	b.settle(t, before)
	slow, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Exec(t.Context(), someReading); err != nil {
		t.Fatal(err)
	}
	b.read(t, 1)
	for range 3 {
		if c := b.sign(t); c.Size != before {
			t.Fatalf("signed up to %d while an earlier reading is being written", c.Size)
		}
	}
	if err := slow.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.settle(t, after)
	b.unharmed(t, 4, after)
	b.keeper = b.registrar() // another process, or this one after a restart
	b.read(t, 1)
	b.settle(t, again)
	b.unharmed(t, 5, again)
}

func (b *bench) unharmed(t *testing.T, rows, signed int64) {
	t.Helper()
	if report := b.verifyRegister(t, b.pool); len(report.Findings) > 0 || report.Rows != rows || report.Signed != signed {
		t.Errorf("%+v, want %d rows, signed up to %d", report, rows, signed)
	}
}

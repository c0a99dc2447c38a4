package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap/zapcore"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/telemetry"
	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
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
func newHouse(t *testing.T) *house {
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
func (h *house) another(t *testing.T) *vault.Vault {
	t.Helper()
	keys, err := vault.LoadKeys(h.keys)
	if err != nil {
		t.Fatal(err)
	}
	log, err := telemetry.Logger("debug", "json", zapcore.AddSync(h.log))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), h.pool, keys, vault.Options{Now: h.clock.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// seal seals and stores a person.
func (h *house) seal(t *testing.T, value any, index vault.Index, expires time.Time) vault.Row {
	t.Helper()
	row, err := h.Seal("stay_guest", value, index, expires)
	if err != nil {
		t.Fatal(err)
	}
	insert(t, h.pool, row)
	return row
}

// insert stores rows as eventstore does.
func insert(t *testing.T, pool *pgxpool.Pool, rows ...vault.Row) {
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

func TestWhatWasSealedIsRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.seal(t, tuyet(), vault.Index{Document: number, Name: folded}, time.Time{})
	b := h.seal(t, binh(), vault.Index{}, time.Time{})

	got := read(t, h.Vault, a.Ref, b.Ref, a.Ref)

	if diff := cmp.Diff(map[vault.Ref]person{a.Ref: tuyet(), b.Ref: binh()}, got); diff != "" {
		t.Error(diff)
	}
	if a.Key != "2026-11" || len(a.DocumentIndex) != 16 || len(a.NameIndex) != 16 || b.DocumentIndex != nil || b.NameIndex != nil {
		t.Errorf("key %s, indexes %x %x %x %x", a.Key, a.DocumentIndex, a.NameIndex, b.DocumentIndex, b.NameIndex)
	}
	if diff := cmp.Diff(map[vault.Ref]person{a.Ref: tuyet()}, read(t, h.another(t), a.Ref)); diff != "" {
		t.Errorf("another process: %s", diff)
	}
}

func TestAnyValueSurvivesTheVault(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.MapOf(rapid.String(), rapid.String()).Draw(rt, "value")
		row, err := h.Seal("any.value-1", value, vault.Index{}, time.Time{})
		if err != nil {
			rt.Fatal(err)
		}
		insert(t, h.pool, row)
		got, err := h.Read(t.Context(), reading(), row.Ref)
		if err != nil {
			rt.Fatal(err)
		}
		back := map[string]string{}
		if err := got[row.Ref].Decode(&back); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(value, back); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestARowThatWasTouchedDoesNotOpen(t *testing.T) {
	t.Parallel()
	for name, touch := range map[string]string{
		"its purpose was changed":      `update vault set purpose = 'payment' where ref = $1 and $2::uuid is not null`,
		"it carries another's content": `update vault set ciphertext = (select ciphertext from vault where ref = $2) where ref = $1`,
		"one bit was flipped":          `update vault set ciphertext = set_bit(ciphertext, 300, 1 - get_bit(ciphertext, 300)) where ref = $1 and $2::uuid is not null`,
		"it was cut":                   `update vault set ciphertext = substr(ciphertext, 1, 20) where ref = $1 and $2::uuid is not null`,
		"it is empty":                  `update vault set ciphertext = '' where ref = $1 and $2::uuid is not null`,
		"it names another month":       `update vault set key = '2026-12' where ref = $1 and $2::uuid is not null`,
		"it names no month":            `update vault set key = 'none' where ref = $1 and $2::uuid is not null`,
		"it was moved": `with other as (delete from vault where ref = $2)
			update vault set ref = '019a0000-0000-7000-8000-000000000001' where ref = $1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			a := h.seal(t, tuyet(), vault.Index{}, time.Time{})
			b := h.seal(t, binh(), vault.Index{}, time.Time{})
			exec(t, h.pool, touch, string(a.Ref), string(b.Ref))

			got, err := h.Read(t.Context(), reading(), a.Ref, "019a0000-0000-7000-8000-000000000001")

			if !errors.Is(err, vault.ErrUnreadable) || got != nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestARowWhoseKeyIsLostIsNotTakenForErased(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	exec(t, h.pool, `delete from vault_keys`)
	keys, err := vault.LoadKeys(h.keys)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(62 * 24 * time.Hour) // so that opening it makes other months' keys
	v, err := vault.Open(t.Context(), h.pool, keys, vault.Options{Now: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.Read(t.Context(), reading(), row.Ref); err == nil {
		t.Errorf("read %v", got)
	}
}

func TestSealRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, c := range map[string]struct {
		purpose string
		value   any
		index   vault.Index
	}{
		"a purpose in words":      {"the guest Nguyễn", tuyet(), vault.Index{}},
		"no purpose":              {"", tuyet(), vault.Index{}},
		"too long a purpose":      {strings.Repeat("a", 65), tuyet(), vault.Index{}},
		"what is no JSON":         {"stay_guest", map[string]any{tuyet().Name: func() {}}, vault.Index{}},
		"too much":                {"stay_guest", strings.Repeat(tuyet().Name, 10_000), vault.Index{}},
		"a document in lower":     {"stay_guest", tuyet(), vault.Index{Document: "c1234567a"}},
		"a document with a space": {"stay_guest", tuyet(), vault.Index{Document: "079 190001234"}},
		"a name with marks":       {"stay_guest", tuyet(), vault.Index{Name: "NGUYỄN"}},
		"a name in lower case":    {"stay_guest", tuyet(), vault.Index{Name: "Nguyen"}},
		"a name with đ":           {"stay_guest", tuyet(), vault.Index{Name: "ĐAO"}},
		"a name with two spaces":  {"stay_guest", tuyet(), vault.Index{Name: "LE  LOI"}},
		"a name with a space":     {"stay_guest", tuyet(), vault.Index{Name: "LE LOI "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row, err := h.Seal(c.purpose, c.value, c.index, time.Time{})
			if err == nil {
				t.Fatal("it was sealed")
			}
			if diff := cmp.Diff(vault.Row{}, row); diff != "" {
				t.Error(diff)
			}
			if text := err.Error(); strings.Contains(text, "Nguyễn") || strings.Contains(text, "079") || strings.Contains(text, "NGUY") {
				t.Errorf("the error quotes the value: %s", text)
			}
		})
	}
}

func TestSealingIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var callers sync.WaitGroup
	rows := make([][]vault.Row, 8)
	for i := range rows {
		callers.Go(func() {
			for j := range 200 {
				row, err := h.Seal("stay_guest", tuyet(), vault.Index{Document: number, Name: fmt.Sprint("GUEST ", j)}, time.Time{})
				if err != nil {
					t.Error(err)
					return
				}
				rows[i] = append(rows[i], row)
			}
		})
	}
	callers.Wait()
	refs, documents := map[vault.Ref]bool{}, map[string]bool{}
	for _, row := range rows {
		for _, r := range row {
			refs[r.Ref], documents[string(r.DocumentIndex)] = true, true
		}
	}
	if len(refs) != 1600 || len(documents) != 1 {
		t.Errorf("%d references, %d indexes of one document", len(refs), len(documents))
	}
}

func TestTheTurnOfAMonthNeedsNoDatabase(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	pool, err := pg.Open(t.Context(), h.pool.Config().ConnString(), pg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := vault.LoadKeys(h.keys)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), pool, keys, vault.Options{Now: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	pool.Close() // nothing can be fetched from here on
	for _, want := range []string{"2026-11", "2026-12"} {
		row, err := v.Seal("stay_guest", tuyet(), vault.Index{}, time.Time{})
		if err != nil || row.Key != want {
			t.Fatalf("sealed with %s, %v; want %s", row.Key, err, want)
		}
		insert(t, h.pool, row)
		if diff := cmp.Diff(map[vault.Ref]person{row.Ref: tuyet()}, read(t, h.Vault, row.Ref)); diff != "" {
			t.Error(diff)
		}
		h.clock.Advance(9*24*time.Hour + 2*time.Hour) // midnight in Vietnam of 1 December
	}
	h.clock.Advance(31 * 24 * time.Hour)
	if _, err := v.Seal("stay_guest", tuyet(), vault.Index{}, time.Time{}); err == nil {
		t.Error("a month was sealed that nobody had made a key for")
	}
}

func TestAProcessThatWasNeverSweptFetchesTheKeyItself(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.clock.Advance(100 * 24 * time.Hour)
	row := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	if diff := cmp.Diff(map[vault.Ref]person{row.Ref: tuyet()}, read(t, h.Vault, row.Ref)); diff != "" || row.Key != "2027-03" {
		t.Error(row.Key, diff)
	}
	h.clock.Advance(-100 * 24 * time.Hour) // a clock that was set right
	if row := h.seal(t, tuyet(), vault.Index{}, time.Time{}); row.Key != "2026-11" {
		t.Errorf("sealed with %s", row.Key)
	}
}

func TestManyProcessesMakeOneKeyForAMonth(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.clock.Advance(100 * 24 * time.Hour)
	children := make([]*testkit.Process, 3)
	for i := range children {
		children[i] = testkit.Child(t, "seal", h.pool.Config().ConnString(), h.keys, h.clock.Now().Format(time.RFC3339))
	}
	var here sync.WaitGroup
	rows := make([]vault.Row, 8)
	for i := range rows {
		v := h.another(t)
		here.Go(func() {
			var err error
			if rows[i], err = v.Seal("stay_guest", tuyet(), vault.Index{}, time.Time{}); err != nil {
				t.Error(err)
			}
		})
	}
	here.Wait()
	insert(t, h.pool, rows...)
	refs := make([]vault.Ref, 0, len(rows)+len(children))
	for _, row := range rows {
		refs = append(refs, row.Ref)
	}
	for _, child := range children {
		refs = append(refs, vault.Ref(child.Line(30*time.Second)))
	}

	if got := read(t, h.another(t), refs...); len(got) != len(refs) {
		t.Errorf("%d of %d rows open", len(got), len(refs))
	}
	if n := count(t, h.pool, `select count(*) from vault_keys where id = '2027-03'`); n != 1 {
		t.Errorf("%d keys of one month", n)
	}
}

// sealInChild opens the vault in a process of its own, seals one row, stores it and says its reference.
func sealInChild(ctx context.Context, args []string) error {
	pool, err := pg.Open(ctx, args[0], pg.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	keys, err := vault.LoadKeys(args[1])
	if err != nil {
		return err
	}
	now, err := time.Parse(time.RFC3339, args[2])
	if err != nil {
		return err
	}
	v, err := vault.Open(ctx, pool, keys, vault.Options{Now: func() time.Time { return now }})
	if err != nil {
		return err
	}
	row, err := v.Seal("stay_guest", tuyet(), vault.Index{}, time.Time{})
	if err != nil {
		return err
	}
	const store = `insert into vault (ref, purpose, key, ciphertext) values ($1, $2, $3, $4)`
	if _, err := pool.Exec(ctx, store, string(row.Ref), row.Purpose, row.Key, row.Ciphertext); err != nil {
		return err
	}
	_, err = fmt.Println(row.Ref)
	return err
}

func TestNamesAreTheSameEverywhereAndGuessedNowhere(t *testing.T) {
	t.Parallel()
	h, other := newHouse(t), newHouse(t)
	name := h.Name("notice", "facility-1", "key-1")
	if len(name) != 26 || strings.ToLower(name) != name || h.another(t).Name("notice", "facility-1", "key-1") != name {
		t.Errorf("%s, elsewhere %s", name, h.another(t).Name("notice", "facility-1", "key-1"))
	}
	names := map[string]bool{
		name: true, other.Name("notice", "facility-1", "key-1"): true, h.Name("cause", "facility-1", "key-1"): true,
		h.Name("notice", "facility-1key-1"): true, h.Name("notice", "facility-1", "key-", "1"): true,
		h.Name("notice", "facility-", "1key-1"): true, h.Name("noticefacility-1", "key-1"): true,
		h.Fingerprint([]byte("key-1")): true, h.Fingerprint(nil): true, h.Name(""): true,
	}
	if len(names) != 10 {
		t.Errorf("%d names for 10 different things", len(names))
	}
	if h.Fingerprint([]byte(`{"a":1}`)) != h.another(t).Fingerprint([]byte(`{"a":1}`)) {
		t.Error("a fingerprint depends on the process")
	}
}

func TestFoldedNamesAreWhatTheVaultTakes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[\p{L}\p{M}'’.· -]{1,40}`).Draw(t, "name")
		if _, err := h.Seal("stay_guest", tuyet(), vault.Index{Name: vn.Fold(name)}, time.Time{}); err != nil {
			t.Fatalf("%q folds to %q: %v", name, vn.Fold(name), err)
		}
	})
}

package vault_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/kms"
	"github.com/songan-vn/songan/libs/vault"
)

func TestAKeyFileThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "vault.keys")
	if err := vault.CreateMaster(path); err != nil {
		t.Fatal(err)
	}
	if about, err := os.Stat(path); err != nil || about.Mode() != 0o600 {
		t.Errorf("made with mode %v, %v", about.Mode(), err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o610, 0o660, 0o644, 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := vault.LoadKeys(path)
		if err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	for _, mode := range []fs.FileMode{0o600, 0o400} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := vault.LoadKeys(path); err != nil {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	if _, err := vault.LoadKeys(filepath.Dir(path)); err == nil {
		t.Error("a folder was taken for keys")
	}
	if _, err := vault.LoadKeys(path + ".none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestAKeyFileIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.keys")
	if err := vault.CreateMaster(path); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, path)
	if err := vault.CreateMaster(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	if readFile(t, path) != before {
		t.Error("the keys are lost")
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func TestADamagedKeyFileIsRefusedWithoutQuotingIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.keys")
	if err := vault.CreateMaster(path); err != nil {
		t.Fatal(err)
	}
	whole := readFile(t, path)
	for name, text := range map[string]string{
		"empty": "", "cut off": whole[:len(whole)/2], "another kind": `{"secretWord":"x"}`, "no months": `{"format":1,"master":{},"index":"AAAA"}`,
		"another format": strings.Replace(whole, `"format":1`, `"format":2`, 1), "no JSON": "secretWord",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := vault.LoadKeys(path)
		if err == nil || strings.Contains(err.Error(), "secretWord") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeysOfAnotherVaultAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.seal(t, tuyet(), vault.Index{}, time.Time{})
	path := filepath.Join(t.TempDir(), "other.keys")
	if err := vault.CreateMaster(path); err != nil {
		t.Fatal(err)
	}
	keys, err := vault.LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, days := range []int{0, 100} { // also when all months it would touch are new
		now := evening().AddDate(0, 0, days)
		_, err := vault.Open(t.Context(), h.pool, keys, vault.Options{Now: func() time.Time { return now }})
		if !errors.Is(err, vault.ErrWrongKeys) {
			t.Errorf("after %d days: %v", days, err)
		}
	}
	if n := count(t, h.pool, `select count(*) from vault_keys`); n != 2 {
		t.Errorf("%d keys", n)
	}
}

func TestTheMasterKeyRotates(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	running := h.another(t)
	row := h.seal(t, tuyet(), vault.Index{Document: number}, time.Time{})
	name, before, wrapped := h.Name("notice", "1"), readFile(t, h.keys), h.dump(t, "vault_keys")
	h.backup(t)

	if err := h.RotateMaster(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h.dump(t, "vault_keys") == wrapped {
		t.Error("the months' keys are wrapped as before")
	}
	h.check(t, row)
	h.restore(t) // the old master key still opens a backup from before
	h.check(t, row)
	if err := h.RetireMaster(t.Context()); !errors.Is(err, vault.ErrWrongKeys) {
		t.Errorf("a master key was retired that months still need: %v", err)
	}
	h.check(t, row)
	if err := errors.Join(h.RotateMaster(t.Context()), h.RetireMaster(t.Context())); err != nil {
		t.Fatal(err)
	}
	h.check(t, row)
	if h.another(t).Name("notice", "1") != name {
		t.Error("names changed with the master key")
	}
	h.clock.Advance(100 * 24 * time.Hour)
	later, err := running.Seal("stay_guest", binh(), vault.Index{}, time.Time{}) // a month that this process makes a key for
	if err != nil {
		t.Fatal(err)
	}
	insert(t, h.pool, later)
	if got := read(t, h.another(t), later.Ref); len(got) != 1 {
		t.Error("a running process wraps with a master key that was retired")
	}

	h.restore(t) // now it must not
	if _, err := vault.Open(t.Context(), h.pool, loadKeys(t, h.keys), vault.Options{Now: h.clock.Now}); !errors.Is(err, vault.ErrWrongKeys) {
		t.Errorf("a retired master key still opens: %v", err)
	}
	if err := os.WriteFile(h.keys, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	h.check(t, row)
}

// A key file may be reached by a link; a rename over it would leave the processes that use the file itself with old keys.
func TestAChangeThroughALinkChangesTheFile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row, file := h.seal(t, tuyet(), vault.Index{Document: number}, time.Time{}), h.keys
	h.keys = filepath.Join(t.TempDir(), "link.keys")
	if err := os.Symlink(file, h.keys); err != nil {
		t.Fatal(err)
	}
	linked := h.another(t)
	if err := errors.Join(linked.RotateMaster(t.Context()), linked.RetireMaster(t.Context())); err != nil {
		t.Fatal(err)
	}
	h.keys = file
	h.check(t, row)
}

func TestASealedKeyFileStaysSealedWhenItsMasterKeyRotates(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row, sealing := h.seal(t, tuyet(), vault.Index{}, time.Time{}), filepath.Join(t.TempDir(), "sealing.key")
	if err := kms.Create(sealing); err != nil {
		t.Fatal(err)
	}
	key, err := kms.Open(kms.Options{URI: "file://" + sealing})
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.SealKeys(h.keys, key); err != nil {
		t.Fatal(err)
	}
	open := func() *vault.Vault {
		keys, err := vault.LoadSealedKeys(h.keys, key)
		if err != nil {
			t.Fatal(err)
		}
		v, err := vault.Open(t.Context(), h.pool, keys, vault.Options{Now: h.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := open(); errors.Join(v.RotateMaster(t.Context()), v.RetireMaster(t.Context())) != nil {
		t.Fatal("not rotated")
	}
	if got := read(t, open(), row.Ref); len(got) != 1 {
		t.Error("the row is not read any more")
	}
	if _, err := vault.LoadKeys(h.keys); err == nil {
		t.Error("the rotation has left the file in the clear")
	}
}

func (h *house) check(t *testing.T, row vault.Row) {
	t.Helper()
	v := h.another(t)
	if diff := cmp.Diff(map[vault.Ref]person{row.Ref: tuyet()}, read(t, v, row.Ref)); diff != "" {
		t.Error(diff)
	}
	if found, err := v.FindByDocument(t.Context(), reading(), number); err != nil || len(found) != 1 {
		t.Errorf("found %v, %v", found, err)
	}
}

func loadKeys(t *testing.T, path string) *vault.Keys {
	t.Helper()
	keys, err := vault.LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestADestroyedMonthCannotBeReadFromAnyBackup(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	running := h.another(t)
	row := h.seal(t, tuyet(), vault.Index{Document: number}, time.Time{})
	read(t, running, row.Ref) // it has the key in memory now
	oldKeys := readFile(t, h.keys)
	h.clock.Advance(20 * 24 * time.Hour)
	next := h.seal(t, binh(), vault.Index{}, time.Time{})
	h.backup(t)

	for range 2 { // it can be repeated
		if err := h.DestroyMonth(t.Context(), asked(), "2026-11"); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, h.pool, `select count(*) from vault where key = '2026-11'`); n != 0 {
		t.Errorf("%d rows left", n)
	}
	for name, v := range map[string]*vault.Vault{"here": h.Vault, "running": running, "new": h.another(t)} {
		if diff := cmp.Diff(map[vault.Ref]person{next.Ref: binh()}, read(t, v, row.Ref, next.Ref)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}

	insert(t, h.pool, row) // one row has come back, by whatever way
	if diff := cmp.Diff(map[vault.Ref]person{next.Ref: binh()}, read(t, running, row.Ref, next.Ref)); diff != "" {
		t.Errorf("a process that has the key in memory reads it: %s", diff)
	}
	if found, err := running.FindByDocument(t.Context(), reading(), number); err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}

	h.restore(t) // all tables as they were, the wrapped key among them
	if diff := cmp.Diff(map[vault.Ref]person{next.Ref: binh()}, read(t, h.another(t), row.Ref, next.Ref)); diff != "" {
		t.Errorf("the backup was read without a replay: %s", diff)
	}
	if diff := cmp.Diff(vault.Replayed{Months: 2}, h.replay(t)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[vault.Ref]person{next.Ref: binh()}, read(t, running, row.Ref, next.Ref)); diff != "" {
		t.Errorf("a process that has the key in memory reads it: %s", diff)
	}
	erased, err := h.Erased(t.Context(), row.Ref, next.Ref)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[vault.Ref]vault.Erased{row.Ref: {At: h.clock.Now(), Reason: "month_destroyed"}}, erased); diff != "" {
		t.Error(diff)
	}

	// What the mechanism rests on: only a copy of the key file from before would undo it.
	h.restore(t)
	if err := os.WriteFile(h.keys, []byte(oldKeys), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := read(t, h.another(t), row.Ref); len(got) != 1 {
		t.Error("the backup was no backup, and this test shows nothing")
	}
}

func TestADestroyedMonthNeverGetsAnotherKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if err := h.DestroyMonth(t.Context(), asked(), "2026-03"); err != nil { // one that never had a key
		t.Fatal(err)
	}
	h.clock.Advance(-250 * 24 * time.Hour) // 16 March
	if _, err := h.Seal("stay_guest", tuyet(), vault.Index{}, time.Time{}); !errors.Is(err, vault.ErrDestroyed) {
		t.Errorf("sealed in a destroyed month: %v", err)
	}
	exec(t, h.pool, `delete from vault_keys`) // a database from before
	if _, err := h.Seal("stay_guest", tuyet(), vault.Index{}, time.Time{}); !errors.Is(err, vault.ErrDestroyed) {
		t.Errorf("a new key was made: %v", err)
	}
	if _, err := vault.Open(t.Context(), h.pool, loadKeys(t, h.keys), vault.Options{Now: h.clock.Now}); !errors.Is(err, vault.ErrDestroyed) {
		t.Errorf("opened in a destroyed month: %v", err)
	}
}

func TestAMonthThatIsStillWrittenIsNotDestroyed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	for _, month := range []string{"2026-11", "2026-12", "2030-01", "2026-1", "November", "", "1999-12", "2400-01"} {
		if err := h.DestroyMonth(t.Context(), asked(), month); err == nil {
			t.Errorf("%q was destroyed", month)
		}
	}
	h.clock.Advance(9*24*time.Hour + 3*time.Hour) // an hour into December
	if err := h.DestroyMonth(t.Context(), asked(), "2026-11"); err == nil {
		t.Error("rows may still be on their way")
	}
	if got := read(t, h.Vault, row.Ref); len(got) != 1 {
		t.Error("the row is gone")
	}
}

func TestAFailedDestructionCanBeRepeated(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	row := h.seal(t, tuyet(), vault.Index{}, time.Time{})
	h.clock.Advance(20 * 24 * time.Hour)
	if err := os.Mkdir(h.ledger(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.DestroyMonth(t.Context(), asked(), "2026-11"); err == nil {
		t.Fatal("destroyed without a ledger")
	}
	if err := errors.Join(os.Remove(h.ledger()), h.RotateMaster(t.Context())); err != nil { // which passes over that month
		t.Fatal(err)
	}
	if got := read(t, h.another(t), row.Ref); len(got) != 0 { // the key file has forgotten it already
		t.Error("a half-destroyed month was read")
	}
	if err := h.RetireMaster(t.Context()); err != nil {
		t.Error(err)
	}
	if err := errors.Join(os.Remove(h.keys+".lock"), os.Mkdir(h.keys+".lock", 0o700)); err != nil { // as on a read-only disk
		t.Fatal(err)
	}
	if err := h.DestroyMonth(t.Context(), asked(), "2026-11"); err != nil {
		t.Error(err)
	}
	if lines := strings.Count(readFile(t, h.ledger()), `"month":"2026-11"`); lines != 1 {
		t.Errorf("%d lines in the ledger", lines)
	}
}

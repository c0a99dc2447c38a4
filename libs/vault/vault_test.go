package vault_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/pg"
	"github.com/songan-vn/songan/libs/vault"
	"github.com/songan-vn/songan/libs/vn"
)

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

func BenchmarkRead(b *testing.B) {
	h := newHouse(b)
	refs := make([]vault.Ref, 100)
	for i := range refs {
		refs[i] = h.seal(b, tuyet(), vault.Index{}, time.Time{}).Ref
	}
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n, " people"), func(b *testing.B) {
			for b.Loop() {
				if got, err := h.Read(b.Context(), reading(), refs[:n]...); err != nil || len(got) != n {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}

package ledger_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/vault/internal/ledger"
)

func at() time.Time { return time.Date(2026, 11, 21, 15, 0, 0, 0, time.UTC) }

func fine(ledger.Entry) error { return nil }

// all reads a ledger file.
func all(t *testing.T, path string) ([]ledger.Entry, ledger.Damage) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var entries []ledger.Entry
	damage, err := ledger.Read(file, fine, func(e ledger.Entry) error { entries = append(entries, e); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return entries, damage
}

func TestWhatWasAppendedIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	want := []ledger.Entry{
		{Ref: "r1", At: at(), Actor: "officer:lan", Reason: "subject_request"},
		{Month: "2026-01", At: at(), Actor: "officer:lan", Reason: "retention"},
		{Ref: "r2", At: at().Add(time.Nanosecond), Actor: "service:vault", Reason: "expired"},
	}
	for _, part := range [][]ledger.Entry{want[:1], want[1:]} {
		if err := ledger.Append(path, part); err != nil {
			t.Fatal(err)
		}
	}
	got, damage := all(t, path)
	if diff := cmp.Diff(want, got); diff != "" || damage.Lines != 0 {
		t.Error(damage, diff)
	}
}

func TestManyWritersLoseNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	const writers, each = 8, 20
	var writing sync.WaitGroup
	for i := range writers {
		writing.Go(func() {
			for j := range each {
				e := ledger.Entry{Ref: fmt.Sprint(i, "-", j), At: at()}
				if err := ledger.Append(path, []ledger.Entry{e, e}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	if got, damage := all(t, path); len(got) != 2*writers*each || damage.Lines != 0 {
		t.Errorf("%d entries, %+v", len(got), damage)
	}
}

func TestDamageIsCountedAndPassedOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger")
	text := strings.Repeat("damaged\n", 12) + "\n\n" + `{"ref":"refused"}` + "\n" + `{"ref":"cut o`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ledger.Append(path, []ledger.Entry{{Ref: "whole", At: at()}}); err != nil {
		t.Fatal(err)
	}
	var seen []string
	refuse := func(e ledger.Entry) error {
		if e.Ref == "refused" {
			return errors.New("not ours")
		}
		return nil
	}
	file := strings.NewReader(read(t, path))
	damage, err := ledger.Read(file, refuse, func(e ledger.Entry) error { seen = append(seen, e.Ref); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"whole"}, seen); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(ledger.Damage{Lines: 14, First: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}, damage); diff != "" {
		t.Error(diff)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAnErrorNamesItsLine(t *testing.T) {
	t.Parallel()
	stop := errors.New("the database is away")
	_, err := ledger.Read(strings.NewReader("{}\n{}\n{}\n"), fine, func(e ledger.Entry) error { return stop })
	if !errors.Is(err, stop) || !strings.HasPrefix(err.Error(), "line 1: ") {
		t.Errorf("got %v", err)
	}
	_, err = ledger.Read(io.MultiReader(strings.NewReader("{}\n{}\n{"), iotest.ErrReader(stop)), fine, fine)
	if !errors.Is(err, stop) || !strings.HasPrefix(err.Error(), "after line 2: ") {
		t.Errorf("got %v", err)
	}
}

// A power cut can leave a stretch of NULs as long as what was being written, and a file system other things.
func TestNoDamageIsTooLong(t *testing.T) {
	t.Parallel()
	for name, damaged := range map[string]string{
		"NULs": strings.Repeat("\x00", 75_000), "a bit too long": strings.Repeat("x", 4096), "exactly two": strings.Repeat("x", 8192),
		"an entry of any length": `{"ref":"` + strings.Repeat("x", 10_000) + `"}`,
	} {
		want := ledger.Damage{Lines: 1, First: []int{2}}
		text := `{"ref":"before"}` + "\n" + damaged
		for rest, refs := range map[string][]string{
			"": {"before"}, "\n": {"before"}, "\n" + `{"ref":"after"}` + "\n\n" + `{"ref":"last"}`: {"before", "after", "last"},
		} {
			var seen []string
			damage, err := ledger.Read(strings.NewReader(text+rest), fine, func(e ledger.Entry) error { seen = append(seen, e.Ref); return nil })
			if err != nil {
				t.Fatal(name, err)
			}
			if diff := cmp.Diff(refs, seen) + cmp.Diff(want, damage); diff != "" {
				t.Errorf("%s, then %q: %s", name, rest, diff)
			}
		}
	}
}

func TestCodesAndIDsHoldNoText(t *testing.T) {
	t.Parallel()
	for code, good := range map[string]bool{
		"stay_guest": true, "a": true, "identity.check-2": true, "": false, "Stay": false, "2stay": false, "_stay": false,
		"stay guest": false, "gãst": false, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "a\x00": false,
	} {
		if err := ledger.CheckCode("purpose", code); (err == nil) != good {
			t.Errorf("code %q: %v", code, err)
		}
	}
	for id, good := range map[string]bool{
		"officer:lan": true, "019a-…": false, "": false, "two words": false, strings.Repeat("x", 200): true,
		strings.Repeat("x", 201): false, "tab\t": false, "Tuyết": false,
	} {
		if err := ledger.CheckID("actor", id); (err == nil) != good {
			t.Errorf("id %q: %v", id, err)
		}
	}
}

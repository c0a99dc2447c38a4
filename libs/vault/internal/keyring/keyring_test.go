package keyring

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"pgregory.net/rapid"
)

// drawTree forgets some months of a tree and returns both.
func drawTree(t *rapid.T) (whole, rest tree, gone map[Month]bool) {
	whole = tree{"": bytes.Repeat([]byte{7}, keySize)}
	rest, gone = whole, map[Month]bool{}
	for _, m := range rapid.SliceOfN(rapid.IntRange(0, 1<<treeDepth-1), 0, 30).Draw(t, "gone") {
		was := false
		if rest, was = rest.forget(Month(m)); was == gone[Month(m)] {
			t.Fatalf("forgetting %s again, %v: said %v", Month(m), gone[Month(m)], was)
		}
		gone[Month(m)] = true
	}
	return whole, rest, gone
}

func TestATreeForgetsTheMonthsItIsToldToAndNoOthers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole, rest, gone := drawTree(t)
		for m := range Month(1 << treeDepth) {
			if m%97 != 0 && !gone[m] && !gone[m^1] { // neighbours of the forgotten, and a sample
				continue
			}
			secret, there := rest.secret(m)
			want, _ := whole.secret(m)
			if gone[m] == there || there && !bytes.Equal(secret, want) {
				t.Fatalf("%s: forgotten %v, there %v", m, gone[m], there)
			}
		}
		for node := range rest { // nothing is left from which a forgotten month could be derived
			for m := range gone {
				if strings.HasPrefix(m.path(), node) {
					t.Fatalf("%s hangs from %q", m, node)
				}
			}
		}
		if len(rest) > 1+treeDepth*len(gone) {
			t.Fatalf("%d nodes for %d forgotten months", len(rest), len(gone))
		}
	})
}

func TestNoTwoMonthsShareASecret(t *testing.T) {
	t.Parallel()
	whole, seen := tree{"": bytes.Repeat([]byte{7}, keySize)}, map[string]bool{}
	for m := range Month(1 << treeDepth) {
		secret, ok := whole.secret(m)
		if !ok || len(secret) != keySize || seen[string(secret)] {
			t.Fatalf("%s: %x, %v", m, secret, ok)
		}
		seen[string(secret)] = true
	}
}

func TestAMonthsKeyNeedsTheMasterKeyAndTheMonthsSecret(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vault.keys")
	if err := Create(path, nil); err != nil {
		t.Fatal(err)
	}
	file, err := readKeyFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := file.wrap(322, data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.unwrap(322, wrapped); err != nil {
		t.Fatal(err)
	}
	otherSecret, otherMaster := *file, *file
	otherSecret.Months = tree{"": make([]byte, keySize)}
	if err := otherMaster.setMaster(data); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]*keyFile{"without the month's secret": &otherSecret, "without the master key": &otherMaster} {
		if _, err := other.unwrap(322, wrapped); !errors.Is(err, ErrWrongKeys) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := file.unwrap(323, wrapped); !errors.Is(err, ErrWrongKeys) {
		t.Errorf("as another month's: %v", err)
	}
}

// TestNamesNeverChange pins what ids in the log are made of: with a given key file they must be the same for ever.
func TestNamesNeverChange(t *testing.T) {
	t.Parallel()
	index, err := newIndex(bytes.Repeat([]byte{7}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	document, err := index.Document("079190001234")
	if err != nil {
		t.Fatal(err)
	}
	name, err := index.Name("NGUYEN THI ANH TUYET")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{index.Derive("notice", "facility-1", "key-1"), index.Fingerprint([]byte(`{"a":1}`)), index.spell(document), index.spell(name)}
	want := []string{ // computed apart from this code: HKDF-Expand, then HMAC over the parts with their lengths before them
		"xrqyczl6vazdxctyvbjg25j4xm", "3lm7hkpirfyhrjatae57qmuxku", "uqfcojit4va6qf7ntwdosgok7u", "rorfnuiycuxn62aqm2il2dujny",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMonthsTurnAtMidnightInVietnam(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{
		"2026-11-30T16:59:59.999999999Z": "2026-11", "2026-11-30T17:00:00Z": "2026-12",
		"2000-01-01T00:00:00+07:00": "2000-01", "2341-04-30T23:59:59+07:00": "2341-04",
	} {
		moment, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		m := MonthOf(moment)
		back, err := ParseMonth(m.String())
		if m.String() != want || back != m || err != nil || moment.Before(m.Begin()) || !moment.Before(m.End()) {
			t.Errorf("%s is in %s (%s to %s), read back as %s, %v", at, m, m.Begin(), m.End(), back, err)
		}
	}
}

package vault

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
func drawTree(t *rapid.T) (whole, rest tree, gone map[month]bool) {
	whole = tree{"": bytes.Repeat([]byte{7}, keySize)}
	rest, gone = whole, map[month]bool{}
	for _, m := range rapid.SliceOfN(rapid.IntRange(0, 1<<treeDepth-1), 0, 30).Draw(t, "gone") {
		was := false
		if rest, was = rest.forget(month(m)); was == gone[month(m)] {
			t.Fatalf("forgetting %s again, %v: said %v", month(m), gone[month(m)], was)
		}
		gone[month(m)] = true
	}
	return whole, rest, gone
}

func TestATreeForgetsTheMonthsItIsToldToAndNoOthers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole, rest, gone := drawTree(t)
		for m := range month(1 << treeDepth) {
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
	for m := range month(1 << treeDepth) {
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
	if err := CreateMaster(path); err != nil {
		t.Fatal(err)
	}
	file, err := readKeyFile(path)
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
	index, err := newIndexKeys(bytes.Repeat([]byte{7}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	v := &Vault{keys: &Keys{index: index}}
	document, err := v.keys.index.ofDocument("079190001234")
	if err != nil {
		t.Fatal(err)
	}
	name, err := v.keys.index.ofName("NGUYEN THI ANH TUYET")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{v.Name("notice", "facility-1", "key-1"), v.Fingerprint([]byte(`{"a":1}`)), spell(document), spell(name)}
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
		m := monthOf(moment)
		back, err := parseMonth(m.String())
		if m.String() != want || back != m || err != nil || moment.Before(m.begin()) || !moment.Before(m.end()) {
			t.Errorf("%s is in %s (%s to %s), read back as %s, %v", at, m, m.begin(), m.end(), back, err)
		}
	}
}

func TestAReferenceCarriesItsMonth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(time.Date(2000, 1, 1, 0, 0, 0, 0, zone()).UnixMilli(), 11_000_000_000_000).Draw(t, "at"))
		ref, err := newRef(at)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ref.month()
		if err != nil || m != monthOf(at) || ref < firstRef(m) || ref >= firstRef(m+1) {
			t.Fatalf("%s of %s is in %s, %v", ref, at, m, err)
		}
	})
}

// bare is a vault that can seal and open, and has no database.
func bare(tb testing.TB) *Vault {
	tb.Helper()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		tb.Fatal(err)
	}
	opened, err := aead.New(handle)
	if err != nil {
		tb.Fatal(err)
	}
	index, err := newIndexKeys(make([]byte, keySize))
	if err != nil {
		tb.Fatal(err)
	}
	m := monthOf(time.Now())
	key := &dataKey{id: m.String(), from: m.begin(), until: (m + 1).end(), aead: opened}
	v := &Vault{
		keys: &Keys{index: index}, now: time.Now, cached: map[month]*dataKey{m: key, m + 1: key},
	}
	v.current.Store(key)
	return v
}

func FuzzARowOpensOnlyAsItWasSealed(f *testing.F) {
	v := bare(f)
	f.Add("Nguyễn Thị Ánh Tuyết", "stay_guest", uint16(0), byte(0))
	f.Add("", "a", uint16(3), byte(1))
	f.Add("\xe1\xbb", "a", uint16(0), byte(0))
	f.Add("079190001234", "payment", uint16(20), byte(128))
	f.Fuzz(func(t *testing.T, value, purpose string, at uint16, flip byte) {
		row, err := v.Seal(purpose, value, Index{}, time.Time{})
		if err != nil {
			if checkCode("purpose", purpose) == nil && len(value) < maxPlain/6 {
				t.Fatal(err)
			}
			return
		}
		row.Ciphertext[int(at)%len(row.Ciphertext)] ^= flip
		plain, err := v.open(t.Context(), row)
		if (err == nil) != (flip == 0) || err != nil && !errors.Is(err, ErrUnreadable) {
			t.Fatalf("flipped %d: %v", flip, err)
		}
		if flip != 0 {
			return
		}
		back := ""
		if err := plain.Decode(&back); err != nil || back != string([]rune(value)) { // JSON knows no broken UTF-8
			t.Fatalf("%q became %q, %v", value, back, err)
		}
		row.Purpose += "x"
		if _, err := v.open(t.Context(), row); !errors.Is(err, ErrUnreadable) {
			t.Fatalf("another purpose: %v", err)
		}
	})
}

// guest is about 500 bytes of JSON.
type guest struct {
	Name, Born, Sex, Nationality, Phone, Address, Document, Number, IssuedBy, Note string
}

func someone() guest {
	return guest{
		Name: "Nguyễn Thị Ánh Tuyết", Born: "1990-03-08", Sex: "female", Nationality: "VNM", Phone: "0912345678",
		Address:  "Số 12, đường Lê Lợi, phường Bến Thành, Thành phố Hồ Chí Minh, Việt Nam",
		Document: "citizen_id", Number: "079190001234", IssuedBy: "Cục Cảnh sát quản lý hành chính về trật tự xã hội",
		Note: strings.Repeat("ghi chú ", 12),
	}
}

func BenchmarkSeal(b *testing.B) {
	v, who := bare(b), someone()
	index := Index{Document: "079190001234", Name: "NGUYEN THI ANH TUYET"}
	expires := time.Now().AddDate(2, 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Seal("stay_guest", who, index, expires); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealInParallel(b *testing.B) {
	v, who := bare(b), someone()
	index := Index{Document: "079190001234", Name: "NGUYEN THI ANH TUYET"}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := v.Seal("stay_guest", who, index, time.Time{}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkName(b *testing.B) {
	v := bare(b)
	for b.Loop() {
		_ = v.Name("notice", "facility-01J9", "0192c1de-7f2c-7000-8000-3b1c5a8d9e10")
	}
}

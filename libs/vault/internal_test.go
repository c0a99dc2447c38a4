package vault

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"pgregory.net/rapid"

	"github.com/songan-vn/songan/libs/plainjson"
	"github.com/songan-vn/songan/libs/vault/internal/keyring"
	"github.com/songan-vn/songan/libs/vault/internal/ledger"
)

func TestAReferenceCarriesItsMonth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(keyring.Month(0).Begin().UnixMilli(), 11_000_000_000_000).Draw(t, "at"))
		ref, err := newRef(at)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ref.month()
		if err != nil || m != keyring.MonthOf(at) || ref < firstRef(m) || ref >= firstRef(m+1) {
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
	path := filepath.Join(tb.TempDir(), "vault.keys")
	if err := CreateMaster(path); err != nil {
		tb.Fatal(err)
	}
	keys, err := LoadKeys(path)
	if err != nil {
		tb.Fatal(err)
	}
	m := keyring.MonthOf(time.Now())
	key := &dataKey{id: m.String(), from: m.Begin(), until: (m + 1).End(), aead: opened}
	v := &Vault{
		keys: keys.ring, json: plainjson.Standard(), now: time.Now, cached: map[keyring.Month]*dataKey{m: key, m + 1: key},
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
			if ledger.CheckCode("purpose", purpose) == nil && len(value) < maxPlain/6 {
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

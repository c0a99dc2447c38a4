package vault

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/songan-vn/songan/libs/vault/internal/keyring"
)

// Ref names a person's data wherever else it is spoken of: in facts, lists and messages. It is a UUIDv7 in text,
// random and immutable; a correction makes a new one. Its time part lies in the month whose key sealed the row.
type Ref string

// Row is one sealed record, as [Vault.Seal] makes it and eventstore inserts it together with the fact that
// refers to it. It holds nothing that can be read without the month's key and the index keys.
type Row struct {
	Ref Ref
	// Purpose is what the data was collected for ("stay_guest"). It is bound to the ciphertext: a row whose
	// purpose was changed cannot be opened.
	Purpose string
	// Key is the id of the month's data key, "2026-11".
	Key        string
	Ciphertext []byte
	// DocumentIndex and NameIndex are blind indexes for exact search; nil is stored as null.
	DocumentIndex []byte
	NameIndex     []byte
	// ExpiresAt is when [Vault.Sweep] removes the row; the zero time is stored as null and means never.
	ExpiresAt time.Time
}

var errRef = errors.New("not a reference of the vault")

// newRef returns a UUIDv7 of the moment: 48 bits of milliseconds, 74 of chance.
func newRef(at time.Time) (Ref, error) {
	var id [16]byte
	if _, err := rand.Read(id[6:]); err != nil {
		return "", err
	}
	binary.BigEndian.PutUint32(id[:4], uint32(at.UnixMilli()>>16)) // the upper 32 of 48 bits
	binary.BigEndian.PutUint16(id[4:6], uint16(at.UnixMilli()))    // the lower 16
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return refOf(id), nil
}

func refOf(id [16]byte) Ref {
	var text [36]byte
	hex.Encode(text[:], id[:4])
	hex.Encode(text[9:], id[4:6])
	hex.Encode(text[14:], id[6:8])
	hex.Encode(text[19:], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return Ref(text[:])
}

// IsRef tells whether a text is a reference of a vault, of this one or another: a UUID of version 7, in small letters.
func IsRef(text string) bool {
	_, err := Ref(text).month()
	return err == nil
}

// month returns when the reference was made. It errs for anything but a reference in its one spelling: lower
// case, with hyphens.
func (r Ref) month() (keyring.Month, error) {
	var id [16]byte
	if len(r) != 36 || r[14] != '7' {
		return 0, errRef
	}
	digits := r[:8] + r[9:13] + r[14:18] + r[19:23] + r[24:]
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil || refOf(id) != r {
		return 0, errRef
	}
	millis := int64(binary.BigEndian.Uint32(id[:4]))<<16 | int64(binary.BigEndian.Uint16(id[4:6]))
	return keyring.MonthOf(time.UnixMilli(millis)), nil
}

// time is when the reference was made, to the millisecond.
func (r Ref) time() (time.Time, error) {
	if _, err := r.month(); err != nil {
		return time.Time{}, err
	}
	millis, err := strconv.ParseInt(string(r[:8]+r[9:13]), 16, 64)
	if err != nil {
		return time.Time{}, errRef
	}
	return time.UnixMilli(millis).UTC(), nil
}

// firstRef and the references of a month: from its firstRef to before that of the next month.
func firstRef(m keyring.Month) Ref { return firstRefAt(m.Begin()) }

// firstRefAt is before every reference made at a moment or later, and after every one made earlier.
func firstRefAt(at time.Time) Ref {
	var id [16]byte
	millis := max(0, at.UnixMilli())
	binary.BigEndian.PutUint32(id[:4], uint32(millis>>16)) // the upper 32 of 48 bits
	binary.BigEndian.PutUint16(id[4:6], uint16(millis))    // the lower 16
	return refOf(id)
}

// checked returns the references as text without repetitions, in the order given.
func checked(refs []Ref) ([]string, error) {
	if len(refs) > MaxRefs {
		return nil, ErrTooMany
	}
	out := make([]string, 0, len(refs))
	seen := make(map[Ref]bool, len(refs))
	for _, ref := range refs {
		if _, err := ref.month(); err != nil {
			return nil, err
		}
		if !seen[ref] {
			seen[ref] = true
			out = append(out, string(ref))
		}
	}
	return out, nil
}

package keyring

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// ErrDestroyed says that the key of a month was destroyed: nothing of that month can be read or written again.
var ErrDestroyed = errors.New("the month's key was destroyed")

// ErrWrongKeys says that a month's key was wrapped by a master keyset other than the one in the key file.
var ErrWrongKeys = errors.New("the key file does not fit this vault")

// Ring is the key file of one service: master keyset, secrets of the months, index key. It is read again whenever a
// month's key is wrapped or unwrapped, which is rare, so that a rotation or a destroyed month is seen by processes
// that run already. It is safe for concurrent use.
type Ring struct {
	path string
	kms  KMS
	// Index makes blind indexes and names.
	Index *Index
}

// KMS is a key outside of this machine that seals the key file as a whole; nil leaves the file to its mode. It is asked
// whenever the file is read or written, which is rare, and has a time limit of its own.
type KMS interface {
	Wrap(secret, associated []byte) ([]byte, error)
	Unwrap(wrapped, associated []byte) ([]byte, error)
}

const (
	keyFormat  = 1
	keySize    = 32
	secretMode = 0o600
)

// keyFile is the file's content. It is a secret as a whole.
type keyFile struct {
	Format int `json:"format"`
	// Master is a Tink keyset in clear text: the file's mode is its protection.
	Master json.RawMessage `json:"master"`
	Index  []byte          `json:"index"`
	Months tree            `json:"months"`
}

// Create makes a new key file. It never overwrites one: an existing one is an error that is fs.ErrExist.
func Create(path string, kms KMS) error {
	master, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("make a master key: %w", err)
	}
	file := keyFile{Format: keyFormat, Index: make([]byte, keySize), Months: tree{"": make([]byte, keySize)}}
	for _, secret := range [][]byte{file.Index, file.Months[""]} {
		if _, err := rand.Read(secret); err != nil {
			return fmt.Errorf("make a master key: %w", err)
		}
	}
	if err := file.setMaster(master); err != nil {
		return err
	}
	if err := writeNew(path, kms, &file); err != nil {
		return fmt.Errorf("create key file: %w", err)
	}
	return nil
}

// Load reads a key file. A file that others than its owner may read is refused.
func Load(path string, kms KMS) (*Ring, error) {
	file, err := readKeyFile(path, kms)
	if err != nil {
		return nil, err
	}
	index, err := newIndex(file.Index)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return &Ring{path: path, kms: kms, Index: index}, nil
}

// Path is where the file lies.
func (r *Ring) Path() string { return r.path }

func readKeyFile(path string, kms KMS) (*keyFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	defer f.Close()
	about, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at key file: %w", err)
	}
	if mode := about.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf(
			"key file %s has mode %s: it opens every row of the vault and must be a file for its owner alone: chmod 600 %s",
			path, mode, path)
	}
	text, err := unsealed(f, path, kms)
	if err != nil {
		return nil, err
	}
	file := &keyFile{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(file); err != nil { // the error could quote a key
		return nil, fmt.Errorf("key file %s is not readable as one", path)
	}
	if file.Format != keyFormat || len(file.Index) != keySize || file.Months == nil {
		return nil, fmt.Errorf("key file %s is of another format or incomplete", path)
	}
	return file, nil
}

func (f *keyFile) master() (*keyset.Handle, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(f.Master)))
	if err != nil {
		return nil, errors.New("the master keyset in the key file is damaged") // Tink's error could quote it
	}
	return handle, nil
}

func (f *keyFile) setMaster(handle *keyset.Handle) error {
	text := bytes.Buffer{}
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return errors.New("the master keyset cannot be written")
	}
	f.Master = text.Bytes()
	return nil
}

// wrapping returns the AEAD that wraps the month's key: [ErrDestroyed] when the file has forgotten the month.
func (f *keyFile) wrapping(m Month) (tink.AEAD, error) {
	secret, ok := f.Months.secret(m)
	if !ok {
		return nil, fmt.Errorf("%s: %w", m, ErrDestroyed)
	}
	inner, err := subtle.NewAESGCM(secret)
	if err != nil {
		return nil, fmt.Errorf("month %s: %w", m, err)
	}
	handle, err := f.master()
	if err != nil {
		return nil, err
	}
	outer, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("master keyset: %w", err)
	}
	return layers{inner, outer}, nil
}

// layers encrypts with inner and then with outer, so that both are needed to open.
type layers struct{ inner, outer tink.AEAD }

func (l layers) Encrypt(plain, associated []byte) ([]byte, error) {
	sealed, err := l.inner.Encrypt(plain, associated)
	if err != nil {
		return nil, err
	}
	return l.outer.Encrypt(sealed, associated)
}

func (l layers) Decrypt(sealed, associated []byte) ([]byte, error) {
	opened, err := l.outer.Decrypt(sealed, associated)
	if err != nil {
		return nil, err
	}
	return l.inner.Decrypt(opened, associated)
}

func wrapAssociated(m Month) []byte { return []byte("songan vault key " + m.String()) }

// Wrap encrypts a month's keyset as it stands in vault_keys.
func (r *Ring) Wrap(m Month, data *keyset.Handle) ([]byte, error) {
	file, err := readKeyFile(r.path, r.kms)
	if err != nil {
		return nil, err
	}
	return file.wrap(m, data)
}

func (f *keyFile) wrap(m Month, data *keyset.Handle) ([]byte, error) {
	lock, err := f.wrapping(m)
	if err != nil {
		return nil, err
	}
	out := bytes.Buffer{}
	if err := data.WriteWithAssociatedData(keyset.NewBinaryWriter(&out), lock, wrapAssociated(m)); err != nil {
		return nil, fmt.Errorf("wrap the key of %s: %w", m, err)
	}
	return out.Bytes(), nil
}

// Unwrap opens what Wrap made. It errs with [ErrDestroyed] when the file has forgotten the month, and with
// [ErrWrongKeys] when the file is another one or no longer holds the master key.
func (r *Ring) Unwrap(m Month, wrapped []byte) (*keyset.Handle, error) {
	file, err := readKeyFile(r.path, r.kms)
	if err != nil {
		return nil, err
	}
	return file.unwrap(m, wrapped)
}

func (f *keyFile) unwrap(m Month, wrapped []byte) (*keyset.Handle, error) {
	lock, err := f.wrapping(m)
	if err != nil {
		return nil, err
	}
	data, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(wrapped)), lock, wrapAssociated(m))
	if err != nil {
		return nil, fmt.Errorf("unwrap the key of %s: %w", m, ErrWrongKeys)
	}
	return data, nil
}

// Forget cuts a month's secret out of the file. It is done when the file is on disk. A file that has forgotten the
// month already is not touched: it may have been brought here, read-only, from where that was done.
func (r *Ring) Forget(m Month) error {
	file, err := readKeyFile(r.path, r.kms)
	if err != nil {
		return err
	}
	if _, there := file.Months.secret(m); !there {
		return nil
	}
	return r.change(func(file *keyFile) (bool, error) {
		rest, was := file.Months.forget(m)
		file.Months = rest
		return was, nil
	})
}

// AddMaster makes a new master key the primary one; older ones still unwrap.
func (r *Ring) AddMaster() error {
	return r.change(func(file *keyFile) (bool, error) {
		handle, err := file.master()
		if err != nil {
			return false, err
		}
		manager := keyset.NewManagerFromHandle(handle)
		id, err := manager.Add(aead.AES256GCMKeyTemplate())
		if err == nil {
			err = manager.SetPrimary(id)
		}
		if err != nil {
			return false, fmt.Errorf("add a master key: %w", err)
		}
		return true, file.replaceMaster(manager)
	})
}

// RetireMasters drops all master keys but the primary. check is given what the file will be able to open then; if it
// errs, nothing is changed.
func (r *Ring) RetireMasters(check func(unwrap func(Month, []byte) error) error) error {
	return r.change(func(file *keyFile) (bool, error) {
		if err := file.dropOldMasters(); err != nil {
			return false, err
		}
		return true, check(func(m Month, wrapped []byte) error {
			_, err := file.unwrap(m, wrapped)
			return err
		})
	})
}

func (f *keyFile) dropOldMasters() error {
	handle, err := f.master()
	if err != nil {
		return err
	}
	manager := keyset.NewManagerFromHandle(handle)
	for _, key := range handle.KeysetInfo().GetKeyInfo() {
		if key.GetKeyId() == handle.KeysetInfo().GetPrimaryKeyId() {
			continue
		}
		if err := manager.Delete(key.GetKeyId()); err != nil {
			return fmt.Errorf("drop a master key: %w", err)
		}
	}
	return f.replaceMaster(manager)
}

func (f *keyFile) replaceMaster(manager *keyset.Manager) error {
	handle, err := manager.Handle()
	if err != nil {
		return fmt.Errorf("change the master keyset: %w", err)
	}
	return f.setMaster(handle)
}

// change rewrites the file under a lock that holds between processes; edit says whether there is anything to write.
func (r *Ring) change(edit func(*keyFile) (bool, error)) error {
	return withLock(r.path, func(path string) error {
		file, err := readKeyFile(path, r.kms)
		if err != nil {
			return err
		}
		changed, err := edit(file)
		if err != nil || !changed {
			return err
		}
		if err := replace(path, r.kms, file); err != nil {
			return fmt.Errorf("change key file: %w", err)
		}
		return nil
	})
}

package access

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lookAgain is how often a key file is looked at, at most.
const lookAgain = time.Second

// KeyFile is the operators' file as a keyring. What is changed in it counts a second later, without a restart: a key that
// is revoked there must not work until somebody finds the time for one. A file that is gone, or that others can read, holds
// no keys; one that cannot be understood is somebody's half-finished work, and the keys before it are good meanwhile.
type KeyFile struct {
	path  string
	now   func() time.Time
	wrong func(error)

	keys   atomic.Pointer[StaticKeyring]
	next   atomic.Int64 // when to look again, in Unix nanoseconds
	mu     sync.Mutex
	before os.FileInfo
}

// OpenKeyFile reads a file that [WriteKeys] wrote. Wrong is told when it cannot be read later.
func OpenKeyFile(path string, now func() time.Time, wrong func(error)) (*KeyFile, error) {
	f := &KeyFile{path: path, now: now, wrong: wrong}
	if err := f.read(); err != nil {
		return nil, err
	}
	return f, nil
}

// Lookup returns one of the keys.
func (f *KeyFile) Lookup(ctx context.Context, id string) (Key, error) {
	now := f.now().UnixNano()
	if next := f.next.Load(); now >= next && f.next.CompareAndSwap(next, now+int64(lookAgain)) {
		if err := f.read(); err != nil {
			f.wrong(err)
		}
	}
	return f.keys.Load().Lookup(ctx, id)
}

// read reads the file again if it is another one than before.
func (f *KeyFile) read() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err == nil && f.before != nil && os.SameFile(info, f.before) && same(info, f.before) {
		return nil
	}
	keys, err := ReadKeys(f.path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errOpenToOthers) {
		f.keys.Store(&StaticKeyring{})
		f.before = nil
	}
	if err != nil {
		return err
	}
	f.keys.Store(&keys)
	f.before = info
	return nil
}

// same tells whether a file looks as it did.
func same(a, b os.FileInfo) bool {
	return a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && a.Mode() == b.Mode()
}

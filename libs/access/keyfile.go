package access

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lookAgain is how often a key file is looked at, at most.
const lookAgain = time.Second

// KeyFile is the operators' file as a keyring. What is changed in it counts a second later, without a restart: a key that
// is revoked there must not work until somebody finds the time for one.
type KeyFile struct {
	path  string
	now   func() time.Time
	wrong func(error)

	keys   atomic.Pointer[StaticKeyring]
	next   atomic.Int64 // when to look again, in Unix nanoseconds
	mu     sync.Mutex
	before os.FileInfo
}

// OpenKeyFile reads a file that [WriteKeys] wrote. Wrong is told when it cannot be read later; the keys that were there
// before are good until it can.
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
	if err == nil && f.before != nil && os.SameFile(info, f.before) && info.ModTime().Equal(f.before.ModTime()) && info.Size() == f.before.Size() {
		return nil
	}
	keys, err := ReadKeys(f.path)
	if err != nil {
		return err
	}
	f.keys.Store(&keys)
	f.before = info
	return nil
}

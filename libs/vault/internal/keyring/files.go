package keyring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// writeNew writes a key file that must not exist yet: whole or not at all.
func writeNew(path string, kms KMS, file *keyFile) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	draft, err := writeDraft(path, kms, file)
	if err != nil {
		return err
	}
	err = os.Link(draft, path) // unlike a rename it fails if there is one
	return errors.Join(err, os.Remove(draft), SyncFolder(path))
}

// replace writes a key file over the old one: after a crash one of the two is there, whole.
func replace(path string, kms KMS, file *keyFile) error {
	draft, err := writeDraft(path, kms, file)
	if err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return SyncFolder(path)
}

// writeDraft writes a file beside path and returns its name when its content is on disk.
func writeDraft(path string, kms KMS, file *keyFile) (string, error) {
	content, err := encoded(file, kms)
	if err != nil {
		return "", err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".draft-*") // made with mode 0600
	if err != nil {
		return "", err
	}
	_, err = draft.Write(content)
	if err == nil {
		err = draft.Sync()
	}
	if err = errors.Join(err, draft.Close()); err != nil {
		return "", errors.Join(err, os.Remove(draft.Name()))
	}
	return draft.Name(), nil
}

// SyncFolder makes a new name in a folder survive a power cut.
func SyncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// withLock runs do, which changes the key file, while no other process that asks for its lock does. It is given the file that a
// link leads to: a rename over the link would leave everybody else with the file of before.
func withLock(path string, do func(path string) error) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("find key file: %w", err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, secretMode)
	if err != nil {
		return fmt.Errorf("open lock: %w", err)
	}
	defer lock.Close()
	if err := Flock(lock); err != nil {
		return err
	}
	return do(path)
}

// Flock waits for the lock on a file; a signal that arrives while it waits is no failure.
func Flock(f *os.File) error {
	const interruptions = 1000
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	for i := 0; errors.Is(err, syscall.EINTR) && i < interruptions; i++ {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return nil
}

// Package folder lets one process at a time own a folder with data in it.
//
//  1. A folder is ours if it has our lock file in it, or is empty or absent.
//     Anything else is refused and left as it is.
//  2. The lock is the kernel's (flock): it ends with the process, however the
//     process ends. A stale lock file doesn't matter.
//  3. Errors are sentences for the person who started the program.
package folder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Lock is the possession of a folder.
type Lock struct {
	Dir  string // absolute
	file *os.File
}

// Take makes the folder if needed and locks it for this process. what is the
// server that lives there, "PostgreSQL" for instance; its lower-case form is
// in the lock file's name.
func Take(dir, what string, mode fs.FileMode) (*Lock, error) {
	if dir == "" {
		return nil, fmt.Errorf("the folder for %s isn't given", what)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the folder for %s: %w", what, err)
	}
	name := filepath.Join(dir, "songan-"+strings.ToLower(what)+".lock")
	if err := checkOurs(dir, name, what); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return nil, fmt.Errorf("make the folder for %s: %w", what, err)
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the folder for %s: %w", what, err)
	}
	if err := hold(file, dir, what); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Lock{Dir: dir, file: file}, nil
}

// Release gives the folder free; releasing twice is fine.
func (l *Lock) Release() error {
	if err := l.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("free %s: %w", l.Dir, err)
	}
	return nil
}

func checkOurs(dir, lock, what string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the folder for %s: %w", what, err)
	}
	if _, err := os.Lstat(lock); err != nil && len(entries) > 0 {
		return fmt.Errorf("%s isn't empty and isn't a %s folder of Song An: it's left as it is, choose another folder", dir, what)
	}
	return nil
}

// hold takes the lock, and writes our process id into the file, for people.
func hold(file *os.File, dir, what string) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("another process (%s) has its %s in %s: stop it first, or choose another folder", holder(file), what, dir)
	}
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintln(file, os.Getpid())
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	return nil
}

// holder reads the id of the process which holds a lock.
func holder(file *os.File) string {
	text, err := io.ReadAll(io.LimitReader(file, 32))
	if err != nil || len(text) == 0 {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

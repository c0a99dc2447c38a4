// Package private reads and writes files that are for their owner's eyes alone.
package private

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Mode is that of every such file.
const Mode = 0o600

const openToOthers = 0o077

// Read refuses a file that others can read: what stands in it is no secret any more.
func Read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at a private file: %w", err)
	}
	if info.Mode().Perm()&openToOthers != 0 {
		return nil, fmt.Errorf("%s is open to others (mode %#o): chmod 600 it", path, info.Mode().Perm())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a private file: %w", err)
	}
	return data, nil
}

// Write writes the whole of a file or nothing.
func Write(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when the rename worked
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(Mode), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("put in place: %w", err)
	}
	return nil
}

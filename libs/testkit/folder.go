package testkit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	aliveName = "alive"       // locked as long as the folder's process lives
	orphanAge = 1 * time.Hour // of a folder whose process died before it made the lock
)

// folder is the temporary directory of this test process.
type folder struct {
	dir   string
	alive *os.File
	// leash is the end of a pipe. When this process ends, the kernel closes
	// it, and the shell at the other end clears away.
	leash io.Closer
}

// newFolder makes the folder, and removes those of processes that have died
// with their shell, as when a machine was switched off.
func newFolder() (*folder, error) {
	prefix := filepath.Join(os.TempDir(), "songan-test-"+strconv.Itoa(os.Getuid())+"-")
	gate, err := lock(prefix+"lock", syscall.LOCK_EX)
	if err != nil {
		return nil, fmt.Errorf("lock the test folders: %w", err)
	}
	defer gate.Close()
	removeOrphans(prefix)
	dir, err := os.MkdirTemp(filepath.Dir(prefix), filepath.Base(prefix)+"*.d")
	if err != nil {
		return nil, fmt.Errorf("make a test folder: %w", err)
	}
	// The user a server runs as must be able to pass through.
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // see above
		return nil, fmt.Errorf("open the test folder: %w", err)
	}
	alive, err := lock(filepath.Join(dir, aliveName), syscall.LOCK_EX)
	if err != nil {
		return nil, fmt.Errorf("lock the test folder: %w", err)
	}
	leash, err := removeAfterwards(dir)
	if err != nil {
		return nil, errors.Join(err, alive.Close(), os.RemoveAll(dir))
	}
	return &folder{dir: dir, alive: alive, leash: leash}, nil
}

func lock(name string, how int) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), how); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// removeOrphans runs under the gate, so no folder is half made meanwhile.
func removeOrphans(prefix string) {
	dirs, _ := filepath.Glob(prefix + "*.d") // only a bad pattern is an error
	for _, dir := range dirs {
		info, err := os.Stat(filepath.Join(dir, aliveName))
		if err != nil || time.Since(info.ModTime()) < orphanAge {
			continue // its shell may still be waiting for the server
		}
		alive, err := lock(filepath.Join(dir, aliveName), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			continue
		}
		os.RemoveAll(dir) //nolint:errcheck // the next process tries again
		alive.Close()     //nolint:errcheck // removed
	}
}

// clearing waits for the end of its input, which comes with our end, then for
// the end of a PostgreSQL below the folder, and removes the folder.
const clearing = `cat >/dev/null; i=0
for pid in $(head -qn1 "$1"/*/data/postmaster.pid 2>/dev/null); do
  while kill -0 "$pid" 2>/dev/null && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done
done
rm -rf "$1"`

// leave gives the folder up: the shell removes it as soon as no server runs in it.
func (f *folder) leave() error { return errors.Join(f.leash.Close(), f.alive.Close()) }

// removeAfterwards sees to it that a folder is removed once this process, or
// the returned end of a pipe, is closed.
func removeAfterwards(dir string) (io.Closer, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	defer read.Close()
	cmd := exec.Command("sh", "-c", clearing, "sh", dir) //nolint:gosec,noctx // it outlives us
	cmd.Stdin = read
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for us
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the shell that clears away: %w", err), write.Close())
	}
	if err := cmd.Process.Release(); err != nil {
		return nil, errors.Join(fmt.Errorf("let go of the shell that clears away: %w", err), write.Close())
	}
	return write, nil
}

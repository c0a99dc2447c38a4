package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// copyTemplate takes the cluster out of a folder in which a fresh one is kept
// per server version, user and options, and makes that one first if it isn't there.
func (l *layout) copyTemplate(ctx context.Context, template string) error {
	made := sha256.Sum256([]byte(strings.Join(initdbOptions(), " ")))
	source := filepath.Join(template, fmt.Sprintf("%s-%d-%x", l.bin.version, l.as.uid, made[:4]))
	if err := l.ensureTemplate(ctx, source); err != nil {
		return fmt.Errorf("make the template cluster: %w", err)
	}
	if err := copyFile(filepath.Join(source, passwordName), filepath.Join(l.dir, passwordName), 0o600); err != nil {
		return fmt.Errorf("copy the template's password: %w", err)
	}
	fresh, err := l.freshFolder()
	if err != nil {
		return err
	}
	if err := copyTree(filepath.Join(source, dataName), fresh, l.as); err != nil {
		return fmt.Errorf("copy the template cluster: %w", err)
	}
	if err := os.Rename(fresh, l.data); err != nil {
		return fmt.Errorf("put the PostgreSQL cluster in its place: %w", err)
	}
	return nil
}

// ensureTemplate makes the template once; other processes wait for it.
func (l *layout) ensureTemplate(ctx context.Context, source string) error {
	if err := os.MkdirAll(source, 0o711); err != nil { //nolint:gosec // the server's user passes through
		return err
	}
	for _, dir := range []string{filepath.Dir(source), source} {
		if info, err := os.Stat(dir); err != nil || !mine(info) {
			return errors.Join(err, fmt.Errorf("%s isn't ours, somebody else has made it", dir))
		}
	}
	lock, err := os.OpenFile(filepath.Join(source, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("wait for others that make it: %w", err)
	}
	t := layout{bin: l.bin, dir: source, data: filepath.Join(source, dataName), as: l.as}
	if _, err := os.Stat(filepath.Join(t.data, "PG_VERSION")); err == nil {
		return nil
	}
	return t.initialise(ctx)
}

// mine says whether we own a file: a template that somebody else has put into
// the temporary directory would run with our rights.
func mine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == uint32(os.Geteuid())
}

// copyTree copies folders and files with their permissions, for the server's user.
func copyTree(from, to string, as identity) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, relative)
		if entry.IsDir() {
			if err := os.Mkdir(target, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
				return err
			}
			return as.own(target)
		}
		if err := copyFile(path, target, 0o600); err != nil {
			return err
		}
		return as.own(target)
	})
}

func copyFile(from, to string, mode fs.FileMode) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

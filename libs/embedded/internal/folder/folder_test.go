package folder_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/embedded/internal/folder"
)

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system's temporary folder
	lock, err := folder.Take(filepath.Join(dir, "kafka"), "Kafka", 0o700)
	fmt.Println(lock != nil, err)
	_, err = folder.Take(filepath.Join(dir, "kafka"), "Kafka", 0o700)
	fmt.Println(strings.Contains(err.Error(), "another process"))
	fmt.Println(lock.Release())
	// Output:
	// true <nil>
	// true
	// <nil>
}

func TestAFolderIsMadeAndCanBeTakenAgainAfterItsRelease(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "er")
	for range 2 {
		lock, err := folder.Take(dir, "PostgreSQL", 0o700)
		if err != nil {
			t.Fatal(err)
		}
		if lock.Dir != dir {
			t.Errorf("it's %s, want %s", lock.Dir, dir)
		}
		if err := errors.Join(lock.Release(), lock.Release()); err != nil {
			t.Error(err)
		}
	}
}

func TestATakenFolderIsRefusedWithTheHoldersProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := folder.Take(dir, "PostgreSQL", 0o700)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release() //nolint:errcheck // the test is over
	_, err = folder.Take(dir, "PostgreSQL", 0o700)
	want := fmt.Sprintf("another process (%d) has its PostgreSQL in %s: stop it first, or choose another folder", os.Getpid(), dir)
	if err == nil || err.Error() != want {
		t.Errorf("the second owner got %q, want %q", err, want)
	}
}

func TestAForeignFolderIsRefusedAndLeftAsItIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := folder.Take(dir, "Kafka", 0o700)
	want := dir + " isn't empty and isn't a Kafka folder of Song An: it's left as it is, choose another folder"
	if err == nil || err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder has %d entries now (%v), want its one file", len(entries), err)
	}
}

func TestTheFolderOfOneServerIsForeignToTheOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := folder.Take(dir, "Kafka", 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Take(dir, "PostgreSQL", 0o700); err == nil {
		t.Error("PostgreSQL moved into Kafka's folder")
	}
}

func TestWhatIsNoFolderIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", file} {
		if _, err := folder.Take(dir, "Kafka", 0o700); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: got %v, want an error", dir, err)
		}
	}
}

package private_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/songan-vn/songan/libs/embedded/oidc/internal/private"
)

func TestWhatIsWrittenIsReadAgainAndNobodyElseMay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	for _, text := range []string{"first, which is longer", "second"} {
		if err := private.Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := private.Read(path); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != private.Mode {
		t.Error(info.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Error("something is left of the writing:", left, err)
	}
	if err := os.Chmod(path, 0o604); err != nil { //nolint:gosec // that is the test
		t.Fatal(err)
	}
	if _, err := private.Read(path); err == nil || !strings.Contains(err.Error(), "open to others (mode 0604)") {
		t.Error(err)
	}
}

func TestAFileThatIsNotThereAndAFolderThatIsNotThereAreErrors(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "nowhere", "secret")
	if _, err := private.Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := private.Write(path, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

package signing

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/embedded/oidc/internal/private"
)

func TestKeysOutliveARestartAndAreReplacedInTime(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "idp")
	start := time.Now()
	at := func(after time.Duration) Keys {
		t.Helper()
		keys, err := Open(dir, start.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	first := at(0)
	if again := at(time.Hour); len(again) != 1 || again[0].id != first[0].id || !again[0].rsa.Equal(first[0].rsa) {
		t.Error("another key after a restart")
	}
	second := at(keyLife + time.Hour)
	if len(second) != 2 || second[0].id == first[0].id || second[1].id != first[0].id || len(second.Published()) != 2 {
		t.Error("the new key does not come first, or the old one is gone too early")
	}
	if third := at(keyLife + keyLinger + time.Hour); len(third) != 1 || third[0].id != second[0].id {
		t.Error("the old key is still there")
	}
}

func TestAKeyThatOthersCanReadOrThatIsNoneStopsTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, err := Open(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, keys[0].id+".pem")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != private.Mode {
		t.Error(info.Mode(), err)
	}
	if err := os.Chmod(path, 0o640); err != nil { //nolint:gosec // that is the test
		t.Fatal(err)
	}
	if _, err := Open(dir, time.Now()); err == nil || !strings.Contains(err.Error(), "open to others") {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("nonsense"), private.Mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, private.Mode); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, time.Now()); err == nil {
		t.Error("nonsense was taken for a key")
	}
}

package postgres

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root has a choice")
	}
}

func yes(string) bool { return true }
func no(string) bool  { return false }

// publicFolder is open to everybody.
func publicFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "songan-identity-*") //nolint:usetesting // t.TempDir lies in a folder which only we may pass
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })      //nolint:errcheck // the system's temporary folder
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the point of it
		t.Fatal(err)
	}
	return dir
}

func TestRootBecomesAUserWhoReachesTheFolder(t *testing.T) {
	t.Parallel()
	asRoot(t)
	id, err := choose(publicFolder(t), "/", no)
	if err != nil || !id.change || id.uid == 0 || id.namespace {
		t.Errorf("root runs the server as %+v, %v", id, err)
	}
}

func TestRootTakesANamespaceWhereNobodyElseMayPass(t *testing.T) {
	t.Parallel()
	asRoot(t)
	closed := filepath.Join(publicFolder(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, way := range []struct{ dir, bin string }{{closed, "/"}, {"/", closed}} {
		id, err := choose(way.dir, way.bin, yes)
		if want := inNamespace(); err != nil || id != want {
			t.Errorf("%v: root runs the server as %+v, %v, want %+v", way, id, err, want)
		}
		if _, err := choose(way.dir, way.bin, no); !errors.Is(err, errNowhere) {
			t.Errorf("%v: without namespaces: %v, want %v", way, err, errNowhere)
		}
	}
}

func TestWithoutAnyWayTheDataGoToTheTemporaryDirectory(t *testing.T) {
	t.Parallel()
	asRoot(t)
	dir := filepath.Join(publicFolder(t), "closed", "postgres")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o700); err != nil { //nolint:gosec // closed
		t.Fatal(err)
	}
	l := layout{dir: dir, data: filepath.Join(dir, dataName)}
	l.bin.dir = "/"
	if err := l.settle(no); err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(l.data) != filepath.Clean(os.TempDir()) || !l.as.change {
		t.Errorf("the data go to %s as %+v", l.data, l.as)
	}
	again := layout{dir: dir, data: filepath.Join(dir, dataName), bin: l.bin}
	if err := again.settle(no); err != nil || again.data != l.data {
		t.Errorf("the next start finds %s, %v, want %s", again.data, err, l.data)
	}
}

func TestAClusterThatAStrangerHasPlantedInTheTemporaryDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	asRoot(t)
	l := layout{dir: filepath.Join(publicFolder(t), "postgres")}
	l.bin.dir, l.bin.major = "/", 15
	planted := l.fallback()
	if err := os.Mkdir(planted, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(planted) }) //nolint:errcheck // the system's temporary folder
	if err := os.WriteFile(filepath.Join(planted, "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(planted, 4711, 4711); err != nil {
		t.Fatal(err)
	}
	if err := l.settle(no); err == nil || !strings.Contains(err.Error(), "belongs to user 4711") {
		t.Errorf("got %v, the server would run as %+v", err, l.as)
	}
}

func TestATemplateOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	asRoot(t)
	dir := publicFolder(t)
	if err := os.Chown(dir, 4711, 4711); err != nil {
		t.Fatal(err)
	}
	l := layout{}
	if err := l.ensureTemplate(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "isn't ours") {
		t.Errorf("got %v", err)
	}
}

func TestAnExistingClusterRunsAsItsOwner(t *testing.T) {
	t.Parallel()
	asRoot(t)
	dir := publicFolder(t)
	id, err := ownerOf(dir)
	if want := inNamespace(); err != nil || id != want {
		t.Errorf("of root: %+v, %v, want %+v", id, err, want)
	}
	if err := os.Chown(dir, 4711, 4712); err != nil {
		t.Fatal(err)
	}
	id, err = ownerOf(dir)
	if want := (identity{uid: 4711, gid: 4712, change: true}); err != nil || id != want {
		t.Errorf("of another: %+v, %v, want %+v", id, err, want)
	}
}

func TestTheFirstMatchingClassOfPermissionsDecides(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode os.FileMode
		id   identity
		want bool
	}{
		{0o700, identity{uid: 1, gid: 1}, true},
		{0o077, identity{uid: 1, gid: 2}, false}, // the owner isn't helped by the others' x
		{0o010, identity{uid: 9, gid: 2}, true},
		{0o701, identity{uid: 9, gid: 2}, false}, // nor is the group
		{0o001, identity{uid: 9, gid: 9}, true},
		{0o776, identity{uid: 9, gid: 9}, false},
	} {
		if got := c.id.passes(fileInfo{mode: c.mode}); got != c.want {
			t.Errorf("mode %o, user %+v: %v, want %v", c.mode, c.id, got, c.want)
		}
	}
}

// fileInfo is a folder of user 1 and group 2.
type fileInfo struct {
	os.FileInfo
	mode os.FileMode
}

func (f fileInfo) Mode() os.FileMode { return f.mode }
func (f fileInfo) Sys() any          { return &syscall.Stat_t{Uid: 1, Gid: 2} }

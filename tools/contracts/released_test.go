package contracts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/songan-vn/songan/tools/contracts"
)

// Facts of a released shape stand in logs that nobody can change. What stands for them here must not change either.
func TestWhatWasReleasedIsNeverEdited(t *testing.T) {
	t.Parallel()
	inside := exec.CommandContext(t.Context(), "git", "-C", contracts.Folder, "rev-parse", "--is-inside-work-tree")
	if inside.Run() != nil {
		t.Log("this is no clone: there is no release to compare with")
		return
	}
	tag, changed := edited(t, contracts.Folder)
	if tag == "" {
		t.Log("nothing was released yet: shapes may still change")
	}
	if changed != "" {
		t.Fatalf("released with %s and changed since; a new shape is a new name with an upcast:\n%s", tag, changed)
	}
}

func TestAnEditedGoldenIsFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	golden := filepath.Join("inn", "testdata", "inn.arrived.v1.json")
	put(t, dir, golden, "{}\n")
	put(t, dir, filepath.Join("schemas", "inn.arrived.v1.json"), "{}\n")
	git(t, dir, "init", "--quiet")
	commit(t, dir)
	if tag, changed := edited(t, dir); tag != "" || changed != "" {
		t.Fatalf("before a release nothing is fixed, got %q and %q", tag, changed)
	}
	git(t, dir, "tag", "v0.1.0")
	put(t, dir, filepath.Join("inn", "testdata", "inn.arrived.v2.json"), "{}\n")
	commit(t, dir)
	if _, changed := edited(t, dir); changed != "" {
		t.Fatalf("a golden may be added, got %q", changed)
	}
	put(t, dir, golden, "{ }\n")
	if tag, changed := edited(t, dir); tag != "v0.1.0" || changed != "inn/testdata/inn.arrived.v1.json" {
		t.Fatalf("got %q and %q", tag, changed)
	}
	if err := os.Remove(filepath.Join(dir, "schemas", "inn.arrived.v1.json")); err != nil {
		t.Fatal(err)
	}
	if _, changed := edited(t, dir); !strings.Contains(changed, "schemas/inn.arrived.v1.json") {
		t.Fatalf("a deleted schema was not found, got %q", changed)
	}
}

// edited returns the last release, and which goldens and schemas were changed or deleted since.
func edited(t *testing.T, dir string) (tag, changed string) {
	t.Helper()
	tag = git(t, dir, "tag", "--list", "v*", "--sort=-version:refname", "--merged")
	if tag, _, _ = strings.Cut(tag, "\n"); tag == "" {
		return "", ""
	}
	return tag, git(t, dir, "diff", "--relative", "--name-only", "--no-renames", "--diff-filter=MDT", tag, "--",
		":(glob)**/testdata/*.json", "schemas")
}

func commit(t *testing.T, dir string) {
	t.Helper()
	git(t, dir, "add", ".")
	git(t, dir, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "-m", "more")
}

func put(t *testing.T, dir, path, text string) {
	t.Helper()
	path = filepath.Join(dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

package walls_test

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/tools/walls"
)

// A want is what a planted line says about itself: // want depguard:pure forbidigo:clock.
var wants = regexp.MustCompile(`// want (.+)$`)

func TestEveryPlantedViolationIsCaughtAndNothingElse(t *testing.T) {
	t.Parallel()
	root, linter := tools(t)
	dir := plant(t, root)
	want := expected(t, dir)

	findings, err := walls.Lint(t.Context(), linter, dir, []string{"GOWORK=off", "GOFLAGS=-mod=mod"}, "./...")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range findings {
		if f.Linter == "typecheck" {
			t.Fatalf("the planted tree does not compile: %s:%d: %s", f.File, f.Line, f.Text)
		}
		if f.Linter == "depguard" || f.Linter == "forbidigo" {
			got = append(got, describe(f, want))
		}
	}
	slices.Sort(got)
	if diff := gocmp.Diff(sortedLines(want), got); diff != "" {
		t.Fatalf("findings (-want +got):\n%s", diff)
	}
	t.Logf("%d planted violations caught in %d files", len(got), countFiles(t, dir))

	for _, rule := range rules(t, root) {
		if !slices.ContainsFunc(findings, func(f walls.Finding) bool { return strings.Contains(f.Text, rule) }) {
			t.Errorf("no violation is planted for %q of .golangci.yml: a rule that was never seen to bite is a wish", rule)
		}
	}
}

func TestEveryLinterOfTheGuideIsOn(t *testing.T) {
	t.Parallel()
	root, linter := tools(t)
	got, err := walls.EnabledLinters(t.Context(), linter, filepath.Join(root, ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(`bodyclose contextcheck copyloopvar depguard errcheck errorlint forbidigo funlen gci
		gochecknoglobals gochecknoinits gocognit gofumpt govet ineffassign intrange misspell noctx nolintlint revive
		rowserrcheck sloglint staticcheck tparallel unconvert unparam unused usetesting`)
	for _, name := range want {
		if !slices.Contains(got, name) && !formatter(t, root, name) {
			t.Errorf("%s is off", name)
		}
	}
}

func tools(t *testing.T) (root, linter string) {
	t.Helper()
	root, err := walls.Root()
	if err != nil {
		t.Fatal(err)
	}
	if linter, err = walls.Linter(root); err != nil {
		t.Fatal(err)
	}
	return root, linter
}

// plant copies the planted tree and the real configuration into a folder of the test's own, and adds for every
// service of the repository a package which imports another one: a new service without a rule of its own fails.
func plant(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "planted"))); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(root, ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ".golangci.yml"), string(config))
	write(t, filepath.Join(dir, "services", "another", "another.go"), "package another\n")
	modules, err := walls.Modules(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules {
		service := m.Service()
		if service == "" {
			continue
		}
		want := " // want depguard:'service-" + service + "'"
		if service == "songan" { // it may
			want = ""
		}
		write(t, filepath.Join(dir, "services", service, "planted", "planted.go"),
			fmt.Sprintf("package planted\n\nimport _ %q%s\n", walls.Prefix+"services/another", want))
	}
	return dir
}

type line struct {
	file string
	line int
}

// expected reads the wants of all files below dir.
func expected(t *testing.T, dir string) map[line][]string {
	t.Helper()
	want := map[line][]string{}
	for _, path := range goFiles(t, dir) {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for scanner := bufio.NewScanner(file); scanner.Scan(); {
			n++
			if m := wants.FindStringSubmatch(scanner.Text()); m != nil {
				want[line{rel, n}] = strings.Fields(m[1])
			}
		}
	}
	return want
}

// describe writes a finding as the want that it fulfils, or in full when nobody wants it.
func describe(f walls.Finding, want map[line][]string) string {
	for _, w := range want[line{f.File, f.Line}] {
		linter, word, _ := strings.Cut(w, ":")
		if linter == f.Linter && strings.Contains(f.Text, word) {
			return fmt.Sprintf("%s:%d %s", f.File, f.Line, w)
		}
	}
	return fmt.Sprintf("%s:%d %s: %s", f.File, f.Line, f.Linter, f.Text)
}

func sortedLines(want map[line][]string) []string {
	var all []string
	for at, words := range want {
		for _, w := range words {
			all = append(all, fmt.Sprintf("%s:%d %s", at.file, at.line, w))
		}
	}
	slices.SortFunc(all, cmp.Compare[string])
	return all
}

// rules lists what must have bitten at least once: the names of depguard's lists, the messages of both linters.
func rules(t *testing.T, root string) []string {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(root, ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	_, settings, _ := strings.Cut(string(config), "    depguard:\n      rules:\n")
	lists, messages, found := strings.Cut(settings, "    forbidigo:\n")
	if !found {
		t.Fatal("the configuration has another shape: teach this test to read it")
	}
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^        ([a-z-]+):$`).FindAllStringSubmatch(lists, -1) {
		all = append(all, "'"+m[1]+"'")
	}
	for _, m := range regexp.MustCompile(`(?m)^          msg: "(.+)"$`).FindAllStringSubmatch(messages, -1) {
		all = append(all, m[1])
	}
	for _, m := range regexp.MustCompile(`desc: "(.+)"`).FindAllStringSubmatch(lists, -1) {
		all = append(all, m[1])
	}
	if len(all) < 30 {
		t.Fatalf("only %d rules found in .golangci.yml: teach this test to read it", len(all))
	}
	return all
}

func formatter(t *testing.T, root, name string) bool {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(root, ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?ms)^formatters:\n  enable: \[[^\]]*\b` + name + `\b`).Match(config)
}

func goFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".go") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func countFiles(t *testing.T, dir string) int {
	t.Helper()
	return len(goFiles(t, dir))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

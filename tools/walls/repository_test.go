package walls_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/songan-vn/songan/tools/walls"
)

func TestEveryModuleBuildsAndVetsAlone(t *testing.T) {
	t.Parallel()
	for _, m := range modules(t) {
		t.Run(m.Name(), func(t *testing.T) {
			t.Parallel()
			for _, command := range []string{"build", "vet"} {
				if _, err := walls.Go(t.Context(), m.Dir, command, "./..."); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestNothingInTheRepositoryBreaksAWall(t *testing.T) {
	t.Parallel()
	root, linter := tools(t)
	args := []string{"--enable-only=depguard,forbidigo"}
	for _, m := range modules(t) {
		args = append(args, "./"+m.Name()+"/...")
	}
	findings, err := walls.Lint(t.Context(), linter, root, []string{"GOWORK=" + filepath.Join(root, "go.work")}, args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Errorf("%s:%d: %s: %s", f.File, f.Line, f.Linter, f.Text)
	}
}

func TestNoServiceRequiresAnother(t *testing.T) {
	t.Parallel()
	services := 0
	for _, m := range modules(t) {
		if m.Service() != "" {
			services++
		}
		for _, fault := range walls.RequiresNoOther(m) {
			t.Error(fault)
		}
	}
	if services < 4 {
		t.Fatalf("only %d services found in go.work: this test looks in the wrong place", services)
	}
}

func TestBinariesLinkOnlyWhatIsTheirs(t *testing.T) {
	t.Parallel()
	var seen []string
	for _, m := range modules(t) {
		if m.Service() == "" {
			continue
		}
		for _, p := range packages(t, m) {
			if p.Name != "main" {
				continue
			}
			seen = append(seen, strings.TrimPrefix(p.ImportPath, walls.Prefix))
			for _, fault := range walls.LinksOnlyItsOwn(m.Service(), p) {
				t.Error(fault)
			}
		}
	}
	for _, m := range modules(t) {
		s := m.Service()
		named := slices.Contains(seen, "services/"+s+"/cmd/"+s)
		if s != "" && !named && s != simulators {
			t.Errorf("service %s has no binary services/%s/cmd/%s", s, s, s)
		}
	}
	t.Logf("looked at %s", strings.Join(seen, ", "))
}

// simulators holds several programs, each with a name of its own.
const simulators = "simulators"

func TestPureCodeImportsPureCodeOnly(t *testing.T) {
	t.Parallel()
	n := 0
	for _, m := range modules(t) {
		for _, p := range packages(t, m) {
			n++
			for _, fault := range walls.StaysPure(p) {
				t.Error(fault)
			}
		}
	}
	t.Logf("looked at %d packages", n)
}

func modules(t *testing.T) []walls.Module {
	t.Helper()
	root, err := walls.Root()
	if err != nil {
		t.Fatal(err)
	}
	modules, err := walls.Modules(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return modules
}

func packages(t *testing.T, m walls.Module) []walls.Package {
	t.Helper()
	packages, err := walls.Packages(t.Context(), m.Dir, "./...")
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

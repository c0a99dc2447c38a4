// Package walls keeps the house's rules about who may know whom, and sees to it that they can fail.
//
//  1. The domain, the facts and their vocabulary are pure: no context, clock, network, database, logger.
//  2. Facts need the standard library only.
//  3. libs know no single fact and no service; libs/embedded knows nothing of us at all.
//  4. What is for tests (testkit) or for one machine (embedded) stays out of every production binary.
//  5. No service imports or requires another, except services/songan, which puts them into one process.
//  6. Every test that uses testkit's broker runs on real Kafka as well, by make test-kafka.
//
// Rules about imports and calls stand in .golangci.yml: the tests here copy that file into a small tree of
// packages that break each of them (testdata/planted) and expect exactly those findings. What a linter that looks
// at one file cannot see is checked on the real tree: modules that build alone, and what binaries link.
// The package knows Go's own commands only, so it holds for every module that joins go.work.
package walls

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Prefix is the module path below which everything is ours.
const Prefix = "github.com/songan-vn/songan/"

// Module is one module of the workspace.
type Module struct {
	// Path is the module's path, "github.com/songan-vn/songan/libs".
	Path string
	// Dir is its folder.
	Dir string
	// Requires lists the paths of the modules that its go.mod requires.
	Requires []string
}

// Name is the module's path within the repository: "services/identity".
func (m Module) Name() string { return strings.TrimPrefix(m.Path, Prefix) }

// Service is the service that the module is, or "" for everything that is none.
func (m Module) Service() string {
	if service, found := strings.CutPrefix(m.Name(), "services/"); found {
		return service
	}
	return ""
}

// Package is what the walls need to know of one package.
type Package struct {
	ImportPath string
	Name       string
	Dir        string
	Standard   bool
	// Imports are those of the files that end up in a binary, without tests.
	Imports []string
	// Deps is everything that a binary with this package links.
	Deps []string
}

// Root returns the folder of go.work, looked for from the working directory upwards.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.work here or above")
		}
		dir = parent
	}
}

// Modules lists the modules of the workspace at root.
func Modules(ctx context.Context, root string) ([]Module, error) {
	var work struct{ Use []struct{ DiskPath string } }
	if err := goJSON(ctx, root, &work, "work", "edit", "-json", "go.work"); err != nil {
		return nil, err
	}
	modules := make([]Module, 0, len(work.Use))
	for _, use := range work.Use {
		var file struct {
			Module  struct{ Path string }
			Require []struct{ Path string }
		}
		dir := filepath.Join(root, use.DiskPath)
		if err := goJSON(ctx, dir, &file, "mod", "edit", "-json"); err != nil {
			return nil, err
		}
		m := Module{Path: file.Module.Path, Dir: dir}
		for _, r := range file.Require {
			m.Requires = append(m.Requires, r.Path)
		}
		modules = append(modules, m)
	}
	return modules, nil
}

// Packages lists the packages that the patterns name, as the module in dir sees them when it stands alone.
func Packages(ctx context.Context, dir string, patterns ...string) ([]Package, error) {
	args := append([]string{"list", "-e", "-json=ImportPath,Name,Dir,Standard,Imports,Deps"}, patterns...)
	out, err := Go(ctx, dir, args...)
	if err != nil {
		return nil, err
	}
	var packages []Package
	for stream := json.NewDecoder(bytes.NewReader(out)); ; {
		var p Package
		if err := stream.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the list of packages: %w", err)
		}
		packages = append(packages, p)
	}
}

// Go runs the go command in the module in dir, which stands alone (no workspace), and returns what it printed.
func Go(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s in %s: %w\n%s%s", strings.Join(args, " "), dir, err, out, stderr.Bytes())
	}
	return out, nil
}

func goJSON(ctx context.Context, dir string, into any, args ...string) error {
	out, err := Go(ctx, dir, args...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("read go %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

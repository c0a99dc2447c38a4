// Package measure counts what the style bar of CONTRIBUTING.md asks for, over all hand-written Go of a repository.
//
// It reads syntax, not types, so that it takes a second: a return that adds context is recognised by its shape,
// and an implementation of an interface by the names of its methods. Generated files, testdata and whatever was
// installed are left out. Four bars are enforced by this package's test (long files, long functions, documented names,
// commented packages); the others are figures to be looked at, and "make measure" prints them.
package measure

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The bars of size.
const (
	MaxFileLines     = 500
	MaxFunctionLines = 60
	MaxPackageLines  = 1200
)

// Report is what was counted. Lines are those of the file as it is, comments and blanks included.
type Report struct {
	Files, CodeLines, TestLines int
	// FunctionLines are the lengths of all functions outside tests, sorted.
	FunctionLines []int
	// LongFunctions and LongFiles name what is over the bar, with its length.
	LongFunctions, LongFiles []string
	// LargestPackage is the folder with the most lines outside tests; LargePackages name those over the bar, with their lines,
	// the largest first.
	LargestPackage      string
	LargestPackageLines int
	LargePackages       []string
	// Exported counts the names a package offers; Undocumented lists those without a sentence.
	Exported     int
	Undocumented []string
	// Packages counts them; Uncommented lists those without a package comment.
	Packages    int
	Uncommented []string
	// Anys counts "any" and "interface{}" outside tests.
	Anys int
	// Wrapped and Bare count returns of an error that happened: with what was tried, and without.
	Wrapped, Bare int
	// Interfaces counts those with methods; Lonely lists those with at most one implementation in the repository.
	Interfaces int
	Lonely     []string
}

// file is one parsed source file.
type file struct {
	path  string // relative to the root
	lines int
	test  bool
	set   *token.FileSet
	ast   *ast.File
}

func (f file) dir() string { return filepath.ToSlash(filepath.Dir(f.path)) }

func (f file) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.path, f.set.Position(n.Pos()).Line)
}

// Repository measures everything below root.
func Repository(root string) (Report, error) {
	files, err := read(root)
	if err != nil {
		return Report{}, err
	}
	if len(files) == 0 {
		return Report{}, errors.New("no Go files found")
	}
	var r Report
	for _, f := range files {
		r.Files++
		if f.lines > MaxFileLines {
			r.LongFiles = append(r.LongFiles, fmt.Sprintf("%s (%d)", f.path, f.lines))
		}
		if f.test {
			r.TestLines += f.lines
			continue
		}
		r.CodeLines += f.lines
		r.functions(f)
		r.names(f)
		r.shapes(f)
	}
	slices.Sort(r.FunctionLines)
	r.packages(files)
	r.interfaces(files)
	return r, nil
}

// read parses all hand-written Go below root.
func read(root string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != root && foreign(entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parse(root, path)
		if err != nil {
			return err
		}
		if !ast.IsGenerated(f.ast) {
			files = append(files, f)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read Go files: %w", err)
	}
	return files, nil
}

// foreign tells whether a folder holds what was not written here, or not to be built.
func foreign(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "node_modules", "bin", "dist", "target"}, name)
}

func parse(root, path string) (file, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return file{}, fmt.Errorf("read a Go file: %w", err)
	}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return file{}, fmt.Errorf("parse: %w", err)
	}
	relative, err := filepath.Rel(root, path)
	if err != nil {
		return file{}, fmt.Errorf("name %s: %w", path, err)
	}
	return file{
		path: relative, lines: strings.Count(string(source), "\n"), set: set, ast: tree,
		test: strings.HasSuffix(path, "_test.go"),
	}, nil
}

// packages finds the largest package and those that nobody introduces.
func (r *Report) packages(files []file) {
	lines, commented := map[string]int{}, map[string]bool{}
	for _, f := range files {
		if !f.test {
			lines[f.dir()] += f.lines
			commented[f.dir()] = commented[f.dir()] || f.ast.Doc.Text() != ""
		}
	}
	r.Packages = len(lines)
	for _, dir := range slices.SortedFunc(maps.Keys(lines), func(a, b string) int {
		return cmp.Or(lines[b]-lines[a], strings.Compare(a, b))
	}) {
		if r.LargestPackage == "" {
			r.LargestPackage, r.LargestPackageLines = dir, lines[dir]
		}
		if lines[dir] > MaxPackageLines {
			r.LargePackages = append(r.LargePackages, fmt.Sprintf("%s (%d)", dir, lines[dir]))
		}
		if !commented[dir] {
			r.Uncommented = append(r.Uncommented, dir)
		}
	}
	slices.Sort(r.Uncommented)
}

package walls

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const (
	kitPath    = Prefix + "libs/testkit"
	brokerFunc = "Kafka" // the broker that SONGAN_TEST_KAFKA replaces; testkit's others are always embedded
)

// half is a folder's tests, or the rest of its Go files.
type half struct {
	asks    bool
	imports []string
}

// halves are those of all folders.
type halves map[string]*half

// Brokered returns the folders whose tests want the broker that SONGAN_TEST_KAFKA replaces: they ask testkit for it, or
// use a package that does so for them, as servicetest does.
func Brokered(tree fs.FS) ([]string, error) {
	code, tests := halves{}, halves{}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "node_modules" || strings.HasPrefix(name, ".") && name != "."):
			return fs.SkipDir // in .cache the files of a running Kafka come and go
		case strings.HasSuffix(name, "_test.go"):
			return tests.add(tree, name)
		case path.Ext(name) == ".go":
			return code.add(tree, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for tests that want a broker: %w", err)
	}
	for code.ask(code) { // again, for those who import whom it found
	}
	tests.ask(code)
	var found []string
	for folder, h := range tests {
		if h.asks {
			found = append(found, folder)
		}
	}
	slices.Sort(found)
	return found, nil
}

// ask lets ask whoever imports code that asks, and tells whether there were more of them.
func (all halves) ask(code halves) (more bool) {
	for _, h := range all {
		if !h.asks && slices.ContainsFunc(h.imports, func(imported string) bool {
			folder, ours := strings.CutPrefix(imported, Prefix)
			return ours && code[folder] != nil && code[folder].asks
		}) {
			h.asks, more = true, true
		}
	}
	return more
}

func (all halves) add(tree fs.FS, name string) error {
	folder := path.Dir(name)
	if all[folder] == nil {
		all[folder] = &half{}
	}
	return all[folder].read(tree, name)
}

// read adds what one file imports and asks for.
func (h *half) read(tree fs.FS, name string) error {
	source, err := fs.ReadFile(tree, name)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	kit := ""
	for _, i := range file.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return err
		}
		h.imports = append(h.imports, imported)
		if imported == kitPath {
			kit = path.Base(kitPath)
			if i.Name != nil {
				kit = i.Name.Name
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, is := n.(*ast.SelectorExpr); is && s.Sel.Name == brokerFunc {
			of, is := s.X.(*ast.Ident)
			h.asks = h.asks || is && of.Name == kit
		}
		return true
	})
	return nil
}

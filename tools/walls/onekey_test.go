package walls_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// withoutOneKey are the functions in the rooms that serve requests which run commands without OncePerKey, and why they may.
func withoutOneKey() map[string]string {
	const (
		named   = "the stream is named by the key"
		fact    = "the cause is a fact, and for many streams"
		closing = "the cause is of what the request has done already, and for many streams"
		none    = "it has no cause: each use of a paper is one of its own"
	)
	return map[string]string{
		"accommodation begin": named, "accommodation registerFacility": named, "accounts store": named,
		"accounts request": fact, "accounts requestFor": fact,
		"disbursement carryAll": closing, "disbursement refundEnded": closing,
		"disbursement proven": none, "disbursement take": none,
	}
}

// A key of a request changes one stream. Where the stream is named by a path or a body, only the log's table of keys sees to that.
func TestARequestsKeyChangesOneStream(t *testing.T) {
	t.Parallel()
	root, _ := tools(t)
	files, err := filepath.Glob(filepath.Join(root, "services", "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	known, found := withoutOneKey(), map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && runsWithoutOneKey(t, f) {
				name := filepath.Base(filepath.Dir(file)) + " " + f.Name.Name
				found[name] = known[name]
			}
		}
	}
	if diff := cmp.Diff(known, found); diff != "" {
		t.Errorf("commands without eventstore.OncePerKey, whose key may change several streams (-known +found):\n%s", diff)
	}
}

// runsWithoutOneKey looks for a command that is run, or begun, without the option.
func runsWithoutOneKey(t *testing.T, f *ast.FuncDecl) (found bool) {
	t.Helper()
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		var source bytes.Buffer
		if err := printer.Fprint(&source, token.NewFileSet(), call); err != nil {
			t.Fatal(err)
		}
		s := source.String()
		runs := strings.HasPrefix(s, "eventstore.Execute(") || strings.HasPrefix(s, "eventstore.Begin(")
		found = found || runs && !strings.Contains(s, "eventstore.OncePerKey()")
		return !runs
	})
	return found
}

package measure

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// functions counts the lines of every function, braces included, comment above excluded.
func (r *Report) functions(f file) {
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		n := f.set.Position(fn.End()).Line - f.set.Position(fn.Pos()).Line + 1
		r.FunctionLines = append(r.FunctionLines, n)
		if n > MaxFunctionLines {
			r.LongFunctions = append(r.LongFunctions, fmt.Sprintf("%s %s (%d)", f.at(fn), fn.Name.Name, n))
		}
	}
}

// names counts the exported names and lists those that nobody explains.
func (r *Report) names(f file) {
	if f.ast.Name.Name == "main" {
		return
	}
	for _, d := range f.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if recv := receiver(d); recv == "" || ast.IsExported(recv) {
				r.name(f, d.Name, d.Doc)
			}
		case *ast.GenDecl:
			r.specs(f, d)
		}
	}
}

// specs counts the names of one declaration. A group of constants may be explained once for all.
func (r *Report) specs(f file, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			r.name(f, s.Name, s.Doc, s.Comment, d.Doc)
		case *ast.ValueSpec:
			for _, name := range s.Names {
				r.name(f, name, s.Doc, s.Comment, d.Doc)
			}
		}
	}
}

func (r *Report) name(f file, name *ast.Ident, docs ...*ast.CommentGroup) {
	if !name.IsExported() {
		return
	}
	r.Exported++
	if !slices.ContainsFunc(docs, func(doc *ast.CommentGroup) bool { return doc.Text() != "" }) {
		r.Undocumented = append(r.Undocumented, f.at(name)+" "+name.Name)
	}
}

// shapes counts anys and returns of errors.
func (r *Report) shapes(f file) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if n.Name == "any" {
				r.Anys++
			}
		case *ast.InterfaceType:
			if n.Methods.NumFields() == 0 {
				r.Anys++
			}
		case *ast.ReturnStmt:
			if len(n.Results) > 0 {
				r.returned(n.Results[len(n.Results)-1])
			}
		}
		return true
	})
}

// returned looks at the last result of a return: an error that happened either goes on bare, or inside a call
// (fmt.Errorf with %w, errors.Join, a problem) that says what was tried.
func (r *Report) returned(result ast.Expr) {
	if isError(result) {
		r.Bare++
		return
	}
	call, ok := result.(*ast.CallExpr)
	if !ok {
		return
	}
	if slices.ContainsFunc(call.Args, isError) {
		r.Wrapped++
	}
}

// isError recognises a variable that holds an error by its name: err, closeErr.
func isError(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && (id.Name == "err" || strings.HasSuffix(id.Name, "Err"))
}

// interfaces counts interfaces with methods, and lists those that at most one type has all methods of.
func (r *Report) interfaces(files []file) {
	types := map[string][]string{} // package and type to its methods
	for _, f := range files {
		for _, fn := range methodsOf(f) {
			key := f.dir() + "." + receiver(fn)
			types[key] = append(types[key], fn.Name.Name)
		}
	}
	for _, f := range files {
		for name, methods := range interfacesOf(f) {
			r.Interfaces++
			if n := implementations(types, methods); n <= 1 {
				r.Lonely = append(r.Lonely, f.dir()+"."+name+" ("+strconv.Itoa(n)+")")
			}
		}
	}
	slices.Sort(r.Lonely)
}

// methodsOf lists the methods that a file declares. Those of tests do not count: a fake is no implementation.
func methodsOf(f file) []*ast.FuncDecl {
	var methods []*ast.FuncDecl
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && !f.test && receiver(fn) != "" {
			methods = append(methods, fn)
		}
	}
	return methods
}

func implementations(types map[string][]string, methods []string) int {
	n := 0
	for _, has := range types {
		if !slices.ContainsFunc(methods, func(m string) bool { return !slices.Contains(has, m) }) {
			n++
		}
	}
	return n
}

// interfacesOf returns the methods that each interface of a file lists itself; those of embedded ones are not followed.
func interfacesOf(f file) map[string][]string {
	found := map[string][]string{}
	for _, s := range typesOf(f) {
		if i, ok := s.Type.(*ast.InterfaceType); ok {
			if methods := methodNames(i); len(methods) > 0 {
				found[s.Name.Name] = methods
			}
		}
	}
	return found
}

func typesOf(f file) []*ast.TypeSpec {
	var specs []*ast.TypeSpec
	for _, d := range f.ast.Decls {
		gen, ok := d.(*ast.GenDecl)
		if !ok || f.test || gen.Tok != token.TYPE {
			continue
		}
		for _, spec := range gen.Specs {
			if s, ok := spec.(*ast.TypeSpec); ok {
				specs = append(specs, s)
			}
		}
	}
	return specs
}

func methodNames(i *ast.InterfaceType) []string {
	var names []string
	for _, field := range i.Methods.List {
		for _, name := range field.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// receiver is the name of the type that fn is a method of, or "".
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return ""
	}
	t := fn.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestHints_areCommands holds every hint that is written down in the code to
// what the contract of the command line says: a command to paste. What is to
// be said beside it stands in a comment of the shell.
func TestHints_areCommands(t *testing.T) {
	t.Parallel()
	command := regexp.MustCompile(`^(sudo |[A-Z]+=[a-z]+ )?(vmgo|go|git|ssh|ansible-inventory|apt-get install|cd|ls|rm|mv|less|head|df|findmnt|file|curl|chmod|sha256sum|type|systemctl|export [A-Z_]+=|unset [A-Z_]+|eval "\$\(vmgo hook )`)
	files := token.NewFileSet()
	hints := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			for _, hint := range hintsOf(call) {
				text, ok := beginning(hint)
				if !ok {
					continue // made elsewhere
				}
				hints++
				if !command.MatchString(text) {
					t.Errorf("%s: the hint %q is no command", files.Position(hint.Pos()), text)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || hints < 100 {
		t.Errorf("found %d hints: %v", hints, err)
	}
}

// hintsOf returns the arguments of a call that become hints of an error.
func hintsOf(call *ast.CallExpr) []ast.Expr {
	first := map[string]int{"diag.New": 2, "diag.Wrap": 3, "faulty": 2}
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			name = x.Name + "." + f.Sel.Name
		}
	}
	if from, ok := first[name]; ok && len(call.Args) > from {
		return call.Args[from:]
	}
	return nil
}

// beginning returns the literal with which a string expression begins.
func beginning(e ast.Expr) (string, bool) {
	for {
		sum, ok := e.(*ast.BinaryExpr)
		if !ok {
			break
		}
		e = sum.X
	}
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maySleep lists the functions and scripts of tests that sleep, each with its
// reason. A poll, which sleeps between two looks, is not listed.
var maySleep = map[string]string{
	"shims age":                                         "nobody can set the time of an inode's last change",
	"shims settle":                                      "nobody can set the time of an inode's last change",
	"testdata/scripts/hook_no_process":                  "nobody can set the time of an inode's last change",
	"internal/observe/exectrace hold":                   "the program that is traced is one that waits",
	"internal/observe/exectrace TestRead":               "the program that is traced is one that waits",
	"internal/doctor TestRun_leavesHangingChecksBehind": "within synctest: the checks are run there",
}

// TestSleeps keeps tests from waiting for a time in the hope that something has
// happened by then.
func TestSleeps(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("git", "ls-files", "-co", "--exclude-standard", "*_test.go", "testdata/scripts/*.txtar").Output()
	if err != nil {
		t.Skipf("there is no list of files: %v", err)
	}
	used := map[string]bool{}
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		text, err := os.ReadFile(path)
		if err != nil {
			continue // removed and not yet committed
		}
		for _, where := range sleeps(t, path, string(text)) {
			used[where] = true
			if maySleep[where] == "" {
				t.Errorf("%s sleeps: wait for what has to happen, use testing/synctest, or say in maySleep why not", where)
			}
		}
	}
	for where := range maySleep {
		if !used[where] {
			t.Errorf("%q may sleep and does not", where)
		}
	}
}

// sleeps lists where a test or a script sleeps for any other reason than to look
// again.
func sleeps(t *testing.T, path, text string) []string {
	if name, isScript := strings.CutSuffix(path, ".txtar"); isScript {
		lines := strings.Split(text+"\n", "\n")
		for i, line := range lines[:len(lines)-1] {
			if command := strings.TrimPrefix(strings.TrimSpace(line), "exec "); strings.HasPrefix(command, "sleep ") && strings.TrimSpace(lines[i+1]) != "done" {
				return []string{name}
			}
		}
		return nil
	}
	if !strings.Contains(text, "time.Sleep") {
		return nil
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, declaration := range parsed.Decls {
		f, isFunc := declaration.(*ast.FuncDecl)
		if isFunc && sleepsOnce(f) {
			found = append(found, filepath.Dir(path)+" "+f.Name.Name)
		}
	}
	return found
}

// sleepsOnce reports whether a function sleeps outside of a loop and of synctest.
func sleepsOnce(f *ast.FuncDecl) (sleeps bool) {
	var around []ast.Node
	ast.Inspect(f, func(n ast.Node) bool {
		if n == nil {
			around = around[:len(around)-1]
			return true
		}
		if calls(n, "time", "Sleep") && !slices.ContainsFunc(around, func(n ast.Node) bool {
			_, loop := n.(*ast.ForStmt)
			_, each := n.(*ast.RangeStmt)
			return loop || each || calls(n, "synctest", "Test")
		}) {
			sleeps = true
		}
		around = append(around, n)
		return true
	})
	return sleeps
}

// calls reports whether a node is a call of a package's function.
func calls(n ast.Node, pkg, name string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := selector.X.(*ast.Ident)
	return ok && x.Name == pkg && selector.Sel.Name == name
}

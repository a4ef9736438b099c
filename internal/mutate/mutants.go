//go:build mutate

package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// kind says what a mutant does to the program.
type kind string

const (
	condition kind = "cond"  // a condition, or an operand of && or ||, is always true or always false
	boundary  kind = "bound" // < for <=, > for >=, and the reverse
	swallowed kind = "error" // an error is not looked at, or not returned
	fault     kind = "io"    // the same for errors of the operating system, which are costly to provoke
	dropped   kind = "call"  // a call whose results nobody uses is left out
	bits      kind = "bits"  // so is an assignment with |=, &= or &^=
	limit     kind = "limit" // a named constant that a function is given is never reached
)

// mutant is one change of the source that a switch makes while the program runs.
type mutant struct {
	number                int
	kind                  kind
	file, function        string
	line                  int
	original, replacement string
	nth                   int // of the same change in one function, from 1 on
}

// finder looks for mutants in one file.
type finder struct {
	*source
	text     []byte
	function string
	from     map[types.Object]*ast.CallExpr // what an error variable got its value from
	done     map[ast.Expr]bool              // conditions that have their mutants
	excused  map[int]bool                   // lines whose mutants are argued where they stand
	mutants  []*mutant
	edits    []edit
	next     int
}

const excuse = "// mutate: equivalent, because "

// find returns the mutants of a file, numbered from next on, and the edits
// that compile them in.
func find(s *source, path string, next int) ([]*mutant, []edit) {
	f := &finder{source: s, text: s.files[path], next: next, done: map[ast.Expr]bool{}, excused: map[int]bool{}}
	for _, group := range s.syntax[path].Comments {
		for _, comment := range group.List {
			if strings.HasPrefix(comment.Text, excuse) {
				f.excused[s.set.Position(comment.Pos()).Line] = true
				f.excused[s.set.Position(group.End()).Line+1] = s.ownLine(path, comment)
			}
		}
	}
	for _, declaration := range s.syntax[path].Decls {
		f.function = "var"
		if function, ok := declaration.(*ast.FuncDecl); ok {
			f.function = function.Name.Name
		}
		f.from = map[types.Object]*ast.CallExpr{}
		ast.PreorderStack(declaration, nil, f.visit)
	}
	count := map[string]int{}
	for _, m := range f.mutants {
		m.file = path
		count[m.key()]++
		m.nth = count[m.key()]
	}
	return f.mutants, f.edits
}

// ownLine reports whether nothing stands before a comment on its line.
func (s *source) ownLine(path string, comment *ast.Comment) bool {
	start := s.set.Position(comment.Pos())
	before := s.files[path][start.Offset-start.Column+1 : start.Offset]
	return len(strings.TrimSpace(string(before))) == 0
}

func (f *finder) code(n ast.Node) string { return string(f.text[f.offset(n.Pos()):f.offset(n.End())]) }

func (f *finder) offset(p token.Pos) int { return f.set.Position(p).Offset }

// add makes a mutant of a node; it returns nil where the line is excused.
func (f *finder) add(k kind, at ast.Node, original, replacement string) *mutant {
	line := f.set.Position(at.Pos()).Line
	if f.excused[line] {
		return nil
	}
	m := &mutant{number: f.next, kind: k, function: f.function, line: line, original: short(original), replacement: short(replacement)}
	f.mutants = append(f.mutants, m)
	f.next++
	return m
}

// short is a source text on one line.
func short(text string) string {
	const width = 90
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return text
}

func (f *finder) visit(n ast.Node, stack []ast.Node) bool {
	switch n := n.(type) {
	case *ast.IfStmt:
		f.remember(n.Init)
		f.root(n.Cond, false)
	case *ast.ForStmt:
		f.root(n.Cond, true)
	case *ast.SwitchStmt:
		if n.Tag == nil {
			f.cases(n)
		}
	case *ast.AssignStmt:
		f.remember(n)
		f.values(n.Rhs...)
		f.assignment(n, stack)
	case *ast.ValueSpec:
		f.values(n.Values...)
	case *ast.KeyValueExpr:
		f.values(n.Value)
		f.limit(n.Value)
	case *ast.CallExpr:
		f.values(n.Args...)
		if _, from := f.callee(n); from != "fmt" { // a limit in a message is none
			for _, argument := range n.Args {
				f.limit(argument)
			}
		}
	case *ast.ReturnStmt:
		f.returned(n, stack)
	case *ast.ExprStmt:
		f.call(n, stack)
	}
	return true
}

// remember notes where error variables get their values from.
func (f *finder) remember(s ast.Stmt) {
	assign, ok := s.(*ast.AssignStmt)
	if !ok || len(assign.Rhs) != 1 {
		return
	}
	call, _ := ast.Unparen(assign.Rhs[0]).(*ast.CallExpr)
	for _, left := range assign.Lhs {
		if name, ok := left.(*ast.Ident); ok {
			f.from[f.info.ObjectOf(name)] = call
		}
	}
}

func (f *finder) cases(s *ast.SwitchStmt) {
	for _, clause := range s.Body.List {
		for _, e := range clause.(*ast.CaseClause).List {
			f.root(e, false)
		}
	}
}

// values mutates the conditions among expressions that are no if's.
func (f *finder) values(list ...ast.Expr) {
	for _, e := range list {
		switch e := ast.Unparen(e).(type) {
		case *ast.BinaryExpr:
			f.root(e, false)
		case *ast.UnaryExpr:
			if e.Op == token.NOT {
				f.root(e, false)
			}
		}
	}
}

func (f *finder) assignment(n *ast.AssignStmt, stack []ast.Node) {
	if n.Tok == token.OR_ASSIGN || n.Tok == token.AND_ASSIGN || n.Tok == token.AND_NOT_ASSIGN {
		f.leaveOut(bits, n, stack)
	}
}

func (f *finder) call(n *ast.ExprStmt, stack []ast.Node) {
	call, ok := n.X.(*ast.CallExpr)
	if !ok {
		return
	}
	name, from := f.callee(call)
	if from == "sync" || from == "sync/atomic" || slices.Contains([]string{"panic", "close", "Close"}, name) {
		return
	}
	f.leaveOut(dropped, n, stack)
}

// leaveOut makes the mutant without a statement.
func (f *finder) leaveOut(k kind, n ast.Stmt, stack []ast.Node) {
	switch stack[len(stack)-1].(type) {
	case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
	default:
		return
	}
	if m := f.add(k, n, f.code(n), "nothing"); m != nil {
		f.wrap(n, fmt.Sprintf("if !mutant__.On(%d) { ", m.number), " }")
	}
}

// callee returns the name of what a call calls and its package.
func (f *finder) callee(call *ast.CallExpr) (name, from string) {
	var id *ast.Ident
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		id = fun
	case *ast.SelectorExpr:
		id = fun.Sel
	default:
		return "", ""
	}
	if object := f.info.ObjectOf(id); object != nil && object.Pkg() != nil {
		return id.Name, object.Pkg().Path()
	}
	return id.Name, ""
}

// limit makes the mutant in which a named constant is out of reach.
func (f *finder) limit(e ast.Expr) {
	var id *ast.Ident
	switch e := e.(type) {
	case *ast.Ident:
		id = e
	case *ast.SelectorExpr:
		id = e.Sel
	default:
		return
	}
	object, ok := f.info.ObjectOf(id).(*types.Const)
	if !ok || object.Pkg() == nil || !strings.HasPrefix(object.Pkg().Path(), module) {
		return
	}
	value := f.info.Types[e]
	basic, ok := value.Type.(*types.Basic)
	if !ok || basic.Info()&types.IsInteger == 0 || value.Value == nil || basic.Info()&types.IsUntyped != 0 {
		return
	}
	const least = 8 // smaller ones are words of an enumeration
	n, exact := constant.Int64Val(value.Value)
	if never := n << 20; exact && n >= least && never>>20 == n && basic.Kind() != types.Int32 && basic.Kind() != types.Uint32 {
		if m := f.add(limit, e, f.code(e), "no limit"); m != nil {
			f.wrap(e, fmt.Sprintf("mutant__.Limit[%s](%d, ", basic.Name(), m.number), fmt.Sprintf(", %d)", never))
		}
	}
}

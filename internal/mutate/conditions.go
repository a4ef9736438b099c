//go:build mutate

package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// root makes the mutants of a whole condition. Of `a && b` these are `false`,
// `a` and `b`; the others that one can think of are weaker.
func (f *finder) root(e ast.Expr, loop bool) {
	if e == nil || !f.mutable(e) {
		return
	}
	values := []string{"true", "false"}
	switch operator(e) {
	case token.LAND:
		values = []string{"false"}
	case token.LOR:
		values = []string{"true"}
	}
	if loop { // a loop without an end says nothing
		values = slices.DeleteFunc(values, func(v string) bool { return v == "true" })
	}
	f.site(e, values...)
	f.operands(e)
}

// mutable reports whether e is a condition that has no mutants yet.
func (f *finder) mutable(e ast.Expr) bool {
	t := f.info.Types[e]
	if f.done[e] || t.Value != nil || t.Type == nil {
		return false
	}
	basic, ok := t.Type.(*types.Basic)
	return ok && basic.Info()&types.IsBoolean != 0
}

// operator returns && or ||, if e is made of one of them.
func operator(e ast.Expr) token.Token {
	if binary, ok := ast.Unparen(e).(*ast.BinaryExpr); ok && (binary.Op == token.LAND || binary.Op == token.LOR) {
		return binary.Op
	}
	return token.ILLEGAL
}

// operands makes the mutants in which an operand of && or || does not count.
func (f *finder) operands(e ast.Expr) {
	e = ast.Unparen(e)
	f.done[e] = true
	if not, ok := e.(*ast.UnaryExpr); ok && operator(not.X) != token.ILLEGAL {
		f.operands(not.X)
	}
	op := operator(e)
	if op == token.ILLEGAL {
		return
	}
	neutral := map[token.Token]string{token.LAND: "true", token.LOR: "false"}[op]
	binary := e.(*ast.BinaryExpr)
	for _, operand := range []ast.Expr{binary.X, binary.Y} {
		if operator(operand) != op && f.mutable(operand) {
			f.site(operand, neutral)
		}
		f.operands(operand)
	}
}

// site compiles in the mutants of one condition: the given values, and the
// comparison with its boundary moved.
func (f *finder) site(e ast.Expr, values ...string) {
	f.done[e] = true
	text := f.code(e)
	k := f.conditionKind(e)
	var made []*mutant
	var choices strings.Builder
	add := func(k kind, replacement, reported string) {
		if m := f.add(k, e, f.described(e), reported); m != nil {
			made = append(made, m)
			fmt.Fprintf(&choices, "mutant__.On(%d) && (%s) || ", m.number, replacement)
		}
	}
	for _, value := range values {
		add(k, value, value)
	}
	if moved := f.moved(e); moved != "" && !strings.ContainsAny(text, "\n") {
		add(boundary, moved, moved)
	}
	if len(made) > 0 {
		f.wrap(e, fmt.Sprintf("(%smutant__.Off(%d, %d) && (", choices.String(), made[0].number, len(made)), "))")
	}
}

// moved returns an ordering with its boundary moved.
func (f *finder) moved(e ast.Expr) string {
	binary, ok := ast.Unparen(e).(*ast.BinaryExpr)
	if !ok {
		return ""
	}
	moved, ok := map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}[binary.Op]
	if !ok {
		return ""
	}
	return f.code(binary.X) + " " + moved + " " + f.code(binary.Y)
}

// failed returns the variable that a comparison of an error with nil looks at.
func (f *finder) failed(e ast.Expr) *ast.Ident {
	binary, ok := ast.Unparen(e).(*ast.BinaryExpr)
	if !ok || binary.Op != token.NEQ && binary.Op != token.EQL || !f.info.Types[binary.Y].IsNil() {
		return nil
	}
	name, _ := binary.X.(*ast.Ident)
	if name == nil || !isError(f.info.TypeOf(name)) {
		return nil
	}
	return name
}

func isError(t types.Type) bool {
	return t != nil && types.Identical(t, types.Universe.Lookup("error").Type())
}

func (f *finder) conditionKind(e ast.Expr) kind {
	if name := f.failed(e); name != nil {
		return f.errorKind(f.from[f.info.ObjectOf(name)])
	}
	return condition
}

// errorKind tells errors of the operating system from those of checks.
func (f *finder) errorKind(call *ast.CallExpr) kind {
	if call == nil {
		return swallowed
	}
	switch _, from := f.callee(call); from {
	case "os", "syscall", "golang.org/x/sys/unix", "path/filepath", module + "/internal/fsx":
		return fault
	}
	return swallowed
}

// described is a condition's text, with what its error came from.
func (f *finder) described(e ast.Expr) string {
	text := f.code(e)
	if name := f.failed(e); name != nil {
		if call := f.from[f.info.ObjectOf(name)]; call != nil {
			return text + " of " + f.code(call.Fun)
		}
	}
	return text
}

// returned makes the mutants of a return: the conditions among its values, and
// no error for its error.
func (f *finder) returned(n *ast.ReturnStmt, stack []ast.Node) {
	for _, e := range n.Results {
		f.root(e, false)
	}
	results := f.results(stack)
	if len(results) == 0 || len(n.Results) == 0 || !isError(results[len(results)-1]) {
		return
	}
	last := n.Results[len(n.Results)-1]
	if len(n.Results) != len(results) {
		f.forwarded(n, last, len(results))
		return
	}
	if f.info.Types[last].IsNil() {
		return
	}
	k := swallowed
	switch e := last.(type) {
	case *ast.Ident:
		k = f.errorKind(f.from[f.info.ObjectOf(e)])
	case *ast.CallExpr:
		k = f.errorKind(e)
	}
	if m := f.add(k, last, "return "+f.code(last), "return nil"); m != nil {
		f.wrap(last, fmt.Sprintf("mutant__.Err(%d, ", m.number), ")")
	}
}

// forwarded makes the mutant of `return f()` where f has several results.
func (f *finder) forwarded(n *ast.ReturnStmt, call ast.Expr, results int) {
	text := f.code(call)
	if strings.Contains(text, "\n") {
		return
	}
	k := swallowed
	if call, ok := call.(*ast.CallExpr); ok {
		k = f.errorKind(call)
	}
	if m := f.add(k, n, "return "+text, "return … nil"); m != nil {
		names := make([]string, results-1)
		for i := range names {
			names[i] = fmt.Sprintf("r%d__", i)
		}
		list := strings.Join(names, ", ")
		f.wrap(n, fmt.Sprintf("if mutant__.On(%d) { %s, _ := %s; return %s, nil }; ", m.number, list, text, list), "")
	}
}

// results returns what the innermost function returns.
func (f *finder) results(stack []ast.Node) []types.Type {
	for _, n := range slices.Backward(stack) {
		var signature *ast.FuncType
		switch n := n.(type) {
		case *ast.FuncLit:
			signature = n.Type
		case *ast.FuncDecl:
			signature = n.Type
		default:
			continue
		}
		if signature.Results == nil {
			return nil
		}
		var all []types.Type
		for _, field := range signature.Results.List {
			for range max(1, len(field.Names)) {
				all = append(all, f.info.TypeOf(field.Type))
			}
		}
		return all
	}
	return nil
}

package faults

import (
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// conditions returns the conditions of a file, as they are where no fault is in force, and without those that never hold then.
func conditions(t *testing.T, text []byte) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "", text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.IfStmt); ok {
			if rest, holds := unplanted(s.Cond); rest != nil || holds {
				all = append(all, written(t, set, rest))
			}
		}
		return true
	})
	return all
}

// inForce matches the functions of package planted that say yes only where their fault is in force.
var inForce = regexp.MustCompile(`^(In|SometimesIn|LongUnready|AllLeaving|Forbidden|Tainted|WasTainted|Evicted|Known|Forced|Restarted|Reconnected|HasFailed|FailedBefore|OthersUnready|Crashed|Recent|Alone)$`)

// unplanted returns what is left of a condition where no fault is in force: nil and whether it holds, where that is known.
func unplanted(e ast.Expr) (rest ast.Expr, holds bool) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		inner, holds := unplanted(e.X)
		if inner == nil {
			return nil, holds
		}
		return &ast.ParenExpr{X: inner}, false
	case *ast.UnaryExpr:
		if inner, holds := unplanted(e.X); inner == nil && e.Op == token.NOT {
			return nil, !holds
		}
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && inForce.MatchString(f.Sel.Name) {
			if of, ok := f.X.(*ast.Ident); ok && of.Name == "planted" {
				return nil, false
			}
		}
	case *ast.BinaryExpr:
		if e.Op != token.LAND && e.Op != token.LOR {
			return e, false
		}
		x, xHolds := unplanted(e.X)
		y, yHolds := unplanted(e.Y)
		decides := e.Op == token.LOR
		switch {
		case x == nil && xHolds == decides, y == nil && yHolds == decides:
			return nil, decides
		case x == nil:
			return y, yHolds
		case y == nil:
			return x, false
		}
		return &ast.BinaryExpr{X: x, Op: e.Op, Y: y}, false
	}
	return e, false
}

// written is a condition as text.
func written(t *testing.T, set *token.FileSet, e ast.Expr) string {
	t.Helper()
	if e == nil {
		return "true"
	}
	var out strings.Builder
	if err := printer.Fprint(&out, set, e); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// An && or || behind a condition binds to its last part alone, which may be another fault's.
func TestNoFaultInForceLeavesConditionsAlone(t *testing.T) {
	eachTree(t, func(t *testing.T, kubernetes, tree string) {
		t.Helper()
		changed, err := change(kubernetes, tree)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range changed {
			before, err := os.ReadFile(filepath.Join(tree, name))
			if err != nil {
				t.Fatal(err)
			}
			left := conditions(t, text)
			for _, c := range conditions(t, before) {
				if !slices.Contains(left, c) {
					t.Errorf("%s: with no fault in force, expected the condition %q still to be there", name, c)
				}
			}
		}
	})
}

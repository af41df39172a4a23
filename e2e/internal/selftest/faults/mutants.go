package faults

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

// Mutant is a fault that a rule made of one place of the StatefulSet controller: a condition that never or always holds, a part of it that counts for
// nothing, a bound that is off by one, a statement that is left out. It tells what the suite notices of changes that nobody thought of.
type Mutant struct {
	Fault

	// File and Line are the place, in the module k8s.io/kubernetes. Harm says what differs there, with the Go text of the place.
	File string
	Line int

	node          ast.Node
	before, after string // what is put around node
}

// mutatedFiles are the files whose mutants are made.
func mutatedFiles() []string { return []string{control, utils, podsOf, syncing} }

// Mutants returns the mutants of a version of Kubernetes, file by file in the order of their places. Each breaks, as far as anyone can say beforehand,
// any guarantee up to a level. The version's tree is downloaded if the module cache lacks it. The caller owns the result.
func Mutants(ctx context.Context, kubernetes string, level contract.Level) ([]Mutant, error) {
	var ids []contract.ID
	for _, g := range contract.All() {
		if level.Includes(g.Level) {
			ids = append(ids, g.ID)
		}
	}
	var all []Mutant
	err := eachMutated(ctx, kubernetes, func(file string, text []byte) error {
		_, found, err := mutantsOf(file, text)
		for i := range found {
			found[i].Breaks = ids
		}
		all = append(all, found...)
		return err
	})
	return all, err
}

// eachMutated calls a function with each of mutatedFiles and its text in a version of Kubernetes, up to the first error.
func eachMutated(ctx context.Context, kubernetes string, f func(file string, text []byte) error) error {
	tree, err := nodeimage.Sources(ctx, kubernetes)
	if err != nil {
		return err
	}
	for _, file := range mutatedFiles() {
		text, err := os.ReadFile(filepath.Join(tree, file))
		if err != nil {
			return err
		}
		if err := f(file, text); err != nil {
			return err
		}
	}
	return nil
}

// BuildMutants builds a kube-controller-manager of a version that carries every mutant and no other fault, unless that has been done, and returns
// its path.
func BuildMutants(ctx context.Context, kubernetes string, progress io.Writer) (string, error) {
	mutated := map[string][]byte{}
	inputs := helperTexts()
	err := eachMutated(ctx, kubernetes, func(file string, text []byte) (err error) {
		mutated[file], err = withMutants(file, text)
		inputs = append(inputs, file, string(mutated[file]))
		return err
	})
	if err != nil {
		return "", err
	}
	return nodeimage.BuildChanged(ctx, nodeimage.Changed{
		Command: "kube-controller-manager", KubernetesVersion: kubernetes, Recipe: inputs,
		Change: func(tree string) error { return write(tree, mutated) },
	}, progress)
}

// withMutants makes all mutants of a file, each switched by its name.
func withMutants(file string, text []byte) ([]byte, error) {
	set, found, err := mutantsOf(file, text)
	if err != nil {
		return nil, err
	}
	var inserts []insertion
	for _, m := range found {
		inserts = append(inserts, insertion{set.Position(m.node.Pos()).Offset, m.before})
	}
	// Of two that end at one place, the inner one came last and ends first.
	for _, m := range slices.Backward(found) {
		inserts = append(inserts, insertion{set.Position(m.node.End()).Offset, m.after})
	}
	return insert(file, text, inserts)
}

// mutantsOf finds the mutants of a file; an outer place comes before the places in it.
func mutantsOf(file string, text []byte) (*token.FileSet, []Mutant, error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	m := mutator{file: file, set: set, names: map[string]int{}}
	for _, declared := range parsed.Decls {
		f, ok := declared.(*ast.FuncDecl)
		if !ok || f.Body == nil || startsController(f.Name.Name) {
			continue
		}
		m.function = f.Name.Name
		ast.Inspect(f.Body, m.visit)
	}
	return set, m.found, nil
}

// startsController reports whether a function only sets the controller up, so that a mutant of it is no behaviour.
func startsController(function string) bool {
	return strings.HasPrefix(function, "New") || slices.Contains([]string{"Run", "worker", "Len", "Swap"}, function)
}

// mutator collects the mutants of a file.
type mutator struct {
	file, function string
	set            *token.FileSet
	names          map[string]int // how many mutants have a name so far
	found          []Mutant
}

// visit adds the mutants of a node. It goes on into all but what has no effect on a cluster.
func (m *mutator) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		return !m.silent(n)
	case *ast.IfStmt:
		m.condition(n.Cond)
	case *ast.CaseClause:
		for _, e := range n.List {
			if _, ok := e.(*ast.BinaryExpr); ok {
				m.condition(e)
			}
		}
	case *ast.BinaryExpr:
		m.binary(n)
	case *ast.ExprStmt:
		if call, ok := n.X.(*ast.CallExpr); ok && !m.silent(call) {
			m.leftOut(n)
		}
	case *ast.AssignStmt:
		if _, plain := n.Lhs[0].(*ast.Ident); !plain && n.Tok != token.DEFINE {
			m.leftOut(n)
		}
	case *ast.IncDecStmt:
		if _, plain := n.X.(*ast.Ident); !plain {
			m.leftOut(n)
		}
	}
	return true
}

// silent reports whether a call writes a log, a metric or an Event, which nothing promises.
func (m *mutator) silent(call *ast.CallExpr) bool {
	text := m.text(call.Fun)
	return slices.ContainsFunc([]string{"logger.", "klog.", "metrics.", "utilruntime.", ".recorder.", ".eventRecorder.", "recordPodEvent", "recordClaimEvent"}, func(part string) bool {
		return strings.Contains(text, part)
	})
}

// condition adds the mutants of a whole condition. One about an error is left out: without an error it never holds.
func (m *mutator) condition(e ast.Expr) {
	text := m.text(e)
	if aboutErrors(text) || strings.Contains(text, "DefaultFeatureGate") {
		return
	}
	m.add(e, "never", "(", ") && !planted.In(%q)", text+" never holds")
	if !strings.Contains(text, "nil") {
		m.add(e, "always", "(", ") || planted.In(%q)", text+" always holds")
	}
}

// binary adds the mutants of an operation: for && and || one for each side, which then decides nothing; for a comparison of sizes one that is
// off by one. Sides that keep the other from reaching for what is not there are left out: a program that has crashed shows nothing.
func (m *mutator) binary(e *ast.BinaryExpr) {
	x, y := m.text(e.X), m.text(e.Y)
	switch e.Op {
	case token.LAND, token.LOR:
		after := ") || planted.In(%q)"
		if e.Op == token.LOR {
			after = ") && !planted.In(%q)"
		}
		for _, side := range []ast.Expr{e.X, e.Y} {
			if text := m.text(side); !aboutErrors(text) && !strings.Contains(text, "nil") {
				m.add(side, "without", "((", after+")", text+" does not matter in "+m.text(e))
			}
		}
	case token.LSS, token.GTR:
		if !strings.Contains(x+y, "len(") {
			m.add(e, "bound", "((", ") || (planted.In(%q) && "+x+" == "+y+"))", m.text(e)+" holds of equal ones too")
		}
	case token.LEQ, token.GEQ:
		m.add(e, "bound", "((", ") && !(planted.In(%q) && "+x+" == "+y+"))", m.text(e)+" does not hold of equal ones")
	}
}

func aboutErrors(text string) bool {
	return strings.Contains(text, "err ") || strings.Contains(text, "Err ")
}

// leftOut adds the mutant that leaves a statement out.
func (m *mutator) leftOut(s ast.Stmt) {
	m.add(s, "left-out", "if !planted.In(%q) {\n", "\n}", "left out: "+m.text(s))
}

// add adds a mutant of a kind; before and after go around the node, with %q for the mutant's name.
func (m *mutator) add(n ast.Node, kind, before, after, change string) {
	key := m.function + "-" + kind
	m.names[key]++
	name := fmt.Sprintf("%s-%d", key, m.names[key])
	named := func(text string) string { return strings.ReplaceAll(text, "%q", strconv.Quote(name)) }
	m.found = append(m.found, Mutant{
		Fault: Fault{Name: name, Kind: Subtle, Harm: change}, File: m.file, Line: m.set.Position(n.Pos()).Line,
		node: n, before: named(before), after: named(after),
	})
}

// text is the Go text of a node, in one line.
func (m *mutator) text(n ast.Node) string {
	var b strings.Builder
	if err := printer.Fprint(&b, m.set, n); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

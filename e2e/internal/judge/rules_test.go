package judge_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRulesAreInOnePlace: only the files that decide visibility, attribution and liveness use a threshold or a bound of the header; every
// check asks their functions.
func TestRulesAreInOnePlace(t *testing.T) {
	allowed := []string{"visibility.go", "attribution.go", "deletion_authors.go", "creation_authors.go", "liveness.go", "thresholds.go"}
	thresholds := []string{"Lag", "ClockSkew", "SettleTime", "settleTime"}
	files := map[string]*ast.File{}
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = f
	}
	for _, d := range files["thresholds.go"].Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
			for _, s := range g.Specs {
				for _, name := range s.(*ast.ValueSpec).Names {
					thresholds = append(thresholds, name.Name)
				}
			}
		}
	}
	if len(thresholds) < 10 {
		t.Fatalf("expected the constants of thresholds.go, found %v", thresholds)
	}
	for path, f := range files {
		if slices.Contains(allowed, path) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && slices.Contains(thresholds, id.Name) {
				t.Errorf("%s: %s is for %s only: ask a function there", fset.Position(id.Pos()), id.Name, strings.Join(allowed, ", "))
			}
			return true
		})
	}
}

package specs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// A check that names no set is in doubt as soon as another client changes any set of the namespace, so only checks of several sets may do so.
func TestChecksNameTheirSet(t *testing.T) {
	ofSeveral := map[string]bool{"api.go: contract.APICollection": true, "collection.go: id": true}
	found := 0
	look := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if method, ok := call.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "Verify" && len(call.Args) > 2 {
				found++
				if where := filepath.Base(path) + ": " + text(call.Args[0]); !ofSeveral[where] {
					t.Errorf("%s: expected the check to name the set that it is about (VerifySet)", where)
				}
			}
			return true
		})
		return nil
	}
	for _, dir := range []string{".", "../internal/framework"} {
		if err := filepath.WalkDir(dir, look); err != nil {
			t.Fatal(err)
		}
	}
	if found == 0 {
		t.Error("expected some checks of several sets: is the method still named Verify?")
	}
}

// text writes a name, qualified or not.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return text(e.X) + "." + e.Sel.Name
	}
	return "?"
}

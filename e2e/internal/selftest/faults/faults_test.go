package faults

import (
	"bytes"
	"errors"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// eachTree runs a test with each version's tree in the module cache.
func eachTree(t *testing.T, test func(t *testing.T, kubernetes, tree string)) {
	t.Helper()
	for _, kubernetes := range Versions() {
		t.Run(kubernetes, func(t *testing.T) { test(t, kubernetes, upstream(t, kubernetes)) })
	}
}

// upstream is a version's tree in the module cache.
func upstream(t *testing.T, kubernetes string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(strings.TrimSpace(string(out)), "k8s.io", "kubernetes@"+kubernetes)
	if _, err := os.Stat(tree); err != nil {
		t.Skipf("k8s.io/kubernetes@%s is not in the module cache, so the changes cannot be tried; `go mod download` of it brings it there", kubernetes)
	}
	return tree
}

func TestEveryAnchorIsThereOnce(t *testing.T) {
	eachTree(t, func(t *testing.T, kubernetes, tree string) {
		t.Helper()
		for _, f := range slices.Concat([]Fault{{Name: "always", Edits: always()}}, All(), Variations()) {
			made := in(kubernetes, f.Edits)
			for _, e := range made {
				text, err := os.ReadFile(filepath.Join(tree, e.File))
				if err != nil {
					t.Fatal(err)
				}
				if n := bytes.Count(text, []byte(e.Anchor)); n != 1 {
					t.Errorf("%s: %s: expected %q once, found it %d times", f.Name, e.File, e.Anchor, n)
				}
			}
		}
	})
}

func TestEveryFaultCanBePlantedByDefault(t *testing.T) {
	all, planted := All(), In(Versions()[0])
	if len(all) != len(planted) {
		t.Errorf("expected all %d faults, found %d that can be planted in %s", len(all), len(planted), Versions()[0])
	}
}

func TestAllChangesTogetherAreGo(t *testing.T) {
	eachTree(t, func(t *testing.T, kubernetes, tree string) {
		t.Helper()
		if _, err := change(kubernetes, tree); err != nil {
			t.Error(err)
		}
	})
}

// unknowable imports nothing, so that what depends on other packages is not checked.
type unknowable struct{}

func (unknowable) Import(path string) (*types.Package, error) {
	return nil, errors.New("not imported: " + path)
}

// typeErrors type-checks the package of a folder, with other texts in the place of some files, and returns what is wrong without its place.
func typeErrors(t *testing.T, dir string, texts map[string][]byte) map[string]bool {
	t.Helper()
	listed, err := build.ImportDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range listed.GoFiles {
		var text any // nil reads the file
		if changed, found := texts[name]; found {
			text = changed
		}
		file, err := parser.ParseFile(set, filepath.Join(dir, name), text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	found := map[string]bool{}
	config := types.Config{Importer: unknowable{}, Error: func(err error) {
		if e, ok := errors.AsType[types.Error](err); ok {
			found[e.Msg] = true
		}
	}}
	_, _ = config.Check(dir, set, files, nil) // Error has taken all there is
	return found
}

// Only a build checks the types of other packages; names that do not exist where they are used, and unused ones, show without.
func TestChangesUseWhatIsThere(t *testing.T) {
	eachTree(t, func(t *testing.T, kubernetes, tree string) {
		t.Helper()
		changed, err := change(kubernetes, tree)
		if err != nil {
			t.Fatal(err)
		}
		folders := map[string]map[string][]byte{}
		for name, text := range changed {
			dir, file := filepath.Split(name)
			if folders[dir] == nil {
				folders[dir] = map[string][]byte{}
			}
			folders[dir][file] = text
		}
		for dir, texts := range folders {
			before := typeErrors(t, filepath.Join(tree, dir), nil)
			for problem := range typeErrors(t, filepath.Join(tree, dir), texts) {
				if !before[problem] && !strings.Contains(problem, plantedPackage) {
					t.Errorf("%s, as changed: %s", dir, problem)
				}
			}
		}
	})
}

func TestFaultsAreComplete(t *testing.T) {
	names := map[string]bool{}
	valid := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	switches := regexp.MustCompile(`planted\.\w+\("([^"]+)"`)
	for _, f := range slices.Concat(All(), Variations()) {
		if !valid.MatchString(f.Name) || names[f.Name] {
			t.Errorf("%q: expected a name of its own in lower case with single hyphens", f.Name)
		}
		names[f.Name] = true
		if f.Kind == Legal {
			if len(f.Breaks) > 0 || !strings.HasPrefix(f.Name, "legal-") {
				t.Errorf("%s: expected a variation to be named legal-, and to break nothing", f.Name)
			}
		} else if f.Kind != Obvious && f.Kind != Subtle {
			t.Errorf("%s: kind is %q", f.Name, f.Kind)
		}
		if !strings.HasSuffix(f.Harm, ".") {
			t.Errorf("%s: expected the harm in whole sentences, found %q", f.Name, f.Harm)
		}
		if (len(f.Breaks) == 0) != (f.Kind == Legal) || !f.Planted() && f.Request == nil && f.Apply+f.Replace+f.Corefile == "" {
			t.Errorf("%s: expected guarantees that it breaks and changes that do it", f.Name)
		}
		for _, e := range f.Edits {
			found := switches.FindAllStringSubmatch(e.Insert, -1)
			if len(found) == 0 {
				t.Errorf("%s: the change %q is in force always", f.Name, e.Insert)
			}
			for _, name := range found {
				if name[1] != f.Name {
					t.Errorf("%s: the change %q is switched by %q", f.Name, e.Insert, name[1])
				}
			}
		}
	}
}

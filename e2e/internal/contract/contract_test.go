package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestEveryRowIsComplete(t *testing.T) {
	var (
		id      = regexp.MustCompile(`^[a-z]+/[a-z]+(-[a-z]+)*$`)
		minor   = regexp.MustCompile(`^1\.[0-9]+$`)
		levels  = Levels()
		sources = []Source{Docs, API, DNS, Conf, Lesson, Impl}
		seen    = map[ID]bool{}
	)
	for _, g := range All() {
		t.Run(string(g.ID), func(t *testing.T) {
			if !id.MatchString(string(g.ID)) {
				t.Errorf("ID %q: expected <family>/<name> in lower case with single hyphens", g.ID)
			}
			if seen[g.ID] {
				t.Errorf("ID %q is used twice: rename one of the rows", g.ID)
			}
			seen[g.ID] = true
			if !slices.Contains(levels, g.Level) {
				t.Errorf("Level is %q, expected one of %q", g.Level, levels)
			}
			if (g.Level == Disruptive) != (g.ID.Family() == "disruption") {
				t.Errorf("Level is %q: expected disruptive in the family disruption and nowhere else", g.Level)
			}
			if (g.Level == Workload) != (g.ID.Family() == "workload") {
				t.Errorf("Level is %q: expected workload in the family of that name and nowhere else", g.Level)
			}
			for name, text := range map[string]string{"Must": g.Must, "Note": g.Note} {
				if name == "Note" && text == "" {
					continue
				}
				if !strings.HasSuffix(text, ".") || strings.TrimSpace(text) != text || strings.Contains(text, "  ") {
					t.Errorf("%s is %q, expected whole sentences without stray spaces", name, text)
				}
			}
			if len(g.Sources) == 0 {
				t.Error("Sources is empty: say who promises this")
			}
			for i, s := range g.Sources {
				if !slices.Contains(sources, s) || slices.Contains(g.Sources[:i], s) {
					t.Errorf("Sources is %q, expected distinct values of %q", g.Sources, sources)
				}
			}
			if g.Since != "" && !minor.MatchString(g.Since) {
				t.Errorf("Since is %q, expected a Kubernetes minor such as 1.32 or nothing", g.Since)
			}
			if u, err := url.Parse(g.Link); err != nil || u.Scheme != "https" || u.Host == "" || u.Path == "" {
				t.Errorf("Link is %q, expected an https URL of a document (parse error: %v)", g.Link, err)
			}
		})
	}
}

func TestFamilies(t *testing.T) {
	families := Families()
	if sorted := slices.Sorted(slices.Values(families)); len(sorted) == 0 || len(slices.Compact(sorted)) != len(families) {
		t.Errorf("Families() = %q, expected distinct names", families)
	}
	for i, rows := range byFamily() {
		for _, g := range rows {
			if g.ID.Family() != families[i] {
				t.Errorf("%s is among the rows of %s: move it to the file of its family", g.ID, families[i])
			}
		}
	}
}

func TestImplOnly(t *testing.T) {
	for _, g := range All() {
		if g.ImplOnly() && g.Level == Core {
			t.Errorf("%s is core, yet only the implementation promises it", g.ID)
		}
	}
	for _, c := range []struct {
		name    string
		sources []Source
		want    bool
	}{
		{"none", nil, false},
		{"impl", []Source{Impl}, true},
		{"docs", []Source{Docs}, false},
		{"docs in part", []Source{Docs, Impl}, false},
		{"impl named first", []Source{Impl, API}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Guarantee{Sources: c.sources}).ImplOnly(); got != c.want {
				t.Errorf("ImplOnly() = %t, expected %t", got, c.want)
			}
		})
	}
}

func TestGet(t *testing.T) {
	for _, g := range All() {
		got, found := Get(g.ID)
		if !found || got.ID != g.ID || got.Must != g.Must {
			t.Errorf("Get(%q) = %+v, %t, expected the row itself", g.ID, got, found)
		}
	}
	for _, id := range []ID{"", "ordering", "ordering/", "ordering/no-such-row"} {
		if got, found := Get(id); found {
			t.Errorf("Get(%q) = %+v, expected nothing", id, got)
		}
	}
}

func TestFamilyOfID(t *testing.T) {
	for id, want := range map[ID]string{"ordering/create": "ordering", "ordering": "", "": "", "/x": ""} {
		if got := id.Family(); got != want {
			t.Errorf("ID(%q).Family() = %q, expected %q", id, got, want)
		}
	}
}

func TestResultsBelongToTheCaller(t *testing.T) {
	all := All()
	all[0].Must, all[0].Sources[0] = "changed", Impl
	Families()[0] = "changed"
	if g := All()[0]; g.Must == "changed" || g.Sources[0] == Impl {
		t.Errorf("All() after a caller changed its copy: %+v, expected the contract untouched", g)
	}
	if Families()[0] == "changed" {
		t.Error("Families() after a caller changed its copy: expected the contract untouched")
	}
}

// TestConstants checks that each row has a constant whose name follows from its ID, and each constant a row.
func TestConstants(t *testing.T) {
	declared := declaredIDs(t)
	for _, g := range All() {
		name := constantName(g.ID)
		if declared[name] != g.ID {
			t.Errorf("%s: expected a constant %s with that value, found %q", g.ID, name, declared[name])
		}
		delete(declared, name)
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		t.Errorf("constant %s = %q has no row, or a name that does not follow from its ID: expected %s",
			name, declared[name], constantName(declared[name]))
	}
}

// constantName writes each word of an ID with a capital, the initialisms that Go writes in capitals whole.
func constantName(id ID) string {
	initialisms := map[string]string{"api": "API", "dns": "DNS", "srv": "SRV", "fqdn": "FQDN", "apiserver": "APIServer"}
	var name strings.Builder
	for _, word := range strings.FieldsFunc(string(id), func(r rune) bool { return r == '/' || r == '-' }) {
		if whole, found := initialisms[word]; found {
			name.WriteString(whole)
			continue
		}
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}

func declaredIDs(t *testing.T) map[string]ID {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d Go files of this package (error: %v), expected its sources in the test's directory", len(files), err)
	}
	ids := map[string]ID{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("cannot parse %s: %v", file, err)
		}
		collectIDs(t, parsed, ids)
	}
	return ids
}

// A version from 1.33 on is asked for what it has; an older one is held to the rows that are not younger.
func TestTooOld(t *testing.T) {
	for _, c := range []struct {
		since, kubernetes string
		tooOld            bool
	}{
		{"1.32", "v1.29.3", true},
		{"1.32", "v1.31.14-eks-1a2b", true},
		{"1.32", "v1.32.0", false},
		{"1.37", "v1.32.0+k3s1", true},
		{"1.37", "v1.33.4", false}, // its feature gate may be on
		{"1.25", "v1.29.0", false},
		{"", "v1.29.0", false},
		{"1.32", "", false}, // an older history
	} {
		if why := (Guarantee{Since: c.since}).TooOld(c.kubernetes); (why != "") != c.tooOld {
			t.Errorf("a row since %q on %q: expected too old %t, found %q", c.since, c.kubernetes, c.tooOld, why)
		}
	}
}

// A version with letters of its provider is compared like one without; an unknown one is held to what is wanted.
func TestHeldTo(t *testing.T) {
	for _, c := range []struct{ own, wanted, want string }{
		{"v1.33.4", "", "v1.33.4"},
		{"v1.33.4", "v1.34", "v1.34"},
		{"v1.33.4-eks-1a2b", "1.37", "1.37"},
		{"v1.33.4", "v1.33.9", "v1.33.4"}, // promises change with a minor version alone
		{"v1.36.3", "v1.34", "v1.36.3"},
		{"", "v1.34", "v1.34"},
		{"", "", ""},
	} {
		if got := HeldTo(c.own, c.wanted); got != c.want {
			t.Errorf("%q, to be held to %q: expected %q, found %q", c.own, c.wanted, c.want, got)
		}
	}
}

func collectIDs(t *testing.T, file *ast.File, ids map[string]ID) {
	t.Helper()
	ast.Inspect(file, func(n ast.Node) bool {
		spec, isValue := n.(*ast.ValueSpec)
		if !isValue {
			return true
		}
		if kind, isName := spec.Type.(*ast.Ident); !isName || kind.Name != "ID" || len(spec.Values) != 1 {
			return true
		}
		if literal, isLiteral := spec.Values[0].(*ast.BasicLit); isLiteral {
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatalf("constant %s: %v", spec.Names[0].Name, err)
			}
			ids[spec.Names[0].Name] = ID(value)
		}
		return true
	})
}

package faults

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const unmutated = `package p

import (
	"fmt"
)

func NewThing() { if ready() { stop() } }

func decide(a, b int, err error) bool {
	if err != nil {
		return false
	}
	logger.Info("now", a < b)
	if a < b && ready() {
		stop()
	}
	set.status.n = a
	switch {
	case a >= b:
		return a == 1 || b == 1
	}
	return fmt.Sprint(a) == ""
}
`

func TestMutants(t *testing.T) {
	_, found, err := mutantsOf("p.go", []byte(unmutated))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range found {
		got = append(got, m.Name+": "+m.Harm)
	}
	want := []string{
		"decide-never-1: a < b && ready() never holds",
		"decide-always-1: a < b && ready() always holds",
		"decide-without-1: a < b does not matter in a < b && ready()",
		"decide-without-2: ready() does not matter in a < b && ready()",
		"decide-bound-1: a < b holds of equal ones too",
		"decide-left-out-1: left out: stop()",
		"decide-left-out-2: left out: set.status.n = a",
		"decide-never-2: a >= b never holds",
		"decide-always-2: a >= b always holds",
		"decide-bound-2: a >= b does not hold of equal ones",
		"decide-without-3: a == 1 does not matter in a == 1 || b == 1",
		"decide-without-4: b == 1 does not matter in a == 1 || b == 1",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("expected\n%s\nfound\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
	changed, err := withMutants("p.go", []byte(unmutated))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range found {
		if n := bytes.Count(changed, []byte(`planted.In("`+m.Name+`")`)); n != 1 {
			t.Errorf("%s: expected its switch once, found it %d times in\n%s", m.Name, n, changed)
		}
	}
	const nested = `if (((((a < b) || (planted.In("decide-bound-1") && a == b)) || planted.In("decide-without-1")) && ((ready()) || planted.In("decide-without-2"))) || planted.In("decide-always-1")) && !planted.In("decide-never-1") {`
	if !bytes.Contains(changed, []byte(nested)) {
		t.Errorf("expected %s, found\n%s", nested, changed)
	}
}

func TestMutantsOfTheControllerAreGo(t *testing.T) {
	eachTree(t, func(t *testing.T, _, tree string) {
		t.Helper()
		folders, names := map[string]map[string][]byte{}, map[string]bool{}
		for _, file := range mutatedFiles() {
			text, err := os.ReadFile(filepath.Join(tree, file))
			if err != nil {
				t.Fatal(err)
			}
			_, found, err := mutantsOf(file, text)
			if err != nil || len(found) < 20 {
				t.Errorf("%s: expected mutants, found %d, %v", file, len(found), err)
			}
			for _, m := range found {
				if names[m.Name] {
					t.Errorf("%s: expected a name of its own", m.Name)
				}
				names[m.Name] = true
			}
			t.Logf("%s: %d", file, len(found))
			changed, err := withMutants(file, text)
			if err != nil {
				t.Fatal(err)
			}
			dir, name := filepath.Split(file)
			if folders[dir] == nil {
				folders[dir] = map[string][]byte{}
			}
			folders[dir][name] = changed
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

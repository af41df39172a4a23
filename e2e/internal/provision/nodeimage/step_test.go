package nodeimage

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestKeyFollowsWhatGoesIn(t *testing.T) {
	base := func() (*step, *step) {
		first := &step{name: "first", inputs: []string{"v1"}}
		return first, &step{name: "second", inputs: []string{"a", "b"}, after: []*step{first}}
	}
	_, reference := base()
	changes := map[string]func(first, second *step){
		"an input":                     func(_, s *step) { s.inputs[0] = "c" },
		"the order of inputs":          func(_, s *step) { s.inputs[0], s.inputs[1] = s.inputs[1], s.inputs[0] },
		"where one input ends":         func(_, s *step) { s.inputs = []string{"ab", ""} },
		"an input of the step before":  func(f, _ *step) { f.inputs[0] = "v2" },
		"the name":                     func(_, s *step) { s.name = "other" },
		"a step before that is absent": func(_, s *step) { s.after = nil },
	}
	for what, change := range changes {
		first, second := base()
		change(first, second)
		if second.key() == reference.key() {
			t.Errorf("%s has changed and the key has not", what)
		}
	}
	first, second := base()
	second.title = "another title"
	if second.key() != reference.key() {
		t.Error("the title is in the key, and does not matter to the result")
	}
	if want := (&step{name: "first", inputs: []string{"v1"}}).key(); first.key() != want {
		t.Error("equal steps have different keys")
	}
}

func TestStepRunsOnce(t *testing.T) {
	runs := 0
	s := &step{name: "s", title: "the step", make: func(_ context.Context, out string) error {
		runs++
		return os.WriteFile(filepath.Join(out, "made"), nil, 0o600)
	}}
	var log bytes.Buffer
	b := &builder{dir: t.TempDir(), log: newProgress(&log, s)}
	for range 2 {
		if err := b.run(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if runs != 1 {
		t.Errorf("the step ran %d times", runs)
	}
	if _, err := os.Stat(filepath.Join(b.dirOf(s), "made")); err != nil {
		t.Errorf("what the step made is not where it belongs: %v", err)
	}
	if !strings.Contains(log.String(), "cached") {
		t.Errorf("the second run does not say that it took the step from the cache:\n%s", log.String())
	}
}

func TestFailedStepLeavesNothing(t *testing.T) {
	broken := errors.New("broken")
	s := &step{name: "s", title: "the step", make: func(_ context.Context, out string) error {
		return errors.Join(os.WriteFile(filepath.Join(out, "half"), nil, 0o600), broken)
	}}
	b := &builder{dir: t.TempDir(), log: newProgress(new(bytes.Buffer), s)}
	if err := b.run(t.Context(), s); !errors.Is(err, broken) || !strings.Contains(err.Error(), "the step") {
		t.Errorf("got %v, want the step's own error with its title", err)
	}
	left, err := os.ReadDir(b.dir)
	if err != nil || len(left) > 0 {
		t.Errorf("a failed step left %v (%v)", left, err)
	}
}

func TestProgressSaysWhatIsNext(t *testing.T) {
	one, two, three := &step{title: "one"}, &step{title: "two"}, &step{title: "three"}
	var log bytes.Buffer
	p := newProgress(&log, one, two, three)
	p.begin("one")
	p.cached("two")
	p.begin("three")
	p.end("one", 0)
	const want = `node image: step 1 of 3: one: building (next: two)
node image: step 2 of 3: two: cached
node image: step 3 of 3: three: building
node image: step 1 of 3: one: done in 0 s
`
	if log.String() != want {
		t.Errorf("got\n%swant\n%s", log.String(), want)
	}
}

func TestDigestOfFollowsNamesAndContents(t *testing.T) {
	digest := func(files map[string]string) string {
		tree := fstest.MapFS{}
		for name, text := range files {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
		return digestOf(tree, "d")
	}
	reference := digest(map[string]string{"d/a": "1", "d/b": "2"})
	if digest(map[string]string{"d/a": "1", "d/b": "2", "other": "x"}) != reference {
		t.Error("a file outside the folder counts")
	}
	for what, files := range map[string]map[string]string{
		"a content":         {"d/a": "1", "d/b": "3"},
		"a name":            {"d/a": "1", "d/c": "2"},
		"swapped contents":  {"d/a": "2", "d/b": "1"},
		"one file the less": {"d/a": "1"},
	} {
		if digest(files) == reference {
			t.Errorf("%s has changed and the digest has not", what)
		}
	}
}

package contract

import (
	"slices"
	"strings"
	"testing"
)

func TestProblems(t *testing.T) {
	guarantees := []Guarantee{{ID: "a/one"}, {ID: "a/two"}}
	good := []Spec{
		{Text: "keeps one", File: "a_test.go", Proves: []ID{"a/one"}, History: "keeps-one"},
		{Text: "keeps two", File: "a_test.go", Proves: []ID{"a/two", "a/one"}, History: "keeps-two"},
	}
	with := func(changes ...Spec) []Spec { return append(slices.Clone(good), changes...) }

	for _, c := range []struct {
		name       string
		guarantees []Guarantee
		specs      []Spec
		want       []string // a part of each sentence
	}{
		{"all fit", guarantees, good, nil},
		{"no specs at all", guarantees, nil, []string{"a/one has no spec", "a/two has no spec"}},
		{"a guarantee without a spec", append(slices.Clone(guarantees), Guarantee{ID: "b/three"}), good, []string{"b/three has no spec"}},
		{"an ID used twice", append(slices.Clone(guarantees), guarantees[0]), good, []string{"a/one is declared twice"}},
		{"an ID used three times", append(slices.Clone(guarantees), guarantees[0], guarantees[0]), good, []string{"a/one is declared twice"}},
		{"a spec without a guarantee", guarantees, with(Spec{Text: "idles", History: "idles"}), []string{`"idles" in  proves no guarantee`}},
		{
			"a label that is no guarantee", guarantees,
			with(Spec{Text: "labelled", Proves: []ID{"a/one"}, UnknownLabels: []string{"slow", "a.five"}, History: "labelled"}),
			[]string{`the label "slow"`, `the label "a.five"`},
		},
		{"two specs with one text", guarantees, with(good[0]), []string{`have the text "keeps one"`}},
		{
			"two specs with one history", guarantees, with(Spec{Text: "keeps, one", Proves: []ID{"a/one"}, History: "keeps-one"}),
			[]string{`under one name, keeps-one`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Problems(c.guarantees, c.specs)
			if len(got) != len(c.want) {
				t.Fatalf("got %d problems, want %d:\n%s", len(got), len(c.want), strings.Join(got, "\n"))
			}
			for i, want := range c.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("problem %d is %q, want it to say %q", i, got[i], want)
				}
			}
		})
	}
}

func TestCatalogue(t *testing.T) {
	guarantees := []Guarantee{
		{ID: "a/one", Level: Core, Must: "One *holds*.", Sources: []Source{Docs, Lesson}, Link: "https://x/y"},
		{
			ID: "a/two", Level: Extended, Must: "Two of <set> hold.", Sources: []Source{Impl}, Link: "https://x/z",
			Since: "1.32", FeatureGate: "Two", Note: "Not always.",
		},
		{ID: "b/three", Level: Disruptive, Must: "Three hold.", Sources: []Source{API}, Link: "https://x", FeatureGate: "Three"},
	}
	specs := []Spec{
		{Text: "Z keeps one", File: "a_test.go", Proves: []ID{"a/one"}},
		{Text: "B keeps both", File: "b_test.go", Proves: []ID{"a/one", "a/two"}},
	}

	got := string(Catalogue(guarantees, specs))

	for _, want := range []string{
		"| [a](#a) | 1 | 1 | 0 | 0 | 2 of 2 |\n| [b](#b) | 0 | 0 | 0 | 1 | 0 of 1 |\n| all | 1 | 1 | 0 | 1 | 2 of 3 |\n",
		"\n## a\n\n### a/one\n\n**core** · [docs, lesson](https://x/y)\n\nOne \\*holds\\*.\n\n" +
			"- Z keeps one ([a_test.go](a_test.go))\n- B keeps both ([b_test.go](b_test.go))\n",
		"\n### a/two\n\n**extended** · [impl](https://x/z) · since 1.32, before that behind the feature gate Two\n\nTwo of &lt;set&gt; hold.\n\n" +
			"> Not always.\n\n- B keeps both ([b_test.go](b_test.go))\n",
		"\n## b\n\n### b/three\n\n**disruptive** · [api](https://x) · feature gate Three\n\nThree hold.\n\nNo spec yet.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the catalogue misses\n%s\nin\n%s", want, got)
		}
	}
	slices.Reverse(specs)
	if again := string(Catalogue(guarantees, specs)); again != got {
		t.Errorf("the order of the specs changed the catalogue:\n%s", again)
	}
}

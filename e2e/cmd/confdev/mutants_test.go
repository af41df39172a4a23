package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/faults"
)

func TestSampleOfMutants(t *testing.T) {
	all := faults.All()
	var o mutantsOptions
	if whole, err := o.sampled(all); err != nil || len(whole) != len(all) {
		t.Errorf("expected all, found %d, %v", len(whole), err)
	}
	names := func(seed string) []string {
		o.sample, o.Seed = "10", seed
		some, err := o.sampled(all)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range some {
			out = append(out, f.Name)
		}
		if slices.Sort(out); len(slices.Compact(out)) != 10 {
			t.Errorf("seed %s: expected 10 different ones, found %v", seed, out)
		}
		return out
	}
	if one, again, other := names("1"), names("1"), names("2"); !slices.Equal(one, again) || slices.Equal(one, other) {
		t.Errorf("expected a seed to choose the same, and another one others, found %v, %v and %v", one, again, other)
	}
	for _, wrong := range []string{"0", "-1", "some"} {
		o.sample = wrong
		if _, err := o.sampled(all); cli.ExitCode(err) != cli.ExitUsage {
			t.Errorf("SAMPLE=%s: expected wrong use, found %v", wrong, err)
		}
	}
}

func TestMutantTable(t *testing.T) {
	result := func(name string, named ...contract.ID) faultResult {
		return faultResult{Fault: faults.Fault{Name: name, Harm: "a || b", Breaks: []contract.ID{contract.OrderingCreate}}, named: named}
	}
	untried := result("untried")
	untried.untried = true
	table := mutantTable{
		faultTable: faultTable{results: []faultResult{result("caught", contract.OrderingCreate), result("missed"), untried}},
		places:     []faults.Mutant{{File: "pkg/x.go", Line: 1}, {File: "pkg/x.go", Line: 2}, {File: "pkg/x.go", Line: 3}},
	}
	text := table.markdown()
	missed, caught := strings.Index(text, "| missed | x.go:2 | `a \\|\\| b` | missed |  | 0 |"), strings.Index(text, "| caught | x.go:1 | `a \\|\\| b` | caught | ordering/create | 0 |")
	if missed < 0 || caught < missed || strings.Contains(text, "untried |") {
		t.Errorf("expected what was missed before what was caught, and nothing of what was not tried, found\n%s", text)
	}
	if want := "2 of 3 mutants tried: 1 found broken, 0 noticed and not named, 1 not noticed"; table.summary() != want {
		t.Errorf("expected %q, found %q", want, table.summary())
	}
}

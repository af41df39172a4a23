package catalogue

import (
	"fmt"
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// Problems returns every disagreement between contract and specs, a sentence each. A guarantee in notYet needs no spec, and must
// not have one: the list can only get shorter.
func Problems(guarantees []contract.Guarantee, specs []Spec, notYet []contract.ID) []string {
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	rows := map[contract.ID]int{}
	for _, g := range guarantees {
		rows[g.ID]++
		if rows[g.ID] == 2 {
			add("guarantee %s is declared twice: an ID names one guarantee", g.ID)
		}
		proofs := behind(g.ID, specs)
		waits := slices.Contains(notYet, g.ID)
		switch {
		case len(proofs) == 0 && !waits:
			add("guarantee %s has no spec: write one that proves it", g.ID)
		case len(proofs) > 0 && waits:
			add("guarantee %s has a spec (%q in %s): take it off the list of those that have none yet", g.ID, proofs[0].Text, proofs[0].File)
		}
	}
	for _, id := range notYet {
		if rows[id] == 0 {
			add("%s is listed as a guarantee without a spec, but no guarantee is named so", id)
		}
	}

	texts, histories := map[string]Spec{}, map[string]Spec{}
	for _, s := range specs {
		if len(s.Proves) == 0 {
			add("spec %q in %s proves no guarantee: label it with Proves", s.Text, s.File)
		}
		for _, l := range s.Strays {
			add("spec %q in %s has the label %q, which is no guarantee: label it with Proves alone", s.Text, s.File, l)
		}
		if other, taken := texts[s.Text]; taken {
			add("two specs, in %s and %s, have the text %q: say what differs", other.File, s.File, s.Text)
		} else if other, taken := histories[s.History]; taken {
			add("the specs %q and %q would save their histories under one name, %s: say it differently", other.Text, s.Text, s.History)
		}
		texts[s.Text], histories[s.History] = s, s
	}
	return problems
}

package contract

import (
	"fmt"
	"slices"
)

// Problems returns every mismatch between contract and specs, a sentence each. A guarantee in notYet needs no spec, and must not
// have one.
func Problems(guarantees []Guarantee, specs []Spec, notYet []ID) []string {
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	rows := map[ID]int{}
	for _, g := range guarantees {
		rows[g.ID]++
		if rows[g.ID] == 2 {
			add("guarantee %s is declared twice: an ID names one guarantee", g.ID)
		}
		proofs := provedBy(g.ID, specs)
		allowed := slices.Contains(notYet, g.ID)
		switch {
		case len(proofs) == 0 && !allowed:
			add("guarantee %s has no spec: write one that proves it", g.ID)
		case len(proofs) > 0 && allowed:
			add("guarantee %s has a spec (%q in %s): remove it from the list of those that have none yet", g.ID, proofs[0].Text, proofs[0].File)
		}
	}
	for _, id := range notYet {
		if rows[id] == 0 {
			add("%s is listed as a guarantee without a spec, but the contract has no such guarantee", id)
		}
	}

	texts, histories := map[string]Spec{}, map[string]Spec{}
	for _, s := range specs {
		if len(s.Proves) == 0 {
			add("spec %q in %s proves no guarantee: label it with Proves", s.Text, s.File)
		}
		for _, l := range s.UnknownLabels {
			add("spec %q in %s has the label %q, which is no guarantee: label it with Proves alone", s.Text, s.File, l)
		}
		if other, taken := texts[s.Text]; taken {
			add("two specs, in %s and %s, have the text %q: say what differs", other.File, s.File, s.Text)
		} else if other, taken := histories[s.History]; taken {
			add("the specs %q and %q would save their histories under one name, %s: change a text", other.Text, s.Text, s.History)
		}
		texts[s.Text], histories[s.History] = s, s
	}
	return problems
}

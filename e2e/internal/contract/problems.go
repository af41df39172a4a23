package contract

import "fmt"

// Problems returns every mismatch between contract and specs, a sentence each.
func Problems(guarantees []Guarantee, specs []Spec) []string {
	var problems []string
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }

	rows := map[ID]int{}
	for _, g := range guarantees {
		rows[g.ID]++
		if rows[g.ID] == 2 {
			add("guarantee %s is declared twice: an ID names one guarantee", g.ID)
		}
		if len(provedBy(g.ID, specs)) == 0 {
			add("guarantee %s has no spec: write one that proves it", g.ID)
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

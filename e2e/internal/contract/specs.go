package contract

import (
	"cmp"
	"slices"
)

// Spec describes a spec of the suite without running it.
type Spec struct {
	// Text is the full text, containers included.
	Text string
	// File is the name of the spec's source file.
	File string
	// Proves lists the guarantees among its labels.
	Proves []ID
	// UnknownLabels lists the labels that are neither a guarantee of the contract nor the level of one.
	UnknownLabels []string
	// History is the name of its history's file.
	History string
}

// provedBy returns the specs that prove a guarantee, sorted by file and text.
func provedBy(id ID, specs []Spec) []Spec {
	var found []Spec
	for _, s := range specs {
		if slices.Contains(s.Proves, id) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b Spec) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Text, b.Text))
	})
	return found
}

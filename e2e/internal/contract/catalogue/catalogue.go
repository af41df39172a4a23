// Package catalogue holds the contract and the specs together: it lists which specs stand behind each guarantee, and finds where the
// two disagree.
package catalogue

import (
	"cmp"
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// Spec is a spec as the suite lists it, without a run.
type Spec struct {
	// Text is the whole text, containers included.
	Text string
	// File is the name of the file that the spec is in.
	File string
	// Proves lists the guarantees among its labels.
	Proves []contract.ID
	// Strays lists the labels that stand for no guarantee that it proves, nor for the level of one.
	Strays []string
	// History is the file that its history is saved under.
	History string
}

// behind returns the specs that prove a guarantee, in the order of their files and texts.
func behind(id contract.ID, specs []Spec) []Spec {
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

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// Changes counts, by field and phase, the changes of sets that a run's histories show. A change in two phases counts in both.
type Changes map[history.Field]map[history.Phase]int

// changesOf counts the changes in all histories, nil if there are none.
func changesOf(judged []verdict.JudgedHistory) Changes {
	var out Changes
	for _, j := range judged {
		for _, c := range j.Changes {
			for _, field := range c.Fields {
				for _, phase := range c.Phases {
					out = out.count(field, phase)
				}
			}
		}
	}
	return out
}

func (c Changes) count(field history.Field, phase history.Phase) Changes {
	if c == nil {
		c = Changes{}
	}
	if c[field] == nil {
		c[field] = map[history.Phase]int{}
	}
	c[field][phase]++
	return c
}

// ChangeRow is a line of the table: how often a field was changed in each phase, as shown to people.
type ChangeRow struct {
	Field  history.Field
	Counts []string
}

// Phases returns the headings of the columns.
func (c Changes) Phases() []history.Phase { return history.AllPhases() }

// Rows returns the lines of the table. What cannot be, a set that is deleted again for instance, has an empty cell, what no history shows a
// dash.
func (c Changes) Rows() []ChangeRow {
	var out []ChangeRow
	for _, field := range history.AllFields() {
		row := ChangeRow{Field: field}
		for _, phase := range history.AllPhases() {
			cell := "–"
			if n := c[field][phase]; n > 0 {
				cell = fmt.Sprint(n)
			} else if !history.CanChange(field, phase) {
				cell = ""
			}
			row.Counts = append(row.Counts, cell)
		}
		out = append(out, row)
	}
	return out
}

// table writes the table as Markdown.
func (c Changes) table(p *printer) {
	p.f("| change |")
	for _, phase := range c.Phases() {
		p.f(" %s |", phase)
	}
	p.f("\n|%s\n", strings.Repeat(" --- |", len(c.Phases())+1))
	for _, row := range c.Rows() {
		p.f("| %s | %s |\n", row.Field, strings.Join(row.Counts, " | "))
	}
}

// WriteCoverage writes e2e/COVERAGE.md: which changes of sets a run brought about, and in which phases of theirs.
func WriteCoverage(w io.Writer, c *Conformance) error {
	p := &printer{w: w}
	p.f("# Coverage\n\n"+
		"What a whole run at level %s on Kubernetes %s changed of sets, and what each set was in the middle of: the number of changes that its histories\n"+
		"show. A dash is a change that no spec brings about, an empty cell one that cannot be. A change of several fields counts for each, one in several\n"+
		"phases in each. Written by `make coverage` from the report of a whole run; [phase.go](internal/history/phase.go) defines the phases.\n\n",
		c.Settings.Level, c.Cluster.KubernetesVersion)
	c.Changes.table(p)
	return p.err
}

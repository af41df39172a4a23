package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/faults"
)

// exploredFile holds what random acts alone last found of the faults in the default version.
const exploredFile = "e2e/internal/selftest/faults/EXPLORED.md"

// explorable returns those of some faults that random acts can show on any cluster: they break a guarantee that is judged by the history, or that an episode
// verifies. What a request is answered with, or a budget allows, is for specs alone to show.
func explorable(some []faults.Fault) []faults.Fault {
	shows := func(id contract.ID) bool {
		return slices.Contains(judge.JudgedGuarantees(), id) || slices.Contains(explore.Verified(), id)
	}
	return slices.DeleteFunc(slices.Clone(some), func(f faults.Fault) bool {
		return !f.Planted() || f.NeedsNodeFault || f.NeedsDatabase || !slices.ContainsFunc(f.Breaks, shows)
	})
}

// saveExplored puts what this run found into exploredFile, in which faults that were not tried again keep their rows.
func (t *faultTrial) saveExplored(ctx context.Context, file string) error {
	suite, err := runner.Identity(ctx)
	if err != nil {
		return err
	}
	return t.saveExploredAs(file, suite.Version)
}

// saveExploredAs is saveExplored by a version of the suite.
func (t *faultTrial) saveExploredAs(file, suite string) error {
	rows, err := rowsOf(file)
	if err != nil {
		return err
	}
	for _, r := range t.table.results {
		if !r.untried {
			rows[r.Name] = r.exploredRow(suite)
		}
	}
	text, summary := exploredTable(t.all, rows)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%s: %s\n", file, summary)
	return nil
}

// exploredRow is the fault's row of the table.
func (r faultResult) exploredRow(suite string) string {
	return fmt.Sprintf("| %s | %s | %s | %s | %.0f | %s, suite %s |\n", r.Name, r.Kind, r.outcome(), r.found(), r.seconds, time.Now().Format(time.DateOnly), suite)
}

// exploredTable writes the rows of faults as a page, with a summary of them.
func exploredTable(all []faults.Fault, rows map[string]string) (text, summary string) {
	var kept []string
	var seconds []float64
	var without []string
	outcomes := map[string]int{}
	for _, f := range explorable(all) {
		row, is := rows[f.Name]
		if !is {
			without = append(without, f.Name)
			continue
		}
		kept = append(kept, row)
		cells := strings.Split(row, " | ")
		outcomes[cells[2]]++
		if n, err := strconv.ParseFloat(cells[4], 64); err == nil && cells[2] == faultCaught {
			seconds = append(seconds, n)
		}
	}
	summary = fmt.Sprintf("%d of %d faults tried: %d caught under a guarantee they break, %d under another one, %d missed", len(kept), len(kept)+len(without),
		outcomes[faultCaught], outcomes[faultHalf], outcomes[faultMissed]+outcomes[faultOpen])
	if len(seconds) > 0 {
		summary += fmt.Sprintf("; of those that were caught half within %.0f s", median(seconds))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<!-- Written by "make faults BY=explore". -->

# Planted faults, and what random acts alone find of them

No spec was run here. %s.

Left out are %d faults of nodes, databases, DNS servers and the API server, and those that no recording shows, such as what a budget allows.
Seconds run from bringing the fault into force to the verdict. Each row is of the last run of its fault.

| fault | kind | outcome | found broken | seconds | run |
| --- | --- | --- | --- | ---: | --- |
%s`, summary, len(all)-len(kept)-len(without), strings.Join(kept, ""))
	if len(without) > 0 {
		fmt.Fprintf(&b, "\nNot tried yet: %s.\n", strings.Join(without, ", "))
	}
	return b.String(), summary
}

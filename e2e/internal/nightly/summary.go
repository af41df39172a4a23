package nightly

import (
	"fmt"
	"io"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

// WriteSummary writes the night as Markdown, for a CI job's page: the outcome, the changes, the runs, and the last nights of the trend,
// which includes this one.
func (n Result) WriteSummary(w io.Writer, trend []Entry) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s\n", n.Line(), n.advice())
	for _, part := range []struct {
		title string
		list  []Change
	}{{"Broken in every run", n.Regressions}, {"Inconclusive in every run", n.Undecided}, {"Seen in some runs only", n.Flakes}} {
		if len(part.list) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n", part.title)
		for _, c := range part.list {
			fmt.Fprintf(&b, "- **%s** %s in %d of %d: %s (seed %s: %s", sanitize.Markdown(c.What), c.Problem, c.In, c.Of, cell(c.Text), cell(c.Seeds[0]), sanitize.Code(c.Folders[0]))
			if c.Nights > 0 {
				fmt.Fprintf(&b, "; and in %d of the %d nights before", c.Nights, len(trend)-1)
			}
			b.WriteString(")\n")
		}
	}
	b.WriteString("\n| run | seed | result | seconds |\n| --- | --- | --- | --- |\n")
	for i, r := range n.Runs {
		if r.Report == nil {
			fmt.Fprintf(&b, "| %d | %s | no report: %s | |\n", i+1, r.Seed, cell(r.Err))
			continue
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %.0f |\n", i+1, r.Seed, r.Report.Result, r.Report.Seconds)
	}
	if len(trend) > 1 {
		b.WriteString("\n| night | Kubernetes | outcome | flakes | planted faults | seconds |\n| --- | --- | --- | --- | --- | --- |\n")
		for _, e := range trend[max(0, len(trend)-14):] {
			fmt.Fprintf(&b, "| %s | %s | %s | %d | %s | %.0f |\n", e.Time.Format("2006-01-02 15:04"), cell(e.Kubernetes), e.Outcome, len(e.Flakes), e.Faults, e.Seconds)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (n Result) advice() string {
	var text string
	switch n.Outcome {
	case Conformant:
		text = "Every run was conformant."
	case Regressed:
		text = "Every run reports the first group below: start with its first entry."
		if n.Faults == FaultsMissed {
			text = "A planted fault was not caught, so the suite misses violations that it should find. The table of faults says which."
		}
	case Flaky:
		text = "The runs differ: repeat a run with its SEED and read its history to see whether the cluster or the suite is flaky."
	default:
		if n.Faults == FaultsInconclusive && len(n.Undecided) == 0 {
			return "The planted faults could not be run: the log says why."
		}
		text = "The same guarantees or specs were inconclusive in every run: fix the cluster, or what kept the suite from observing it."
	}
	if n.Slower() {
		text += fmt.Sprintf(" It took %.0f s a run, usually %.0f s.", n.Seconds, n.Usual)
	}
	return text
}

// cell returns the first line of a text, for a cell of a table or a list.
func cell(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line, _, _ = strings.Cut(line, "; docs: ")
	return sanitize.Markdown(line)
}

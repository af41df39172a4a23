package nightly

import (
	"fmt"
	"io"
	"strings"
)

// WriteSummary writes the night as Markdown, for a CI job's page: the outcome, what is broken, what flakes, the runs, and the trend
// of the last nights, of which this is one.
func (n Result) WriteSummary(w io.Writer, trend []Entry) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s\n", n.Line(), n.advice())
	for _, part := range []struct {
		title string
		list  []Change
	}{{"Broken in every run", n.Regressions}, {"Decided in no run", n.Open}, {"Seen in some runs only", n.Flakes}} {
		if len(part.list) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n", part.title)
		for _, c := range part.list {
			fmt.Fprintf(&b, "- **%s** %s in %d of %d: %s (seed %s: `%s`", c.What, c.Said, c.In, c.Of, cell(c.Text), c.Seeds[0], c.Folders[0])
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
			fmt.Fprintf(&b, "| %s | %s | %s | %d | %s | %.0f |\n", e.Time.Format("2006-01-02 15:04"), e.Kubernetes, e.Outcome, len(e.Flakes), e.Faults, e.Seconds)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (n Result) advice() string {
	var said string
	switch n.Outcome {
	case Conformant:
		said = "Every run was conformant. Nothing is to be done."
	case Regressed:
		said = "What every run shows is no accident: begin with the first below."
		if n.Faults == FaultsMissed {
			said = "A planted fault was not caught: the suite itself has lost an eye. The faults' table says which."
		}
	case Flaky:
		said = "No run agrees with all others: repeat a run with its SEED, and read its history before blaming the suite."
	default:
		if n.Faults == FaultsInconclusive && len(n.Open) == 0 {
			return "The planted faults could not be tried: the log says why."
		}
		said = "The same stayed open in every run: the cluster or the suite's view of it needs mending."
	}
	if n.Slower() {
		said += fmt.Sprintf(" It took %.0f s a run, %.0f s are usual.", n.Seconds, n.Usual)
	}
	return said
}

// cell keeps a text on one line of a table or a list.
func cell(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line, _, _ = strings.Cut(line, "; docs: ")
	return strings.ReplaceAll(line, "|", "\\|")
}

package report

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

// SummaryFile is the report for a CI job's summary page.
const SummaryFile = "summary.md"

// SaveFiles writes what is made from the report: the page and the summary for people, the JUnit report for CI systems.
func SaveFiles(dir string, c *Conformance) error {
	return errors.Join(
		reportdir.Write(dir, PageFile, func(w io.Writer) error { return WritePage(w, dir, c) }),
		reportdir.Write(dir, SummaryFile, func(w io.Writer) error { return WriteSummary(w, c) }),
		reportdir.Write(dir, FiguresFile, func(w io.Writer) error { return WriteFigures(w, c.Figures) }),
		SaveJUnit(dir, c),
	)
}

// WriteSummary writes the report as Markdown: the verdict, what is wrong, and a line for each family.
func WriteSummary(w io.Writer, c *Conformance) error {
	p := &printer{w: w}
	head, advice := headline(c)
	p.f("## %s: StatefulSets on Kubernetes %s\n\n%s\n\n", head, sanitize.Markdown(c.Cluster.KubernetesVersion), advice)
	for _, d := range c.Databases {
		p.f("It %s.\n\n", sanitize.Markdown(d.String()))
	}
	for _, broken := range problems(c) {
		f := broken.First()
		p.f("- **%s** %s: %s ([promise](%s), history %s)", sanitize.Markdown(string(broken.ID)), broken.Word, sanitize.Markdown(f.Text), link(broken.Link), sanitize.Code(f.History))
		if n := len(broken.Findings) - 1; n > 0 {
			p.f("; and %s", count(n, "more time", "more times"))
		}
		p.f("\n")
	}
	for _, open := range openQuestions(c) {
		p.f("- inconclusive: %s. %s\n", list(open.IDs), sanitize.Markdown(short(open.Reason)))
	}
	for _, known := range lines(c.KnownIssues) {
		p.f("- known issue: %s\n", sanitize.Markdown(known))
	}
	for _, t := range c.Troubles {
		p.f("- trouble: %s\n", sanitize.Markdown(t))
	}
	p.f("\n| family | verdicts |\n| --- | --- |\n")
	for _, f := range families(c.Guarantees) {
		var counts []string
		for _, n := range f.Counts {
			counts = append(counts, fmt.Sprintf("%d %s", n.N, n.Verdict))
		}
		p.f("| %s | %s |\n", f.Name, strings.Join(counts, ", "))
	}
	if len(c.Changes) > 0 {
		p.f("\n<details><summary>What was changed of sets, and in which phases of theirs</summary>\n\n")
		c.Changes.table(p)
		p.f("\n</details>\n")
	}
	if len(c.Figures) > 0 {
		p.f("\n<details><summary>What the cluster took</summary>\n\n")
		figuresTable(p, c.Figures)
		p.f("\n</details>\n")
	}
	for _, objective := range lines(c.Objectives) {
		p.f("\nObjective, no part of conformance: %s.\n", sanitize.Markdown(objective))
	}
	p.f("\n%s, %s, storage class %s (%s), suite %s\n", count(len(c.Specs), "spec", "specs"), c.Minutes(), sanitize.Markdown(c.Cluster.StorageClass), sanitize.Markdown(c.Cluster.Provisioner), sanitize.Markdown(c.Suite.Version))
	for _, line := range c.Settings.Adapted() {
		p.f("\nObjects were made differently: %s.\n", sanitize.Code(line))
	}
	for _, line := range c.Settings.File {
		p.f("\nSet by a settings file: %s.\n", sanitize.Code(line))
	}
	if c.Lag != nil {
		p.f("\nLag of the StatefulSet controller: %s.\n", c.Lag)
	}
	return p.err
}

// link returns an address that cannot end the Markdown link that it is in.
func link(address string) string {
	return strings.NewReplacer(" ", "%20", "\n", "", "\r", "", "(", "%28", ")", "%29", "<", "%3C", ">", "%3E").Replace(address)
}

// list writes the names of the first guarantees and counts the others.
func list(ids []contract.ID) string {
	const most = 5
	var names []string
	for _, id := range ids[:min(len(ids), most)] {
		names = append(names, sanitize.Code(string(id)))
	}
	out := strings.Join(names, ", ")
	if n := len(ids) - most; n > 0 {
		out += fmt.Sprintf(" and %d more", n)
	}
	return out
}

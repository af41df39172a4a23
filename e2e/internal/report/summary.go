package report

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// SummaryFile is the report for a CI job's summary page.
const SummaryFile = "summary.md"

// SaveFiles writes everything that is made from the report: the page and the summary for people, the JUnit report for CI.
func SaveFiles(dir string, c *Conformance) error {
	return errors.Join(SavePage(dir, c), saveSummary(dir, c), saveJUnit(dir, c))
}

func saveSummary(dir string, c *Conformance) (err error) {
	f, err := os.Create(filepath.Join(dir, SummaryFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return WriteSummary(f, c)
}

// WriteSummary writes the report as Markdown: the verdict, what is wrong, and a line for each family.
func WriteSummary(w io.Writer, c *Conformance) error {
	p := &printer{w: w}
	head, advice := headline(c)
	p.f("## %s: StatefulSets on Kubernetes %s\n\n%s\n\n", head, c.Cluster.KubernetesVersion, advice)
	for _, g := range c.Guarantees {
		if g.Verdict == verdict.Pass || g.Verdict == verdict.NotApplicable || g.Verdict == verdict.NotAsked {
			continue
		}
		for _, f := range g.Findings {
			p.f("- **%s** %s: %s ([promise](%s), history `%s`)\n", g.ID, word(g.Verdict), f.Text, g.Link, f.History)
		}
		if len(g.Findings) == 0 {
			for _, reason := range g.Reasons {
				p.f("- **%s** %s: %s\n", g.ID, word(g.Verdict), short(reason))
			}
		}
	}
	for _, t := range c.Troubles {
		p.f("- trouble: %s\n", t)
	}
	p.f("\n| family | verdicts |\n| --- | --- |\n")
	for _, f := range families(c.Guarantees) {
		p.f("| %s | %s |\n", f.Name, f.Count)
	}
	p.f("\n%d specs, %s, storage class %s (%s), suite %s\n", len(c.Specs), c.Minutes(), c.Cluster.StorageClass, c.Cluster.Provisioner, c.Suite.Version)
	return p.err
}

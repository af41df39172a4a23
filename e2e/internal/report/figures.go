package report

import (
	"fmt"
	"io"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

// FiguresFile holds the figures as OpenMetrics text, for those who collect them, below the report folder.
const FiguresFile = "figures.prom"

// figuresTable writes figures as a table in Markdown.
func figuresTable(p *printer, all []figures.Figure) {
	p.f("| from when until when | node or class | times | median | 95 %% | longest |\n| --- | --- | ---: | ---: | ---: | ---: |\n")
	for _, f := range all {
		p.f("| %s | %s | %d | %.2f s | %.2f s | %.2f s |\n", f.Kind.Meaning(), sanitize.Markdown(f.Of), f.Count, f.Median, f.P95, f.Max)
	}
}

// WriteFigures writes the figures as a summary in OpenMetrics' text format.
func WriteFigures(w io.Writer, all []figures.Figure) error {
	p := &printer{w: w}
	p.figures(all)
	p.f("# EOF\n")
	return p.err
}

// figures writes the summary without the end of the text.
func (p *printer) figures(all []figures.Figure) {
	const name = "statefulset_conformance_duration_seconds"
	p.f("# TYPE %s gauge\n# UNIT %s seconds\n# HELP %s What the cluster took, by kind and by node or storage class.\n", name, name, name)
	for _, f := range all {
		for _, q := range []struct {
			quantile string
			value    float64
		}{{"0.5", f.Median}, {"0.95", f.P95}, {"1", f.Max}} {
			p.f("%s{kind=%q,of=%q,quantile=%q} %g\n", name, string(f.Kind), sanitize.Text(f.Of), q.quantile, q.value)
		}
	}
}

// figuresOnConsole is how many lines of figures the console shows: more than a screen has room for are read by nobody.
const figuresOnConsole = 10

// figureLines says the figures that are not of one node or class in a line each, for the console: those that come first, and how many are left out.
func figureLines(all []figures.Figure) []string {
	var out []string
	for _, f := range all {
		if f.Of == "" {
			out = append(out, fmt.Sprintf("%s: %.2f s (median), %.2f s (95 %%), %.2f s (longest) of %d", f.Kind.Meaning(), f.Median, f.P95, f.Max, f.Count))
		}
	}
	if n := len(out) - figuresOnConsole + 1; n > 1 {
		out = append(out[:figuresOnConsole-1], fmt.Sprintf("%d more figures are in %s and on the page", n, SummaryFile))
	}
	return out
}

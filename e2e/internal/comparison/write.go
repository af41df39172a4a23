package comparison

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

// Formats returns the forms in which a comparison can be written.
func Formats() []string { return []string{"text", "markdown", "html"} }

// Write writes the comparison in one of the Formats.
func (c *Comparison) Write(w io.Writer, format string) error {
	switch format {
	case "text":
		return c.writeText(w)
	case "markdown":
		return c.writeMarkdown(w)
	case "html":
		return page.Execute(w, map[string]any{"Line": c.String(), "Class": strings.ReplaceAll(string(c.Outcome), " ", "-"), "Sections": c.sections()})
	}
	return fmt.Errorf("expected one of %s, found %q", strings.Join(Formats(), ", "), format)
}

// section is a table with its title. Note says how it was made, "" if that is plain.
type section struct {
	Title, Note string
	Head        []string
	Rows        [][]string
}

// sections returns what there is to tell, the gravest first.
func (c *Comparison) sections() []section {
	all := []section{
		verdicts("Broken, or not shown any more", c.Worse),
		verdicts("Shown to hold now", c.Better),
		verdicts("Other verdicts that changed", c.Changed),
		moved("Slower", c.Slower),
		moved("Faster", c.Faster),
		verdicts("Guarantees that only the report of after has", c.Added),
		verdicts("Guarantees that only the report of before has", c.Gone),
		{Title: "Left out of one of the runs, and not compared", Head: []string{"guarantee"}},
		{Title: "What else differs", Head: []string{"what", "before", "after"}},
	}
	left, facts := &all[len(all)-2], &all[len(all)-1]
	for _, id := range c.Unselected {
		left.Rows = append(left.Rows, []string{string(id)})
	}
	for _, d := range c.Differences {
		facts.Rows = append(facts.Rows, []string{d.What, d.Before, d.After})
	}
	var out []section
	for _, s := range all {
		if len(s.Rows) > 0 {
			out = append(out, s)
		}
	}
	return append([]section{c.runs()}, out...)
}

// runs tells the two runs apart.
func (c *Comparison) runs() section {
	s := section{Title: "The runs", Head: []string{"", "before", "after"}}
	of := func(what string, say func(*report.Conformance) string) {
		s.Rows = append(s.Rows, []string{what, say(c.Before), say(c.After)})
	}
	of("began", func(r *report.Conformance) string { return r.Start.UTC().Format("2006-01-02 15:04 UTC") })
	of("Kubernetes", func(r *report.Conformance) string { return r.Cluster.KubernetesVersion })
	of("level", func(r *report.Conformance) string { return string(r.Settings.Level) })
	of("result", func(r *report.Conformance) string { return string(r.Result) })
	return s
}

func verdicts(title string, rows []Row) section {
	s := section{Title: title, Head: []string{"guarantee", "before", "after", "why"}}
	for _, r := range rows {
		s.Rows = append(s.Rows, []string{string(r.ID), string(r.Before), string(r.After), r.Why})
	}
	return s
}

func moved(title string, rows []Figure) section {
	s := section{Title: title, Note: figureRule, Head: []string{"what was measured", "node or class", "before: median, 95 %", "after: median, 95 %"}}
	for _, f := range rows {
		s.Rows = append(s.Rows, []string{
			f.Before.Kind.Meaning(), f.Before.Of, fmt.Sprintf("%.2f s, %.2f s of %d", f.Before.Median, f.Before.P95, f.Before.Count),
			fmt.Sprintf("%.2f s, %.2f s of %d", f.After.Median, f.After.P95, f.After.Count),
		})
	}
	return s
}

// writeText writes the comparison for a terminal: the line that counts comes last.
func (c *Comparison) writeText(w io.Writer) error {
	var b strings.Builder
	for _, s := range c.sections() {
		fmt.Fprintf(&b, "%s\n", s.Title)
		widths := make([]int, len(s.Head))
		for _, row := range append([][]string{s.Head}, s.Rows...) {
			for i, cell := range row {
				widths[i] = min(max(widths[i], len(short(cell))), widest)
			}
		}
		for _, row := range append([][]string{s.Head}, s.Rows...) {
			cells := make([]string, len(row))
			for i, cell := range row {
				cells[i] = fmt.Sprintf("%-*s", widths[i], short(cell))
			}
			fmt.Fprintln(&b, strings.TrimRight("  "+strings.Join(cells, "  "), " "))
		}
		if s.Note != "" {
			fmt.Fprintf(&b, "  (%s)\n", s.Note)
		}
		fmt.Fprintln(&b)
	}
	_, err := fmt.Fprintf(w, "%s%s\n", b.String(), c)
	return err
}

// widest is how many characters of a cell a terminal's column is made wide for, longest how many are shown.
const (
	widest  = 48
	longest = 160
)

// short returns a cell for a terminal.
func short(cell string) string {
	cell = sanitize.Text(strings.Join(strings.Fields(cell), " "))
	if letters := []rune(cell); len(letters) > longest {
		return string(letters[:longest]) + " ..."
	}
	return cell
}

// writeMarkdown writes titles without two number signs, which the command's output would replace: see sanitize.Text.
func (c *Comparison) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", sanitize.Markdown(c.String()))
	for _, s := range c.sections() {
		fmt.Fprintf(&b, "\n**%s**\n\n", s.Title)
		if s.Note != "" {
			fmt.Fprintf(&b, "%s\n\n", s.Note)
		}
		fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(s.Head, " | "), strings.Repeat(" --- |", len(s.Head)))
		for _, row := range s.Rows {
			cells := make([]string, len(row))
			for i, cell := range row {
				cells[i] = sanitize.Markdown(cell)
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

//go:embed page.html.tmpl
var pageText string

//nolint:gochecknoglobals // Never changes.
var page = template.Must(template.New("page").Funcs(template.FuncMap{"clean": sanitize.Text}).Parse(pageText))

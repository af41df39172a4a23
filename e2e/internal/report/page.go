package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// PageFile is the report for people, below the report folder.
const PageFile = "index.html"

//go:embed page.html.tmpl
var pageTemplate string

// Bounds that keep the page below 5 MB. The page says what it leaves out and in which file it is.
const (
	maxEventsShown = 400
	maxRowsShown   = 2000
	// Of all charts of the page, in their order: a bar takes 250 bytes.
	maxBarsInAll     = 17_000
	maxFindingsShown = 30
	// Of one failed spec's objects, and of all of them together.
	maxObjectsShown = 64 << 10
	maxObjectsInAll = 1 << 20
	// Charts that a finding has of its own; those of the others are with their specs.
	maxProblemCharts = 6
)

// page is the data of the template.
type page struct {
	*Conformance
	Headline, Advice string
	Problems         []shownProblem
	Open             []openQuestion
	Families         []shownFamily
	Shown            []shownSpec
}

// shownProblem is a guarantee with findings, and the timeline of the first of them.
type shownProblem struct {
	problem
	Chart *chart
}

type shownFamily struct {
	Name string
	// Unfolded families have a row that failed, deviates or is inconclusive.
	Unfolded bool
	Counts   []verdictCount
	Rows     []Guarantee
}

type verdictCount struct {
	Verdict verdict.Verdict
	N       int
}

// OpenRows counts the inconclusive guarantees without a finding.
func (p page) OpenRows() string {
	n := 0
	for _, q := range p.Open {
		n += len(q.IDs)
	}
	return count(n, "guarantee", "guarantees")
}

// trouble is what went wrong without breaking a guarantee, with its spec and the spec's place on the page, if it has one.
type trouble struct{ Spec, Anchor, Text string }

// SpecTroubles returns the run's troubles, each with its spec.
func (p page) SpecTroubles() []trouble {
	var out []trouble
	for _, t := range p.Troubles {
		h := trouble{Text: brief(t)}
		for _, s := range p.Specs {
			if rest, is := strings.CutPrefix(h.Text, s.Text); is && len(s.Text) > len(h.Spec) {
				h = trouble{s.Text, anchor(s.Text), rest}
			}
		}
		out = append(out, h)
	}
	return out
}

// WritePage renders a report folder as one self-contained page.
func WritePage(w io.Writer, dir string, c *Conformance) error {
	t, err := template.New("page").Funcs(template.FuncMap{"class": class, "brief": brief}).Parse(pageTemplate)
	if err != nil {
		return err
	}
	p := page{Conformance: c, Open: openQuestions(c), Families: families(c.Guarantees)}
	p.Headline, p.Advice = headline(c)
	r := renderer{dir: dir, objectsLeft: maxObjectsInAll, barsLeft: maxBarsInAll}
	bySpec := map[string][]shownFinding{}
	for i, problem := range problems(c) {
		for _, f := range problem.Findings {
			bySpec[f.Spec] = append(bySpec[f.Spec], f)
		}
		shown := shownProblem{problem: problem}
		if i < maxProblemCharts {
			if shown.Chart, err = r.chartOf(problem); err != nil {
				return err
			}
		}
		p.Problems = append(p.Problems, shown)
	}
	specs := slices.Clone(c.Specs)
	slices.SortStableFunc(specs, func(a, b Spec) int {
		switch worseA, worseB := a.failed(bySpec), b.failed(bySpec); {
		case worseA && !worseB:
			return -1
		case worseB && !worseA:
			return 1
		}
		return strings.Compare(a.Text, b.Text)
	})
	for _, s := range specs {
		shown, err := r.spec(s, s.failed(bySpec), bySpec[s.Text])
		if err != nil {
			return err
		}
		p.Shown = append(p.Shown, shown)
	}
	return t.Execute(w, p)
}

// failed reports whether a spec did not pass or has findings.
func (s Spec) failed(found map[string][]shownFinding) bool {
	return s.State != "passed" && s.State != "skipped" || len(found[s.Text]) > 0
}

// headline returns the verdict in one line, and what to do about it in another.
func headline(c *Conformance) (string, string) {
	scope, wide := "", c.tolerances()
	promises := contract.HeldTo(c.Cluster.KubernetesVersion, c.Settings.HeldTo)
	old := contract.HeldInPart(promises)
	if c.Partial && (len(wide) == 0 && !old || c.Settings.Focus != "" || c.Settings.Labels != "") {
		scope = " in the selected guarantees"
	}
	head, advice := headlineWithin(c, scope)
	if len(wide) > 0 {
		advice += fmt.Sprintf(" It was judged with %s, %s, so that the run is partial: run again without.", strings.Join(wide, " and "), tooWide)
	}
	if old {
		advice += " A version of Kubernetes this old is held to the guarantees that it already had, so that the run is partial."
	}
	if promises != c.Cluster.KubernetesVersion {
		advice += " It was held to the promises of Kubernetes " + promises + ", a later version than its own."
	}
	return head, advice
}

// tooWide says what is wrong with tolerances above their ceilings.
const tooWide = "wider than it takes to tell a broken controller"

// tolerances returns the tolerances of the judges that are above their ceilings, as name=duration.
func (c *Conformance) tolerances() []string {
	limits, err := runconfig.DefaultLimits().Override(c.Settings.Limits...)
	if err != nil {
		return nil // a limit of another version of the suite
	}
	return verdict.WideTolerances(limits.Lag, limits.ClockSkew)
}

// headlineWithin is headline for guarantees that scope tells.
func headlineWithin(c *Conformance, scope string) (string, string) {
	passed, selected := c.Totals[verdict.Pass], len(c.Guarantees)-c.Totals[verdict.NotSelected]-c.Totals[verdict.NotApplicable]
	switch c.Result {
	case verdict.Conformant:
		advice := fmt.Sprintf("%s held, each in every history that exercised it. Nothing is to be done.", count(passed, "guarantee", "guarantees"))
		if n := c.Totals[verdict.Deviation]; n > 0 {
			advice = fmt.Sprintf("%d of %d guarantees held. %s that no document promises, and leave the cluster conformant: see below.",
				passed, selected, count(n, "other is a behaviour", "others are behaviours"))
		}
		return "Conformant" + scope, advice
	case verdict.NotConformant:
		n := c.Totals[verdict.Fail]
		return fmt.Sprintf("Not conformant%s: %s broken", scope, count(n, "promise is", "promises are")),
			fmt.Sprintf("%d of %d guarantees held. Do not run a database here before the first finding below is understood: it names the events that are its evidence.", passed, selected)
	}
	if n := c.Totals[verdict.Inconclusive]; n > 0 {
		return fmt.Sprintf("Inconclusive%s: %s undecided", scope, count(n, "guarantee is", "guarantees are")),
			fmt.Sprintf("%d of %d guarantees held; the others below were not decided. Read the reasons below, fix what they name, and run again.", passed, selected)
	}
	return "Inconclusive" + scope, fmt.Sprintf("%d of %d guarantees held, but the run itself had trouble. Fix what is named below, and run again.", passed, selected)
}

// count writes a number with the singular or plural of a word.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// class returns the CSS class of a verdict or a state.
func class(word any) string { return "is-" + strings.ReplaceAll(fmt.Sprint(word), " ", "-") }

// Seen says how often a guarantee was exercised, and how often excused.
func (g Guarantee) Seen() string {
	var seen []string
	if g.Transitions > 0 {
		seen = append(seen, count(g.Transitions, "time", "times")+" in "+count(g.Specs, "spec", "specs"))
	}
	if excused := g.Excuses.String(); excused != "" {
		seen = append(seen, excused)
	}
	return strings.Join(seen, "; ")
}

// severity lists the verdicts, the worst first.
func severity() []verdict.Verdict {
	return []verdict.Verdict{verdict.Fail, verdict.Inconclusive, verdict.Deviation, verdict.Pass, verdict.NotApplicable, verdict.NotSelected}
}

// Worst returns the totals, the worst verdict first.
func (p page) Worst() []verdictCount {
	var out []verdictCount
	for _, v := range severity() {
		if n := p.Totals[v]; n > 0 {
			out = append(out, verdictCount{v, n})
		}
	}
	return out
}

// NotSelected reports whether the run selected none of the family's guarantees: their rows are not printed.
func (f shownFamily) NotSelected() bool {
	return len(f.Counts) == 1 && f.Counts[0].Verdict == verdict.NotSelected
}

func families(rows []Guarantee) []shownFamily {
	var out []shownFamily
	for _, name := range contract.Families() {
		f := shownFamily{Name: name}
		counts := map[verdict.Verdict]int{}
		for _, r := range rows {
			if r.ID.Family() == name {
				f.Rows = append(f.Rows, r)
				counts[r.Verdict]++
			}
		}
		for _, v := range severity() {
			if counts[v] > 0 {
				f.Counts = append(f.Counts, verdictCount{v, counts[v]})
			}
		}
		f.Unfolded = counts[verdict.Fail]+counts[verdict.Inconclusive]+counts[verdict.Deviation] > 0
		out = append(out, f)
	}
	return out
}

// anchor returns the id of a spec's element on the page.
func anchor(spec string) string {
	return "spec-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, spec)
}

// Minutes writes a duration given in seconds for people.
func (c *Conformance) Minutes() string {
	return time.Duration(c.Seconds * float64(time.Second)).Round(time.Second).String()
}

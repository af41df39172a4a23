package report

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// PageFile is the report for people, below the report folder.
const PageFile = "index.html"

//go:embed page.html.tmpl
var pageTemplate string

// Bounds that keep the page small: beyond them it says what was left out and in which file it is.
const (
	maxEventsShown  = 400
	maxRowsShown    = 1200
	maxObjectsShown = 64 << 10
)

// page is what the template shows.
type page struct {
	*Conformance
	Headline, Advice string
	Findings         []shownFinding
	Families         []shownFamily
	Shown            []shownSpec
}

type shownFinding struct {
	Guarantee
	Finding
	Anchor string
	Word   string
}

type shownFamily struct {
	Name  string
	Worst verdict.Verdict
	Count string
	Rows  []Guarantee
}

type shownSpec struct {
	Spec
	Anchor      string
	Failed      bool
	Proves      []guarantee.ID
	Chart       *chart
	Events      []string
	EventsLeft  int
	Objects     string
	ObjectsLeft bool
	Violations  []shownFinding
}

// WritePage renders a report folder as one self-contained page.
func WritePage(w io.Writer, dir string, c *Conformance) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	p := page{Conformance: c}
	p.Headline, p.Advice = headline(c)
	bySpec := map[string][]shownFinding{}
	for _, g := range c.Guarantees {
		for _, f := range g.Findings {
			shown := shownFinding{Guarantee: g, Finding: f, Anchor: anchor(f.Spec), Word: word(g.Verdict)}
			p.Findings = append(p.Findings, shown)
			bySpec[f.Spec] = append(bySpec[f.Spec], shown)
		}
	}
	p.Families = families(c.Guarantees)
	for _, s := range c.Specs {
		shown, err := showSpec(dir, s, bySpec[s.Text])
		if err != nil {
			return err
		}
		p.Shown = append(p.Shown, shown)
	}
	slices.SortStableFunc(p.Shown, func(a, b shownSpec) int {
		switch {
		case a.Failed && !b.Failed:
			return -1
		case b.Failed && !a.Failed:
			return 1
		}
		return strings.Compare(a.Text, b.Text)
	})
	return t.Execute(w, p)
}

// SavePage renders a report folder into its index.html.
func SavePage(dir string, c *Conformance) (err error) {
	f, err := os.Create(filepath.Join(dir, PageFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return WritePage(f, dir, c)
}

func headline(c *Conformance) (string, string) {
	scope := ""
	if c.Partial {
		scope = " in what was asked"
	}
	switch c.Result {
	case verdict.Conformant:
		advice := "Every guarantee that was asked was exercised, and held."
		if n := c.Totals[string(verdict.Deviation)]; n > 0 {
			advice += fmt.Sprintf(" %d behaviours that no document promises differ: see the deviations below.", n)
		}
		return "Conformant" + scope, advice
	case verdict.NotConformant:
		return "Not conformant" + scope, fmt.Sprintf("%s broken. Do not place a database here before the first finding below is understood: it names the events that show it.", count(c.Totals[string(verdict.Fail)], "promised guarantee is", "promised guarantees are"))
	}
	return "Inconclusive", "Not everything that was asked could be decided, and what was not seen is not called passed. " +
		"Read the reasons below, mend them, and run again."
}

// count writes a number with the word that fits it.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Seen says how often a guarantee was exercised.
func (g Guarantee) Seen() string {
	if g.Transitions == 0 {
		return ""
	}
	return count(g.Transitions, "time", "times") + " in " + count(g.Specs, "spec", "specs")
}

func word(v verdict.Verdict) string {
	switch v {
	case verdict.Fail:
		return "broken"
	case verdict.Deviation:
		return "deviates"
	}
	return "undecided"
}

func families(rows []Guarantee) []shownFamily {
	var out []shownFamily
	severity := []verdict.Verdict{verdict.Fail, verdict.Inconclusive, verdict.Deviation, verdict.Pass, verdict.NotApplicable, verdict.NotAsked}
	for _, name := range guarantee.Families() {
		f := shownFamily{Name: name, Worst: verdict.NotAsked}
		counts := map[verdict.Verdict]int{}
		for _, r := range rows {
			if r.ID.Family() != name {
				continue
			}
			f.Rows = append(f.Rows, r)
			counts[r.Verdict]++
			if slices.Index(severity, r.Verdict) < slices.Index(severity, f.Worst) {
				f.Worst = r.Verdict
			}
		}
		var parts []string
		for _, v := range severity {
			if counts[v] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", counts[v], v))
			}
		}
		f.Count = strings.Join(parts, ", ")
		out = append(out, f)
	}
	return out
}

func showSpec(dir string, s Spec, found []shownFinding) (shownSpec, error) {
	out := shownSpec{Spec: s, Anchor: anchor(s.Text), Violations: found}
	out.Failed = s.State != "passed" && s.State != "skipped" || len(found) > 0
	if s.History == "" {
		return out, nil
	}
	h, err := history.Load(filepath.Join(dir, filepath.FromSlash(s.History)))
	if errors.Is(err, os.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Proves = h.Header.Proves
	out.Chart = draw(h, found)
	out.Events, out.EventsLeft = narrate(h)
	if objects, err := os.ReadFile(filepath.Join(dir, "failures", strings.TrimSuffix(filepath.Base(s.History), ".jsonl.gz"), "objects.yaml")); err == nil {
		out.ObjectsLeft = len(objects) > maxObjectsShown
		out.Objects = string(objects[:min(len(objects), maxObjectsShown)])
	}
	return out, nil
}

// narrate tells a history in words: what the spec did, what changed, what it checked.
func narrate(h *history.History) ([]string, int) {
	type told struct {
		seq  int
		text string
	}
	var all []told
	state := map[string]string{}
	for _, e := range h.Events {
		if line := tell(e, state); line != "" {
			all = append(all, told{e.Seq, fmt.Sprintf("%s  %s", history.Clock(e.At), line)})
		}
	}
	for _, m := range h.Marks {
		all = append(all, told{m.Seq, fmt.Sprintf("%s  ▸ %s", history.Clock(m.At), m.Text)})
	}
	for _, c := range h.Checks {
		all = append(all, told{c.Seq, fmt.Sprintf("%s  %s %s: %s", history.Clock(c.At), checkSign(c.Outcome), c.Guarantee, c.Text)})
	}
	for _, g := range h.Gaps {
		all = append(all, told{g.Seq, fmt.Sprintf("%s  gap in %s since %s: %s", history.Clock(g.To), g.Resource, history.Clock(g.From), g.Reason)})
	}
	slices.SortFunc(all, func(a, b told) int { return a.seq - b.seq })
	lines := make([]string, 0, min(len(all), maxEventsShown))
	for _, t := range all[:min(len(all), maxEventsShown)] {
		lines = append(lines, t.text)
	}
	return lines, len(all) - len(lines)
}

func checkSign(o history.Outcome) string {
	switch o {
	case history.Passed:
		return "✓"
	case history.Failed:
		return "✗"
	}
	return "?"
}

// tell says what an event changed, "" if nothing that a reader would miss.
func tell(e *history.Event, state map[string]string) string {
	key := string(e.Resource) + "/" + e.Name + "/" + string(e.UID)
	var now string
	switch {
	case e.Gone():
		now = "gone"
	case e.Pod != nil, e.Claim != nil:
		now = string(stateOf(e))
	case e.Set != nil:
		st := e.Set.Status
		now = fmt.Sprintf("generation %d (observed %d), replicas %d, status: %d pods, %d Ready, %d current, %d updated", e.Generation, st.ObservedGeneration,
			e.Set.Replicas, st.Replicas, st.Ready, st.Current, st.Updated)
	case e.Slice != nil:
		var ready []string
		for _, ep := range e.Slice.Endpoints {
			if ep.Ready {
				ready = append(ready, ep.Target)
			}
		}
		now = "ready endpoints: " + strings.Join(ready, ", ")
	case e.Revision != nil:
		now = fmt.Sprintf("revision %d", e.Revision.Number)
	default:
		now = "there"
	}
	if state[key] == now {
		return ""
	}
	state[key] = now
	return fmt.Sprintf("%s/%s %s  [rv %s]", e.Resource, e.Name, now, e.ResourceVersion)
}

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

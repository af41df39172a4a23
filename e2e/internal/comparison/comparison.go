package comparison

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// Outcome is what a comparison comes to.
type Outcome string

// The outcomes.
const (
	NothingWorse  Outcome = "nothing worse"
	Worse         Outcome = "worse"
	NotComparable Outcome = "not comparable" // no guarantee was selected in both runs
)

// Comparison is what two reports differ in.
type Comparison struct {
	Before, After *report.Conformance
	Outcome       Outcome
	// Compared counts the guarantees that were selected in both runs.
	Compared int
	// Worse, Better and Changed are the guarantees whose verdicts differ: after the change they are broken or not shown any more, they are shown
	// to hold where they were not, or neither.
	Worse, Better, Changed []Row
	// Gone and Added are the guarantees that one of the two contracts has.
	Gone, Added []Row
	// Unselected are those that one of the two runs left out.
	Unselected []contract.ID
	// ResultWorse says that of two whole runs of one level the second has the worse result.
	ResultWorse bool
	// Slower and Faster are the figures that moved.
	Slower, Faster []Figure
	// Differences are other things of cluster, settings and suite that are not the same.
	Differences []Difference
}

// Row is a guarantee with its verdicts; of one that only one contract has the other verdict is "".
type Row struct {
	ID            contract.ID
	Before, After verdict.Verdict
	// Why is the first violation, or reason, of the run that shows the worse verdict.
	Why string
}

// Figure is a figure in both reports.
type Figure struct{ Before, After figures.Figure }

// Difference is something that the reports say in different words.
type Difference struct{ What, Before, After string }

// leastMeasured is how many times either run must have measured for a figure to be compared.
const leastMeasured = 5

// figureRule says how it is decided that a figure moved.
const figureRule = "A figure moved when the median of one run lies beyond the 95th percentile of the other and both measured it five times or more: " +
	"half of the times of one run are then outside of what the other showed. Figures are no part of the outcome."

// Of compares two reports.
func Of(before, after *report.Conformance) *Comparison {
	c := &Comparison{Before: before, After: after}
	c.compareRows()
	c.compareFigures()
	c.compareFacts()
	whole := !before.Partial && !after.Partial && before.Settings.Level == after.Settings.Level
	c.ResultWorse = whole && after.Result.Rank() > before.Result.Rank()
	switch {
	case c.Compared == 0:
		c.Outcome = NotComparable
	case len(c.Worse) > 0 || c.ResultWorse:
		c.Outcome = Worse
	default:
		c.Outcome = NothingWorse
	}
	return c
}

func (c *Comparison) compareRows() {
	later := map[contract.ID]report.Guarantee{}
	for _, g := range c.After.Guarantees {
		later[g.ID] = g
	}
	for _, g := range c.Before.Guarantees {
		after, both := later[g.ID]
		delete(later, g.ID)
		row := Row{ID: g.ID, Before: g.Verdict, After: after.Verdict}
		switch {
		case !both:
			c.Gone = append(c.Gone, row)
		case (g.Verdict == verdict.NotSelected) != (after.Verdict == verdict.NotSelected):
			c.Unselected = append(c.Unselected, g.ID)
		case g.Verdict == verdict.NotSelected:
		default:
			c.Compared++
			if g.Verdict != after.Verdict {
				c.addChanged(row, g, after)
			}
		}
	}
	for _, g := range c.After.Guarantees {
		if _, added := later[g.ID]; added {
			c.Added = append(c.Added, Row{ID: g.ID, After: g.Verdict, Why: why(g)})
		}
	}
}

// addChanged adds a guarantee that was selected in both runs and has another verdict. That it held and is not shown to hold any more is worse,
// whatever the reason; and so is that it is broken where it was not.
func (c *Comparison) addChanged(row Row, before, after report.Guarantee) {
	switch {
	case row.Before == verdict.Pass, row.After == verdict.Fail, row.After == verdict.Deviation && row.Before != verdict.Fail:
		row.Why = why(after)
		c.Worse = append(c.Worse, row)
	case row.After == verdict.Pass:
		row.Why = why(before)
		c.Better = append(c.Better, row)
	default:
		row.Why = why(after)
		c.Changed = append(c.Changed, row)
	}
}

// why returns the first violation that a report has of a guarantee, or else the first reason of its verdict.
func why(g report.Guarantee) string {
	for _, f := range g.Findings {
		return f.Text
	}
	for _, reason := range g.Reasons {
		return reason
	}
	return ""
}

func (c *Comparison) compareFigures() {
	type of struct {
		kind figures.Kind
		of   string
	}
	later := map[of]figures.Figure{}
	for _, f := range c.After.Figures {
		later[of{f.Kind, f.Of}] = f
	}
	for _, f := range c.Before.Figures {
		g := later[of{f.Kind, f.Of}]
		switch {
		case min(f.Count, g.Count) < leastMeasured:
		case g.Median > f.P95:
			c.Slower = append(c.Slower, Figure{f, g})
		case g.P95 < f.Median:
			c.Faster = append(c.Faster, Figure{f, g})
		}
	}
}

// compareFacts finds what else the reports say differently of what was judged, and with what.
func (c *Comparison) compareFacts() {
	for _, part := range []struct {
		name          string
		before, after any
	}{
		{"cluster", c.Before.Cluster, c.After.Cluster},
		{"setting", c.Before.Settings, c.After.Settings},
		{"suite", report.Suite{Version: c.Before.Suite.Version}, report.Suite{Version: c.After.Suite.Version}},
	} {
		before, after := fields(part.before), fields(part.after)
		names := slices.Collect(maps.Keys(before))
		names = slices.AppendSeq(names, maps.Keys(after))
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			if before[name] != after[name] {
				c.Differences = append(c.Differences, Difference{part.name + " " + name, before[name], after[name]})
			}
		}
	}
	if c.Before.Partial != c.After.Partial {
		c.Differences = append(c.Differences, Difference{"partial run", yes(c.Before.Partial), yes(c.After.Partial)})
	}
}

// fields returns what a report says of each field, in the words of the file.
func fields(of any) map[string]string {
	out := map[string]string{}
	data, err := json.Marshal(of)
	var parts map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(data, &parts)
	}
	if err != nil {
		return map[string]string{"": err.Error()}
	}
	for name, value := range parts {
		var words []string
		if json.Unmarshal(value, &words) == nil && words != nil {
			out[name] = strings.Join(words, "; ")
			continue
		}
		out[name] = strings.Trim(string(value), `"`)
	}
	return out
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// String says the outcome in one line.
func (c *Comparison) String() string {
	switch c.Outcome {
	case NotComparable:
		return "NOT COMPARABLE: no guarantee was selected in both runs"
	case Worse:
		said := fmt.Sprintf("WORSE: of %d guarantees that both runs judged %d are broken or not shown any more", c.Compared, len(c.Worse))
		if c.ResultWorse {
			said += fmt.Sprintf("; the result was %s and is %s", c.Before.Result, c.After.Result)
		}
		return said
	}
	return fmt.Sprintf("NOTHING WORSE: of %d guarantees that both runs judged %d are better", c.Compared, len(c.Better))
}

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// The chart's measures, in SVG units.
const (
	plotWidth  = 760
	headHeight = 40
	letter     = 6.7 // the width of a label's letter
	// Marks closer to each other than this share a number.
	markRoom = 15

	rowHeight, barHeight = 20, 14
	// A chart of more rows than this has thin rows, every tenth of them with its name.
	manyRows                     = 80
	thinRowHeight, thinBarHeight = 7, 5
)

// chart is a timeline laid out for drawing.
type chart struct {
	Width, Height, Plot, Right     float64
	Bar                            float64
	Rows                           []chartRow
	Ticks                          []chartTick
	Gaps                           []chartGap
	OperationMarks, ViolationMarks []chartMark
	// Operations are the texts that the numbers of OperationMarks stand for.
	Operations []string
	States     []State
	RowsLeft   int
	Label      string
	// Writes are those that clients of a database were told of, nil without one.
	Writes *chartWrites
	Thin   bool
}

// Led reports whether members of a database are shown to lead.
func (c *chart) Led() bool {
	return slices.ContainsFunc(c.Rows, func(r chartRow) bool { return len(r.Leads) > 0 })
}

// bars counts those of all rows; a chart that is nil has none.
func (c *chart) bars() int {
	n := 0
	if c != nil {
		for _, r := range c.Rows {
			n += len(r.Bars)
		}
	}
	return n
}

// Ringed reports whether some event of the timeline is among what shows a violation.
func (c *chart) Ringed() bool {
	return slices.ContainsFunc(c.Rows, func(r chartRow) bool { return len(r.Rings) > 0 })
}

type chartRow struct {
	Name  string // "" where the rows are too thin for names
	Y     float64
	Wrong bool
	Bars  []chartBar
	// Leads are the stretches in which it led the database.
	Leads []chartBar
	// Rings are the events of this row that are evidence of a violation.
	Rings []chartMark
}

type chartBar struct {
	State    State
	X, W     float64
	From, To int64 // in milliseconds
	Title    string
}

type chartTick struct {
	X    float64
	Text string
}

type chartGap struct {
	X, W  float64
	Title string
}

// chartMark is the moment of an operation or a violation. Marks that are close together share the text of the first.
type chartMark struct {
	X, Room float64
	Text    string
	Title   string
}

// draw lays out a history's timeline, of so many bars at most, with the test's operations and the violations found in it; nil if the history has no pod or claim.
func draw(h *history.History, found []shownFinding, bars int) *chart {
	rows := Timeline(h)
	if len(rows) == 0 {
		return nil
	}
	evidence := newEvidenceIndex(h, found)
	shown := shownRows(rows, evidence, bars)
	c := &chart{RowsLeft: len(rows) - len(shown), Thin: len(shown) > manyRows}
	rows = shown
	longest := 0
	for _, row := range rows {
		longest = max(longest, len(row.Name))
	}
	c.Plot = math.Round(float64(min(longest, 45))*letter) + 12
	c.Right = c.Plot + plotWidth
	c.Width = c.Right + 20
	total := max(h.Duration(), time.Millisecond)
	x := func(at time.Duration) float64 { return c.Plot + tenth(float64(at)/float64(total)*plotWidth) }

	height := float64(rowHeight)
	c.Bar = barHeight
	if c.Thin {
		height, c.Bar = thinRowHeight, thinBarHeight
	}
	led := leaders(h)
	for i, row := range rows {
		out := c.row(row, i, height, x, evidence)
		if row.Resource == history.Pods {
			for _, l := range led[row.Name] {
				out.Leads = append(out.Leads, chartBar{X: x(l.from), W: max(1.5, tenth(x(l.to)-x(l.from))), Title: fmt.Sprintf("%s leads from %s to %s", row.Name, history.Clock(l.from), history.Clock(l.to))})
			}
		}
		c.Rows = append(c.Rows, out)
	}
	c.Height = headHeight + float64(len(rows))*height + 8
	if c.Writes = drawWrites(h, c.Height, x); c.Writes != nil {
		c.Height += writesHeight + 8
	}
	for at := time.Duration(0); at <= total; at += tickEvery(total) {
		c.Ticks = append(c.Ticks, chartTick{X: x(at), Text: fmt.Sprintf("%g s", at.Seconds())})
	}
	for _, g := range h.Gaps {
		c.Gaps = append(c.Gaps, chartGap{X: x(g.From), W: max(1.5, tenth(x(g.To)-x(g.From))), Title: fmt.Sprintf("gap in %s: %s", g.Resource, g.Reason)})
	}
	for i, m := range h.Operations {
		c.Operations = append(c.Operations, fmt.Sprintf("%s %s", history.Clock(m.At), operationText(&m)))
		c.OperationMarks = append(c.OperationMarks, chartMark{X: x(m.At), Text: fmt.Sprint(i + 1), Title: c.Operations[i]})
	}
	for i, f := range found {
		if at, known := evidence.when(f); known {
			c.ViolationMarks = append(c.ViolationMarks, chartMark{X: x(at), Text: fmt.Sprint(i + 1), Title: string(f.ID) + ": " + f.Text})
		}
	}
	c.OperationMarks, c.ViolationMarks = mergeNumbers(c.OperationMarks), mergeNumbers(c.ViolationMarks)
	c.Label = fmt.Sprintf("Timeline of %s over %.1f seconds; the history in words follows below", count(len(rows), "pod or claim", "pods and claims"), total.Seconds())
	return c
}

// shownRows returns the rows that a chart of so many bars has room for, in their order: those with evidence before the others.
func shownRows(rows []Row, evidence evidenceIndex, bars int) []Row {
	room := maxRowsShown
	chosen := map[int]bool{}
	for _, wanted := range []bool{true, false} {
		for i, r := range rows {
			wrong := len(evidence.rows[rowKey{r.Resource, r.Name}]) > 0
			if wrong == wanted && room > 0 && len(r.Bars) <= bars {
				chosen[i], room, bars = true, room-1, bars-len(r.Bars)
			}
		}
	}
	var shown []Row
	for i, r := range rows {
		if chosen[i] {
			shown = append(shown, r)
		}
	}
	return shown
}

func (c *chart) row(row Row, i int, height float64, x func(time.Duration) float64, evidence evidenceIndex) chartRow {
	out := chartRow{Y: headHeight + float64(i)*height, Wrong: len(evidence.rows[rowKey{row.Resource, row.Name}]) > 0}
	if !c.Thin || i%10 == 0 {
		out.Name = row.Name
	}
	for _, b := range row.Bars {
		from, to := x(b.From), x(b.To)
		out.Bars = append(out.Bars, chartBar{
			State: b.State, X: from, W: max(1.5, tenth(to-from)), From: b.From.Milliseconds(), To: b.To.Milliseconds(),
			Title: fmt.Sprintf("%s %s from %s to %s, uid %.8s", row.Name, b.State, b.Ref, history.Clock(b.To), b.UID),
		})
		if !slices.Contains(c.States, b.State) {
			c.States = append(c.States, b.State)
		}
	}
	for _, at := range evidence.rows[rowKey{row.Resource, row.Name}] {
		out.Rings = append(out.Rings, chartMark{X: x(at)})
	}
	return out
}

// tenth rounds to a tenth of an SVG unit.
func tenth(x float64) float64 { return math.Round(x*10) / 10 }

// mergeNumbers merges the numbers of marks that are too close to each other into one text, such as "3–5".
func mergeNumbers(marks []chartMark) []chartMark {
	slices.SortStableFunc(marks, func(a, b chartMark) int { return cmp.Compare(a.X, b.X) })
	leader, right := -1, math.Inf(-1)
	for i := range marks {
		m := &marks[i]
		if m.X < right {
			end := m.Text
			m.Text = ""
			first, _, _ := strings.Cut(marks[leader].Text, "–")
			marks[leader].Text = first + "–" + end
			m = &marks[leader]
		} else {
			leader = i
		}
		m.Room = float64(len([]rune(m.Text)))*letter + 8
		right = m.X + max(markRoom, m.Room)
	}
	return marks
}

// evidenceIndex has the times of the records that findings cite: by sequence number, and by row of the timeline.
type evidenceIndex struct {
	at   map[int]time.Duration
	rows map[rowKey][]time.Duration
}

type rowKey struct {
	resource history.Resource
	name     string
}

func newEvidenceIndex(h *history.History, found []shownFinding) evidenceIndex {
	s := evidenceIndex{at: map[int]time.Duration{}, rows: map[rowKey][]time.Duration{}}
	cited := map[int]bool{}
	for _, f := range found {
		for _, record := range f.Records {
			cited[record] = true
		}
	}
	for _, e := range h.Events {
		if cited[e.Seq] {
			s.at[e.Seq] = e.At
			key := rowKey{e.Resource, e.Name}
			s.rows[key] = append(s.rows[key], e.At)
		}
	}
	for _, c := range h.Checks {
		if cited[c.Seq] {
			s.at[c.Seq] = c.At
		}
	}
	for _, x := range h.Expectations {
		if cited[x.Seq] {
			s.at[x.Seq] = x.At
		}
	}
	for _, o := range h.Clients {
		if cited[o.Seq] {
			s.at[o.Seq] = o.At
		}
	}
	return s
}

// when returns the time of a finding's last record, and whether the history has one.
func (s evidenceIndex) when(f shownFinding) (time.Duration, bool) {
	var last time.Duration
	known := false
	for _, record := range f.Records {
		if at, there := s.at[record]; there {
			last, known = max(last, at), true
		}
	}
	return last, known
}

// tickEvery chooses a round distance that gives between four and ten ticks.
func tickEvery(total time.Duration) time.Duration {
	for _, seconds := range []float64{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600} {
		if step := time.Duration(seconds * float64(time.Second)); total/step <= 10 {
			return step
		}
	}
	return (total / 5).Round(time.Second)
}

package report

import (
	"fmt"
	"math"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// The chart's measures, in SVG units.
const (
	labelWidth = 190
	plotWidth  = 760
	rowHeight  = 20
	barHeight  = 14
	headHeight = 34
)

// chart is a timeline laid out for drawing.
type chart struct {
	Width, Height, Plot float64
	Rows                []chartRow
	Ticks               []chartTick
	Marks               []chartMark
	Wrongs              []chartMark
	RowsLeft            int
	Label               string
}

type chartRow struct {
	Name  string
	Y     float64
	Claim bool
	Bars  []chartBar
}

type chartBar struct {
	State    State
	X, Y, W  float64
	From, To string
	Title    string
}

type chartTick struct {
	X    float64
	Text string
}

type chartMark struct {
	X     float64
	N     int
	Title string
}

// draw lays out a history's timeline with the spec's acts and the violations found in it; nil if there is nothing to show.
func draw(h *history.History, found []shownFinding) *chart {
	rows := Timeline(h)
	if len(rows) == 0 {
		return nil
	}
	total := max(h.Duration(), time.Millisecond)
	x := func(at time.Duration) float64 {
		return labelWidth + math.Round(float64(at)/float64(total)*plotWidth*10)/10
	}
	c := &chart{Width: labelWidth + plotWidth + 20, Plot: labelWidth}
	c.RowsLeft = max(0, len(rows)-maxRowsShown)
	rows = rows[:len(rows)-c.RowsLeft]
	for i, row := range rows {
		y := float64(headHeight + i*rowHeight)
		out := chartRow{Name: row.Name, Y: y, Claim: row.Resource == history.Claims}
		for _, b := range row.Bars {
			out.Bars = append(out.Bars, chartBar{
				State: b.State, X: x(b.From), Y: y + (rowHeight-barHeight)/2, W: max(1.5, math.Round((x(b.To)-x(b.From))*10)/10),
				Title: fmt.Sprintf("%s: %s from %s to %s (%.1f s), uid %s", row.Name, b.State, b.Ref, history.Clock(b.To), (b.To - b.From).Seconds(), b.UID),
				From:  fmt.Sprint(b.From.Milliseconds()), To: fmt.Sprint(b.To.Milliseconds()),
			})
		}
		c.Rows = append(c.Rows, out)
	}
	c.Height = float64(headHeight + len(rows)*rowHeight + 8)
	for at := time.Duration(0); at <= total; at += tickEvery(total) {
		c.Ticks = append(c.Ticks, chartTick{X: x(at), Text: fmt.Sprintf("%g s", at.Seconds())})
	}
	for i, m := range h.Marks {
		c.Marks = append(c.Marks, chartMark{X: x(m.At), N: i + 1, Title: fmt.Sprintf("%s %s", history.Clock(m.At), m.Text)})
	}
	at := map[int]time.Duration{}
	for _, e := range h.Events {
		at[e.Seq] = e.At
	}
	for _, check := range h.Checks {
		at[check.Seq] = check.At
	}
	for i, f := range found {
		if len(f.Records) > 0 {
			c.Wrongs = append(c.Wrongs, chartMark{X: x(at[f.Records[len(f.Records)-1]]), N: i + 1, Title: string(f.ID) + ": " + f.Text})
		}
	}
	c.Label = fmt.Sprintf("Timeline of %d pods and claims over %.1f seconds; the same is told in words below", len(rows), total.Seconds())
	return c
}

// tickEvery chooses a round distance that gives between four and ten ticks.
func tickEvery(total time.Duration) time.Duration {
	for _, seconds := range []int{1, 2, 5, 10, 15, 30, 60, 120, 300, 600} {
		if step := time.Duration(seconds) * time.Second; total/step <= 10 {
			return step
		}
	}
	return total / 5
}

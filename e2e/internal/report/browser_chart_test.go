package report_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

// drawn is a timeline as the browser has laid it out, in its pixels.
type drawn struct {
	Spec   string
	Ticks  []struct{ Seconds, X float64 }
	Rows   []drawnRow
	Wrongs []float64
}

type drawnRow struct {
	Name  string
	Bars  []drawnBar
	Rings []float64
}

type drawnBar struct {
	State       string
	From, To    int64
	Left, Right float64
}

// charts unfolds everything and reads the timelines of all specs.
func charts(t *testing.T, browser *browser, dir string) []drawn {
	t.Helper()
	tab := openTab(t, browser, filepath.Join(dir, report.PageFile), 1280)
	return ask[[]drawn](tab, `(() => {
		document.querySelectorAll("details.spec").forEach(d => d.open = true)
		const centre = e => (r => (r.left + r.right) / 2)(e.getBoundingClientRect())
		return [...document.querySelectorAll("details.spec")].filter(d => d.querySelector("svg")).map(d => ({
			Spec: d.querySelector(".in").id,
			Ticks: [...d.querySelectorAll("svg > .tick")].map(l => ({X: centre(l), Seconds: parseFloat(l.nextElementSibling.textContent)})),
			Rows: [...d.querySelectorAll("svg > g[transform]")].map(g => ({
				Name: g.querySelector("text").textContent,
				Bars: [...g.querySelectorAll("rect")].map(b => ({
					State: b.classList[1].slice(2), From: +b.dataset.from, To: +b.dataset.to,
					Left: b.getBoundingClientRect().left, Right: b.getBoundingClientRect().right,
				})),
				Rings: [...g.querySelectorAll(".ring")].map(centre),
			})),
			Wrongs: [...d.querySelectorAll("svg > .wrong")].map(centre),
		}))
	})()`)
}

// scale returns where on the screen a time is, by the chart's own ticks.
func (d drawn) scale() func(milliseconds float64) float64 {
	first, last := d.Ticks[0], d.Ticks[len(d.Ticks)-1]
	perMilli := (last.X - first.X) / (last.Seconds - first.Seconds) / 1000
	return func(ms float64) float64 { return first.X + (ms-first.Seconds*1000)*perMilli }
}

// A pixel and a half is the least width of a bar; the rest is rounding.
const nearEnough = 2.5

// specsByAnchor returns the report's specs by their place on the page.
func specsByAnchor(c *report.Conformance) map[string]report.Spec {
	out := map[string]report.Spec{}
	for _, s := range c.Specs {
		out["spec-"+strings.Map(func(r rune) rune {
			if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", r) {
				return r
			}
			return '-'
		}, s.Text)] = s
	}
	return out
}

// barsMatch holds every bar on the screen against the intervals of the history, its place against the chart's ticks.
func barsMatch(t *testing.T, browser *browser, dir string) {
	t.Helper()
	c, err := report.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	specs := specsByAnchor(c)
	all := charts(t, browser, dir)
	bars := 0
	for _, d := range all {
		h, err := history.Load(filepath.Join(dir, specs[d.Spec].History))
		if err != nil {
			t.Fatal(err)
		}
		rows := report.Timeline(h)
		if len(rows) != len(d.Rows) {
			t.Errorf("%s: expected %d rows, found %d", d.Spec, len(rows), len(d.Rows))
			continue
		}
		x := d.scale()
		for i, row := range rows {
			if got := d.Rows[i]; got.Name != row.Name || len(got.Bars) != len(row.Bars) {
				t.Errorf("%s: expected %s with %d bars, found %s with %d", d.Spec, row.Name, len(row.Bars), got.Name, len(got.Bars))
				continue
			}
			for k, bar := range row.Bars {
				got := d.Rows[i].Bars[k]
				bars++
				if got.State != string(bar.State) || got.From != bar.From.Milliseconds() || got.To != bar.To.Milliseconds() {
					t.Errorf("%s: expected of %s %s %v-%v, found %+v", d.Spec, row.Name, bar.State, bar.From, bar.To, got)
				}
				left, right := x(float64(got.From)), x(float64(got.To))
				// Written so that what is no number is wrong.
				if !(math.Abs(got.Left-left) <= nearEnough && math.Abs(got.Right-right) <= nearEnough) {
					t.Errorf("%s: expected %s of %s from %.1f to %.1f px, found %.1f to %.1f", d.Spec, bar.State, row.Name, left, right, got.Left, got.Right)
				}
			}
		}
	}
	if len(all) < 4 || bars < 20 {
		t.Errorf("expected many bars to hold against the histories, found %d in %d charts", bars, len(all))
	}
	t.Logf("%d bars in %d charts", bars, len(all))
}

// violationsInPlace holds each violation's line against the moment of the record that completes it, and each ring against the
// row and the moment of the record that it is around.
func violationsInPlace(t *testing.T, browser *browser, dir string) {
	t.Helper()
	c, err := report.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	specs := specsByAnchor(c)
	rings, lines := 0, 0
	for _, d := range charts(t, browser, dir) {
		h, err := history.Load(filepath.Join(dir, specs[d.Spec].History))
		if err != nil {
			t.Fatal(err)
		}
		cited := map[int]*history.Event{}
		for _, e := range h.Events {
			cited[e.Seq] = e
		}
		x := d.scale()
		near := func(at float64) func(float64) bool {
			return func(px float64) bool { return math.Abs(px-x(at)) <= nearEnough }
		}
		for _, g := range c.Guarantees {
			for _, f := range g.Findings {
				if f.History != specs[d.Spec].History {
					continue
				}
				last := 0.0
				for _, record := range f.Records {
					e := cited[record]
					at := float64(e.At.Milliseconds())
					last = max(last, at)
					rings++
					if !slices.ContainsFunc(d.Rows, func(row drawnRow) bool {
						return row.Name == e.Name && slices.ContainsFunc(row.Rings, near(at))
					}) {
						t.Errorf("%s: expected a ring on %s at %.0f ms, %.1f px, found %+v", d.Spec, e.Name, at, x(at), d.Rows)
					}
				}
				lines++
				if !slices.ContainsFunc(d.Wrongs, near(last)) {
					t.Errorf("%s: expected the line of a violation at %.0f ms: %s", d.Spec, last, f.Text)
				}
			}
		}
	}
	if lines < 12 || rings < 12 {
		t.Errorf("expected the twelve violations of this run, found %d lines and %d rings", lines, rings)
	}
}

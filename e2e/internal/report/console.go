package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// Console writes the verdicts as a table by family, the violations and troubles, and a line with the result: it says what the specs took, what the
// command did where that is longer, as with a cluster that was made for them, and when the run began on which version.
func Console(w io.Writer, run *verdict.Run, specs, all time.Duration) error {
	p := &printer{w: w}
	width := 0
	for _, r := range run.Rows {
		width = max(width, len(r.ID))
	}
	var left []string
	for _, family := range contract.Families() {
		if n := p.family(run, family, width); n > 0 {
			left = append(left, fmt.Sprintf("%d of %s", n, family))
		}
	}
	if len(left) > 0 {
		p.f("\nnot selected: %s\n", strings.Join(left, ", "))
	}
	p.broken(run)
	p.section("known issues, which change no verdict", lines(run.Known))
	p.section("what the cluster took, which is no part of conformance", figureLines(run.Figures()))
	p.section("objectives, which are no part of conformance", lines(run.Objectives))
	p.section("databases in sets", lines(databasesOf(run.Histories)))
	counts := map[verdict.Verdict]int{}
	for _, r := range run.Rows {
		counts[r.Verdict]++
	}
	var totals []string
	for _, v := range []verdict.Verdict{verdict.Pass, verdict.Fail, verdict.Deviation, verdict.Inconclusive, verdict.NotApplicable, verdict.NotSelected} {
		if counts[v] > 0 {
			totals = append(totals, fmt.Sprintf("%d %s", counts[v], v))
		}
	}
	scope := ""
	switch {
	case len(run.Tolerances) > 0:
		scope = fmt.Sprintf(" (partial run: judged with %s, %s)", strings.Join(run.Tolerances, ", "), tooWide)
	case contract.HeldInPart(run.Promises):
		scope = fmt.Sprintf(" (partial run: Kubernetes %s is held to the guarantees that it already had)", sanitize.Text(run.Promises))
	case run.Partial:
		scope = " (partial run: of the selected guarantees)"
	}
	took := fmt.Sprintf("%s in %.0f s", count(ran(run), "spec", "specs"), specs.Seconds())
	if all-specs >= time.Second {
		took += fmt.Sprintf(", %.0f s in all", all.Seconds())
	}
	p.f("\n%s%s: %s; %s%s\n", strings.ToUpper(string(run.Overall)), scope, strings.Join(totals, ", "), took, when(run))
	return p.err
}

// when says of which run the verdict is: the log of a finished Job reads like that of the next, and a cluster is upgraded.
func when(run *verdict.Run) string {
	if run.Started.IsZero() {
		return ""
	}
	text := "; started " + run.Started.UTC().Format("2006-01-02 15:04 UTC")
	if run.ServerVersion != "" {
		text += " on Kubernetes " + sanitize.Text(run.ServerVersion)
	}
	if promises := contract.HeldTo(run.ServerVersion, run.Promises); promises != run.ServerVersion {
		text += ", held to the promises of " + sanitize.Text(promises)
	}
	return text
}

// family writes one family's rows and returns how many it left out because the run did not select them.
func (p *printer) family(run *verdict.Run, family string, width int) int {
	left, headed := 0, false
	for _, r := range run.Rows {
		if r.ID.Family() != family {
			continue
		}
		if r.Verdict == verdict.NotSelected {
			left++
			continue
		}
		if !headed {
			p.f("\n%s\n", family)
			headed = true
		}
		p.f("  %-*s  %-8s  %-14s", width, r.ID, r.Level, r.Verdict)
		if r.Transitions > 0 {
			p.f("  %s", fmt.Sprintf("%4d × in %s", r.Transitions, count(r.Specs, "spec", "specs")))
		}
		if excused := r.Excused.String(); excused != "" {
			p.f("  %s", excused)
		}
		if r.Verdict == verdict.NotApplicable || r.Verdict == verdict.Inconclusive {
			p.f("  %s", short(strings.TrimPrefix(strings.Join(unique(r.Reasons), "; "), "not applicable: ")))
		}
		p.f("\n")
	}
	return left
}

// section writes lines under a title, nothing if there are none.
func (p *printer) section(title string, all []string) {
	if len(all) == 0 {
		return
	}
	p.f("\n%s:\n", title)
	for _, line := range all {
		p.f("  %s\n", line)
	}
}

// lines writes each of some things in a line.
func lines[T fmt.Stringer](all []T) []string {
	var out []string
	for _, one := range all {
		out = append(out, sanitize.Text(one.String()))
	}
	return out
}

// short cuts a reason to 140 characters; the report has all of it.
func short(s string) string {
	const most = 140
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + " ..."
	}
	return s
}

func (p *printer) broken(run *verdict.Run) {
	for _, r := range run.Rows {
		if r.Verdict != verdict.Fail && r.Verdict != verdict.Deviation {
			continue
		}
		for _, f := range r.Findings {
			word := "broken"
			if r.Verdict == verdict.Deviation {
				word = "deviates (only the implementation promises it)"
			}
			p.f("\n%s %s: %s\n  in spec: %s\n  docs:    %s\n  history: %s\n", r.ID, word, f.Text, f.Spec, r.Link, f.File)
		}
	}
	for _, t := range run.Troubles {
		p.f("\ntrouble: %s\n", t)
	}
}

func ran(run *verdict.Run) int {
	n := 0
	for _, s := range run.Specs {
		if s.Selected && s.History != "" {
			n++
		}
	}
	return n
}

func unique(list []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// printer writes until the first error, and keeps that.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

// How much of a recording is told where: the page and the summary say how much more there is in the file for programs.
const (
	maxActsOnConsole, maxActsShown   = 25, 500
	maxOpenOnConsole, maxOpenShown   = 3, 50
	maxDownsOnConsole, maxDownsShown = 15, 500
)

// recordedHeadline says in one line what came of a recording, and in another how long and of what it was.
func recordedHeadline(r *recording.Recording) (head, scope string) {
	broken := map[contract.ID]bool{}
	for _, f := range r.Promises() {
		broken[f.Guarantee] = true
	}
	head = "Nothing broken"
	if r.AuditLog {
		head = "What an audit log tells"
	}
	if len(broken) > 0 {
		head = count(len(broken), "promise is", "promises are") + " broken"
	}
	events := 0
	for _, h := range r.Histories {
		events += h.Events
	}
	scope = fmt.Sprintf("%s in %s, from %s to %s (%s), Kubernetes %s, %s", count(len(r.Sets), "StatefulSet", "StatefulSets"), strings.Join(r.Namespaces, ", "),
		day(r.Start), day(r.End), r.End.Sub(r.Start).Round(time.Second), cmp.Or(r.Kubernetes, "of an unknown version"), count(events, "event", "events"))
	if r.Selector != "" {
		scope += ", labels " + r.Selector
	}
	return head, scope
}

// day writes a moment, in UTC.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// moment writes a moment of a recording, in UTC.
func moment(t time.Time) string { return t.UTC().Format("01-02 15:04:05") }

// WriteRecordingConsole writes what matters of a recording for a terminal.
func WriteRecordingConsole(w io.Writer, r *recording.Recording) error {
	p := &printer{w: w}
	head, scope := recordedHeadline(r)
	p.f("\nrecorded: %s\n", scope)
	for _, line := range lacking(r) {
		p.f("  not recorded: %s\n", line)
	}
	if acts := actLines(r); len(acts) > 0 {
		p.f("\nwho did what (times are UTC):\n")
		for _, a := range acts[:min(len(acts), maxActsOnConsole)] {
			p.f("  %s\n", a)
		}
		p.more(len(acts) - maxActsOnConsole)
	}
	p.f("\ndowntime:\n")
	downs := r.OutageTotals()
	if len(downs) == 0 {
		p.f("  none: each pod that was Ready stayed so while its set asked for it\n")
	}
	for _, d := range downs[:min(len(downs), maxDownsOnConsole)] {
		p.f("  %s\n", downLine(&d))
	}
	p.more(len(downs) - maxDownsOnConsole)
	circumstances := circumstanceLines(r)
	p.section("nodes and budgets meanwhile", circumstances[:min(len(circumstances), maxDownsOnConsole)])
	p.more(len(circumstances) - maxDownsOnConsole)
	p.section("what the cluster took", figureLines(r.Figures))
	p.section("objectives", lines(r.Objectives))
	if len(r.Open) > 0 {
		p.f("\ncould not be judged (%s):\n", count(len(r.Open), "act", "acts"))
		for _, f := range r.Open[:min(len(r.Open), maxOpenOnConsole)] {
			p.f("  %s\n", foundLine(&f))
		}
		p.more(len(r.Open) - maxOpenOnConsole)
	}
	for _, f := range r.Broken {
		g, _ := contract.Get(f.Guarantee)
		p.f("\n%s %s: %s\n  when:    %s, %s/%s\n  docs:    %s\n  history: %s\n", f.Guarantee, recordedWord(&f), f.Text, day(f.At), f.Namespace, f.Set, g.Link, f.File)
	}
	if r.Cost != nil {
		p.f("\nthe recording itself took %s\n", r.Cost)
	}
	p.f("\n%s. %s\n", head, heldLine(r))
	return p.err
}

// more says how many lines were left out.
func (p *printer) more(n int) {
	if n > 0 {
		p.f("  and %d more, in %s\n", n, SummaryFile)
	}
}

// recordedWord says what became of a guarantee.
func recordedWord(f *recording.Finding) string {
	if f.Deviation {
		return "deviates (only the implementation promises it)"
	}
	return "broken"
}

// heldLine says what was judged and what was not.
func heldLine(r *recording.Recording) string {
	if r.AuditLog {
		return "Nothing was judged: an audit log is not the whole of what happened."
	}
	n := 0
	for _, times := range r.Held {
		n += times
	}
	return fmt.Sprintf("%s held wherever they could have been broken (%s); %d are not judged here: they are about what a test does or asks.",
		count(len(r.Held), "guarantee", "guarantees"), count(n, "time", "times"), len(judge.NotJudged()))
}

// lacking says what is missing from the histories, a line each.
func lacking(r *recording.Recording) []string {
	var out []string
	for _, h := range r.Histories {
		for _, line := range h.Lacks {
			out = append(out, h.Namespace+": "+line)
		}
	}
	return unique(out)
}

// actLines writes the acts a line each.
func actLines(r *recording.Recording) []string {
	out := make([]string, 0, len(r.Acts))
	for _, a := range r.Acts {
		line := fmt.Sprintf("%s  %s/%s  %s: %s", moment(a.At), a.Namespace, a.Set, a.Who, a.What)
		if a.Times > 1 {
			line += fmt.Sprintf(" (%d times)", a.Times)
		}
		out = append(out, line)
	}
	return out
}

func foundLine(f *recording.Finding) string {
	return fmt.Sprintf("%s  %s/%s  %s: %s", moment(f.At), f.Namespace, f.Set, f.Guarantee, f.Text)
}

// downLine says how often and how long something was down.
func downLine(d *recording.OutageTotal) string {
	what := "pod " + d.Pod
	if d.Pod == "" {
		what = "no majority of its pods"
	}
	return fmt.Sprintf("%s/%s  %s: %s", d.Namespace, d.Set, what, downText(d))
}

func downText(d *recording.OutageTotal) string {
	text := fmt.Sprintf("%s, %s in all, %s the longest", count(d.Times, "time", "times"), lasted(d.Total), lasted(d.Longest)) + bounds(d.Since, d.Lasts)
	const most = 3
	text += "; " + strings.Join(d.Causes[:min(len(d.Causes), most)], "; ")
	if n := len(d.Causes) - most; n > 0 {
		text += "; and " + count(n, "other cause", "other causes")
	}
	if len(d.Circumstances) > 0 {
		text += "; at that time " + strings.Join(d.Circumstances[:min(len(d.Circumstances), most)], ", ")
	}
	if n := len(d.Circumstances) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// bounds says that an interval is not recorded whole.
func bounds(since, lasts bool) (text string) {
	if since {
		text += ", since before the recording"
	}
	if lasts {
		text += ", still so at its end"
	}
	return text
}

// circumstanceText says what was so of a node or budget, how often, for how long, and with which pods.
func circumstanceText(a *recording.CircumstanceTotal) string {
	text := a.What
	if len(a.Whys) > 0 {
		text += " (" + strings.Join(few(a.Whys, 2), "; ") + ")"
	}
	with := "with "
	if a.Resource == history.Budgets {
		with = "of "
	}
	return fmt.Sprintf("%s %s, %s in all, from %s%s; %s%s", text, count(a.Times, "time", "times"), lasted(a.Total), moment(a.From), bounds(a.Since, a.Lasts), with,
		strings.Join(few(a.Pods, 5), ", "))
}

// few returns the first of some texts, and how many more there are.
func few(all []string, most int) []string {
	if len(all) <= most {
		return all
	}
	return append(slices.Clone(all[:most]), fmt.Sprintf("%d more", len(all)-most))
}

// circumstanceName names a node, or a budget with its namespace.
func circumstanceName(a *recording.CircumstanceTotal) string {
	if a.Resource == history.Budgets {
		return "budget " + a.Namespace + "/" + a.Name
	}
	return "node " + a.Name
}

// circumstanceLines says what was so of nodes and budgets, a line each.
func circumstanceLines(r *recording.Recording) []string {
	var out []string
	for _, a := range r.CircumstanceTotals() {
		out = append(out, circumstanceName(&a)+" "+circumstanceText(&a))
	}
	return out
}

// lasted writes how long something took.
func lasted(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// WriteRecordingSummary writes a recording as Markdown.
func WriteRecordingSummary(w io.Writer, r *recording.Recording) error {
	p := &printer{w: w}
	head, scope := recordedHeadline(r)
	p.f("## %s\n\n%s.\n\n%s\n", head, sanitize.Markdown(scope), heldLine(r))
	p.list("Broken promises", len(r.Broken), len(r.Broken), func(i int) string {
		f := &r.Broken[i]
		g, _ := contract.Get(f.Guarantee)
		return fmt.Sprintf("**%s** %s: %s ([promise](%s), history %s)", f.Guarantee, recordedWord(f), sanitize.Markdown(f.Text), link(g.Link), sanitize.Code(f.File))
	})
	lacks := lacking(r)
	p.list("Not recorded", len(lacks), maxOpenShown, func(i int) string { return sanitize.Markdown(lacks[i]) })
	if downs := r.OutageTotals(); len(downs) > 0 {
		p.f("\n### Downtime\n\n| set | pod | downtime |\n| --- | --- | --- |\n")
		for _, d := range downs[:min(len(downs), maxDownsShown)] {
			p.f("| %s | %s | %s |\n", sanitize.Markdown(d.Namespace+"/"+d.Set), sanitize.Markdown(cmp.Or(d.Pod, "no majority of its pods")), sanitize.Markdown(downText(&d)))
		}
	}
	circumstances := circumstanceLines(r)
	p.list("Nodes and budgets meanwhile", len(circumstances), maxDownsShown, func(i int) string { return sanitize.Markdown(circumstances[i]) })
	acts := actLines(r)
	p.list("Who did what (times are UTC)", len(acts), maxActsShown, func(i int) string { return sanitize.Markdown(acts[i]) })
	if len(r.Figures) > 0 {
		p.f("\n### What the cluster took\n\n")
		figuresTable(p, r.Figures)
	}
	p.list("Objectives", len(r.Objectives), len(r.Objectives), func(i int) string { return sanitize.Markdown(r.Objectives[i].String()) })
	p.list("Could not be judged", len(r.Open), maxOpenShown, func(i int) string { return sanitize.Markdown(foundLine(&r.Open[i])) })
	if r.Cost != nil {
		p.f("\nThe recording itself took %s.\n", sanitize.Markdown(r.Cost.String()))
	}
	return p.err
}

// list writes a section with n items, of which at most so many are shown; nothing if there are none.
func (p *printer) list(title string, n, most int, item func(int) string) {
	if n == 0 {
		return
	}
	p.f("\n### %s\n\n", title)
	for i := range min(n, most) {
		p.f("- %s\n", item(i))
	}
	if n > most {
		p.f("- and %d more, in %s\n", n-most, recording.File)
	}
}

// heldRows returns the guarantees that held, by name, with how often.
func heldRows(r *recording.Recording) []string {
	var out []string
	for id, n := range r.Held {
		out = append(out, fmt.Sprintf("%s (%d)", id, n))
	}
	slices.Sort(out)
	return out
}

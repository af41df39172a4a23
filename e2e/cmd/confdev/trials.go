package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// trial is a run of the suite on a cluster that keeps its promises, under circumstances; but for a bug that is known, which breaks one
// guarantee.
type trial struct {
	name, what string
	bug        string
	breaks     contract.ID
	// refused is part of the line with which the first checks have to refuse the cluster, "" where the suite is to run on it.
	refused string
}

// chooseTrials returns what a list of patterns names; none names all.
func chooseTrials[T any](variable, patterns string, all []T, name func(T) string) ([]T, error) {
	if patterns == "" {
		return all, nil
	}
	var names []string
	for _, one := range all {
		names = append(names, name(one))
	}
	return choose(variable, patterns, all, name, "expected one of "+strings.Join(names, ", "))
}

// trialRow is what the suite found in a trial.
type trialRow struct {
	trial
	report *report.Conformance
	// trouble is why there is no report.
	trouble string
}

// refusalFile is the file in a trial's report folder with why the first checks refused its cluster.
const refusalFile = "refused.txt"

// saveRefusal saves why a cluster was refused that has to be.
func (r trialRow) saveRefusal(dir string) error {
	if !r.wasRefused() {
		return nil
	}
	dir = filepath.Join(dir, r.name)
	if err := os.MkdirAll(dir, reportdir.FolderMode); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, refusalFile), []byte(r.trouble), reportdir.FileMode)
}

// wasRefused reports whether a cluster that has to be refused was, with the words that it has to be refused with in each line but one that counts them.
func (r trialRow) wasRefused() bool {
	if r.refused == "" || r.report != nil {
		return false
	}
	lines := strings.Split(strings.TrimSpace(r.trouble), "\n")
	if len(lines) > 1 {
		lines = lines[1:]
	}
	return !slices.ContainsFunc(lines, func(line string) bool { return !strings.Contains(line, r.refused) })
}

// trial carries out a trial, whose report is below the report folder after it.
func (d *devCluster) trial(ctx context.Context, t trial) (trialRow, error) {
	if _, err := d.run(ctx, t.name); err != nil {
		return trialRow{trial: t}, err
	}
	return tried(d.options.ReportDir, t)
}

// tried reads the report of a trial.
func tried(dir string, t trial) (trialRow, error) {
	if t.refused != "" {
		text, err := reportdir.Read(filepath.Join(dir, t.name), refusalFile, reportdir.MaxText)
		return trialRow{trial: t, trouble: string(text)}, err
	}
	saved, err := report.Load(filepath.Join(dir, t.name))
	return trialRow{trial: t, report: saved}, err
}

func (r trialRow) count(v verdict.Verdict) int {
	if r.report == nil {
		return 0
	}
	return r.report.Totals[v]
}

// broken lists the guarantees that were found broken, each with the first finding's sentence.
func (r trialRow) broken() []string {
	return r.rows(func(g report.Guarantee) string {
		switch {
		case g.Verdict != verdict.Fail && g.Verdict != verdict.Deviation:
			return ""
		case len(g.Findings) > 0:
			return g.Findings[0].Text
		}
		return string(g.Verdict)
	})
}

// lacking lists what the cluster does not have, each with the reason.
func (r trialRow) lacking() []string {
	return r.rows(func(g report.Guarantee) string {
		if g.Verdict != verdict.NotApplicable {
			return ""
		}
		return strings.Join(g.Reasons, "; ")
	})
}

// alarms counts the guarantees that were found broken and hold, a known bug that was not found, and a cluster that was not refused.
func (r trialRow) alarms() int {
	if r.refused != "" && r.report != nil {
		return 1
	}
	n, found := 0, r.breaks == "" || r.report == nil
	for _, text := range r.broken() {
		if id, _, _ := strings.Cut(text, ":"); id == string(r.breaks) {
			found = true
		} else {
			n++
		}
	}
	if !found {
		n++
	}
	return n
}

// rows returns the guarantees for which say has a text.
func (r trialRow) rows(say func(report.Guarantee) string) []string {
	if r.report == nil {
		return nil
	}
	var texts []string
	for _, g := range r.report.Guarantees {
		if text := say(g); text != "" {
			texts = append(texts, fmt.Sprintf("%s: %s", g.ID, text))
		}
	}
	return texts
}

func (r trialRow) String() string {
	switch {
	case r.wasRefused():
		return fmt.Sprintf("%-20s refused, as it has to be: %s", r.name, r.trouble)
	case r.report == nil:
		return fmt.Sprintf("%-20s no report: %s", r.name, r.trouble)
	case r.refused != "":
		return fmt.Sprintf("%-20s NOT REFUSED, although it has to be with: %s", r.name, r.refused)
	}
	found := r.broken()
	text := fmt.Sprintf("%-20s %s: %d pass, %d inconclusive, %d not applicable, %d found broken (%.0f s)",
		r.name, r.report.Result, r.count(verdict.Pass), r.count(verdict.Inconclusive), r.count(verdict.NotApplicable), len(found), r.report.Seconds)
	if r.bug != "" {
		text += "; known: " + r.bug
	}
	return strings.Join(append([]string{text}, found...), "\n       FOUND BROKEN ")
}

// trialTable is what the suite found in several trials.
type trialTable struct {
	// title heads the table, command writes it, kind names the circumstances, one and many of them.
	title, intro, command string
	kind, kinds           string
	rows                  []trialRow
}

func (t trialTable) alarms() int {
	n := 0
	for _, r := range t.rows {
		n += r.alarms()
	}
	return n
}

// unshown counts the trials without a report.
func (t trialTable) unshown() int {
	n := 0
	for _, r := range t.rows {
		if r.report == nil && !r.wasRefused() {
			n++
		}
	}
	return n
}

func (t trialTable) summary() string {
	var seconds float64
	for _, r := range t.rows {
		if r.report != nil {
			seconds += r.report.Seconds
		}
	}
	text := fmt.Sprintf("%d %s, %d false alarms; %.0f min", len(t.rows), t.kinds, t.alarms(), seconds/60)
	if n := t.unshown(); n > 0 {
		text += fmt.Sprintf("; %d without a report", n)
	}
	return text
}

// conclude prints a summary of the trials, and writes the file: of each trial that there is, its last whole run, from the reports below the folder dir or the
// row that the file has already.
func (t trialTable) conclude(out io.Writer, dir, file string, all []trial) error {
	fmt.Fprintln(out, t.summary())
	text, fresh, err := t.markdown(dir, file, all)
	if err != nil {
		return err
	}
	if fresh > 0 {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s has %d new rows\n", file, fresh)
	}
	switch alarms, unshown := t.alarms(), t.unshown(); {
	case alarms > 0:
		return fmt.Errorf("%d false alarms, or known bugs not found: see above", alarms)
	case unshown > 0:
		return fmt.Errorf("%d of %d %s without a report: see above", unshown, len(t.rows), t.kinds)
	}
	return nil
}

// markdown writes the table of all trials as a page, and returns how many of its rows are not in the file yet.
func (t trialTable) markdown(dir, file string, all []trial) (text []byte, fresh int, err error) {
	earlier, err := rowsOf(file)
	if err != nil {
		return nil, 0, err
	}
	var rows, without []string
	for _, one := range all {
		row, is := earlier[one.name]
		if found, err := tried(dir, one); err == nil && (found.report == nil || !found.report.Partial) {
			if now := found.row(); now != row {
				row, is = now, true
				fresh++
			}
		}
		if !is {
			without = append(without, one.name)
			continue
		}
		rows = append(rows, row)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!-- Written by %q. -->\n\n# %s\n\n%s Each row is of the last whole run on its %s, with the suite as it was then.\n\n", t.command, t.title, t.intro, t.kind)
	if len(without) > 0 {
		fmt.Fprintf(&b, "Without a whole run: %s.\n\n", strings.Join(without, ", "))
	}
	fmt.Fprintf(&b, "| %s | what it is | Kubernetes | verdict | pass | inconclusive | not applicable | found broken | seconds | run |\n", t.kind)
	b.WriteString("| --- | --- | --- | --- | ---: | ---: | --- | --- | ---: | --- |\n")
	b.WriteString(strings.Join(rows, ""))
	return b.Bytes(), fresh, nil
}

// rowsOf returns the rows of a table that markdown wrote, by the name of their trial. A file that is not there has none.
func rowsOf(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, " | "); len(cells) > 1 && strings.HasPrefix(line, "| ") {
			rows[strings.TrimPrefix(cells[0], "| ")] = line
		}
	}
	return rows, nil
}

// row is the trial's row of the table.
func (r trialRow) row() string {
	what := r.what
	if r.bug != "" {
		what += "; it has " + r.bug
	}
	if r.wasRefused() {
		return fmt.Sprintf("| %s | %s | | refused: %s | | | | | | |\n", r.name, what, cell(strings.Split(strings.TrimSpace(r.trouble), "\n")))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %d | %d | %s | %s | %.0f | %s, suite %s |\n", r.name, what, r.report.Cluster.KubernetesVersion, r.report.Result,
		r.count(verdict.Pass), r.count(verdict.Inconclusive), cell(r.lacking()), cell(r.broken()), r.report.Seconds, r.report.Start.Format(time.DateOnly), r.report.Suite.Version)
}

// cell puts texts into one cell of a table.
func cell(texts []string) string {
	if len(texts) == 0 {
		return "nothing"
	}
	return strings.ReplaceAll(strings.Join(texts, "; "), "|", "\\|")
}

package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// Compare returns every difference between a report and the same report made again from its folder: in facts, verdicts, counts and evidence.
// Only start and seconds cannot be made again. sameSuite says that the suite which judged is the one that compares: then every word and the list
// of rows must be the same. Another version may have other words and rows, so that a row which only one of them has is compared no further than
// that the histories do not break it. Who can write the whole folder can make a report that agrees with itself.
func (c *Conformance) Compare(again *Conformance, sameSuite bool) []string {
	var diffs differences
	diffs.compare("suite", c.Suite, again.Suite)
	diffs.compare("cluster", c.Cluster, again.Cluster)
	diffs.compare("settings", c.Settings, again.Settings)
	diffs.compare("partial", c.Partial, again.Partial)
	if c.SpecsSHA256 != "" || sameSuite {
		diffs.compare("SHA-256 of "+verdict.SpecsFile, c.SpecsSHA256, again.SpecsSHA256)
	}
	diffs = append(diffs, c.compareSpecs(again)...)
	rows := map[contract.ID]Guarantee{}
	for _, g := range again.Guarantees {
		rows[g.ID] = g
	}
	var shared []Guarantee
	totals := map[verdict.Verdict]int{}
	for _, g := range c.Guarantees {
		totals[g.Verdict]++
		now, known := rows[g.ID]
		delete(rows, g.ID)
		switch {
		case known:
			diffs.compareRow(g, now, sameSuite)
			shared = append(shared, now)
		case sameSuite:
			diffs.add("%s: the report has it, and the contract does not", g.ID)
		}
	}
	for id, g := range rows {
		if sameSuite || g.Verdict == verdict.Fail {
			diffs.add("%s: the report does not have it, its histories say %s", id, g.Verdict)
		}
	}
	if !maps.Equal(totals, c.Totals) {
		diffs.add("the report says %v in all, its rows say %v", c.Totals, totals)
	}
	// A row that only one of the two contracts has may have decided.
	if len(shared) == len(c.Guarantees) && len(shared) == len(again.Guarantees) {
		diffs.compare("result", c.Result, again.Result)
		diffs.compare("number of troubles", len(c.Troubles), len(again.Troubles))
	} else if least := leastResult(shared, c.Troubles); c.Result.Rank() < least.Rank() {
		diffs.add("the report says %s, the rows that both know say %s", c.Result, least)
	}
	if sameSuite {
		diffs.compare("troubles", c.Troubles, again.Troubles)
		diffs.compare("lag", c.Lag, again.Lag)
		diffs.compare("figures", c.Figures, again.Figures)
		diffs.compare("databases", c.Databases, again.Databases)
	}
	overall := verdict.Run{Overall: c.Result}
	diffs.compare("exit code", c.ExitCode, overall.ExitCode())
	return diffs
}

// differences are sentences about what a report says and its files do not.
type differences []string

func (d *differences) add(format string, args ...any) { *d = append(*d, fmt.Sprintf(format, args...)) }

// compare adds a difference if two values do not read the same in a file.
func (d *differences) compare(what string, said, found any) {
	one, err := json.Marshal(said)
	other, err2 := json.Marshal(found)
	if err != nil || err2 != nil || string(one) != string(other) {
		d.add("%s: the report says %v, its files say %v", what, said, found)
	}
}

func (d *differences) compareRow(g, now Guarantee, sameSuite bool) {
	switch {
	case g.Verdict != now.Verdict:
		d.add("%s: the report says %s, its histories say %s", g.ID, g.Verdict, now.Verdict)
	case g.Specs != now.Specs || g.Transitions != now.Transitions || g.Excused != now.Excused:
		d.add("%s: the report counts %d transitions in %d specs, its histories show %d in %d", g.ID, g.Transitions, g.Specs, now.Transitions, now.Specs)
	case sameSuite:
		d.compare(string(g.ID), g, now)
	case !reflect.DeepEqual(places(g.Findings), places(now.Findings)):
		d.add("findings of %s: the report has them in %v, its histories in %v", g.ID, places(g.Findings), places(now.Findings))
	}
	d.compare("level of "+string(g.ID), g.Level, now.Level)
}

// leastResult is the best result that a report with these rows and troubles may have.
func leastResult(rows []Guarantee, troubles []string) verdict.Overall {
	least := verdict.Conformant
	if len(troubles) > 0 {
		least = verdict.OverallInconclusive
	}
	for _, g := range rows {
		switch g.Verdict {
		case verdict.Fail:
			return verdict.NotConformant
		case verdict.Inconclusive:
			least = verdict.OverallInconclusive
		}
	}
	return least
}

// places returns where findings are, without their words.
func places(findings []Finding) []Finding {
	var out []Finding
	for _, f := range findings {
		out = append(out, Finding{Spec: f.Spec, History: f.History, Records: f.Records})
	}
	return out
}

// CompareHistories returns what a report says of its run and what the headers of its histories say otherwise. s are the report's settings.
func (c *Conformance) CompareHistories(run *verdict.Run, s runconfig.Settings) []string {
	var diffs differences
	if run.Name != "" && run.Name != s.Run {
		diffs.add("the settings are of the run %s, the histories of %s", s.Run, run.Name)
	}
	for _, j := range run.Histories {
		if j.Version != "" && j.Version != c.Cluster.KubernetesVersion {
			diffs.add("%s is of Kubernetes %s, the report of %s", j.File, j.Version, c.Cluster.KubernetesVersion)
		}
		if j.Lag != 0 && (j.Lag != s.Limits.Lag || j.ClockSkew != s.Limits.ClockSkew) {
			diffs.add("%s was judged with controller-lag=%v and clock-skew=%v, the settings have %v and %v", j.File, j.Lag, j.ClockSkew, s.Limits.Lag, s.Limits.ClockSkew)
		}
	}
	return diffs
}

func (c *Conformance) compareSpecs(again *Conformance) []string {
	var diffs differences
	found := map[string]Spec{}
	for _, s := range again.Specs {
		found[s.Text] = s
	}
	for _, s := range c.Specs {
		now, there := found[s.Text]
		delete(found, s.Text)
		switch {
		case !there && s.History == "":
			diffs.add("the spec %q is not in %s", s.Text, verdict.SpecsFile)
		case s.History != "" && now.SHA256 == "":
			diffs.add("the history %s of spec %q is missing", s.History, s.Text)
		case s.History != "" && now.SHA256 != s.SHA256:
			diffs.add("the history %s was changed: its SHA-256 is %s, the report says %s", s.History, now.SHA256, s.SHA256)
		case s != now:
			diffs.add("the spec %q: the report says %s, %g s, %q, %q; its files say %s, %g s, %q, %q", s.Text, s.State, s.Seconds, s.Message, s.History, now.State, now.Seconds, now.Message, now.History)
		}
	}
	for text := range found {
		diffs.add("the spec %q is not in the report", text)
	}
	return diffs
}

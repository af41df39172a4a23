package report

import (
	"fmt"
	"maps"
	"reflect"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// Compare returns every difference between a report and the same report made again from its folder: in facts, verdicts, counts and evidence.
// Only start and seconds cannot be made again, and words may be those of another version of the suite. A row that only one of them has is not
// compared, unless the histories break it. Who can write the whole folder can make a report that agrees with itself.
func (c *Conformance) Compare(again *Conformance) []string {
	var diffs []string
	differ := func(what string, said, found any) {
		if !reflect.DeepEqual(said, found) {
			diffs = append(diffs, fmt.Sprintf("%s: the report says %v, its files say %v", what, said, found))
		}
	}
	differ("suite", c.Suite, again.Suite)
	differ("cluster", c.Cluster, again.Cluster)
	differ("settings", c.Settings, again.Settings)
	differ("partial", c.Partial, again.Partial)
	if c.SpecsSHA256 != "" {
		differ("SHA-256 of "+verdict.SpecsFile, c.SpecsSHA256, again.SpecsSHA256)
	}
	diffs = append(diffs, c.compareSpecs(again)...)
	rows := map[contract.ID]Guarantee{}
	for _, g := range again.Guarantees {
		rows[g.ID] = g
	}
	totals := map[verdict.Verdict]int{}
	shared := 0
	for _, g := range c.Guarantees {
		totals[g.Verdict]++
		now, known := rows[g.ID]
		if !known {
			continue
		}
		shared++
		delete(rows, g.ID)
		switch {
		case g.Verdict != now.Verdict:
			diffs = append(diffs, fmt.Sprintf("%s: the report says %s, its histories say %s", g.ID, g.Verdict, now.Verdict))
		case g.Specs != now.Specs || g.Transitions != now.Transitions || g.Excused != now.Excused:
			diffs = append(diffs, fmt.Sprintf("%s: the report counts %d transitions in %d specs, its histories show %d in %d", g.ID, g.Transitions, g.Specs, now.Transitions, now.Specs))
		default:
			differ("findings of "+string(g.ID), places(g.Findings), places(now.Findings))
		}
		differ("level of "+string(g.ID), g.Level, now.Level)
	}
	for id, g := range rows {
		if g.Verdict == verdict.Fail {
			diffs = append(diffs, fmt.Sprintf("%s: the report does not have it, its histories say %s", id, g.Verdict))
		}
	}
	if !maps.Equal(totals, c.Totals) {
		diffs = append(diffs, fmt.Sprintf("the report says %v in all, its rows say %v", c.Totals, totals))
	}
	// A row that only one of the two contracts has may have decided.
	if shared == len(c.Guarantees) && shared == len(again.Guarantees) {
		if c.Result != again.Result {
			diffs = append(diffs, fmt.Sprintf("the report says %s, its histories say %s", c.Result, again.Result))
		}
		differ("exit code", c.ExitCode, again.ExitCode)
		differ("number of troubles", len(c.Troubles), len(again.Troubles))
	}
	return diffs
}

// places returns where findings are, without their words.
func places(findings []Finding) []Finding {
	var out []Finding
	for _, f := range findings {
		out = append(out, Finding{Spec: f.Spec, History: f.History, Records: f.Records})
	}
	return out
}

func (c *Conformance) compareSpecs(again *Conformance) []string {
	var diffs []string
	found := map[string]Spec{}
	for _, s := range again.Specs {
		found[s.Text] = s
	}
	for _, s := range c.Specs {
		now, there := found[s.Text]
		delete(found, s.Text)
		switch {
		case !there && s.History == "":
			diffs = append(diffs, fmt.Sprintf("the spec %q is not in %s", s.Text, verdict.SpecsFile))
		case s.History != "" && now.SHA256 == "":
			diffs = append(diffs, fmt.Sprintf("the history %s of spec %q is missing", s.History, s.Text))
		case s.History != "" && now.SHA256 != s.SHA256:
			diffs = append(diffs, fmt.Sprintf("the history %s was changed: its SHA-256 is %s, the report says %s", s.History, now.SHA256, s.SHA256))
		case s != now:
			diffs = append(diffs, fmt.Sprintf("the spec %q: the report says %s, %g s, %q, %q; its files say %s, %g s, %q, %q", s.Text, s.State, s.Seconds, s.Message, s.History, now.State, now.Seconds, now.Message, now.History))
		}
	}
	for text := range found {
		diffs = append(diffs, fmt.Sprintf("the spec %q is not in the report", text))
	}
	return diffs
}

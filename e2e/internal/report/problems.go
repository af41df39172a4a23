package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// problem is a guarantee with findings: broken, deviating or inconclusive.
type problem struct {
	Guarantee
	Word     string
	Findings []shownFinding
}

// First is the finding to begin with.
func (p problem) First() shownFinding { return p.Findings[0] }

// More returns the others, up to maxFindingsShown.
func (p problem) More() []shownFinding { return p.Findings[1:min(len(p.Findings), maxFindingsShown)] }

// Left counts the findings that only the machine-readable report has.
func (p problem) Left() int { return max(0, len(p.Findings)-maxFindingsShown) }

// shownFinding is a finding with its guarantee and its place on the page.
type shownFinding struct {
	Finding
	ID     contract.ID
	Word   string
	Anchor string
}

// problems returns the guarantees with findings, the worst first: by verdict, then by level, then by the number of findings.
func problems(c *Conformance) []problem {
	var out []problem
	for _, g := range c.Guarantees {
		if len(g.Findings) == 0 {
			continue
		}
		p := problem{Guarantee: g, Word: word(g.Verdict)}
		for _, f := range g.Findings {
			p.Findings = append(p.Findings, shownFinding{Finding: f, ID: g.ID, Word: p.Word, Anchor: anchor(f.Spec)})
		}
		out = append(out, p)
	}
	levels := contract.Levels()
	slices.SortStableFunc(out, func(a, b problem) int {
		return cmp.Or(
			cmp.Compare(slices.Index(severity(), a.Verdict), slices.Index(severity(), b.Verdict)),
			cmp.Compare(slices.Index(levels, a.Level), slices.Index(levels, b.Level)),
			cmp.Compare(len(b.Findings), len(a.Findings)),
		)
	})
	return out
}

// openQuestion is a reason for which guarantees are inconclusive.
type openQuestion struct {
	Reason string
	IDs    []contract.ID
}

// openQuestions groups the inconclusive rows without a finding by their reason: one failed spec often leaves many rows inconclusive.
func openQuestions(c *Conformance) []openQuestion {
	var out []openQuestion
	for _, g := range c.Guarantees {
		if g.Verdict != verdict.Inconclusive || len(g.Findings) > 0 {
			continue
		}
		var reasons []string
		for _, reason := range g.Reasons {
			reasons = append(reasons, brief(reason))
		}
		reason := strings.Join(reasons, "; ")
		i := slices.IndexFunc(out, func(q openQuestion) bool { return q.Reason == reason })
		if i < 0 {
			i, out = len(out), append(out, openQuestion{Reason: reason})
		}
		out[i].IDs = append(out[i].IDs, g.ID)
	}
	return out
}

// brief removes the document and the history from a reason that quotes a finding.
func brief(reason string) string {
	said, _, _ := strings.Cut(reason, "; docs: ")
	said, _, _ = strings.Cut(said, "; history: ")
	return said
}

func word(v verdict.Verdict) string {
	switch v {
	case verdict.Fail:
		return "broken"
	case verdict.Deviation:
		return "deviates"
	}
	return "inconclusive"
}

package runner

import (
	"fmt"
	"os"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
)

// Advisory is what a report shows beside the verdicts and what changes none of them: objectives for figures, and known issues.
type Advisory struct {
	Objectives  []string
	KnownIssues []contract.KnownIssue

	file string // of the known issues
}

func (a *Advisory) addFlags(f cli.Flags) {
	f.Strings(&a.Objectives, "OBJECTIVE", "`figure` and the most that it may be, such as pod-ready.p95=30s, several times or with commas between; met or not, it is no part of conformance")
	f.String(&a.file, "KNOWN_ISSUES", "", "`file` with guarantees that are known to be broken, each with reason and expires; it changes no verdict")
}

// validate reads the file, as of a day, and reports what is wrong.
func (a *Advisory) validate(now time.Time, wrong func(format string, args ...any)) {
	for _, text := range a.Objectives {
		if _, err := figures.ParseObjective(text); err != nil {
			wrong("OBJECTIVE: %v", err)
		}
	}
	if a.file == "" {
		return
	}
	text, err := os.ReadFile(a.file)
	if err == nil {
		a.KnownIssues, err = ParseKnownIssues(text, now)
	}
	if err != nil {
		wrong("KNOWN_ISSUES=%s: %v", a.file, err)
	}
}

// ParseKnownIssues reads a list of known issues in YAML, as of a day: each has a guarantee of the contract, a reason and the day on which it expires.
func ParseKnownIssues(text []byte, now time.Time) ([]contract.KnownIssue, error) {
	var issues []contract.KnownIssue
	if err := yaml.UnmarshalStrict(text, &issues); err != nil {
		return nil, fmt.Errorf("expected a list of entries with guarantee, reason and expires: %w", err)
	}
	known := map[contract.ID]bool{}
	for i := range issues {
		issue := &issues[i]
		if _, ok := contract.Get(issue.Guarantee); !ok || known[issue.Guarantee] {
			return nil, fmt.Errorf("entry %d: expected a guarantee of e2e/CATALOGUE.md, each once, found %q", i+1, issue.Guarantee)
		}
		last, err := time.Parse(time.DateOnly, issue.Expires)
		if err != nil || strings.TrimSpace(issue.Reason) == "" {
			return nil, fmt.Errorf("entry %d, %s: expected a reason, and the day on which it expires, such as 2027-03-01; found %q and %q", i+1, issue.Guarantee, issue.Reason, issue.Expires)
		}
		known[issue.Guarantee], issue.Expired = true, !now.Before(last.AddDate(0, 0, 1))
	}
	return issues, nil
}

package verdict

import (
	"fmt"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// Known is a known issue and the verdict of its guarantee, which it has no part in.
type Known struct {
	contract.KnownIssue
	Verdict Verdict `json:"verdict"`
}

// KnownIssues returns known issues with the verdicts of their guarantees.
func (run *Run) KnownIssues(issues []contract.KnownIssue) []Known {
	var out []Known
	for _, issue := range issues {
		for _, row := range run.Rows {
			if row.ID == issue.Guarantee {
				out = append(out, Known{issue, row.Verdict})
			}
		}
	}
	return out
}

// String says in a sentence what is to be thought of it.
func (k Known) String() string {
	broken := k.Verdict == Fail || k.Verdict == Deviation
	switch {
	case k.Verdict == Pass:
		return fmt.Sprintf("%s passes, and is said to be a known issue: take it out of the file (%s)", k.Guarantee, k.Reason)
	case broken && k.Expired:
		return fmt.Sprintf("%s is broken, and was known to be until %s: that day has passed (%s)", k.Guarantee, k.Expires, k.Reason)
	case broken:
		return fmt.Sprintf("%s is broken, as is known until %s (%s)", k.Guarantee, k.Expires, k.Reason)
	case k.Expired:
		return fmt.Sprintf("%s is %s, and was known to be broken until %s: that day has passed (%s)", k.Guarantee, k.Verdict, k.Expires, k.Reason)
	}
	return fmt.Sprintf("%s is %s, and known to be broken until %s (%s)", k.Guarantee, k.Verdict, k.Expires, k.Reason)
}

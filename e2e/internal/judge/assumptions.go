package judge

import (
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// brokenAssumption says which assumption (see doc.go) the recording shows to be broken, "" if none: an object that the test created was
// seen before the operation was recorded.
func brokenAssumption(h *history.History) string {
	first := map[types.UID]*history.Event{}
	for _, e := range h.Events {
		if first[e.UID] == nil {
			first[e.UID] = e
		}
	}
	for _, o := range h.Operations {
		if o.Verb != history.VerbCreate || o.Result == nil {
			continue
		}
		if e := first[o.Result.UID]; e != nil && e.Seq < o.Seq {
			return fmt.Sprintf("the operation %q at %s was recorded after its effect (%s)", o.Text, history.Clock(o.At), e.Ref())
		}
	}
	return ""
}

// distrust makes every violation inconclusive, because of what is wrong with the recording.
func (res *results) distrust(why string) {
	for _, r := range res.byID {
		for _, f := range r.Violations {
			f.Text += "; but the recording breaks an assumption of the judges: " + why
			r.Inconclusive = append(r.Inconclusive, f)
		}
		r.Violations = nil
	}
}

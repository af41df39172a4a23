package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// Excuse says why something that breaks a guarantee as it is written, under the set as it was recorded, accuses nobody and is not left open
// either. Every such place is counted: an excuse that grows shows a check that sees less than it seems to.
type Excuse string

// The excuses.
const (
	// CacheLag: the controller's informer cache may not have shown yet what the act should have waited for.
	CacheLag Excuse = "informer cache lag"
	// OlderSpec: the act was right under an earlier version of the set, which the controller may still have gone by.
	OlderSpec Excuse = "an earlier version of the set"
	// OtherCause: the act may have been for another purpose, for which it was right.
	OtherCause Excuse = "another cause"
	// WatchSkew: the recorder's watches may have been out of step.
	WatchSkew Excuse = "recorder's watches out of step"
	// NotDue: the controller need not have got so far.
	NotDue Excuse = "not due yet"
	// RevisionUnknown: no status named the revision of the set's template.
	RevisionUnknown Excuse = "revision not named by a status"
	// Refused: the controller reported that a creation had failed, and need not have tried again.
	Refused Excuse = "a creation was refused"
	// Disputed: documentation and controller disagree on whether the guarantee speaks of the pod.
	Disputed Excuse = "documentation and controller count a partition from different ordinals"
	// Forced: a client or the control plane ended the pod without its grace period.
	Forced Excuse = "pod ended by force"
)

// excuse counts one case in which a guarantee was not upheld as it is written, with the reason.
func (res *results) excuse(id contract.ID, why Excuse) {
	r := res.of(id)
	if r.Excused == nil {
		r.Excused = Excuses{}
	}
	r.Excused[why]++
}

// Excuses is how often something broke a guarantee as it is written and accuses nobody, by reason.
type Excuses map[Excuse]int

// Total adds up all reasons.
func (e Excuses) Total() int {
	n := 0
	for _, of := range e {
		n += of
	}
	return n
}

// String says how often in all, and the reasons, the most frequent first; "" for none.
func (e Excuses) String() string {
	if e.Total() == 0 {
		return ""
	}
	reasons := slices.Collect(maps.Keys(e))
	slices.SortFunc(reasons, func(a, b Excuse) int { return cmp.Or(e[b]-e[a], strings.Compare(string(a), string(b))) })
	words := make([]string, 0, len(reasons))
	for _, why := range reasons {
		words = append(words, string(why))
	}
	return fmt.Sprintf("excused %d: %s", e.Total(), strings.Join(words, ", "))
}

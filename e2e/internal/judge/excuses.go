package judge

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

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
	// Forced: a client or the control plane ended the pod without its grace period.
	Forced Excuse = "pod ended by force"
)

// excuse counts one case in which a guarantee was not upheld as it is written, with the reason.
func (res *results) excuse(id contract.ID, why Excuse) {
	r := res.of(id)
	if r.Excused == nil {
		r.Excused = map[Excuse]int{}
	}
	r.Excused[why]++
}

// ExcusedTotal adds up the excused cases of all reasons.
func (r *Result) ExcusedTotal() int {
	n := 0
	for _, of := range r.Excused {
		n += of
	}
	return n
}

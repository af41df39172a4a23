package judge

import (
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// aboutTests says why a guarantee is not judged in a history in which nobody ran a test, "" if it is.
func aboutTests(id contract.ID) string {
	switch id {
	case contract.IdentityHostname, contract.IdentityOwnFQDN:
		return "it is looked at inside of a container"
	case contract.DNSPodRecord:
		return "it is asked of the cluster's DNS"
	case contract.StorageInUseProtection, contract.LifecycleDisruptionTarget, contract.LifecycleEvictedGraceful:
		return "only a test knows which of the deletions and evictions were its own"
	case contract.StorageDeletedAfterPods:
		return "only a test knows that nobody took away the finalizer that holds a claim, which leaves no trace"
	}
	switch id.Family() {
	case "disruption":
		return "it is about nodes and parts of the control plane that a test stops"
	case "workload":
		return "it is about what clients of a database were told"
	}
	return ""
}

// Unstimulated runs the judges over a history of a namespace in which nobody ran a test, and which may begin in the middle of anything. It returns the
// results of the guarantees that such a history can decide. What was done on a view from before the recording, and what an admission policy may have
// done, is open; operations that a history has all the same count for nothing.
func Unstimulated(h *history.History) []Result {
	seen := *h
	seen.Header.Unstimulated = true
	unknown := []string{"an admission policy of the cluster, which no watch shows,"}
	seen.Header.Mutators = map[history.Resource][]string{history.Pods: unknown, history.Claims: unknown}
	seen.Events = slices.DeleteFunc(slices.Clone(h.Events), func(e *history.Event) bool { return e.Resource.Surrounds() })
	seen.Gaps = slices.DeleteFunc(slices.Clone(h.Gaps), func(g history.Gap) bool { return g.Resource.Surrounds() })
	seen.Operations, seen.Expectations, seen.Checks, seen.Clients, seen.Members = nil, nil, nil, nil, nil
	from := knownFrom(&seen)
	var out []Result
	for _, r := range judged(&seen).all() {
		if aboutTests(r.Guarantee) != "" {
			continue
		}
		r.openUntil(from)
		out = append(out, r)
	}
	return out
}

// openUntil makes violations of before a moment inconclusive.
func (r *Result) openUntil(from time.Duration) {
	r.Violations = slices.DeleteFunc(r.Violations, func(f Finding) bool {
		if f.At > from {
			return false
		}
		f.Text += "; but the recording had just begun, and what the controller knew from before is not in it"
		r.Inconclusive = append(r.Inconclusive, f)
		return true
	})
}

// NotJudged returns the guarantees that no history decides in which nobody ran a test.
func NotJudged() []contract.ID {
	decided := map[contract.ID]bool{}
	for _, id := range JudgedGuarantees() {
		decided[id] = aboutTests(id) == ""
	}
	var out []contract.ID
	for _, g := range contract.All() {
		if !decided[g.ID] {
			out = append(out, g.ID)
		}
	}
	return out
}

package judge_test

import (
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func endpointMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{contract.DNSEndpointConditions: serveWhileTerminating}
}

// serveWhileTerminating writes the endpoint of a pod anew, long after its deletion was requested, as if it were not.
func serveWhileTerminating(h *mutableHistory) bool {
	for _, slice := range h.shuffled(history.Slices) {
		for _, p := range h.shuffled(history.Pods) {
			d := p.deletion()
			if d == nil || d.Gone() {
				continue
			}
			at := d.At + 3*time.Second
			was := slice.at(at)
			if was == nil || was.Gone() || !p.unchanged(d.At, at+time.Second) || !slice.unchanged(d.At+time.Second, at+time.Second) {
				continue
			}
			for i, endpoint := range was.Slice.Endpoints {
				if endpoint.TargetUID == p.uid {
					h.insert(was, at, func(e *history.Event) { e.Slice.Endpoints[i].Ready, e.Slice.Endpoints[i].Terminating = true, false })
					return true
				}
			}
		}
	}
	return false
}

package figures

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// podVersions are the versions of all pods of one name and one set, in their order.
type podVersions []*history.Event

// podsByName returns the versions of the pods of sets, in the order in which their names were first seen.
func podsByName(h *history.History) []podVersions {
	type key struct {
		set  types.UID
		name string
	}
	at := map[key]int{}
	var out []podVersions
	for _, e := range h.Events {
		c := e.Controller()
		if e.Resource != history.Pods || c == nil {
			continue
		}
		k := key{c.UID, e.Name}
		if _, known := at[k]; !known {
			at[k] = len(out)
			out = append(out, nil)
		}
		out[at[k]] = append(out[at[k]], e)
	}
	return out
}

// serves reports whether an event shows its pod Ready and not being deleted.
func serves(e *history.Event) bool {
	return !e.Gone() && !e.Terminating() && e.Pod.RunningAndReady()
}

// on reports whether the newest pod at a moment was on a node and Ready, and no readiness gate of the suite's decides that.
func (v podVersions) on(node string, at time.Duration) bool {
	var last *history.Event
	for _, e := range v {
		if e.At > at {
			break
		}
		last = e
	}
	return last != nil && last.Pod.Node == node && serves(last) && !gated(last)
}

// down returns when a pod that was Ready was first not so after a moment, 0 where it stayed so.
func (v podVersions) down(after time.Duration) time.Duration {
	for _, e := range v {
		if e.At > after && !serves(e) {
			return e.At
		}
	}
	return 0
}

// up returns when a pod of the name was first Ready after a moment, 0 where none was.
func (v podVersions) up(after time.Duration) time.Duration {
	for _, e := range v {
		if e.At > after && serves(e) {
			return e.At
		}
	}
	return 0
}

// nodeSamples returns how long the cluster took to notice that a node had stopped, and to recover from it.
func nodeSamples(h *history.History) []Sample {
	var failures []failure
	if h.Header.Unstimulated {
		failures = failuresObserved(h)
	} else {
		failures = failuresCaused(h)
	}
	if len(failures) == 0 {
		return nil
	}
	var out []Sample
	for _, v := range podsByName(h) {
		for _, f := range failures {
			out = append(out, f.samples(v)...)
		}
	}
	return out
}

// failure is a node that stopped answering.
type failure struct {
	node string
	from time.Duration
	// remedy is the first thing that was done about it: the node was started again, declared out of service, or its object deleted; then is the second.
	// Both are 0 where there was none. Failures that the spec did not cause have neither.
	remedy, then time.Duration
	caused       bool // by the spec
}

// samples returns what the pods of one name show of a failure.
func (f failure) samples(v podVersions) []Sample {
	before := f.from
	if !f.caused {
		before -= watchesApart
	}
	if !v.on(f.node, before) {
		return nil
	}
	down := v.down(before)
	if down == 0 {
		return nil
	}
	up := v.up(down)
	if !f.caused {
		if up > f.from {
			return []Sample{{NodeLost, f.node, up - f.from}}
		}
		return nil
	}
	var out []Sample
	if f.remedy == 0 || down < f.remedy {
		out = append(out, Sample{NodeNoticed, f.node, down - f.from})
	}
	if f.remedy > 0 && up > f.remedy && (f.then == 0 || up < f.then) {
		out = append(out, Sample{NodeRecovered, f.node, up - f.remedy})
	}
	return out
}

// failuresCaused returns the nodes that the spec stopped.
func failuresCaused(h *history.History) []failure {
	var out []failure
	for i := range h.Operations {
		o := &h.Operations[i]
		if o.Resource != history.Nodes || o.Outcome != history.Accepted {
			continue
		}
		switch o.Verb {
		case history.VerbStopNode:
			out = append(out, failure{node: o.Name, from: o.ReturnAt, caused: true})
		case history.VerbStartNode, history.VerbFenceNode:
			if n := slices.IndexFunc(out, func(f failure) bool { return f.node == o.Name && f.then == 0 }); n >= 0 {
				if f := &out[n]; f.remedy == 0 {
					f.remedy = o.ReturnAt
				} else {
					f.then = o.At
				}
			}
		}
	}
	return out
}

// failuresObserved returns the nodes whose condition Ready was no longer True, or which were removed.
func failuresObserved(h *history.History) []failure {
	var out []failure
	ready := map[string]bool{}
	for _, e := range h.Events {
		if e.Resource != history.Nodes {
			continue
		}
		c := e.Node.Condition(corev1.NodeReady)
		is := !e.Gone() && c != nil && c.Status == corev1.ConditionTrue
		if ready[e.Name] && !is {
			out = append(out, failure{node: e.Name, from: e.At})
		}
		ready[e.Name] = is
	}
	return out
}

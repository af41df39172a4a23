package figures

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Kind says what took the time.
type Kind string

// The kinds, in the order in which they are told: what comes first is what people ask for first.
const (
	PodScheduled  Kind = "pod-scheduled"  // from the creation of a pod until it has a node
	PodStarted    Kind = "pod-started"    // from then until its phase is Running
	PodReady      Kind = "pod-ready"      // from its creation until it is Ready
	PodReplaced   Kind = "pod-replaced"   // from the removal of a pod until the next of its name is Ready, on the same node
	PodMoved      Kind = "pod-moved"      // the same, on another node
	PodRolled     Kind = "pod-rolled"     // what a rollout takes, from the change of the template until the status says that it is complete, for each pod
	ClaimBound    Kind = "claim-bound"    // from the creation of a claim until it is Bound
	NameResolved  Kind = "name-resolved"  // from when a pod is Ready until DNS has answered a question for its name with its address
	NameForgotten Kind = "name-forgotten" // from the removal of a pod until DNS has answered that its name has no address
	NodeRecovered Kind = "node-recovered" // from when a stopped node is started again or given up until a pod of it is Ready, there or elsewhere
	NodeLost      Kind = "node-lost"      // from when a node is not Ready any more until a pod of it is Ready again, in recordings
	NodeNoticed   Kind = "node-noticed"   // from when a node has stopped until a pod on it is not Ready
	PodRecreated  Kind = "pod-recreated"  // from the removal of a pod until the next of its name is created, which is the controller's part of that
	PodNext       Kind = "pod-next"       // from when a pod of an ordered set is Ready until the next is created
	PodStopped    Kind = "pod-stopped"    // from the request for its deletion until it is removed
	SetObserved   Kind = "set-observed"   // from the change of a set until the controller shows that it has seen it
	EndpointReady Kind = "endpoint-ready" // from when a pod is Ready until an EndpointSlice of a service lists it as ready
	EndpointGone  Kind = "endpoint-gone"  // from the request for the deletion of such a pod until none does
)

// Kinds returns all of them.
func Kinds() []Kind {
	return []Kind{
		PodScheduled, PodStarted, PodReady, PodReplaced, PodMoved, PodRolled, ClaimBound, NameResolved, NameForgotten, NodeRecovered, NodeLost, NodeNoticed,
		PodRecreated, PodNext, PodStopped, SetObserved, EndpointReady, EndpointGone,
	}
}

// Meaning says of a kind from what until what it is measured.
func (k Kind) Meaning() string {
	return map[Kind]string{
		PodScheduled:  "a pod is created, until it has a node",
		PodStarted:    "a pod has a node, until it runs",
		PodReady:      "a pod is created, until it is Ready",
		PodReplaced:   "a pod is removed, until the next of its name is Ready on the same node",
		PodMoved:      "a pod is removed, until the next of its name is Ready on another node",
		PodRolled:     "a template is changed, until the rollout is complete, for each pod",
		ClaimBound:    "a claim is created, until it is Bound",
		NameResolved:  "a pod is Ready, until DNS answers with it",
		NameForgotten: "a pod is removed, until DNS answers without it",
		NodeRecovered: "a stopped node is started or given up, until a pod of it is Ready",
		NodeLost:      "a node is not Ready, until a pod of it is Ready again",
		NodeNoticed:   "a node stops, until a pod on it is not Ready",
		PodRecreated:  "a pod is removed, until the next of its name is created",
		PodNext:       "a pod is Ready, until the next of its set is created",
		PodStopped:    "a pod's deletion is requested, until it is removed",
		SetObserved:   "a set is changed, until its controller shows that it has seen it",
		EndpointReady: "a pod is Ready, until its Service lists it as ready",
		EndpointGone:  "a pod's deletion is requested, until its Service does not list it as ready",
	}[k]
}

// Sample is one measured time.
type Sample struct {
	Kind Kind
	// Of is the node of a pod, or that was lost, the storage class of a claim, and "" of what is of none.
	Of   string
	Took time.Duration
}

// Figure sums up samples of one kind, in seconds. Of is "" for all of them.
type Figure struct {
	Kind   Kind    `json:"kind"`
	Of     string  `json:"of,omitempty"`
	Count  int     `json:"count"`
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	Max    float64 `json:"max"`
}

// replacedBy is how soon after the removal of a pod the next of its name is created, where nothing else has to happen before.
const replacedBy = 5 * time.Second

// life is what became of one pod or claim.
type life struct {
	created, scheduled, running, ready, bound, deleting, gone time.Duration // 0: not seen
	name, node, class, revision                               string
	uid, owner                                                types.UID
	claims                                                    map[string]string
	addrs                                                     []string
	gated                                                     bool
	// readies are the moments at which it became Ready; isReady says whether it is, and readyUntilDeleted whether it was when its deletion was requested.
	readies                    []time.Duration
	isReady, readyUntilDeleted bool
}

// lastReady returns when a pod that was Ready at a moment had become so, 0 where it never was before.
func (l *life) lastReady(at time.Duration) time.Duration {
	for _, r := range slices.Backward(l.readies) {
		if r <= at {
			return r
		}
	}
	return 0
}

// ordinalBefore returns the name of the pod before that of a set, "" where there is none.
func ordinalBefore(name string) string {
	n := history.Ordinal(name)
	if n < 1 {
		return ""
	}
	return fmt.Sprintf("%s%d", name[:strings.LastIndexByte(name, '-')+1], n-1)
}

// Measure returns the times that a history shows, of pods and claims whose creation it holds. Responses are those of the controller to changes of sets in
// the same history, of judge.Responses.
func Measure(h *history.History, responses []time.Duration) []Sample {
	pods, sets := livesOf(h, history.Pods), setsOf(h)
	out := podSamples(h, pods)
	for _, took := range responses {
		out = append(out, Sample{SetObserved, "", took})
	}
	return slices.Concat(out, nextSamples(pods, sets), rolloutSamples(h, pods, sets), serviceSamples(h, pods), nameSamples(h, pods), nodeSamples(h))
}

// podSamples returns how long pods took to be scheduled, started, Ready, replaced and stopped, and their claims to be Bound.
func podSamples(h *history.History, pods []*life) []Sample {
	var out []Sample
	claims := livesOf(h, history.Claims)
	for _, c := range claims {
		if c.bound > 0 {
			out = append(out, Sample{ClaimBound, c.class, c.bound - c.created})
		}
	}
	for i, p := range pods {
		before := predecessor(pods[:i], p)
		if before != nil {
			out = append(out, Sample{PodRecreated, "", p.created - before.gone})
		}
		if p.deleting > 0 && p.gone > p.deleting && p.running > 0 {
			out = append(out, Sample{PodStopped, p.node, p.gone - p.deleting})
		}
		if waitsForClaim(p, claims) {
			continue
		}
		if p.scheduled > 0 {
			out = append(out, Sample{PodScheduled, p.node, p.scheduled - p.created})
			if p.running > 0 {
				out = append(out, Sample{PodStarted, p.node, p.running - p.scheduled})
			}
		}
		if p.ready == 0 || p.gated {
			continue
		}
		out = append(out, Sample{PodReady, p.node, p.ready - p.created})
		if before != nil {
			kind := PodReplaced
			if before.node != p.node {
				kind = PodMoved
			}
			out = append(out, Sample{kind, p.node, p.ready - before.gone})
		}
	}
	return out
}

// predecessor returns the pod that a pod replaced at once, or nil.
func predecessor(earlier []*life, p *life) *life {
	for _, before := range slices.Backward(earlier) {
		if before.name == p.name {
			if before.owner == p.owner && before.node != "" && before.gone > 0 && p.created-before.gone <= replacedBy {
				return before
			}
			return nil
		}
	}
	return nil
}

// waitsForClaim reports whether a claim of a pod's was never Bound, at which it may have waited.
func waitsForClaim(p *life, claims []*life) bool {
	for _, name := range p.claims {
		if slices.ContainsFunc(claims, func(c *life) bool { return c.name == name && c.bound == 0 }) {
			return true
		}
	}
	return false
}

// livesOf returns the lives of the pods of sets, or of claims, whose creation the history holds, in the order of creation.
func livesOf(h *history.History, resource history.Resource) []*life {
	var out []*life
	byUID := map[types.UID]*life{}
	for _, e := range h.Events {
		if e.Resource != resource {
			continue
		}
		l := byUID[e.UID]
		if l == nil && e.Change == history.Added && !(resource == history.Pods && e.Controller() == nil) {
			l = &life{created: e.At, name: e.Name, uid: e.UID, revision: e.Labels[appsv1.ControllerRevisionHashLabelKey]}
			if c := e.Controller(); c != nil {
				l.owner = c.UID
			}
			byUID[e.UID] = l
			out = append(out, l)
		}
		if l != nil {
			l.see(e)
		}
	}
	return out
}

// see takes note of an event.
func (l *life) see(e *history.Event) {
	first := func(at *time.Duration, is bool) {
		if is && *at == 0 {
			*at = e.At
		}
	}
	if e.Terminating() && l.deleting == 0 {
		l.readyUntilDeleted = l.isReady
	}
	first(&l.deleting, e.Terminating())
	first(&l.gone, e.Change == history.Deleted)
	switch {
	case e.Pod != nil:
		l.node, l.claims = cmp.Or(l.node, e.Pod.Node), e.Pod.Claims
		l.gated = gated(e)
		if len(e.Pod.IPs) > 0 {
			l.addrs = e.Pod.IPs
		}
		if now := e.Pod.RunningAndReady(); now != l.isReady {
			if l.isReady = now; now {
				l.readies = append(l.readies, e.At)
			}
		}
		first(&l.scheduled, e.Pod.Node != "")
		first(&l.running, e.Pod.Phase == corev1.PodRunning)
		first(&l.ready, e.Pod.RunningAndReady())
	case e.Claim != nil:
		l.class = cmp.Or(l.class, e.Claim.Class)
		first(&l.bound, e.Claim.Phase == corev1.ClaimBound)
	}
}

// gated reports whether a readiness gate decides whether a pod is Ready.
func gated(e *history.Event) bool { return strings.Contains(e.Pod.Template.Parts, "readinessGates") }

// Sum returns the figures of samples, of each kind all together and then, where it is of several, of each node or class.
func Sum(samples []Sample) []Figure {
	var out []Figure
	for _, kind := range Kinds() {
		by := map[string][]time.Duration{}
		for _, s := range samples {
			if s.Kind == kind {
				by[""] = append(by[""], s.Took)
				if s.Of != "" {
					by[s.Of] = append(by[s.Of], s.Took)
				}
			}
		}
		for _, of := range slices.Sorted(maps.Keys(by)) {
			if of == "" || len(by) > 2 {
				out = append(out, figure(kind, of, by[of]))
			}
		}
	}
	return out
}

// figure sums up at least one time. Percentiles are of the nearest rank.
func figure(kind Kind, of string, all []time.Duration) Figure {
	slices.Sort(all)
	rank := func(percent int) float64 {
		n := (len(all)*percent + 99) / 100
		return float64(all[max(n, 1)-1].Milliseconds()) / 1000
	}
	return Figure{Kind: kind, Of: of, Count: len(all), Median: rank(50), P95: rank(95), Max: rank(100)}
}

package judge_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// expectationMutation looks for an object of which something can be expected that holds in a legal history, and returns the object and a
// change of the history that breaks it, nil if there is no such object.
type expectationMutation func(*mutableHistory) (of *object, violate func())

// expectationMutations are kept apart from mutations(), since an expectation may be for any guarantee.
func expectationMutations() map[history.ExpectationKind]expectationMutation {
	return map[history.ExpectationKind]expectationMutation{
		history.ExpectContainerExit: killEarly,
		history.ExpectNeverFailed:   failAfterCrash,
		history.ExpectLeftAlone:     takeExpectedPod,
		history.ExpectKept:          deleteKept,
	}
}

// TestExpectationMutationsAreCaught: on simulated histories an expectation that the simulator meets is never broken, and a change that
// breaks it is found.
func TestExpectationMutationsAreCaught(t *testing.T) {
	places, tries := 8, uint64(4000)
	for kind, mutate := range expectationMutations() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			found := 0
			for seed := uint64(0); seed < tries && found < places; seed++ {
				h := newMutableHistory(simulator.History(seed), rand.New(rand.NewPCG(seed, 5)))
				pod, violate := mutate(h)
				if pod == nil {
					continue
				}
				legal := judgeExpectationOf(kind, pod, h)
				if len(legal.Violations) > 0 {
					t.Errorf("seed %d: broken in a legal history: %s", seed, legal.Violations[0].Text)
				}
				if outcomeOf(legal) != history.Passed {
					continue
				}
				found++
				violate()
				if r := judgeExpectationOf(kind, pod, h); outcomeOf(r) != history.Failed && !excusedByOthers(r) {
					t.Errorf("seed %d: the mutation was not caught: %+v", seed, r)
				}
			}
			if found < places {
				t.Errorf("expected %d places for the mutation in %d histories, found %d", places, tries, found)
			}
		})
	}
}

// excusedByOthers reports whether the violation was found, and other clients or a gap stand against it.
func excusedByOthers(r judge.Result) bool {
	return len(r.Inconclusive) == 1 && strings.Contains(r.Inconclusive[0].Text, "; but ")
}

func judgeExpectationOf(kind history.ExpectationKind, pod *object, h *mutableHistory) judge.Result {
	sorted := h.sorted()
	x := expectationOf(kind, pod.first())
	x.Resource, x.Name, x.UID, x.Seq, x.At = pod.first().Resource, pod.name, pod.uid, sorted.End.Seq, sorted.End.At
	switch kind {
	case history.ExpectContainerExit:
		x.ExitCode, x.GraceSeconds = 0, *pod.first().Pod.Grace
	case history.ExpectLeftAlone:
		x.Since = pod.first().Seq
	}
	sorted.Expectations = []history.Expectation{x}
	// No simulated history has results for the guarantee that do not come from the expectation.
	return resultOf(judge.History(sorted))
}

// deleteKept requests the deletion of a claim or of a pod of a set that is there to the end.
func deleteKept(h *mutableHistory) (*object, func()) {
	for _, r := range []history.Resource{history.Claims, history.Pods} {
		for _, o := range h.shuffled(r) {
			owned := r == history.Claims || (h.setOf(o) != nil && !h.deletedByTest(o))
			if !owned || o.deletion() != nil || o.firstWhere(func(e *history.Event) bool { return e.Pod != nil && e.Pod.Finished() }) != nil || h.rng.IntN(2) == 0 {
				continue
			}
			return o, func() {
				at := h.end - time.Millisecond
				if r == history.Claims {
					h.collect(o, at, "Pod", &object{name: "gone", uid: "uid-gone"})
				} else {
					h.terminate(o, at)
				}
			}
		}
	}
	return nil, nil
}

// killEarly has the runtime kill the containers of two deleted pods of a set before their grace periods are over.
func killEarly(h *mutableHistory) (*object, func()) {
	type ending struct {
		of  *object
		end *history.Event
	}
	var early []ending
	for _, p := range h.shuffled(history.Pods) {
		d := h.controllerDeletion(p)
		if d == nil || *d.Pod.Grace < 5 {
			continue
		}
		end := p.firstWhere(func(e *history.Event) bool {
			return e.At > d.At && len(e.Pod.Containers) > 0 && e.Pod.Containers[0].State == history.ContainerTerminated
		})
		if end == nil || end.At > d.At+time.Duration(*d.Pod.Grace)*time.Second/2 {
			continue
		}
		for _, other := range early {
			if h.setOf(other.of) != h.setOf(p) {
				continue
			}
			return p, func() {
				p.change(end.At, func(e *history.Event) { e.Pod.Containers[0].ExitCode = 137 })
				other.of.change(other.end.At, func(e *history.Event) { e.Pod.Containers[0].ExitCode = 137 })
			}
		}
		early = append(early, ending{p, end})
	}
	return nil, nil
}

// failAfterCrash fails a pod where its kubelet should have restarted its container.
func failAfterCrash(h *mutableHistory) (*object, func()) {
	for _, p := range h.shuffled(history.Pods) {
		ready := p.ready()
		if ready == nil || len(ready.Pod.Containers) == 0 {
			continue
		}
		return p, func() {
			h.insert(ready, ready.At+1, func(e *history.Event) {
				setUnready(e)
				e.Pod.Phase = corev1.PodFailed
				e.Pod.Containers[0].State, e.Pod.Containers[0].ExitCode = history.ContainerTerminated, 7
			})
		}
	}
	return nil, nil
}

// takeExpectedPod moves the ownerReference of a pod from another controller to a set, as takePodOfOtherController does.
func takeExpectedPod(h *mutableHistory) (*object, func()) {
	i := slices.IndexFunc(h.objects[history.Pods], func(p *object) bool {
		c := p.first().Controller()
		return c != nil && c.Kind != "StatefulSet" && len(p.versions) > 2 && !p.versions[1].Gone() && p.versions[1].At != p.versions[0].At
	})
	if i < 0 || len(h.objects[history.Sets]) == 0 {
		return nil, nil
	}
	pod := h.objects[history.Pods][i]
	return pod, func() {
		set := h.shuffled(history.Sets)[0]
		pod.change(pod.versions[1].At, func(e *history.Event) {
			owner := *pod.first().Controller()
			owner.Kind, owner.Name, owner.UID = "StatefulSet", set.name, set.uid
			e.Owners = []metav1.OwnerReference{owner}
		})
	}
}

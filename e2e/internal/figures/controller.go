package figures

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// setVersions are the versions of one set, in their order.
type setVersions []*history.Event

// at returns the version that was the newest at a moment, nil before the first.
func (v setVersions) at(t time.Duration) *history.Event {
	var out *history.Event
	for _, e := range v {
		if e.At > t {
			break
		}
		out = e
	}
	return out
}

// changed returns when the spec was changed last before a moment, or was first seen.
func (v setVersions) changed(t time.Duration) time.Duration {
	var out time.Duration
	var generation int64
	for _, e := range v {
		if e.At > t {
			break
		}
		if e.Generation != generation {
			out, generation = e.At, e.Generation
		}
	}
	return out
}

// setsOf returns the versions of each set.
func setsOf(h *history.History) map[types.UID]setVersions {
	out := map[types.UID]setVersions{}
	for _, e := range h.Events {
		if e.Resource == history.Sets {
			out[e.UID] = append(out[e.UID], e)
		}
	}
	return out
}

// nextSamples returns how long the controller took to create a pod of an ordered set after the pod before it was Ready, where it waited for nothing else:
// not for a change of the set, for an earlier pod of the same name, or for minReadySeconds.
func nextSamples(pods []*life, sets map[types.UID]setVersions) []Sample {
	var out []Sample
	newest := map[types.UID]map[string]*life{} // by set and name
	for _, p := range pods {
		of := newest[p.owner]
		if of == nil {
			of = map[string]*life{}
			newest[p.owner] = of
		}
		before := of[ordinalBefore(p.name)]
		_, again := of[p.name]
		of[p.name] = p
		set := sets[p.owner].at(p.created)
		if again || before == nil || set == nil || set.Set.Policy != appsv1.OrderedReadyPodManagement || set.Set.MinReadySeconds > 0 {
			continue
		}
		if r := before.lastReady(p.created); r > sets[p.owner].changed(p.created) && before.deleting == 0 {
			out = append(out, Sample{PodNext, "", p.created - r})
		}
	}
	return out
}

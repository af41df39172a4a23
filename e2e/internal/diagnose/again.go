package diagnose

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// again is a name whose pods were deleted several times within a short time, nil if they were not. The set's controller tells of those that it
// deleted; of others nobody tells.
func (v *view) again(name string, p *corev1.Pod) *Finding {
	const often = 3
	within := time.Hour // for which events are kept
	if v.s.Since.Duration > 0 {
		within = v.s.Since.Duration
	}
	ended := map[types.UID]time.Time{}
	for _, e := range v.events("Pod", name, "", "Killing") {
		if uid := e.InvolvedObject.UID; uid != "" && strings.HasPrefix(e.Message, "Stopping container") && v.now.Sub(at(e)) <= within {
			ended[uid] = latest(ended[uid], at(e))
		}
	}
	if len(ended) < often {
		return nil
	}
	byController := 0
	for _, e := range v.events("StatefulSet", v.set.Name, v.set.UID, "SuccessfulDelete") {
		if m := ofPod.FindStringSubmatch(e.Message); len(m) == 2 && m[1] == name && v.now.Sub(at(e)) <= within {
			byController += max(int(e.Count), 1)
		}
	}
	if byController > 0 && byController < often {
		return nil // Some were deleted by the controller: who deleted how many is not told.
	}
	last := time.Time{}
	for _, t := range ended {
		last = latest(last, t)
	}
	pod, set := v.ref("pod", name), v.setRef()
	times := fmt.Sprintf("%d times within the last %s, the last %s ago", len(ended), lasted(within), v.ago(last))
	f := &Finding{
		Cause: Unknown, Area: Controller, Object: pod, Path: []Ref{set, pod}, Seen: "the pod that has the name now " + v.present(p),
		What:     fmt.Sprintf("was deleted %s, and not by the set's controller as far as its events tell", times),
		Evidence: []Evidence{{pod, "events Killing, pods of the name", fmt.Sprint(len(ended))}},
		Do:       []string{"find out who deletes it: the API server's audit log tells; a descheduler, an autoscaler of nodes or of requests, an operator, a person"},
		Look:     []string{kubectl(pod, "get events --field-selector involvedObject.name=%s --sort-by .lastTimestamp", name)},
	}
	if said := updatedByVPA(p); said != "" && byController == 0 {
		f.Evidence = append(f.Evidence, Evidence{pod, vpaAnnotation, said})
		f.Do = append([]string{"see whether it is the VerticalPodAutoscaler that writes its requests (" + kubectl(pod, "get events --field-selector reason=EvictedByVPA") + ")"}, f.Do...)
	}
	switch {
	case byController > 0 && v.undoesRollout():
		f.Cause, f.Object = "rollout-undone", set
		f.What = fmt.Sprintf("creates pod %s at its former revision and deletes it for the rollout, again and again (%s): its updateStrategy has a type and no rollingUpdate, of which "+
			"Kubernetes 1.37 makes this under Parallel when a pod is lost during a rollout", name, times)
		f.Evidence = append(f.Evidence,
			Evidence{set, "spec.updateStrategy.rollingUpdate", "(absent)"},
			Evidence{set, "status.currentRevision", v.set.Status.CurrentRevision}, Evidence{set, "status.updateRevision", v.set.Status.UpdateRevision})
		f.Do = []string{"set spec.updateStrategy.rollingUpdate.partition to 0, which asks for the same and ends it: the rollout goes on at once"}
		f.Look = []string{kubectl(set, `patch statefulset %s --type=merge -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'`, set.Name)}
	case byController > 0:
		f.Cause, f.Object = Note, set
		f.What = fmt.Sprintf("had its controller delete pod %s %s: something changes its replicas or its template as often", name, times)
		f.Evidence = append(f.Evidence, v.writers(within)...)
		f.Do = []string{"see who writes the set: an autoscaler and a deployment tool that both write replicas undo each other's work; leave replicas out of what the tool writes"}
		f.Look = []string{kubectl(set, "get statefulset %s -o yaml --show-managed-fields", set.Name)}
	}
	return f
}

// undoesRollout reports whether the set is one whose rollout the controller of Kubernetes 1.37 may undo: without the field rollingUpdate it creates a lost pod
// at the current revision, and under Parallel it deletes pods of that which are not available first.
func (v *view) undoesRollout() bool {
	strategy, status := v.set.Spec.UpdateStrategy, v.set.Status
	return strategy.Type == appsv1.RollingUpdateStatefulSetStrategyType && strategy.RollingUpdate == nil &&
		v.set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement && status.CurrentRevision != status.UpdateRevision
}

// ofPod is the pod in the controller's words about what it did.
var ofPod = regexp.MustCompile(`\bPod (\S+) in StatefulSet\b`)

// deletedAbove yields the pods above the set's range that its controller deleted, the lowest first.
func (v *view) deletedAbove() iter.Seq[string] {
	ordinals := map[int]bool{}
	for _, e := range v.events("StatefulSet", v.set.Name, v.set.UID, "SuccessfulDelete") {
		if m := ofPod.FindStringSubmatch(e.Message); m != nil {
			if n := v.ordinal(m[1]); n >= v.start()+v.replicas() {
				ordinals[n] = true
			}
		}
	}
	return func(yield func(string) bool) {
		for _, n := range slices.Sorted(maps.Keys(ordinals)) {
			if !yield(v.podName(n)) {
				return
			}
		}
	}
}

// writers are those who wrote the set itself of late, the last first.
func (v *view) writers(within time.Duration) []Evidence {
	var out []Evidence
	fields := slices.DeleteFunc(slices.Clone(v.set.ManagedFields), func(m metav1.ManagedFieldsEntry) bool {
		return m.Time == nil || m.Subresource == "status" || v.now.Sub(m.Time.Time) > within
	})
	slices.SortStableFunc(fields, func(a, b metav1.ManagedFieldsEntry) int { return cmp.Compare(b.Time.Unix(), a.Time.Unix()) })
	for _, m := range fields {
		out = append(out, Evidence{v.setRef(), "metadata.managedFields", strings.TrimSpace(m.Manager+" "+m.Subresource) + ", " + v.ago(m.Time.Time) + " ago"})
	}
	return out
}

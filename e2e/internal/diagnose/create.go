package diagnose

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// notCreated is a pod that is not there although the controller waits for no pod before it.
func (v *view) notCreated(ordinal int, manager *Finding) Finding {
	name := v.podName(ordinal)
	seen := fmt.Sprintf("pod %s does not exist", name)
	if e := v.rejection(name); e != nil {
		f := v.rejected(e)
		f.Seen = seen + ": the API server rejects what the controller creates"
		f.Path = []Ref{v.setRef(), v.ref("pod", name)}
		if f.Object != v.setRef() {
			f.Path = append(f.Path, f.Object)
		}
		f.Do = append(f.Do, "the controller tries again at growing intervals, up to a quarter of an hour; any change of the set has it try at once: "+
			kubectl(v.setRef(), "annotate statefulset %s tried=1 --overwrite", v.set.Name))
		return f
	}
	if f := v.namespaceEnds(); f != nil {
		f.Seen = seen
		return *f
	}
	if f := v.heldClaim(name); f != nil {
		f.Seen, f.Path = seen, []Ref{v.setRef(), v.ref("pod", name), f.Object}
		return *f
	}
	if manager != nil {
		f := *manager
		f.Seen = seen
		f.Path = []Ref{v.setRef()}
		return f
	}
	if f := v.strategyOff(); f != nil {
		f.Seen, f.Path = seen, []Ref{v.setRef()}
		return *f
	}
	f := Finding{
		Cause: Unknown, Area: Controller, Object: v.setRef(), What: "lacks pod " + name + ", and nothing that was read says why",
		Seen: seen, Evidence: v.statusEvidence(),
		Do:   []string{"read the set's events and the log of kube-controller-manager"},
		Look: []string{describe(v.setRef()), "kubectl -n kube-system logs -l component=kube-controller-manager --tail 200"},
	}
	before := len(f.Evidence)
	f.Evidence = v.appendWarnings(f.Evidence, "StatefulSet", v.set.Name, v.set.UID)
	if full := v.usedUp(); len(full) > 0 {
		f.Evidence = append(f.Evidence, full...)
		f.Do = append([]string{"a quota of the namespace is used up (above): see whether the API server rejects the pod for it"}, f.Do...)
	}
	since := v.lastMove(ordinal)
	if len(f.Evidence) == before && v.now.Sub(since) < patience {
		return v.underway(f, since)
	}
	return f
}

// usedUp are the quotas of the namespace of which nothing is left. Whether the set needs any of them is not looked at.
func (v *view) usedUp() []Evidence {
	var out []Evidence
	for i := range v.s.Quotas {
		q := &v.s.Quotas[i]
		for _, name := range slices.Sorted(maps.Keys(q.Status.Hard)) {
			hard, used := q.Status.Hard[name], q.Status.Used[name]
			if used.Cmp(hard) >= 0 {
				out = append(out, Evidence{v.ref("resourcequota", q.Name), "status.used[" + string(name) + "]", used.String() + " of " + hard.String()})
			}
		}
	}
	return out
}

// strategyOff is a set whose controller does not know its update strategy, nil if nothing says so: such a controller leaves the set alone.
func (v *view) strategyOff() *Finding {
	e := v.newest("StatefulSet", v.set.Name, v.set.UID, "UnknownStrategy")
	if e == nil {
		return nil
	}
	return &Finding{
		Cause: "strategy-unknown", Area: Controller, Object: v.setRef(), Path: []Ref{v.setRef()},
		What: fmt.Sprintf("has the update strategy %s, which its controller does not have: %s", v.set.Spec.UpdateStrategy.Type, oneLine(e.Message)),
		Seen: "the controller does nothing for the set", Evidence: []Evidence{eventEvidence(e), {v.setRef(), "spec.updateStrategy.type", string(v.set.Spec.UpdateStrategy.Type)}},
		Do:   []string{"choose RollingUpdate or OnDelete, or have the feature gate that the message names switched on in kube-controller-manager"},
		Look: []string{getYAML(v.setRef())},
	}
}

// heldClaim is a claim of a pod that does not exist, if it is being deleted: the controller makes the pod only when the claim has gone.
func (v *view) heldClaim(pod string) *Finding {
	for i := range v.set.Spec.VolumeClaimTemplates {
		c := v.claim(v.set.Spec.VolumeClaimTemplates[i].Name + "-" + pod)
		if c == nil || c.DeletionTimestamp == nil {
			continue
		}
		claim := v.ref("persistentvolumeclaim", c.Name)
		return &Finding{
			Cause: "claim-terminating", Area: Storage, Object: claim,
			What:     "is being deleted and held by its finalizers " + list(c.Finalizers) + ": the controller makes the pod only when it has gone",
			Evidence: []Evidence{{claim, "metadata.deletionTimestamp", c.DeletionTimestamp.UTC().Format(time.RFC3339)}, {claim, "metadata.finalizers", list(c.Finalizers)}},
			Do:       []string{"see what holds the claim: another pod that mounts it, or the controller of its finalizer"},
			Look:     []string{getYAML(claim)},
		}
	}
	return nil
}

// lastMove is when something last happened that a controller answers by creating the pod: the set was made or changed, or the pod
// before it has been available.
func (v *view) lastMove(ordinal int) time.Time {
	since := v.set.CreationTimestamp.Time
	for _, m := range v.set.ManagedFields {
		if m.Time != nil && m.Subresource == "" {
			since = latest(since, m.Time.Time)
		}
	}
	for n := v.start(); n < ordinal; n++ {
		if p := v.pod(v.podName(n)); p != nil {
			if c := condition(p, corev1.PodReady); c != nil {
				since = latest(since, c.LastTransitionTime.Add(time.Duration(v.set.Spec.MinReadySeconds)*time.Second))
			}
		}
	}
	for _, e := range v.events("StatefulSet", v.set.Name, v.set.UID, "SuccessfulDelete") {
		since = latest(since, at(e))
	}
	return since
}

// rejection is the controller's event of a failed creation of the pod or of a claim of it, unless a later attempt succeeded.
func (v *view) rejection(pod string) *corev1.Event {
	names := regexp.MustCompile(`\bPod ` + regexp.QuoteMeta(pod) + ` in StatefulSet\b`)
	for _, e := range v.events("StatefulSet", v.set.Name, v.set.UID, "FailedCreate", "SuccessfulCreate") {
		if !names.MatchString(e.Message) {
			continue
		}
		if e.Reason == "FailedCreate" {
			return e
		}
		if strings.HasPrefix(strings.ToLower(e.Message), "create pod") {
			return nil
		}
	}
	return nil
}

// statusEvidence is what the set itself shows.
func (v *view) statusEvidence() []Evidence {
	set, st := v.setRef(), v.set.Status
	out := []Evidence{
		{set, "spec.replicas", fmt.Sprint(v.replicas())},
		{set, "status.replicas", fmt.Sprintf("%d, of them %d Ready", st.Replicas, st.ReadyReplicas)},
		{set, "status.observedGeneration", fmt.Sprintf("%d, metadata.generation %d", st.ObservedGeneration, v.set.Generation)},
	}
	if v.set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement && v.unread("statefulsets") == "" {
		out = append(out, Evidence{set, "spec.podManagementPolicy", string(appsv1.ParallelPodManagement)})
	}
	return out
}

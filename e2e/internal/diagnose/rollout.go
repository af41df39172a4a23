package diagnose

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// replaceByHand is what to do about a broken pod of an earlier revision: under OrderedReady the controller may wait for it to become
// Ready before it replaces it, which a broken one never does.
func (v *view) replaceByHand(p *corev1.Pod) []string {
	has, wants := p.Labels[appsv1.ControllerRevisionHashLabelKey], v.set.Status.UpdateRevision
	if has == "" || wants == "" || has == wants || !v.controls(p) || p.DeletionTimestamp != nil {
		return nil
	}
	return []string{fmt.Sprintf("the set's template is newer than this pod (revision %s, the pod has %s): if the new one is right, delete the pod, the controller may wait for it to become Ready for ever: %s",
		wants, has, kubectl(v.ref("pod", p.Name), "delete pod %s", p.Name))}
}

// rollout follows a set whose pods are all Ready and not all of the newest revision.
func (v *view) rollout() []Finding {
	var old []string
	for i := range v.s.Pods {
		p := &v.s.Pods[i]
		if v.controls(p) && p.Labels[appsv1.ControllerRevisionHashLabelKey] != v.set.Status.UpdateRevision {
			old = append(old, p.Name)
		}
	}
	set := v.setRef()
	if v.set.Status.ObservedGeneration < v.set.Generation {
		return []Finding{v.underway(Finding{
			Area: Controller, Object: set, Seen: "the controller has not observed the last change of the set",
			Evidence: v.statusEvidence(), Look: []string{getYAML(set)},
		}, v.lastMove(0))}
	}
	if len(old) == 0 || v.set.Status.UpdateRevision == "" {
		return nil
	}
	f := Finding{
		Cause: Note, Area: Rollout, Object: set, Seen: fmt.Sprintf("%s not of the newest revision %s: %s", plural(len(old), "pod is", "pods are"), v.set.Status.UpdateRevision, list(old)),
		Evidence: []Evidence{
			{set, "status.updateRevision", v.set.Status.UpdateRevision},
			{set, "status.currentRevision", v.set.Status.CurrentRevision},
			{set, "spec.updateStrategy.type", string(v.set.Spec.UpdateStrategy.Type)},
		},
		Look: []string{kubectl(set, "rollout status statefulset/%s", set.Name), kubectl(set, "get pods -L %s", appsv1.ControllerRevisionHashLabelKey)},
	}
	switch rolling := v.set.Spec.UpdateStrategy.RollingUpdate; {
	case v.set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
		f.What = "has the update strategy OnDelete, under which pods keep their revision until somebody deletes them"
		f.Do = []string{"delete the pods one after another, or choose RollingUpdate"}
	case rolling != nil && rolling.Partition != nil && *rolling.Partition > 0:
		f.What = fmt.Sprintf("has the partition %d: pods below it keep their revision", *rolling.Partition)
		f.Evidence = append(f.Evidence, Evidence{set, "spec.updateStrategy.rollingUpdate.partition", fmt.Sprint(*rolling.Partition)})
		f.Do = []string{"lower the partition to go on with the rollout"}
	default:
		f.What = "is being rolled out, highest ordinal first"
		f.Do = []string{"wait, and ask again"}
	}
	return []Finding{f}
}

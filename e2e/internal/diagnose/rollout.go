package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
)

// reaches says how a change of the template reaches a pod that is not Ready, where that is what a finding advises: under OrderedReady it does not by
// itself.
func (v *view) reaches(p *corev1.Pod, f Finding) []string {
	if !v.ordered() || p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded {
		return nil
	}
	byHand := kubectl(v.ref("pod", p.Name), "delete pod %s", p.Name)
	all := strings.Join(f.Do, "\n")
	if !contains(all)("the set's template", "the template's securityContext") || strings.Contains(all, byHand) {
		return nil
	}
	return []string{"a change of the template does not reach a pod that is not Ready by itself (OrderedReady): after it, " + byHand}
}

// ofEarlierRevision says of a finding about a pod that the pod is of a revision which the set has left. Under OrderedReady the controller waits
// for it to become Ready before it replaces it, which a broken one never does ("forced rollback" in the documentation of sets), and under
// OnDelete nobody replaces it. It is then the pod that has to go, whatever broke it; below the partition a new pod would be of the same revision.
func (v *view) ofEarlierRevision(p *corev1.Pod, f Finding) Finding {
	has, wants := p.Labels[appsv1.ControllerRevisionHashLabelKey], v.set.Status.UpdateRevision
	if has == "" || wants == "" || !v.controls(p) || p.DeletionTimestamp != nil {
		return f
	}
	if has == wants {
		return v.stopsRollout(p, v.changedByHand(p, f))
	}
	pod := v.ref("pod", p.Name)
	f.Evidence = append(f.Evidence, Evidence{pod, "metadata.labels[" + appsv1.ControllerRevisionHashLabelKey + "]", has}, Evidence{v.setRef(), "status.updateRevision", wants})
	rolling := v.set.Spec.UpdateStrategy.RollingUpdate
	if rolling != nil && rolling.Partition != nil && v.ordinal(p.Name) < int(*rolling.Partition) {
		f.Do = append([]string{fmt.Sprintf("the set's partition %d keeps this pod at an earlier revision: deleted, it is made again as it is; if the newest template is right, lower the partition to %d first", *rolling.Partition, v.ordinal(p.Name))}, f.Do...)
		return f
	}
	onDelete := v.set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType
	remove := kubectl(pod, "delete pod %s", p.Name)
	c := condition(p, corev1.PodReady)
	recent := f.Area == Readiness && c != nil && v.now.Sub(c.LastTransitionTime.Time) < patience
	if !v.mendedByTemplate(p, f) || recent || (!v.ordered() && !onDelete) {
		if f.Known() {
			f.Do = append(f.Do, fmt.Sprintf("the pod is of an earlier revision (%s, the set's template is %s): if the template has mended this, delete the pod: %s", has, wants, remove))
		}
		return f
	}
	waits := "OrderedReady waits for it to become Ready before it is replaced, for ever"
	if onDelete {
		waits = "under OnDelete nobody replaces it"
	}
	f.Why = fmt.Sprintf("it is broken since it %s; if the template is right now, that needs no mending any more", f.What)
	f.Seen += ", and is of an earlier revision"
	f.Cause, f.Area, f.Object = "forced-rollback", Rollout, pod
	f.What = fmt.Sprintf("is of a revision that the set has left (%s, now %s) and broken, and %s: delete it", has, wants, waits)
	if image := v.imageLeft(p); image != "" {
		f.What = fmt.Sprintf("is broken and of a revision that the set has left (%s, now %s; its image %s is no longer in the template), and %s: delete it", has, wants, image, waits)
	}
	f.Do = []string{
		"if the set's template is right now: " + remove + "; with several such pods, the lowest first",
		"this is documented behaviour of sets (forced rollback), no failure of the cluster",
	}
	return f
}

// changedByHand makes a finding of an image that cannot be had say that the pod has another than the template from which it was made.
func (v *view) changedByHand(p *corev1.Pod, f Finding) Finding {
	template := &v.set.Spec.Template.Spec
	image := ""
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		own := specOf(slices.Concat(template.InitContainers, template.Containers), c.Name)
		if own.Image != "" && own.Image != c.Image && contains(f.What)("the image "+c.Image+" ") {
			image = c.Image
		}
	}
	if image == "" || f.Area != Image {
		return f
	}
	f.Cause = "pod-changed"
	f.What += fmt.Sprintf("; the set's template, of which the pod is, has another image than %s: somebody changed the pod, or an admission webhook did", image)
	f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template.spec.containers[*].image", imagesOf(template)})
	f.Do = []string{
		"delete the pod, which is then made from the template: " + kubectl(v.ref("pod", p.Name), "delete pod %s", p.Name),
		"if the next one has that image again: see which webhook changes pods (kubectl get mutatingwebhookconfigurations)",
	}
	return f
}

func imagesOf(spec *corev1.PodSpec) string {
	var out []string
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		out = append(out, c.Image)
	}
	return list(out)
}

// stopsRollout says of a finding about a pod of the newest revision, while pods of the one before are Ready, that the rollout stops there.
func (v *view) stopsRollout(p *corev1.Pod, f Finding) Finding {
	current := v.set.Status.CurrentRevision
	var well []string
	for i := range v.s.Pods {
		if q := &v.s.Pods[i]; v.controls(q) && isReady(q) && q.Labels[appsv1.ControllerRevisionHashLabelKey] == current {
			well = append(well, q.Name)
		}
	}
	if f.Cause == Note || current == "" || current == v.set.Status.UpdateRevision || len(well) == 0 {
		return f
	}
	set := v.setRef()
	f.Seen += fmt.Sprintf("; it is of the newest revision %s, and %s of revision %s Ready", v.set.Status.UpdateRevision, list(well), current)
	back := kubectl(set, "rollout undo statefulset/%s", set.Name)
	f.Do = append(f.Do, fmt.Sprintf("if it is the change that broke it, go back: %s, then %s, since a pod that is not Ready is not replaced by itself", back, kubectl(set, "delete pod %s", p.Name)))
	return f
}

// mendedByTemplate reports whether a pod of the newest template may not have what a finding says of this one: the two differ in what it is about.
func (v *view) mendedByTemplate(p *corev1.Pod, f Finding) bool {
	if !f.Known() && f.Cause != Unknown {
		return false
	}
	switch f.Area {
	case Image:
		return v.imageLeft(p) != ""
	case Container, Readiness:
		return true
	case Scheduling:
		return v.placedOtherwise(p)
	case Storage:
		return f.Cause == "volume-mount" || f.Cause == "earlier-data"
	}
	return false
}

// placedOtherwise reports whether the set's template asks for other nodes, or for other resources of them, than a pod does.
func (v *view) placedOtherwise(p *corev1.Pod) bool {
	of := func(spec *corev1.PodSpec) corev1.PodSpec {
		out := corev1.PodSpec{NodeSelector: spec.NodeSelector, Affinity: spec.Affinity, TopologySpreadConstraints: spec.TopologySpreadConstraints, SchedulerName: spec.SchedulerName}
		for i := range spec.Containers {
			out.Containers = append(out.Containers, corev1.Container{Resources: spec.Containers[i].Resources})
		}
		return out
	}
	ports := func(spec *corev1.PodSpec) []PortUse { return HostPorts(&corev1.Pod{Spec: *spec}) }
	// The API server adds tolerations to a pod: what the template tolerates counts only if the pod does not.
	template := &v.set.Spec.Template.Spec
	tolerates := slices.ContainsFunc(template.Tolerations, func(t corev1.Toleration) bool {
		return !slices.ContainsFunc(p.Spec.Tolerations, func(has corev1.Toleration) bool { return apiequality.Semantic.DeepEqual(t, has) })
	})
	return tolerates || !slices.Equal(ports(&p.Spec), ports(template)) || !apiequality.Semantic.DeepEqual(of(&p.Spec), of(template))
}

// imageLeft is an image of a pod that the set's template does not have, "" if it has all of them.
func (v *view) imageLeft(p *corev1.Pod) string {
	images := map[string]bool{}
	for _, all := range [][]corev1.Container{v.set.Spec.Template.Spec.InitContainers, v.set.Spec.Template.Spec.Containers} {
		for i := range all {
			images[all[i].Image] = true
		}
	}
	for _, all := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range all {
			if !images[all[i].Image] {
				return all[i].Image
			}
		}
	}
	return ""
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
		return []Finding{v.unobserved()}
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
	case rolling != nil && rolling.Partition != nil && *rolling.Partition > 0 && !slices.ContainsFunc(old, func(name string) bool { return v.ordinal(name) >= int(*rolling.Partition) }):
		f.What = fmt.Sprintf("has the partition %d: pods below it keep their revision", *rolling.Partition)
		f.Evidence = append(f.Evidence, Evidence{set, "spec.updateStrategy.rollingUpdate.partition", fmt.Sprint(*rolling.Partition)})
		f.Do = []string{"lower the partition to go on with the rollout"}
	default:
		if off := v.strategyOff(); off != nil {
			return []Finding{*off}
		}
		if kept := v.notDeleted(); kept != nil {
			return []Finding{*kept}
		}
		f.What = "is being rolled out, highest ordinal first"
		if v.set.Spec.UpdateStrategy.Type == appsv1.RecreateStatefulSetStrategyType {
			f.What = "is being rolled out by Recreate: all its pods are deleted, and the new ones made once those have gone"
		}
		if rolling != nil && rolling.Partition != nil && *rolling.Partition > 0 {
			f.What += fmt.Sprintf(", down to the partition %d", *rolling.Partition)
		}
		if s := v.set.Spec.MinReadySeconds; s > 0 {
			f.What += fmt.Sprintf(", and waits until each pod has been Ready for %s (minReadySeconds)", lasted(time.Duration(s)*time.Second))
		}
		f.Do = []string{"wait, and ask again"}
		if idle, is := v.standsStill(); is {
			f.Cause, f.Area = Unknown, Controller
			f.What = fmt.Sprintf("is being rolled out, and nothing has happened for %s although all its pods are Ready", lasted(idle))
			f.Do = []string{"see whether kube-controller-manager runs and what its log says of the set"}
		}
	}
	return []Finding{f}
}

// notDeleted is a pod that the controller wants to delete and the API server does not let it, nil if none is known.
func (v *view) notDeleted() *Finding {
	e := v.newest("StatefulSet", v.set.Name, v.set.UID, "FailedDelete", "SuccessfulDelete")
	if e == nil || e.Reason != "FailedDelete" {
		return nil
	}
	f := v.rejected(e)
	f.Seen = "the controller cannot delete a pod that is to be replaced or to go"
	f.Path = []Ref{v.setRef()}
	return &f
}

// notUpdated is a pod or claim that the controller wants to change and the API server does not let it, nil if none is known.
func (v *view) notUpdated() *Finding {
	e := v.newest("StatefulSet", v.set.Name, v.set.UID, "FailedUpdate", "SuccessfulUpdate")
	if e == nil || e.Reason != "FailedUpdate" || v.now.Sub(at(e)) > recently {
		return nil
	}
	f := v.rejected(e)
	f.Seen = "the controller cannot change what it looks after: labels and volumes of a pod that is not as the set makes it, or owners of a claim"
	f.Path = []Ref{v.setRef()}
	return &f
}

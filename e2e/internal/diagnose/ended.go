package diagnose

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// restartsNot is a container's own restartPolicy under which the kubelet may leave it ended, "" if it has none: a set's pods always have Always.
func restartsNot(c *corev1.Container) string {
	if c.RestartPolicy == nil || *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
		return ""
	}
	return string(*c.RestartPolicy)
}

// failsAnew is a name whose pods end again and again, and are made anew by the controller, since their containers are not restarted; nil if it is not.
func (v *view) failsAnew(name string, p *corev1.Pod) *Finding {
	const often = 3
	within := recently
	if v.s.Since.Duration > 0 {
		within = v.s.Since.Duration
	}
	var which []string
	spec := &v.set.Spec.Template.Spec
	for i := range spec.Containers {
		if policy := restartsNot(&spec.Containers[i]); policy != "" {
			which = append(which, fmt.Sprintf("container %s has restartPolicy %s of its own", spec.Containers[i].Name, policy))
		}
	}
	if len(which) < len(spec.Containers) {
		return nil // A pod goes on as long as one of its containers does.
	}
	started := map[types.UID]bool{}
	var last *corev1.Event
	for _, e := range v.events("Pod", name, "", "Started") {
		if uid := e.InvolvedObject.UID; uid != "" && v.now.Sub(at(e)) <= within {
			started[uid] = true
			if last == nil || at(e).After(at(last)) {
				last = e
			}
		}
	}
	deleted := 0
	for _, e := range v.events("StatefulSet", v.set.Name, v.set.UID, "SuccessfulDelete") {
		if m := ofPod.FindStringSubmatch(e.Message); len(m) == 2 && m[1] == name && v.now.Sub(at(e)) <= within {
			deleted += max(int(e.Count), 1)
		}
	}
	if len(started) < often || deleted < often-1 {
		return nil
	}
	pod, set := v.ref("pod", name), v.setRef()
	f := &Finding{
		Cause: "restart-never", Area: Container, Object: pod, Path: []Ref{set, pod}, Seen: "the pod that has the name now " + v.present(p),
		What: fmt.Sprintf("was made anew %d times within the last %s, each time since its containers ended: %s", deleted, lasted(within), strings.Join(which, ", ")),
		Evidence: []Evidence{
			{set, "events SuccessfulDelete of pod " + name, fmt.Sprint(deleted)},
			{pod, "events Started, pods of the name", fmt.Sprint(len(started))},
			{set, "spec.template.spec.containers[*].restartPolicy", strings.Join(which, ", ")},
		},
		Why: "a pod whose containers have ended and are not started again is Failed or Succeeded; the controller deletes it and makes another, without waiting longer each time, and its log goes with it",
		Do:  []string{"take restartPolicy out of the containers of the set's template, so that the kubelet starts them again and keeps the log of the one before", "and find out why they end: kubectl -n " + v.s.Namespace + " logs -f " + name + " while one runs"},
		Look: []string{
			kubectl(pod, "get events --field-selector involvedObject.name=%s --sort-by .lastTimestamp", name),
		},
	}
	if p != nil {
		for i := range p.Status.ContainerStatuses {
			if t := p.Status.ContainerStatuses[i].State.Terminated; t != nil {
				f.Evidence = append(f.Evidence, Evidence{pod, field(&p.Status.ContainerStatuses[i], ".state"), ended(t)})
				if said := telling(t.Message); said != "" {
					f.What += "; it says: " + said
				}
			}
		}
	}
	return f
}

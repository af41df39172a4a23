package diagnose

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// settingGone is a Ready pod whose volume names a ConfigMap, a Secret or a key that is not there any more, nil if it names none: the kubelet asks for
// it every minute or two as long as the pod runs, and says so. The pod runs on with what it has, and no other starts.
func (v *view) settingGone(p *corev1.Pod) *Finding {
	const asksAgain = 5 * time.Minute
	l := v.inspect(p, v.s.Events)
	l.seen = fmt.Sprintf("pod %s is Ready and runs on with what it has; made anew, it does not start", p.Name)
	e := l.newest("FailedMount")
	if e == nil || e.InvolvedObject.UID != p.UID || v.now.Sub(at(e)) > asksAgain || !at(e).After(readySince(p)) {
		return nil
	}
	m := ofVolume.FindStringSubmatch(e.Message)
	if m == nil {
		return nil
	}
	f := l.settingMissing(oneLine(e.Message), "volume "+m[1])
	if f == nil {
		return nil
	}
	f.What += ", which runs on until it is made anew"
	f.Evidence = append(f.Evidence, eventEvidence(e))
	f.Path = []Ref{v.setRef(), l.pod, f.Object}
	f.Do[0] = "create it again before the pod is deleted, its node drained or the set rolled out; or take it out of the set's template"
	return f
}

// readySince is when a pod became Ready.
func readySince(p *corev1.Pod) time.Time {
	if c := condition(p, corev1.PodReady); c != nil {
		return c.LastTransitionTime.Time
	}
	return p.CreationTimestamp.Time
}

// limitFrom makes a finding of a container that uses more memory than its limit say that the limit is not the template's.
func (v *view) limitFrom(p *corev1.Pod, f *Finding) {
	if f.Cause != "out-of-memory" {
		return
	}
	if v.limitFromVPA(p, f) {
		return
	}
	for _, c := range p.Spec.Containers {
		_, has := c.Resources.Limits[corev1.ResourceMemory]
		_, wants := specOf(v.set.Spec.Template.Spec.Containers, c.Name).Resources.Limits[corev1.ResourceMemory]
		if !has || wants || !contains(f.What)("container "+c.Name+" ") {
			continue
		}
		f.What += "; the set's template gives it no limit"
		f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template.spec.containers[" + c.Name + "].resources.limits[memory]", "(absent)"})
		f.Why = "a LimitRange of the namespace gives containers without a limit its default, or an admission webhook does"
		f.Do = []string{"set resources.limits.memory in the set's template to what the program needs, or raise the LimitRange's default (kubectl -n " + v.s.Namespace + " get limitranges -o yaml)"}
		return
	}
}

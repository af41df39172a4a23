package diagnose

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// pods follows what is wrong with the set's pods, in the order in which the controller meets them. manager is the finding that the
// controller manager does not run, nil if it does.
func (v *view) pods(manager *Finding) []Finding {
	first, end := v.start(), v.start()+v.replicas()
	var found, restarted []Finding
	var waiting, unseen []string
	var unavailable *corev1.Pod // Ready, and not for long enough
	for n := first; n < end; n++ {
		name := v.podName(n)
		p := v.pod(name)
		switch {
		case p == nil && v.set.DeletionTimestamp != nil:
			// The controller makes no pod for it any more.
		case p == nil && v.unread("pods") != "" && v.rejection(name) == nil:
			unseen = append(unseen, name)
		case p == nil && len(found) > 0 && v.ordered():
			waiting = append(waiting, name)
		case p == nil && unavailable != nil && v.ordered():
			found = append(found, v.notAvailable(unavailable))
			waiting = append(waiting, name)
		case p == nil:
			found = append(found, v.notCreated(n, manager))
		case !v.controls(p):
			found = append(found, v.nameTaken(p))
		case p.DeletionTimestamp == nil && isReady(p):
			if !v.available(p) {
				unavailable = p
			}
			ends := v.restarts(p)
			restarted = append(restarted, ends...)
			for i, f := range []*Finding{v.unsteady(p), v.settingGone(p), v.outdated(p)} {
				if f != nil && (i > 0 || len(ends) == 0) {
					restarted = append(restarted, *f)
				}
			}
		default:
			found = append(found, v.follow(p, manager)...)
		}
	}
	found = append(found, v.beyond(found)...)
	if len(waiting) > 0 {
		verb := "does not exist: it waits"
		if len(waiting) > 1 {
			verb = "do not exist: each waits"
		}
		found[0].Seen += fmt.Sprintf("; %s %s until the pod before it is Ready (podManagementPolicy OrderedReady)", list(waiting), verb)
		found[0].What += v.asksLater(found[0], waiting)
		if found[0].Cause == "readiness-probe" || found[0].Cause == "init-container" {
			found[0].Do = append(found[0].Do, "if it becomes Ready only with the other pods there: podManagementPolicy Parallel, of a new set, makes them at once")
		}
	}
	found = append(found, restarted...)
	if len(unseen) > 0 {
		found = append(found, v.unseen(unseen, found))
	}
	return found
}

// unseen tells of pods that may exist and were not read. It is a symptom without a cause if the set lacks Ready pods and nothing else says why.
func (v *view) unseen(names []string, found []Finding) Finding {
	set := v.setRef()
	f := Finding{
		Cause: Note, Area: Controller, Object: set, Path: []Ref{set}, What: "may have pods that were not read: nothing is known of " + list(names),
		Seen: "not all pods of the namespace were read", Evidence: v.statusEvidence(),
		Do: []string{"collect all pods of the namespace: kubectl get pods -o yaml"}, Look: []string{kubectl(set, "get pods")},
	}
	if v.set.Status.ReadyReplicas < int32(v.replicas()) && !slices.ContainsFunc(found, Finding.Known) {
		f.Cause = Unknown
	}
	return f
}

// available reports whether a Ready pod has been so for minReadySeconds.
func (v *view) available(p *corev1.Pod) bool {
	c := condition(p, corev1.PodReady)
	return c == nil || v.now.Sub(c.LastTransitionTime.Time) >= time.Duration(v.set.Spec.MinReadySeconds)*time.Second
}

// notAvailable is a Ready pod that the controller waits for.
func (v *view) notAvailable(p *corev1.Pod) Finding {
	pod := v.ref("pod", p.Name)
	f := Finding{
		Cause: Note, Area: Controller, Object: pod, Path: []Ref{v.setRef(), pod},
		What:     fmt.Sprintf("is Ready, and the controller goes on only when it has been so for %s (minReadySeconds)", lasted(time.Duration(v.set.Spec.MinReadySeconds)*time.Second)),
		Seen:     "the set has fewer pods than it asks for",
		Evidence: []Evidence{{v.setRef(), "spec.minReadySeconds", fmt.Sprint(v.set.Spec.MinReadySeconds)}},
		Do:       []string{"wait, or lower minReadySeconds of the set"},
		Look:     []string{kubectl(pod, "get pod %s -o wide", p.Name)},
	}
	if c := condition(p, corev1.PodReady); c != nil {
		f.Evidence = append(f.Evidence, Evidence{pod, "status.conditions[Ready].lastTransitionTime", v.ago(c.LastTransitionTime.Time) + " ago"})
	}
	return f
}

// restarts is a pod that is Ready at the moment and whose containers end again and again: the last run ended a short time ago, and was short, or
// ended for its memory within a day. A container that was restarted with its node ran for long.
func (v *view) restarts(p *corev1.Pod) []Finding {
	l := v.inspect(p, v.s.Events)
	for i := range p.Status.ContainerStatuses {
		c := &p.Status.ContainerStatuses[i]
		last := c.LastTerminationState.Terminated
		const short, long = recently / 2, 24 * time.Hour
		if last == nil || c.RestartCount < 2 {
			continue
		}
		often := v.now.Sub(last.FinishedAt.Time) <= short && last.FinishedAt.Sub(last.StartedAt.Time) <= short
		if leaks := last.Reason == "OOMKilled" && v.now.Sub(last.FinishedAt.Time) <= long; !often && !leaks {
			continue
		}
		l.seen = fmt.Sprintf("pod %s is Ready now, and its container %s ended %s ago", p.Name, c.Name, v.ago(last.FinishedAt.Time))
		f := l.crash(c, "container", last, specOf(p.Spec.Containers, c.Name))
		f.Path = []Ref{v.setRef(), l.pod}
		return []Finding{*f}
	}
	return nil
}

// follow follows what is wrong with one pod that exists.
func (v *view) follow(p *corev1.Pod, manager *Finding) []Finding {
	f := v.existing(p, manager)
	f.Path = append([]Ref{v.setRef(), v.ref("pod", p.Name)}, f.Path...)
	if f.Path[len(f.Path)-1] != f.Object {
		f.Path = append(f.Path, f.Object)
	}
	f = v.ofEarlierRevision(p, f)
	f.Do = append(f.Do, v.reaches(p, f)...)
	return []Finding{f}
}

func (v *view) existing(p *corev1.Pod, manager *Finding) Finding {
	switch {
	case p.DeletionTimestamp != nil:
		return v.terminating(p)
	case p.Status.Phase == corev1.PodFailed || p.Status.Phase == corev1.PodSucceeded:
		return v.finished(p, manager)
	case p.Spec.NodeName == "":
		return v.unscheduled(p)
	}
	if f := v.nodeOf(p); f != nil {
		return *f
	}
	if f := v.unboundClaim(p); f != nil {
		return *f
	}
	if f := v.containers(p); f != nil {
		if f.Cause == "crash-loop" {
			for _, data := range []*Finding{v.earlierData(p, *f), v.rescaledData(p, *f)} {
				if data != nil {
					return *data
				}
			}
		}
		if secret := v.rotated(p, f); secret != nil {
			return *secret
		}
		return *f
	}
	return v.unready(p)
}

// beyond follows pods of the set outside of its range: they are to go, the highest first. Under OrderedReady the controller ends one only while
// all others are Ready, except that the lowest pod that is not Ready may be the one to end. blocked are the findings of pods within the range.
func (v *view) beyond(blocked []Finding) []Finding {
	first, end := v.start(), v.start()+v.replicas()
	var toGo []*corev1.Pod
	for i := range v.s.Pods {
		p := &v.s.Pods[i]
		if n := v.ordinal(p.Name); v.controls(p) && n >= 0 && (n < first || n >= end) {
			toGo = append(toGo, p)
		}
	}
	slices.SortFunc(toGo, func(a, b *corev1.Pod) int { return v.ordinal(b.Name) - v.ordinal(a.Name) })
	var found []Finding
	var kept []string
	for _, p := range toGo {
		if p.DeletionTimestamp != nil {
			f := v.terminating(p)
			f.Path = append([]Ref{v.setRef(), v.ref("pod", p.Name)}, f.Path...)
			found = append(found, f)
			continue
		}
		kept = append(kept, p.Name)
	}
	slices.Reverse(kept)
	switch {
	case len(kept) == 0:
	case v.ordered() && len(blocked) > 0:
		verb := "is"
		if len(kept) > 1 {
			verb = "are"
		}
		blocked[0].What += fmt.Sprintf("; %s %s to go and stay until it is Ready (OrderedReady)", list(kept), verb)
		blocked[0].Do = append(blocked[0].Do, "or delete the pods that are to go by hand, the highest first: they are not made again")
	case len(found) > 0:
		found[0].Seen += fmt.Sprintf("; %s wait for it", list(kept))
	default:
		found = append(found, v.stays(toGo, kept))
	}
	return found
}

// stays is a pod that is to go although no other pod is in its way, or only one that is to go as well.
func (v *view) stays(toGo []*corev1.Pod, kept []string) Finding {
	highest := toGo[0]
	lowest := highest // of those that are not Ready
	for _, p := range toGo {
		if !isReady(p) {
			lowest = p
		}
	}
	if v.ordered() && !isReady(highest) && lowest != highest {
		f := v.follow(lowest, nil)[0]
		f.What += fmt.Sprintf("; %s are to go and stay, since the controller ends the highest only while those before it are Ready (OrderedReady)", list(kept))
		f.Do = append([]string{"delete the pods that are to go by hand, the highest first: they are not made again: " + kubectl(v.ref("pod", highest.Name), "delete pod %s", highest.Name)}, f.Do...)
		return f
	}
	if f := v.notDeleted(); f != nil {
		return *f
	}
	return Finding{
		Cause: Note, Area: Controller, Object: v.ref("pod", highest.Name), What: "is to go, and the controller has not deleted it yet",
		Seen: fmt.Sprintf("the set asks for ordinals %d to %d", v.start(), v.start()+v.replicas()-1), Path: []Ref{v.setRef()},
		Evidence: v.statusEvidence(), Look: []string{getYAML(v.setRef())},
	}
}

// finished is a pod whose containers have all ended for good.
func (v *view) finished(p *corev1.Pod, manager *Finding) Finding {
	pod := v.ref("pod", p.Name)
	if manager != nil {
		f := *manager
		f.Seen = fmt.Sprintf("pod %s is %s and is not replaced", p.Name, p.Status.Phase)
		return f
	}
	f := Finding{
		Cause: "pod-failed", Area: Node, Object: pod, What: "has ended: " + firstOf(p.Status.Reason, string(p.Status.Phase)),
		Seen:     fmt.Sprintf("pod %s is %s; the controller deletes such a pod and makes another", p.Name, p.Status.Phase),
		Evidence: []Evidence{{pod, "status.phase", string(p.Status.Phase)}},
		Look:     []string{describe(pod)},
	}
	if p.Status.Reason != "" || p.Status.Message != "" {
		f.Evidence = append(f.Evidence, Evidence{pod, "status.reason", p.Status.Reason}, Evidence{pod, "status.message", oneLine(p.Status.Message)})
	} else {
		f.Cause = Unknown
	}
	if p.Status.Message != "" {
		f.What += ": " + oneLine(p.Status.Message)
		f.Do = []string{refusalAdvice(p.Status.Reason, p.Spec.NodeName)}
	}
	if p.Status.Reason == "Evicted" {
		f.What = "was evicted"
		v.eviction(&f, p.Spec.NodeName, p.Status.Message)
	}
	f.Evidence = v.appendWarnings(f.Evidence, "Pod", p.Name, p.UID)
	return f
}

// unready is a pod that runs, whose containers show no error, and that is not Ready.
func (v *view) unready(p *corev1.Pod) Finding {
	for _, f := range []*Finding{v.gates(p), v.idle(p)} {
		if f != nil {
			return *f
		}
	}
	pod := v.ref("pod", p.Name)
	f := Finding{
		Cause: Unknown, Area: Readiness, Object: pod, What: "is not Ready, and nothing that was read says why",
		Seen: v.podSeen(p), Look: []string{describe(pod), kubectl(pod, "logs %s --all-containers", p.Name)},
		Do: []string{"read the pod's events and logs"},
	}
	since := p.CreationTimestamp.Time
	for i := range p.Status.Conditions {
		c := &p.Status.Conditions[i]
		if c.Status != corev1.ConditionTrue {
			f.Evidence = append(f.Evidence, Evidence{pod, "status.conditions[" + string(c.Type) + "]", shown(c)})
		}
		since = latest(since, c.LastTransitionTime.Time)
	}
	for i := range p.Status.ContainerStatuses {
		c := &p.Status.ContainerStatuses[i]
		f.Evidence = append(f.Evidence, Evidence{pod, field(c, ""), stateOf(c)})
	}
	f.Evidence = v.appendWarnings(f.Evidence, "Pod", p.Name, p.UID)
	if v.now.Sub(since) < patience && !v.warnedAgain(p) {
		return v.underway(f, since)
	}
	return f
}

// warnedAgain reports whether an event warns of a pod for more than the first time: the kubelet tries again what failed once.
func (v *view) warnedAgain(p *corev1.Pod) bool {
	return slices.ContainsFunc(v.events("Pod", p.Name, p.UID), func(e *corev1.Event) bool {
		return e.Type == corev1.EventTypeWarning && (e.Count > 1 || e.Series != nil)
	})
}

// underway makes a finding say that nothing is late yet.
func (v *view) underway(f Finding, since time.Time) Finding {
	f.Cause, f.What = Note, fmt.Sprintf("has been under way for %s, without a sign of an error", v.ago(since))
	f.Do = []string{"wait, and ask again"}
	return f
}

// podSeen is the symptom of a pod that exists.
func (v *view) podSeen(p *corev1.Pod) string {
	if p.Status.Phase == corev1.PodPending {
		return fmt.Sprintf("pod %s has been Pending for %s", p.Name, v.ago(p.CreationTimestamp.Time))
	}
	since := ""
	if c := condition(p, corev1.PodReady); c != nil {
		since = ", for " + v.ago(c.LastTransitionTime.Time)
	}
	return fmt.Sprintf("pod %s is %s and not Ready%s", p.Name, p.Status.Phase, since)
}

// gates is a pod that waits for a readiness gate.
func (v *view) gates(p *corev1.Pod) *Finding {
	if c := condition(p, corev1.ContainersReady); c == nil || c.Status != corev1.ConditionTrue {
		return nil
	}
	pod := v.ref("pod", p.Name)
	for i, g := range p.Spec.ReadinessGates {
		c := condition(p, g.ConditionType)
		if c != nil && c.Status == corev1.ConditionTrue {
			continue
		}
		f := Finding{
			Cause: "readiness-gate", Area: Readiness, Object: pod, Seen: v.podSeen(p),
			Evidence: []Evidence{
				{pod, "status.conditions[ContainersReady]", "True"},
				{pod, fmt.Sprintf("spec.readinessGates[%d].conditionType", i), string(g.ConditionType)},
			},
			Look: []string{kubectl(pod, "get pod %s -o wide", p.Name), kubectl(pod, "get pod %s -o jsonpath='{.status.conditions}'", p.Name)},
		}
		if c == nil {
			f.What = fmt.Sprintf("waits for the readiness gate %s, which nobody has set", g.ConditionType)
			f.Evidence = append(f.Evidence, Evidence{pod, fmt.Sprintf("status.conditions[%s]", g.ConditionType), "(absent)"})
			f.Why = "the controller that is to set this condition does not run, or does not know of the pod; its containers are fine"
		} else {
			f.What = fmt.Sprintf("waits for the readiness gate %s, which is %s", g.ConditionType, c.Status)
			f.Evidence = append(f.Evidence, Evidence{pod, fmt.Sprintf("status.conditions[%s]", g.ConditionType), shown(c)})
			f.Why = "whoever sets this condition holds the pod back; its containers are fine"
		}
		f.Do = []string{"find what sets the condition (a load balancer's or an operator's controller) and see whether it runs", "or take the gate out of the set's template"}
		return &f
	}
	return nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

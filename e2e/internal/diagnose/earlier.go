package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// recently is how far back the end of an earlier pod of a name counts. Events are kept for an hour, unless the API server is told otherwise.
const recently = 30 * time.Minute

// What kubelets say when they evict a pod: for a limit of its own, or because the node ran short.
var (
	overLimit    = regexp.MustCompile(`Container (\S+) exceeded its local ephemeral storage limit "?([^"\s]+?)"?\.`)
	overPodLimit = regexp.MustCompile(`ephemeral local storage usage exceeds the total limit of containers (\S+?)\.(?:\s|$)`)
	overEmptyDir = regexp.MustCompile(`Usage of EmptyDir volume "([^"]+)" exceeds the limit "([^"]+)"`)
	shortNode    = regexp.MustCompile(`The node was low on resource: ([^.]+)\.`)
)

// eviction says why a pod was evicted by the kubelet of a node, from the kubelet's message.
func (v *view) eviction(f *Finding, node, message string) {
	f.Area, f.Cause = Node, "evicted"
	limit := func(text string, args ...any) {
		f.Area, f.Cause = Container, "ephemeral-storage"
		f.What += ": " + fmt.Sprintf(text, args...)
		f.Why = "the kubelet evicts a pod that fills more of its node's disk than its limit allows, and the controller makes another, which does the same"
		f.Do = []string{
			"find what the container writes outside of its volumes, and have it write to a volume or less",
			"or raise the limit (resources.limits.ephemeral-storage, sizeLimit of an emptyDir) in the set's template",
		}
	}
	if m := overLimit.FindStringSubmatch(message); m != nil {
		limit("container %s exceeded its ephemeral-storage limit %s", m[1], m[2])
		return
	}
	if m := overPodLimit.FindStringSubmatch(message); m != nil {
		limit("its containers exceeded their ephemeral-storage limit %s", m[1])
		return
	}
	if m := overEmptyDir.FindStringSubmatch(message); m != nil {
		limit("its emptyDir volume %s exceeded the limit %s", m[1], m[2])
		return
	}
	if m := shortNode.FindStringSubmatch(message); m != nil {
		f.Cause = "node-pressure"
		f.What += fmt.Sprintf(": node %s ran short of %s", node, m[1])
		f.Why = "the kubelet ends pods when its node runs short, those first that use more than they request"
		f.Do = []string{
			fmt.Sprintf("see what uses up %s on node %s: this pod or another", m[1], node),
			"have the set's template request what its pods use, so that they are not the first to go",
		}
		return
	}
	f.What += ": " + firstOf(oneLine(message), "(nothing)")
	f.Do = []string{"read the kubelet's message above, and see what node " + node + " runs short of"}
}

// evictor is who says in an event that it ended a pod for reasons of its own, "" where none of those that are known does.
func evictor(e *corev1.Event) Cause {
	says := contains(e.Message)
	switch {
	case e.Type == corev1.EventTypeWarning:
		return "" // It failed, or a kubelet says it.
	case (e.Reason == "Evicted" || e.Reason == "Disrupted") && (e.Source.Component == "karpenter" || e.ReportingController == "karpenter" || strings.HasPrefix(e.Message, "Evicted pod")):
		return "karpenter-evicts"
	case e.Reason == "ScaleDown" && says("node scale down"):
		return "scale-down-evicts"
	case says("sigs.k8s.io/descheduler"):
		return "descheduler-evicts"
	}
	return ""
}

// evictedBy says that a pod was ended by what removes nodes, or moves pods between them.
func (v *view) evictedBy(f *Finding, by Cause, e *corev1.Event) {
	f.Area, f.Cause = Disruption, by
	f.Why = "that is how it works: it asks the Eviction API, which a PodDisruptionBudget governs, and the controller makes the pod again"
	switch by {
	case "karpenter-evicts":
		f.What += ": Karpenter removes or replaces its node (" + oneLine(e.Message) + ")"
		f.Do = []string{"where pods must not be moved for that: the annotation karpenter.sh/do-not-disrupt: \"true\" in the set's template, or a PodDisruptionBudget; and see the disruption settings of the NodePool (consolidateAfter, budgets, expireAfter)"}
		if e.Reason == "Disrupted" {
			f.Why = "the node's terminationGracePeriod is over: from then on neither a PodDisruptionBudget nor do-not-disrupt holds it"
			f.Do = []string{"see terminationGracePeriod and expireAfter of the NodePool, and why the node was not drained before: a budget that allows nothing, a pod that does not end"}
		}
	case "scale-down-evicts":
		f.What += ": the cluster autoscaler removes its node (" + oneLine(e.Message) + ")"
		f.Do = []string{"where pods must not be moved for that: the annotation cluster-autoscaler.kubernetes.io/safe-to-evict: \"false\" in the set's template, or a PodDisruptionBudget"}
	default:
		f.What += ": the descheduler moves it (" + oneLine(e.Reason+": "+e.Message) + ")"
		f.Do = []string{"where pods must not be moved: leave the set's namespace or pods out in the descheduler's policy (its evictor's settings, such as those for pods with claims), or a PodDisruptionBudget"}
	}
	f.Do = append(f.Do, "if it happens again and again: what moves it and what places it disagree; the policy of the first has to fit the scheduler's")
}

// ending is the reason of an event that says why a pod was ended from outside.
func (v *view) ending(f *Finding, e *corev1.Event) {
	if by := evictor(e); by != "" {
		v.evictedBy(f, by, e)
		return
	}
	switch e.Reason {
	case "Evicted":
		v.eviction(f, firstOf(e.Source.Host, e.ReportingInstance), e.Message)
	case "Preempted":
		f.Area, f.Cause = Scheduling, "preempted"
		f.What += ": a pod of a higher priority took its place (" + oneLine(e.Message) + ")"
		f.Do = []string{"give the set's pods a PriorityClass that is not below that of their neighbours", "or add nodes"}
	case "TaintManagerEviction":
		f.Area, f.Cause = Node, "taint-eviction"
		f.What += ": its node has a taint NoExecute that the pod does not tolerate, or tolerated for a time only"
		f.Do = []string{"see which taints its node had and who set them: a node that was lost gets node.kubernetes.io/unreachable"}
	case "EvictedByVPA":
		f.Area, f.Cause = Controller, "autoscaler-evicts"
		f.What += ": a VerticalPodAutoscaler gives pods other requests by ending them (" + oneLine(e.Message) + ")"
		f.Why = "the pods that are made for them have the requests that it recommends: that is how it works"
		f.Do = []string{"where pods must not be ended for that: updateMode Off or Initial in the VerticalPodAutoscaler, or a PodDisruptionBudget, which it asks"}
	default:
		f.Area, f.Cause = Node, "pod-failed"
		f.What += fmt.Sprintf(": %s: %s", e.Reason, oneLine(e.Message))
		f.Why = "the kubelet of the node does not take the pod that it was to run; the controller makes another, with which the same happens"
		f.Do = []string{refusalAdvice(e.Reason, firstOf(e.Source.Host, e.ReportingInstance))}
		if node := v.set.Spec.Template.Spec.NodeName; node != "" {
			f.What += "; the set's template gives it the node " + node + " past the scheduler (nodeName)"
			f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template.spec.nodeName", node})
			f.Do = append(f.Do, "take nodeName out of the set's template: the scheduler then looks for a node that takes the pod")
		}
	}
}

// refusedByNode reports whether a reason is one for which a kubelet does not take a pod.
func refusedByNode(reason string) bool {
	return strings.HasPrefix(reason, "OutOf") || slices.Contains([]string{
		"NodeAffinity", "NodeName", "NodePorts", "NodeShutdown", "PodOSNotSupported", "PodFeatureUnsupported", "TaintToleration", "TopologyAffinityError",
		"UnexpectedAdmissionError", "SysctlForbidden", "AppArmor", "SMTAlignmentError", "InitContainerRestartForbidden",
	}, reason)
}

// lost are the ends of earlier pods of a name, the newest first.
func (v *view) lost(name string, now types.UID) []*corev1.Event {
	var out []*corev1.Event
	seen := map[types.UID]bool{now: now != ""}
	within := recently
	if v.s.Since.Duration > 0 {
		within = v.s.Since.Duration
	}
	for _, e := range v.events("Pod", name, "") {
		uid := e.InvolvedObject.UID
		if !slices.Contains([]string{"Evicted", "Preempted", "TaintManagerEviction", "EvictedByVPA"}, e.Reason) && !refusedByNode(e.Reason) && evictor(e) == "" {
			continue
		}
		cancelled := strings.HasPrefix(e.Message, "Cancelling")
		if uid == "" || seen[uid] || cancelled || v.now.Sub(at(e)) > within {
			continue
		}
		seen[uid] = true
		out = append(out, e)
	}
	return out
}

// earlier follows what happened to earlier pods of the names of the set's: a pod that is evicted is made again, and looks young and well.
func (v *view) earlier() []Finding {
	var found []Finding
	for n := v.start(); n < v.start()+v.replicas(); n++ {
		name := v.podName(n)
		var uid types.UID
		p := v.pod(name)
		if p != nil && p.Status.Phase != corev1.PodFailed {
			uid = p.UID
		}
		all := v.lost(name, uid)
		if len(all) == 0 {
			if f := v.failsAnew(name, p); f != nil {
				found = append(found, *f)
			} else if f := v.again(name, p); f != nil {
				found = append(found, *f)
			}
			continue
		}
		pod := v.ref("pod", name)
		times := "once, "
		if len(all) > 1 {
			times = fmt.Sprintf("%d times, the last ", len(all))
		}
		f := Finding{
			Object: pod, What: fmt.Sprintf("was ended from outside %s%s ago", times, v.ago(at(all[0]))),
			Seen: fmt.Sprintf("the pod that has the name now %s", v.present(p)), Path: []Ref{v.setRef(), pod},
			Look: []string{kubectl(pod, "get events --field-selector involvedObject.name=%s --sort-by .lastTimestamp", name), describe(pod)},
		}
		if all[0].Reason == "Evicted" {
			f.What = strings.Replace(f.What, "ended from outside", "evicted", 1)
		} else if refusedByNode(all[0].Reason) {
			f.What = strings.Replace(f.What, "ended from outside", "not taken by its node", 1)
		}
		v.ending(&f, all[0])
		for _, e := range all[:min(len(all), 5)] {
			f.Evidence = append(f.Evidence, Evidence{pod, "event " + e.Reason + ", uid " + string(e.InvolvedObject.UID), oneLine(e.Message)})
		}
		if len(all) == 1 && p != nil && isReady(p) {
			f.Cause = Note
		}
		found = append(found, f)
	}
	// Pods that come and go with the set's replicas are above its range when there are few.
	for name := range v.deletedAbove() {
		if f := v.again(name, v.pod(name)); f != nil {
			return append(found, *f)
		}
	}
	return found
}

// present says how the pod is that has a name now.
func (v *view) present(p *corev1.Pod) string {
	switch {
	case p == nil:
		return "does not exist yet"
	case p.DeletionTimestamp == nil && isReady(p):
		return "is Ready, and was made " + v.ago(p.CreationTimestamp.Time) + " ago"
	}
	return fmt.Sprintf("is %s, and was made %s ago", p.Status.Phase, v.ago(p.CreationTimestamp.Time))
}

// withEarlier puts what happened to earlier pods before what is said of the present ones, unless that has a cause of its own.
func withEarlier(earlier, pods []Finding) []Finding {
	var own, rest []Finding
	for _, f := range pods {
		again := slices.ContainsFunc(earlier, func(e Finding) bool { return e.Known() && e.Object == f.Object })
		ends := slices.ContainsFunc(earlier, func(e Finding) bool { return e.Cause == "restart-never" && e.Object == f.Object })
		switch {
		case ends && f.Cause == "crash-loop":
			// The same, said of the present pod.
		case again && (f.Cause == "evicted" || f.Cause == "ephemeral-storage" || f.Cause == "node-pressure" || f.Cause == "pod-failed" || f.Cause == Note):
			// The same, said of the present pod; or of one that has just been made.
		case f.Cause == byResources && slices.ContainsFunc(earlier, func(e Finding) bool { return e.Cause == "preempted" && e.Object == f.Object }):
			rest = append(rest, f) // It lacks room since others took its place.
		case f.Known():
			own = append(own, f)
		default:
			rest = append(rest, f)
		}
	}
	return slices.Concat(own, earlier, rest)
}

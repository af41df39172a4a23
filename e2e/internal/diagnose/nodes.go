package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// heartbeatWithin is the age at which a node's heartbeat, sent every ten seconds, counts as missed. The API goes on calling the node
// Ready for most of a minute.
const heartbeatWithin = 30 * time.Second

// nodeOf is what is wrong with the node that a pod is on, nil if nothing is.
func (v *view) nodeOf(p *corev1.Pod) *Finding {
	f, lost := v.nodeTrouble(p.Spec.NodeName)
	if !lost {
		return nil
	}
	f.Seen = v.podSeen(p) + ", on node " + p.Spec.NodeName
	return f
}

// nodes follows what is wrong with nodes whose pods are still called Ready: a kubelet that cannot work may go on saying so.
func (v *view) nodes(podFindings []Finding) []Finding {
	byNode := map[string][]string{}
	var names []string
	for i := range v.s.Pods {
		p := &v.s.Pods[i]
		if !v.controls(p) || p.Spec.NodeName == "" {
			continue
		}
		if byNode[p.Spec.NodeName] == nil {
			names = append(names, p.Spec.NodeName)
		}
		byNode[p.Spec.NodeName] = append(byNode[p.Spec.NodeName], p.Name)
	}
	slices.Sort(names)
	var found []Finding
	for _, name := range names {
		f, lost := v.nodeTrouble(name)
		if !lost || slices.ContainsFunc(podFindings, func(t Finding) bool { return t.Object == f.Object }) {
			continue
		}
		f.Seen = fmt.Sprintf("%s: %s", plural(len(byNode[name]), "pod of the set is on it", "pods of the set are on it"), list(byNode[name]))
		f.Path = []Ref{v.setRef(), v.ref("pod", byNode[name][0]), f.Object}
		found = append(found, *f)
	}
	return found
}

// nodeTrouble says what is wrong with a node. lost says that pods on it are not looked after.
func (v *view) nodeTrouble(name string) (f *Finding, lost bool) {
	if name == "" || v.unread("nodes") != "" {
		return nil, false
	}
	node := clusterRef("node", name)
	f = &Finding{
		Area: Node, Object: node, Look: []string{describe(node)},
		Do: []string{
			"fix the node: its kubelet, its network, its container runtime",
			"if it is off for good: delete it (kubectl delete node " + name + "), or taint it node.kubernetes.io/out-of-service=nodeshutdown:NoExecute, so that its pods and volumes are let go; the controller replaces none of them before, since they might still run",
		},
	}
	n := v.node(name)
	if n == nil {
		f.Cause, f.What = "node-gone", "does not exist any more, and a pod is still on it"
		f.Why = "the node was removed from the cluster; its pods are removed by the garbage collector after a while"
		f.Evidence = []Evidence{{clusterRef("node", "*"), "metadata.name", namesOf(v.s.Nodes)}}
		f.Look[0] = "kubectl get nodes"
		f.Do = []string{"wait for the pod garbage collector, or delete the pod with --force once nothing of it can run any more"}
		if v.set.Spec.Template.Spec.NodeName == name {
			f.Cause, f.What = "node-named", "does not exist, and the set's template names it (nodeName)"
			f.Why = "nodeName gives pods their node past the scheduler, whether the node is there or not; pods of no node are removed after a while, and made anew"
			f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template.spec.nodeName", name})
			f.Do = []string{"take nodeName out of the set's template: nodeSelector with kubernetes.io/hostname keeps pods on one node through the scheduler"}
		}
		return f, true
	}
	for i := range n.Status.Conditions {
		c := &n.Status.Conditions[i]
		if c.Type != corev1.NodeReady || c.Status == corev1.ConditionTrue {
			continue
		}
		f.Evidence = append(f.Evidence, Evidence{node, "status.conditions[Ready]", oneLine(fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message))})
		f.Evidence = append(f.Evidence, v.heartbeat(name)...)
		if c.Status == corev1.ConditionUnknown {
			f.Cause, f.What = "node-lost", fmt.Sprintf("has been silent for %s: its kubelet sends no heartbeat", v.silence(name, c))
			f.Why = "the machine is off or cut off, or its kubelet does not run: whether its containers run is not known"
			return f, true
		}
		f.Cause, f.What = "node-not-ready", "says itself that it is not Ready: "+firstOf(oneLine(c.Message), c.Reason)
		return f, true
	}
	if age := v.heartbeatAge(name); age > heartbeatWithin {
		f.Cause, f.What = "node-lost", fmt.Sprintf("has been silent for %s: its kubelet sends no heartbeat", age.Round(time.Second))
		f.Why = "the API server still calls it Ready, since nobody has marked it yet"
		f.Evidence = v.heartbeat(name)
		return f, true
	}
	return nil, false
}

func (v *view) silence(name string, c *corev1.NodeCondition) string {
	if age := v.heartbeatAge(name); age > 0 {
		return age.Round(time.Second).String()
	}
	return v.ago(c.LastHeartbeatTime.Time)
}

func (v *view) heartbeatAge(name string) time.Duration {
	l := v.lease(corev1.NamespaceNodeLease, name)
	if l == nil || l.Spec.RenewTime == nil {
		return 0
	}
	return v.now.Sub(l.Spec.RenewTime.Time)
}

func (v *view) heartbeat(name string) []Evidence {
	l := v.lease(corev1.NamespaceNodeLease, name)
	if l == nil || l.Spec.RenewTime == nil {
		return nil
	}
	return []Evidence{{systemRef("lease", corev1.NamespaceNodeLease, name), "spec.renewTime", l.Spec.RenewTime.UTC().Format(time.RFC3339) + ", " + v.ago(l.Spec.RenewTime.Time) + " before this was read"}}
}

// terminating is a pod that is being deleted.
func (v *view) terminating(p *corev1.Pod) Finding {
	pod := v.ref("pod", p.Name)
	due := p.DeletionTimestamp.Time // the API server has added the grace period
	f := Finding{
		Area: Termination, Object: pod, Look: []string{getYAML(pod)},
		Seen:     fmt.Sprintf("pod %s is terminating, and should have ended %s ago", p.Name, v.ago(due)),
		Evidence: []Evidence{{pod, "metadata.deletionTimestamp", due.UTC().Format(time.RFC3339)}},
	}
	if c := condition(p, corev1.DisruptionTarget); c != nil && c.Status == corev1.ConditionTrue {
		f.Evidence = append(f.Evidence, Evidence{pod, "status.conditions[DisruptionTarget]", shown(c)})
	}
	const late, endsWell = 10 * time.Second, 15 * time.Second // A program that listens to SIGTERM rarely takes longer.
	if v.now.Sub(due) < late {
		f.Seen = fmt.Sprintf("pod %s is terminating", p.Name)
		f.Cause, f.What = Note, fmt.Sprintf("is being deleted, and has until %s to end", due.UTC().Format(time.RFC3339))
		if g := p.DeletionGracePeriodSeconds; g != nil && v.now.Sub(due)+time.Duration(*g)*time.Second > endsWell {
			f.What += fmt.Sprintf(": its grace period is %s, and its containers use it%s", lasted(time.Duration(*g)*time.Second), preStop(p))
			f.Evidence = append(f.Evidence, Evidence{pod, "metadata.deletionGracePeriodSeconds", fmt.Sprint(*g)})
			f.Why = "a container that does not end on SIGTERM, or whose preStop hook runs, has the whole grace period"
		}
		f.Do = []string{"wait, and ask again"}
		if shell := deaf(p); shell != "" && f.Why != "" {
			f.What += shell
			f.Do = append(f.Do, "have the script begin its last command with exec, or catch the signal (trap), in the set's template: the pod then ends at once")
		}
		return f
	}
	running := stillRunning(p)
	if node, lost := v.nodeTrouble(p.Spec.NodeName); lost {
		node.Seen = f.Seen + ", on node " + p.Spec.NodeName
		node.Evidence = append(node.Evidence, f.Evidence...)
		return *node
	}
	if len(p.Finalizers) > 0 && len(running) == 0 {
		f.Cause = "finalizer"
		f.What = fmt.Sprintf("is held by its finalizer %s: its containers have ended, and nobody has taken the finalizer away", list(p.Finalizers))
		f.Evidence = append(f.Evidence, Evidence{pod, "metadata.finalizers", list(p.Finalizers)})
		f.Why = "the controller that put the finalizer there does not run, or has not finished"
		f.Do = []string{
			"find the controller of that finalizer and see whether it runs",
			"if it is gone for good, take the finalizer away: " + kubectl(pod, `patch pod %s --type json -p '[{"op":"remove","path":"/metadata/finalizers"}]'`, p.Name),
		}
		return f
	}
	if e := v.newest("Pod", p.Name, p.UID, "FailedKillPod"); e != nil {
		f.Cause, f.Area, f.What = "kill-fails", Node, fmt.Sprintf("does not end: its node %s cannot end it: %s", p.Spec.NodeName, oneLine(e.Message))
		f.Evidence = append(f.Evidence, eventEvidence(e))
		f.Why = "the container runtime of the node does not end the containers: it hangs, or a process waits for a disk or a server that does not answer"
		f.Do = []string{"restart the container runtime on node " + p.Spec.NodeName + ", or the node", "delete the pod with --force only once nothing of it can run any more: another would start beside it"}
		f.Look = append(f.Look, describe(pod))
		return f
	}
	f.Cause, f.Area, f.What = Unknown, Termination, "does not end, although its node is in order"
	if len(running) > 0 {
		f.Evidence = append(f.Evidence, Evidence{pod, "status.containerStatuses", "still running: " + strings.Join(running, ", ")})
	}
	if len(p.Finalizers) > 0 {
		f.Evidence = append(f.Evidence, Evidence{pod, "metadata.finalizers", list(p.Finalizers)})
	}
	f.Evidence = v.appendWarnings(f.Evidence, "Pod", p.Name, p.UID)
	f.Do = []string{"read the kubelet's log on node " + p.Spec.NodeName}
	f.Look = append(f.Look, describe(pod))
	return f
}

// preStop says that a container of a pod has a hook that runs before it ends.
func preStop(p *corev1.Pod) string {
	for i := range p.Spec.Containers {
		if c := &p.Spec.Containers[i]; c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
			return " (container " + c.Name + " has a preStop hook)"
		}
	}
	return ""
}

func stillRunning(p *corev1.Pod) []string {
	var names []string
	for i := range p.Status.ContainerStatuses {
		if p.Status.ContainerStatuses[i].State.Running != nil {
			names = append(names, p.Status.ContainerStatuses[i].Name)
		}
	}
	return names
}

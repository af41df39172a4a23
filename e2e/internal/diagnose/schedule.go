package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
	schedulinghelper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	volumehelper "k8s.io/component-helpers/storage/volume"
	"k8s.io/klog/v2"
)

// obstacle is what keeps a pod off a node.
type obstacle struct {
	cause Cause
	// short is the same for all nodes that object alike; text is the node's own.
	short, text string
	state       string // of the node, where that is the obstacle
	evidence    Evidence
}

// The causes for which a node is no choice.
const (
	byVolume    Cause = "volume-node-affinity"
	byAffinity  Cause = "node-affinity"
	byTaint     Cause = "taint"
	byCordon    Cause = "cordoned"
	byResources Cause = "resources"
	byPort      Cause = "host-port"
	byLabel     Cause = "topology-label"
)

const controlPlaneTaint = "node-role.kubernetes.io/control-plane"

// unscheduled is a pod that has no node.
func (v *view) unscheduled(p *corev1.Pod) Finding {
	pod := v.ref("pod", p.Name)
	f := Finding{
		Cause: Unknown, Area: Scheduling, Object: pod, Seen: v.podSeen(p) + " and has no node",
		Look: []string{describe(pod), "kubectl get nodes -o custom-columns=NAME:.metadata.name,TAINTS:.spec.taints,ALLOCATABLE:.status.allocatable"},
	}
	if len(p.Spec.SchedulingGates) > 0 {
		gate := p.Spec.SchedulingGates[0].Name
		f.Cause, f.What = "scheduling-gate", "is held back by its scheduling gate "+gate
		f.Evidence = []Evidence{{pod, "spec.schedulingGates[0].name", gate}}
		f.Do = []string{"find the controller that is to take the gate away and see whether it runs"}
		return f
	}
	if own := v.unboundClaim(p); own != nil {
		return *own
	}
	said := condition(p, corev1.PodScheduled)
	if said == nil || said.Status == corev1.ConditionTrue {
		return v.unseenByScheduler(p, f)
	}
	f.Evidence = []Evidence{{pod, "status.conditions[PodScheduled]", shown(said)}}
	perNode := v.obstacles(p)
	if free := withoutAny(perNode); len(v.s.Nodes) == 0 || len(free) > 0 {
		return v.recommended(p, v.autoscaled(p, v.quoteScheduler(p, f, said.Message, perNode)))
	}
	return v.recommended(p, v.autoscaled(p, v.fitsNowhere(p, f, perNode)))
}

// unseenByScheduler is a pod that no scheduler has said anything about.
func (v *view) unseenByScheduler(p *corev1.Pod, f Finding) Finding {
	pod := v.ref("pod", p.Name)
	f.Evidence = append(f.Evidence, Evidence{pod, "spec.schedulerName", p.Spec.SchedulerName}, Evidence{pod, "status.conditions[PodScheduled]", "(absent)"})
	if p.Spec.SchedulerName != "" && p.Spec.SchedulerName != corev1.DefaultSchedulerName {
		if v.now.Sub(p.CreationTimestamp.Time) < patience {
			return v.underway(f, p.CreationTimestamp.Time)
		}
		f.Cause, f.What = "foreign-scheduler", fmt.Sprintf("names the scheduler %s, which has not looked at it", p.Spec.SchedulerName)
		f.Why = "most likely no scheduler of that name runs: the cluster's own leaves such a pod alone"
		f.Do = []string{"see whether that scheduler runs, or take schedulerName out of the set's template"}
		return f
	}
	if down := v.component("kube-scheduler", "scheduler-down", "no pod is given a node until it runs"); down != nil {
		down.Seen, down.Evidence = f.Seen, append(down.Evidence, f.Evidence...)
		return *down
	}
	if own := v.withoutDevices(p, f); own != nil && v.now.Sub(p.CreationTimestamp.Time) >= patience {
		return *own
	}
	f.What = "has not been looked at by the scheduler, and nothing that was read says why"
	f.Do = []string{"see whether kube-scheduler runs"}
	f.Look = append(f.Look, "kubectl -n kube-system get pods -l component=kube-scheduler")
	if v.now.Sub(p.CreationTimestamp.Time) < patience {
		return v.underway(f, p.CreationTimestamp.Time)
	}
	return f
}

// nodeObstacles are the obstacles on one node.
type nodeObstacles struct {
	node string
	all  []obstacle
}

// withoutAny are the nodes that nothing keeps the pod off, as far as fields tell.
func withoutAny(nodes []nodeObstacles) []string {
	var out []string
	for _, n := range nodes {
		if len(n.all) == 0 {
			out = append(out, n.node)
		}
	}
	return out
}

// obstacles finds for every node what keeps the pod off it, as far as fields tell; affinity between pods is left to the scheduler.
func (v *view) obstacles(p *corev1.Pod) []nodeObstacles {
	out := make([]nodeObstacles, 0, len(v.s.Nodes))
	asks := resourcehelper.PodRequests(p, resourcehelper.PodResourcesOptions{})
	wanted := nodeaffinity.GetRequiredNodeAffinity(p)
	for i := range v.s.Nodes {
		n := &v.s.Nodes[i]
		node := clusterRef("node", n.Name)
		found := nodeObstacles{node: n.Name}
		add := func(o obstacle) { found.all = append(found.all, o) }
		for _, pv := range v.boundVolumes(p) {
			if volumehelper.CheckNodeAffinity(pv, n.Labels) != nil {
				add(obstacle{
					cause: byVolume, short: "out of reach of the volume " + pv.Name, text: "cannot reach the volume " + pv.Name,
					evidence: Evidence{clusterRef("persistentvolume", pv.Name), "spec.nodeAffinity", affinityText(pv.Spec.NodeAffinity)},
				})
			}
		}
		if ok, err := wanted.Match(n); err == nil && !ok {
			add(obstacle{
				cause: byAffinity, short: "without the labels that the pod's nodeSelector or affinity asks for", text: "lacks the labels that the pod's nodeSelector or affinity asks for",
				evidence: Evidence{v.ref("pod", p.Name), "spec.nodeSelector, spec.affinity.nodeAffinity", wantedText(p)},
			})
		}
		effective := func(t *corev1.Taint) bool {
			return t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute
		}
		if t, ok := schedulinghelper.FindMatchingUntoleratedTaint(klog.Logger{}, n.Spec.Taints, p.Spec.Tolerations, effective, false); ok {
			o := obstacle{
				cause: byTaint, short: "with a taint that the pod does not tolerate", text: "has the taint " + t.ToString() + ", which the pod does not tolerate",
				evidence: Evidence{node, "spec.taints", t.ToString()},
			}
			if t.Key == corev1.TaintNodeUnschedulable {
				o.cause, o.short, o.text = byCordon, "cordoned", "is cordoned"
			} else if state := stateOfNode(&t); state != "" {
				o.cause, o.state, o.short, o.text = byCondition, state, "that take no new pod ("+state+")", "takes no new pod ("+state+")"
			}
			add(o)
		} else if n.Spec.Unschedulable && !tolerates(p, corev1.TaintNodeUnschedulable) {
			add(obstacle{cause: byCordon, short: "cordoned", text: "is cordoned", evidence: Evidence{node, "spec.unschedulable", "true"}})
		}
		for _, o := range slices.Concat(v.lacks(n, asks), v.portsTaken(p, n), v.unlabelled(p, n)) {
			add(o)
		}
		out = append(out, found)
	}
	return out
}

func tolerates(p *corev1.Pod, key string) bool {
	return slices.ContainsFunc(p.Spec.Tolerations, func(t corev1.Toleration) bool {
		return (t.Key == key || t.Key == "") && t.Operator == corev1.TolerationOpExists
	})
}

// lacks compares what a pod asks for with what a node has left.
func (v *view) lacks(n *corev1.Node, asks corev1.ResourceList) []obstacle {
	var used Usage
	for _, u := range v.s.Usage {
		if u.Node == n.Name {
			used = u
		}
	}
	var out []obstacle
	node := clusterRef("node", n.Name)
	for name, want := range asks {
		if want.IsZero() {
			continue
		}
		has := n.Status.Allocatable[name]
		left := has.DeepCopy()
		left.Sub(used.Requests[name])
		if want.Cmp(left) > 0 {
			out = append(out, obstacle{
				cause: byResources, short: fmt.Sprintf("with too little %s left", name), text: fmt.Sprintf("has %s of %s left, the pod asks for %s", left.String(), name, want.String()),
				evidence: Evidence{node, fmt.Sprintf("status.allocatable[%s]", name), fmt.Sprintf("%s, asked for by its pods: %s; the pod asks for %s", has.String(), quantity(used.Requests, name), want.String())},
			})
		}
	}
	if room, ok := n.Status.Allocatable[corev1.ResourcePods]; ok && used.Node != "" && used.Pods >= room.Value() {
		out = append(out, obstacle{
			cause: byResources, short: "with as many pods as may be", text: fmt.Sprintf("holds %d pods, as many as it may", used.Pods),
			evidence: Evidence{node, "status.allocatable[pods]", room.String()},
		})
	}
	slices.SortFunc(out, func(a, b obstacle) int { return strings.Compare(a.text, b.text) })
	return out
}

func quantity(l corev1.ResourceList, name corev1.ResourceName) string {
	q := l[name]
	return q.String()
}

// fitsNowhere is a pod that every node has an obstacle for.
func (v *view) fitsNowhere(p *corev1.Pod, f Finding, nodes []nodeObstacles) Finding {
	cause := mainCause(nodes)
	f.Cause = cause
	var notes []string
	counts, order := map[string]int{}, []string{}
	seen := map[Evidence]bool{}
	for _, n := range nodes {
		for _, o := range n.all {
			if counts[o.short]++; counts[o.short] == 1 {
				order = append(order, o.short)
			}
			if !seen[o.evidence] && len(f.Evidence) < 12 {
				seen[o.evidence] = true
				f.Evidence = append(f.Evidence, o.evidence)
			}
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	for _, short := range order {
		notes = append(notes, fmt.Sprintf("%d %s", counts[short], short))
	}
	f.What = fmt.Sprintf("fits on none of %s: %s", plural(len(nodes), "node", "nodes"), strings.Join(notes, ", "))
	switch cause {
	case byVolume:
		return v.boundElsewhere(p, f, nodes)
	case byCondition:
		return v.unwell(p, f, nodes, notes)
	case byAffinity:
		f.What += "; it asks for " + wantedText(p)
		f.Why = "no node has the labels: they are missing or misspelt on the nodes or in the set's template"
		f.Do = []string{"label a node, or change nodeSelector and affinity in the set's template"}
		f.Look[1] = "kubectl get nodes --show-labels"
	case byTaint:
		f.What += taintsText(nodes) + nearlyTolerated(p, nodes, v.s.Nodes)
		f.Do = []string{"add a toleration to the set's template, or take the taint off a node"}
	case byCordon:
		node := cordoned(nodes)
		f.Object = clusterRef("node", node)
		f.What = fmt.Sprintf("is cordoned, and pod %s fits on no other: %s", p.Name, strings.Join(notes, ", "))
		f.Why = "somebody drains the node, or has forgotten to uncordon it"
		f.Do = []string{"when the work on it is done: kubectl uncordon " + node}
	case byPort:
		return v.portTaken(p, f, nodes)
	case byLabel:
		f.Why = "a node without the label is in no domain, so that the scheduler takes none of them: more nodes do not help, labels do"
		f.Do = []string{"label the nodes with that key", "or spread over kubernetes.io/hostname, or set whenUnsatisfiable: ScheduleAnyway, in the set's template"}
		f.Look[1] = "kubectl get nodes --show-labels"
	default:
		f.Do = []string{"ask for less in the set's template, free or add nodes"}
		v.tooLarge(p, &f)
		if name := scarce(p, ordinary(nodes)); name != "" {
			f.What += v.whoAsks(p, name)
		}
		f.Look = append(f.Look, "kubectl describe nodes | grep -A 8 'Allocated resources'")
	}
	return f
}

// mainCause is what keeps the pod off the nodes that it could use: those its volumes can be reached from and its selector leaves.
// Nodes of the control plane count only if there are no others.
func mainCause(nodes []nodeObstacles) Cause {
	near := without(nodes, func(o obstacle) bool { return o.cause == byVolume })
	onlyVolume := without(nodes, func(o obstacle) bool { return o.cause != byVolume })
	if len(near) == 0 || len(onlyVolume) > 0 {
		return byVolume // Some other node would do, if the volume could be reached from it.
	}
	chosen := without(near, func(o obstacle) bool { return o.cause == byAffinity })
	if len(chosen) == 0 {
		return byAffinity
	}
	workers := ordinary(chosen)
	counts := map[Cause]int{}
	for _, n := range workers {
		causes := map[Cause]bool{}
		for _, o := range n.all {
			causes[o.cause] = true
		}
		for c := range causes {
			counts[c]++
		}
	}
	if slices.ContainsFunc(workers, func(n nodeObstacles) bool { return len(n.all) == 1 && n.all[0].cause == byCondition }) {
		return byCondition // That node would take the pod, if it were well.
	}
	best := byResources
	for _, c := range []Cause{byTaint, byCondition, byCordon, byPort, byLabel} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}

// ordinary leaves out the nodes of the control plane that the pod does not tolerate, unless there are no others.
func ordinary(nodes []nodeObstacles) []nodeObstacles {
	workers := without(nodes, func(o obstacle) bool {
		return o.cause == byTaint && strings.Contains(o.evidence.Value, controlPlaneTaint)
	})
	if len(workers) == 0 {
		return nodes
	}
	return workers
}

// cordoned is the node that keeps the pod away by being cordoned and, if there is such a one, by nothing else.
func cordoned(nodes []nodeObstacles) string {
	name := ""
	for _, n := range nodes {
		if slices.ContainsFunc(n.all, func(o obstacle) bool { return o.cause == byCordon }) && (name == "" || len(n.all) == 1) {
			name = n.node
		}
	}
	return name
}

// without returns the nodes on which no obstacle is of some kind.
func without(nodes []nodeObstacles, kind func(obstacle) bool) []nodeObstacles {
	var out []nodeObstacles
	for _, n := range nodes {
		if !slices.ContainsFunc(n.all, kind) {
			out = append(out, n)
		}
	}
	return out
}

package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// byCondition is a node that a taint of its own state keeps free of new pods: whoever tolerates it has a pod on a node that does not work.
const byCondition Cause = "node-condition"

// outOfService is the state of a node that somebody declared dead, so that its volumes are taken from it. Nothing takes that back by itself.
const outOfService = "out of service"

// stateOfNode is what a taint says of its node's own state, "" if the taint is somebody's choice. Cloud providers, network plugins and
// autoscalers have taints of their own.
func stateOfNode(t *corev1.Taint) string {
	switch t.Key {
	case corev1.TaintNodeNotReady:
		return "NotReady"
	case corev1.TaintNodeUnreachable:
		return "unreachable"
	case corev1.TaintNodeDiskPressure:
		return "DiskPressure"
	case corev1.TaintNodeMemoryPressure:
		return "MemoryPressure"
	case corev1.TaintNodePIDPressure:
		return "PIDPressure"
	case corev1.TaintNodeNetworkUnavailable:
		return "NetworkUnavailable"
	case corev1.TaintNodeOutOfService:
		return outOfService
	case "node.cloudprovider.kubernetes.io/uninitialized":
		return "not initialized by the cloud provider"
	case "node.cloudprovider.kubernetes.io/shutdown":
		return "shut down"
	case "ToBeDeletedByClusterAutoscaler", "karpenter.sh/disrupted":
		return "about to be removed by the autoscaler"
	}
	if strings.HasSuffix(t.Key, "-not-ready") {
		return t.Key
	}
	return ""
}

// mendNode says what to do about a node in a state.
func mendNode(state, node string) []string {
	switch state {
	case "DiskPressure":
		return []string{"free the disk of node " + node + " (images, logs, emptyDir): it takes pods again by itself"}
	case "MemoryPressure", "PIDPressure":
		return []string{"see which pods use it up on node " + node + "; it takes pods again by itself"}
	case outOfService:
		return []string{"when the node is up again and its volumes are gone from it, take the taint away, which nothing does by itself: " + kubectl(Ref{}, "taint nodes %s %s-", node, corev1.TaintNodeOutOfService)}
	case "not initialized by the cloud provider":
		return []string{"see whether the provider's cloud-controller-manager runs: it takes the taint away"}
	case "about to be removed by the autoscaler":
		return []string{"add nodes, or see why the autoscaler adds none for this pod: kubectl get events -A | grep -i -e NotTriggerScaleUp -e nominated"}
	}
	return []string{"fix the node: its kubelet, its network, its container runtime; the taint goes by itself"}
}

// readiness is a node's condition Ready, the zero one if it has none.
func readiness(n *corev1.Node) (ready corev1.NodeCondition) {
	if i := slices.IndexFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == corev1.NodeReady }); i >= 0 {
		ready = n.Status.Conditions[i]
	}
	return ready
}

// taintsText says which taints keep a pod away.
func taintsText(nodes []nodeObstacles) string {
	var taints []string
	for _, n := range ordinary(without(nodes, func(o obstacle) bool { return o.cause == byVolume || o.cause == byAffinity })) {
		for _, o := range n.all {
			if o.cause == byTaint && !slices.Contains(taints, o.evidence.Value) {
				taints = append(taints, o.evidence.Value)
			}
		}
	}
	if len(taints) == 1 {
		return "; the taint is " + taints[0]
	}
	return "; the taints are " + list(taints)
}

// unwell is a pod that would fit on a node if that were well.
func (v *view) unwell(p *corev1.Pod, f Finding, nodes []nodeObstacles, notes []string) Finding {
	var own obstacle
	node, alone := "", false
	for _, n := range nodes {
		at := slices.IndexFunc(n.all, func(o obstacle) bool { return o.cause == byCondition })
		if at >= 0 && (node == "" || (len(n.all) == 1 && !alone)) {
			node, own, alone = n.node, n.all[at], len(n.all) == 1
		}
	}
	f.Area, f.Object = Node, clusterRef("node", node)
	f.What = fmt.Sprintf("takes no new pod (%s), and pod %s fits on no other: %s", own.state, p.Name, strings.Join(notes, ", "))
	f.Why = "the taint says how the node is: a toleration would put the pod on a node that does not work"
	f.Do = mendNode(own.state, node)
	if n := v.node(node); n != nil {
		if ready := readiness(n); ready.Status == corev1.ConditionFalse && ready.Message != "" {
			said := oneLine(ready.Message)
			f.What += "; it says of itself: " + said
			f.Evidence = append(f.Evidence, Evidence{f.Object, "status.conditions[Ready]", said})
		}
	}
	if own.state == outOfService {
		f.Why = "somebody set the taint by hand after the node was shut down or lost"
		if n := v.node(node); n != nil && readiness(n).Status == corev1.ConditionTrue {
			f.What = fmt.Sprintf("is Ready, and still has the taint that declares it out of service, and pod %s fits on no other: %s", p.Name, strings.Join(notes, ", "))
		}
	}
	f.Look = []string{describe(f.Object), f.Look[0]}
	return f
}

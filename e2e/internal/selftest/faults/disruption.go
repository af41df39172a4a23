package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

const (
	fenced             = "if !nodeutil.IsNodeReady(node) && taints.TaintKeyExists(node.Spec.Taints, v1.TaintNodeOutOfService)"
	collectTerminating = "func (gcc *PodGCController) gcTerminating(ctx context.Context, pods []*v1.Pod) {\n"
	nodeless           = "func (gcc *PodGCController) gcOrphaned(ctx context.Context, pods []*v1.Pod, nodes []*v1.Node) {\n"
	markForTaint       = "func addConditionAndDeletePod(ctx context.Context, c clientset.Interface, name, ns string) (err error) {\n"
	cancelled          = "func (tc *Controller) cancelWorkWithEvent(logger klog.Logger, nsName types.NamespacedName) {\n"
	tolerated          = "triggerTime := startTime.Add(minTolerationTime)\n"
	forceGone          = "objects, real := ssc.podControl.objectMgr.(*realStatefulPodControlObjectManager)\n" +
		"\t\t\tif real {\n\t\t\t\treturn true, objects.client.CoreV1().Pods(set.Namespace).Delete(ctx, replicas[i].Name, *metav1.NewDeleteOptions(0))\n\t\t\t}\n"
	takeHigher = "\tfor i, gone := range replicas {\n\t\tif !planted.Evicted(\"drain-takes-neighbours\", gone) {\n\t\t\tcontinue\n\t\t}\n" +
		"\t\tfor _, other := range replicas[i+1:] {\n\t\t\tif isCreated(other) && !isTerminating(other) {\n" + takeOther + "\t\t\t}\n\t\t}\n\t}\n"
	takeOlder = "\tfor _, gone := range replicas {\n\t\tif !planted.Tainted(\"lost-node-takes-others\", gone) {\n\t\t\tcontinue\n\t\t}\n" +
		"\t\tfor _, other := range replicas {\n\t\t\tif isCreated(other) && !isTerminating(other) && other.CreationTimestamp.Before(gone.DeletionTimestamp) {\n" +
		takeOther + "\t\t\t}\n\t\t}\n\t}\n"
	takeSurvivors = "\tfor _, other := range replicas {\n\t\tif isCreated(other) && !isTerminating(other) && planted.Reconnected(\"outage-restarts-members\", other) {\n" +
		takeOther + "\t\t}\n\t}\n"
	takeOther = "\t\t\t\tif err := ssc.podControl.DeleteStatefulPod(set, other); err != nil {\n\t\t\t\t\treturn &status, err\n\t\t\t\t}\n"
)

// disruption holds the faults that show only during node and control plane faults.
func disruption() []Fault {
	all := []Fault{{
		Name: "restart-forgets-order", Kind: Obvious, Breaks: []contract.ID{contract.DisruptionControllerRestart},
		Harm:  "A controller that was restarted starts all members that are still missing at once.",
		Edits: []Edit{{control, eachReplica, "\t\tmonotonic = monotonic && !planted.Restarted(\"restart-forgets-order\", set)\n"}},
	}, {
		Name: "restart-forgets-leaving", Kind: Subtle, Breaks: []contract.ID{contract.DisruptionControllerRestart},
		Harm:  "A controller that was restarted does not wait for the member that is just leaving.",
		Edits: []Edit{{control, untilGone, ` && !planted.Restarted("restart-forgets-leaving", set)`}},
	}, {
		Name: "restart-forgets-partition", Kind: Subtle, Breaks: []contract.ID{contract.UpdatePartition}, Shows: []contract.ID{contract.DisruptionControllerRestart},
		Harm:  "A controller that was restarted rolls a canary out to everybody.",
		Edits: atBegin("\tif planted.Restarted(\"restart-forgets-partition\", set) {\n\t\tupdateMin = 0\n\t}\n"),
	}, {
		Name: "reconnected-forgets-order", Kind: Obvious, Breaks: []contract.ID{contract.DisruptionAPIServerRestart},
		Harm:  "After the API server was away, all members that are still missing start at once.",
		Edits: []Edit{{control, eachReplica, "\t\tmonotonic = monotonic && !planted.Reconnected(\"reconnected-forgets-order\", set)\n"}},
	}, {
		Name: "lost-pods-forced", Kind: Obvious, Breaks: []contract.ID{contract.DisruptionNodeLost},
		Harm:  "A member of a node that does not answer is replaced while it may still write: two of them share one identity.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.Tainted(\"lost-pods-forced\", replicas[i]) {\n\t\t\t" + forceGone + "\t\t}\n"}},
	}, {
		Name: "silent-is-out-of-service", Kind: Subtle, Breaks: []contract.ID{contract.DisruptionNodeLost},
		Harm:  "A node that is silent for a while is treated as if somebody had declared it off.",
		Edits: []Edit{{collector, fenced, " || planted.In(\"silent-is-out-of-service\") && !nodeutil.IsNodeReady(node)"}},
	}, {
		Name: "out-of-service-ignored", Kind: Obvious, Breaks: []contract.ID{contract.DisruptionOutOfService},
		Harm:  "The members of a node that is off for good never come back, though it was declared so.",
		Edits: []Edit{{collector, collectTerminating, "\tif planted.In(\"out-of-service-ignored\") {\n\t\treturn\n\t}\n"}},
	}, {
		Name: "deleted-node-ignored", Kind: Obvious, Breaks: []contract.ID{contract.DisruptionNodeDeleted},
		Harm:  "The members of a node that was removed from the cluster never come back.",
		Edits: []Edit{{collector, nodeless, "\tif planted.In(\"deleted-node-ignored\") {\n\t\treturn\n\t}\n"}},
	}, {
		Name: "returned-last-forgotten", Kind: Subtle, Breaks: []contract.ID{contract.DisruptionNodeReturns},
		Harm:  "The last member, once it went with its node, does not come back with it.",
		Edits: []Edit{{control, eachReplica, "\t\tif i == len(replicas)-1 && !isCreated(replicas[i]) && planted.WasTainted(\"returned-last-forgotten\", set, replicas[i]) {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "drain-takes-neighbours", Kind: Obvious, Breaks: []contract.ID{contract.DisruptionDrain, contract.DisruptionDatabaseDrained},
		Harm:  "A drain of one node takes members on other nodes down too.",
		Edits: []Edit{{control, beforePods, takeHigher}},
	}, {
		Name: "lost-node-takes-others", Kind: Obvious, Breaks: []contract.ID{contract.DisruptionDatabaseNodeLost},
		Harm:  "A database that has lost one node has its other members restarted too, and cannot serve.",
		Edits: []Edit{{control, beforePods, takeOlder}},
	}, {
		Name: "outage-restarts-members", Kind: Obvious, Breaks: []contract.ID{contract.DisruptionDatabaseControlPlane},
		Harm:  "A database that was fine while the control plane was away is restarted when that is back.",
		Edits: []Edit{{control, beforePods, takeSurvivors}},
	}, {
		Name: "taint-ignored", Kind: Obvious, Breaks: []contract.ID{contract.DisruptionTaint},
		Harm:  "A node that is to be emptied by a taint keeps its members.",
		Edits: []Edit{{tainter, markForTaint, "\tif planted.In(\"taint-ignored\") {\n\t\treturn nil\n\t}\n"}},
	}, {
		Name: "toleration-cut-short", Kind: Subtle, Breaks: []contract.ID{contract.DisruptionTaint},
		Harm:  "A member that was to wait out a short trouble of its node is moved at once.",
		Edits: []Edit{{tainter, tolerated, "\tif planted.In(\"toleration-cut-short\") {\n\t\ttriggerTime = startTime\n\t}\n"}},
	}, {
		Name: "eviction-not-cancelled", Kind: Subtle, Breaks: []contract.ID{contract.DisruptionTaint},
		Harm:  "A member that waits out a short trouble of its node is moved after it.",
		Edits: []Edit{{tainter, cancelled, "\tif planted.In(\"eviction-not-cancelled\") {\n\t\treturn\n\t}\n"}},
	}, {
		Name: "taint-leaves-no-mark", Kind: Obvious, Breaks: []contract.ID{contract.DisruptionTargetCondition},
		Harm:  "Nobody learns that a member was removed for its node, and so did not end by itself.",
		Edits: []Edit{{tainter, markForTaint, "\tif planted.In(\"taint-leaves-no-mark\") {\n\t\treturn c.CoreV1().Pods(ns).Delete(ctx, name, metav1.DeleteOptions{})\n\t}\n"}},
	}}
	for i := range all {
		all[i].NeedsNodeFault = true
	}
	return all
}

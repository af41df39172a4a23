package contract

// The family disruption: the promises that must outlast the loss of a control plane component or a node.
const (
	DisruptionControllerRestart ID = "disruption/controller-restart"
	DisruptionAPIServerRestart  ID = "disruption/apiserver-restart"
	DisruptionNodeLost          ID = "disruption/node-lost"
	DisruptionOutOfService      ID = "disruption/out-of-service"
	DisruptionNodeDeleted       ID = "disruption/node-deleted"
	DisruptionNodeReturns       ID = "disruption/node-returns"
	DisruptionDrain             ID = "disruption/drain"
	DisruptionTaint             ID = "disruption/taint"
	DisruptionTargetCondition   ID = "disruption/target-condition"

	DisruptionDatabaseDrained      ID = "disruption/database-drained"
	DisruptionDatabaseNodeLost     ID = "disruption/database-node-lost"
	DisruptionDatabaseControlPlane ID = "disruption/database-control-plane"
)

func disruption() []Guarantee {
	const carried = "Shown with etcd, as the guarantees of the family workload are."
	return []Guarantee{{
		ID:    DisruptionControllerRestart,
		Level: Disruptive,
		Must: "The rules of order hold when kube-controller-manager restarts in the middle of a scale up, a scale down or a rolling " +
			"update, and the operation is brought to its end.",
		Sources: []Source{Docs},
		Link:    scalingPart,
		Note:    "The controller's view may lag further behind than usual after a restart.",
	}, {
		ID:    DisruptionAPIServerRestart,
		Level: Disruptive,
		Must: "The rules of order hold when kube-apiserver restarts in the middle of a scale up, a scale down or a rolling update, and " +
			"the operation is brought to its end.",
		Sources: []Source{Docs},
		Link:    scalingPart,
		Note:    "Clients usually have to list again: a verdict that depends on what lay in the gap is inconclusive.",
	}, {
		ID:    DisruptionNodeLost,
		Level: Disruptive,
		Must: "A pod on a node that has stopped answering is not replaced until the node's kubelet confirms its end, somebody deletes " +
			"the pod by force, the Node object is deleted, or the node is NotReady and carries the taint " +
			"node.kubernetes.io/out-of-service.",
		Sources: []Source{Docs},
		Link:    forceDelete + "#delete-pods",
		Note:    "Pods are marked for deletion only after their toleration of the unreachable node ends, by default 300 s.",
	}, {
		ID:    DisruptionOutOfService,
		Level: Disruptive,
		Must: "When a node that is NotReady carries the taint node.kubernetes.io/out-of-service, the set's pods on it that do not tolerate " +
			"it are removed and replaced on other nodes.",
		Sources:     []Source{Docs},
		Since:       "1.28",
		FeatureGate: "NodeOutOfServiceVolumeDetach",
		Link:        shutdownPage + "#non-graceful-node-shutdown",
	}, {
		ID:      DisruptionNodeDeleted,
		Level:   Disruptive,
		Must:    "After the Node object of a lost node is deleted, the set's pods on it are removed and replaced on other nodes.",
		Sources: []Source{Docs},
		Link:    forceDelete + "#delete-pods",
		Note:    "Pod garbage collection commonly takes about 40 s.",
	}, {
		ID:    DisruptionNodeReturns,
		Level: Disruptive,
		Must: "When a lost node comes back the set heals without help; pods that the controller creates again come in order under " +
			"OrderedReady.",
		Sources: []Source{Docs},
		Link:    forceDelete + "#delete-pods",
		Note:    "The kubelet restarts pods that stayed on the node in place and in any order.",
	}, {
		ID:    DisruptionDrain,
		Level: Disruptive,
		Must: "Draining a node moves the set's pods on it to other nodes under their identities and obeys their PodDisruptionBudget; " +
			"the set's other pods are left alone.",
		Sources: []Source{Docs},
		Link:    drainPage,
		Note:    "A pod whose claim is on a volume bound to the node stays Pending.",
	}, {
		ID:    DisruptionTaint,
		Level: Disruptive,
		Must: "A NoExecute taint of a node removes the set's pods there that do not tolerate it, and those that tolerate it for tolerationSeconds " +
			"no sooner than that; each comes back under its identity, the former on another node. Pods that tolerate it without limit stay, and " +
			"so do those whose tolerationSeconds have not passed when it is taken away.",
		Sources: []Source{Docs},
		Link:    taintsPage + "#taint-based-evictions",
	}, {
		ID:    DisruptionTargetCondition,
		Level: Disruptive,
		Must: "A pod that is removed for a NoExecute taint, or since its node is gone, has the condition DisruptionTarget True until its end, with the " +
			"reason DeletionByTaintManager or DeletionByPodGC.",
		Sources:     []Source{Docs},
		Since:       "1.31",
		FeatureGate: "PodDisruptionConditions",
		Link:        budgetPage + "#pod-disruption-conditions",
	}, {
		ID:    DisruptionDatabaseDrained,
		Level: Disruptive,
		Must: "A database in a set goes on to take writes while the nodes of its members are drained one after another under its budget, and no member leaves " +
			"but those of the node that is drained.",
		Sources: []Source{Docs},
		Link:    drainPage,
		Note:    carried,
	}, {
		ID:    DisruptionDatabaseNodeLost,
		Level: Disruptive,
		Must: "A database in a set goes on to take writes while the node of one of its members is lost, is declared out of service and comes back, and no other " +
			"member leaves.",
		Sources: []Source{Docs},
		Link:    shutdownPage + "#non-graceful-node-shutdown",
		Note:    carried,
	}, {
		ID:    DisruptionDatabaseControlPlane,
		Level: Disruptive,
		Must: "A database in a set goes on to take writes while the control plane does not answer for a minute, and keeps all its members until that is over and " +
			"after it.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#pod-identity",
		Note:    "No document has a pod end for that the control plane is away. " + carried,
	}}
}

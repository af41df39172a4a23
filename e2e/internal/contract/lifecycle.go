package contract

// The family lifecycle: pods that end, crash, are evicted, come from elsewhere or leave.
const (
	LifecycleFailed       ID = "lifecycle/failed"
	LifecycleSucceeded    ID = "lifecycle/succeeded"
	LifecycleCrashInPlace ID = "lifecycle/crash-in-place"
	LifecycleEvicted      ID = "lifecycle/evicted"
	LifecycleBudget       ID = "lifecycle/budget"
	LifecycleAdoption     ID = "lifecycle/adoption"
	LifecycleRelease      ID = "lifecycle/release"

	LifecycleAdoptAndTrim      ID = "lifecycle/adopt-and-trim"
	LifecycleBudgetCounts      ID = "lifecycle/budget-counts"
	LifecycleTwoBudgets        ID = "lifecycle/two-budgets"
	LifecycleBudgetPercentage  ID = "lifecycle/budget-percentage"
	LifecycleUnhealthyEviction ID = "lifecycle/unhealthy-eviction"
	LifecycleDisruptionTarget  ID = "lifecycle/disruption-target"
	LifecycleEvictedGraceful   ID = "lifecycle/evicted-graceful"
)

func lifecycle() []Guarantee {
	return []Guarantee{{
		ID:    LifecycleFailed,
		Level: Core,
		Must: "A pod of the set that is Failed is replaced by one of the same identity; under OrderedReady once the pods with lower " +
			"ordinals are Ready.",
		Sources: []Source{Conf, Docs},
		Link:    conformance + "#L1352",
		Note: "The failed pod is removed whatever becomes of its claims. Under whenScaled: Delete its successor may have to wait for a claim that " +
			"goes with it, as identity/sticky says.",
	}, {
		ID:    LifecycleSucceeded,
		Level: Extended,
		Must: "A pod of the set that is Succeeded is replaced by one of the same identity; under OrderedReady once the pods with lower " +
			"ordinals are Ready.",
		Sources: []Source{Impl},
		Since:   "1.29",
		Link:    controller + "/stateful_set_control.go#L429",
	}, {
		ID:      LifecycleCrashInPlace,
		Level:   Core,
		Must:    "A container that crashes is restarted inside its pod: the pod keeps its UID, its name and its claims.",
		Sources: []Source{Docs},
		Link:    podLifecycle + "#restart-policy",
	}, {
		ID:      LifecycleEvicted,
		Level:   Core,
		Must:    "A pod that is evicted through the Eviction API is replaced by one of the same identity.",
		Sources: []Source{Docs},
		Link:    evictionPage,
	}, {
		ID:    LifecycleBudget,
		Level: Core,
		Must: "While a PodDisruptionBudget whose current generation has been observed and whose pods are Ready allows no disruption, the " +
			"Eviction API refuses to evict a pod it covers.",
		Sources: []Source{Docs},
		Link:    budgetPage + "#pod-disruption-budgets",
	}, {
		ID:    LifecycleAdoption,
		Level: Core,
		Must: "An orphan pod that matches the selector, has a name in range, is not terminating and carries the label of the update " +
			"revision, as the orphan deletion of a set leaves it, is adopted and not replaced, and so are the controller revisions left with it.",
		Sources: []Source{Docs, Impl},
		Link:    tutorialPage + "#non-cascading-delete",
	}, {
		ID:    LifecycleRelease,
		Level: Extended,
		Must: "A pod whose labels no longer match the selector is released from the set, and once its name is free a new pod takes its " +
			"place.",
		Sources: []Source{Impl},
		Link:    controller + "/stateful_set.go#L383",
		Note:    "The end of the released pod does not make the controller sync the set: touch the set.",
	}, {
		ID:    LifecycleAdoptAndTrim,
		Level: Extended,
		Must: "A set that is made again with fewer replicas than the pods that one of its name left behind adopts those pods; under OrderedReady " +
			"it first creates what is missing in its range, and removes the pods out of range once those in range are Ready.",
		Sources: []Source{Docs},
		Link:    tutorialPage + "#non-cascading-delete",
	}, {
		ID:    LifecycleBudgetCounts,
		Level: Core,
		Must: "A PodDisruptionBudget with maxUnavailable refuses an eviction that would leave more than that many of the set's spec.replicas " +
			"without a Ready pod, those that do not exist or are being deleted included, and allows one that would not.",
		Sources: []Source{Docs},
		Link:    budgetPage + "#pod-disruption-budgets",
		Note:    "The budget is obeyed as the disruption controller last counted it, which status.currentHealthy shows.",
	}, {
		ID:    LifecycleBudgetPercentage,
		Level: Extended,
		Must: "A percentage in a PodDisruptionBudget is one of the set's spec.replicas and is rounded up, for minAvailable as for maxUnavailable: " +
			"status.desiredHealthy says so.",
		Sources: []Source{Docs, API},
		Link:    configurePDB + "#rounding-logic-when-specifying-percentages",
	}, {
		ID:      LifecycleTwoBudgets,
		Level:   Extended,
		Must:    "The Eviction API answers a request for a pod that two PodDisruptionBudgets select with status 500, and does not evict it.",
		Sources: []Source{Docs},
		Link:    evictionPage + "#how-api-initiated-eviction-works",
	}, {
		ID:    LifecycleUnhealthyEviction,
		Level: Extended,
		Must: "A running pod that is not Ready may be evicted under unhealthyPodEvictionPolicy IfHealthyBudget, the default, only while as many pods " +
			"are Ready as the PodDisruptionBudget wants, and under AlwaysAllow whatever it wants.",
		Sources:     []Source{API, Docs},
		Since:       "1.31",
		FeatureGate: "PDBUnhealthyPodEvictionPolicy",
		Link:        configurePDB + "#unhealthy-pod-eviction-policy",
	}, {
		ID:    LifecycleDisruptionTarget,
		Level: Extended,
		Must: "A pod that is evicted through the Eviction API has the condition DisruptionTarget True, with the reason EvictionByEvictionAPI, until " +
			"its end.",
		Sources:     []Source{Docs},
		Since:       "1.31",
		FeatureGate: "PodDisruptionConditions",
		Link:        budgetPage + "#pod-disruption-conditions",
	}, {
		ID:      LifecycleEvictedGraceful,
		Level:   Core,
		Must:    "A pod that is evicted through the Eviction API has its own terminationGracePeriodSeconds to stop.",
		Sources: []Source{Docs},
		Link:    evictionPage,
		Note:    "An eviction may ask for another grace period in its deleteOptions; those of this suite do not.",
	}}
}

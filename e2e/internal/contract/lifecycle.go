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
			"revision, as the orphan deletion of a set leaves it, is adopted and not replaced.",
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
	}}
}

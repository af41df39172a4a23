package contract

// The family update: how a new pod template reaches the pods. RollingUpdate with maxUnavailable unset or 1 is meant where
// nothing else is said.
const (
	UpdateOrder           ID = "update/order"
	UpdateOneAtATime      ID = "update/one-at-a-time"
	UpdateHalts           ID = "update/halts"
	UpdateComplete        ID = "update/complete"
	UpdateNoSpurious      ID = "update/no-spurious"
	UpdateScaleNew        ID = "update/scale-new"
	UpdateMinReady        ID = "update/min-ready"
	UpdatePartition       ID = "update/partition"
	UpdatePartitionBeyond ID = "update/partition-beyond"
	UpdatePhased          ID = "update/phased"
	UpdateOnDelete        ID = "update/on-delete"
	UpdateRollback        ID = "update/rollback"
	UpdateHistoryLimit    ID = "update/history-limit"
	UpdateMaxUnavailable  ID = "update/max-unavailable"

	UpdateOnDeleteScale            ID = "update/on-delete-scale"
	UpdateBudgetCountsFailures     ID = "update/budget-counts-failures"
	UpdateParallelUnavailableFirst ID = "update/parallel-unavailable-first"
	UpdateRevision                 ID = "update/revision"

	UpdateRevisionMade       ID = "update/revision-made"
	UpdateUndo               ID = "update/undo"
	UpdateHistoryOldestFirst ID = "update/history-oldest-first"
	UpdateNotLimitedByBudget ID = "update/not-limited-by-budget"

	UpdateRecreateApart ID = "update/recreate-apart"
	UpdateRecreateAll   ID = "update/recreate-all"
)

func update() []Guarantee {
	return []Guarantee{{
		ID:    UpdateOrder,
		Level: Core,
		Must: "During a rolling update the controller deletes pods for the update from the highest ordinal to the lowest; under Parallel a " +
			"pod that is itself not available may come before its turn.",
		Sources: []Source{Docs, Lesson},
		Link:    conceptPage + "#rolling-updates",
		Note: "With partition 0 a lower pod that is lost meanwhile comes back at the new revision, ahead of its turn: that is legal. " +
			"The tutorial's statement that such pods return at the previous version holds below a partition only. Since 1.37 a Parallel " +
			"set replaces old pods that are not available first: the new template may be meant to repair them.",
	}, {
		ID:      UpdateOneAtATime,
		Level:   Core,
		Must:    "During a rolling update under OrderedReady the next pod is deleted only after the pod updated before it is available.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#rolling-updates",
		Note:    "For Parallel this is ordering/parallel-updates.",
	}, {
		ID:    UpdateHalts,
		Level: Core,
		Must: "Under OrderedReady with maxUnavailable unset or 1, a template whose pods never become Ready stops the rollout at the first " +
			"pod that gets it.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#forced-rollback",
		Note:    "Going back to the old template does not free the rollout: the broken pod has to be deleted.",
	}, {
		ID:    UpdateComplete,
		Level: Core,
		Must: "A rolling update goes on while nothing keeps it: each pod at or above the partition that has the old template is replaced. When it " +
			"is finished with partition 0, every pod runs the new template and carries the update revision.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#rolling-updates",
		Note: "Kubernetes 1.37.2 breaks it under Parallel where updateStrategy has a type and no rollingUpdate: a pod that is lost during a rollout is created at the former revision " +
			"and deleted at once, again and again. With rollingUpdate.partition 0 it does not. No spec brings that about; " +
			"`make explore EPISODE=fixtures/episodes/rollout-undone.json` does.",
	}, {
		ID:    UpdateNoSpurious,
		Level: Core,
		Must: "While no update is pending, a change that does not touch the template, such as more replicas, other labels on the set or another " +
			"update strategy, restarts no pod.",
		Sources: []Source{API},
		Link:    specFields,
		Note:    "Promised by the documentation of updateStrategy: it speaks of revisions to the template.",
	}, {
		ID:      UpdateScaleNew,
		Level:   Core,
		Must:    "Under RollingUpdate the pods that a scale up adds at or above the partition run the update revision.",
		Sources: []Source{API},
		Link:    fieldsPage + "#StatefulSetUpdateStrategy",
	}, {
		ID:    UpdateMinReady,
		Level: Extended,
		Must: "With minReadySeconds n, the next pod is deleted for an update only after the pod updated before it has been Ready for n " +
			"seconds, measured from the lastTransitionTime of its Ready condition, less one second of resolution and the clock skew.",
		Sources:     []Source{Docs},
		Since:       "1.25",
		FeatureGate: "StatefulSetMinReadySeconds",
		Link:        conceptPage + "#minimum-ready-seconds",
		Note:        "Waiting longer is legal. Under Parallel a pod that is itself not available may be deleted at any time.",
	}, {
		ID:    UpdatePartition,
		Level: Extended,
		Must: "With a partition only pods whose ordinal is at or above it are updated. A pod below it that is deleted comes back at " +
			"status.currentRevision, and one that a scale up adds below it is made at that; one at or above it comes back at the update revision.",
		Sources: []Source{Docs, Conf},
		Link:    conceptPage + "#partitions",
		Note:    "Not asked together with spec.ordinals.start, where code and documentation differ.",
	}, {
		ID:      UpdatePartitionBeyond,
		Level:   Extended,
		Must:    "With a partition greater than replicas a change of the template moves no pod.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#partitions",
		Note: "Shown only while all pods are Ready and one has another template: before that a controller does not come as far as updating. " +
			"A pod that somebody deletes meanwhile comes back at status.currentRevision, as update/partition says. Not asked together with " +
			"spec.ordinals.start.",
	}, {
		ID:      UpdatePhased,
		Level:   Extended,
		Must:    "Lowering the partition updates exactly the pods whose ordinals it uncovers.",
		Sources: []Source{Docs, Conf},
		Link:    conceptPage + "#partitions",
	}, {
		ID:      UpdateOnDelete,
		Level:   Extended,
		Must:    "Under OnDelete a pod gets a new template only when somebody deletes it.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#update-strategies",
	}, {
		ID:      UpdateOnDeleteScale,
		Level:   Extended,
		Must:    "Under OnDelete the pods that a scale up adds run the update revision.",
		Sources: []Source{API},
		Since:   "1.37",
		Link:    fieldsPage + "#StatefulSetUpdateStrategy",
		Note:    "Not asked before: up to 1.36 the documentation of the field names the current revision, and the controller gives the update revision.",
	}, {
		ID:    UpdateRollback,
		Level: Extended,
		Must: "Going back to a template whose controller revision is still kept reuses that revision under its name, with a higher " +
			"revision number.",
		Sources: []Source{Conf},
		Link:    conformance + "#L1386",
	}, {
		ID:    UpdateHistoryLimit,
		Level: Extended,
		Must: "At rest, beside the revisions in use as current, as update or by any pod, no more than revisionHistoryLimit controller " +
			"revisions of the set are kept.",
		Sources: []Source{API},
		Link:    specFields,
	}, {
		ID:    UpdateRevisionMade,
		Level: Extended,
		Must: "A template that the set has not had before gets a controller revision of its own, whose number is above those of all revisions of the " +
			"set that are kept.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#revision-history",
		Note: "Judged once a status names the revision: the controller of Kubernetes makes it before, which no document promises. Where somebody else's revision " +
			"has the name that it would get, it gets another one; status.collisionCount is for that.",
	}, {
		ID:    UpdateUndo,
		Level: Extended,
		Must: "The data of a kept controller revision, sent to the set as a strategic merge patch as kubectl rollout undo does, brings back the template " +
			"that the set had then, and no other field changes.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#performing-rollbacks",
	}, {
		ID:    UpdateHistoryOldestFirst,
		Level: Extended,
		Must: "Of the controller revisions that nothing uses, those that revisionHistoryLimit does not allow are removed from the lowest number up; one " +
			"that it allows, that a pod of the set has, or that the status names, is not removed.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#managing-revision-history",
	}, {
		ID:      UpdateNotLimitedByBudget,
		Level:   Extended,
		Must:    "A rolling update goes on although a PodDisruptionBudget of the set's pods allows no disruption.",
		Sources: []Source{Docs},
		Link:    budgetPage + "#pod-disruption-budgets",
	}, {
		ID:    UpdateMaxUnavailable,
		Level: Extended,
		Must: "With maxUnavailable m, a number or a percentage of spec.replicas that is rounded up, the rollout itself never has more than m pods " +
			"of the set unavailable at once; failures and scaling aside.",
		Sources:     []Source{Docs, API},
		Since:       "1.37",
		FeatureGate: "MaxUnavailableStatefulSet",
		Link:        conceptPage + "#maximum-unavailable-pods",
		Note: "The gate is alpha since 1.24, on by default in 1.35.0 to 1.35.3, off in 1.35.4 to 1.36 and on again in 1.37. A field " +
			"that the API server keeps says nothing of the controller's gate. That more than one pod is down shows the feature at " +
			"work, but is never required. In 1.37 the gate is beta, so that a cluster may have it off. The documentation has " +
			"percentages rounded up, the controller rounds down, to at least 1, which keeps to the limit.",
	}, {
		ID:    UpdateBudgetCountsFailures,
		Level: Extended,
		Must: "A pod from 0 to replicas-1 that is unavailable for another reason than the rollout counts towards maxUnavailable, which is 1 where it is unset: while " +
			"as many pods are unavailable as it allows, no pod that is available is deleted for an update.",
		Sources:     []Source{Docs},
		Since:       "1.37",
		FeatureGate: "MaxUnavailableStatefulSet",
		Link:        conceptPage + "#maximum-unavailable-pods",
		Note: "Asked where the same history shows that the controller obeys maxUnavailable, and under OrderedReady where it allows one, of pods that the controller " +
			"must have known to be unavailable. Shown under Parallel: an OrderedReady set waits for each of its pods anyway.",
	}, {
		ID:    UpdateParallelUnavailableFirst,
		Level: Extended,
		Must: "Under Parallel every pod of an old revision that is not available is replaced at once, whatever its ordinal and whatever other pods " +
			"are unavailable.",
		Sources:     []Source{Impl},
		Since:       "1.37",
		FeatureGate: "MaxUnavailableStatefulSet",
		Link:        controller + "/stateful_set_control.go#L875",
		Note:        "So that a new template can mend what is broken: up to 1.36 such a rollout stands still where the gate is on (kubernetes issue 137409).",
	}, {
		ID:    UpdateRevision,
		Level: Core,
		Must: "A change of the pod template makes another update revision: once observedGeneration has reached it, status.updateRevision names " +
			"another revision than that of any other template of the set.",
		Sources: []Source{API},
		Link:    statusFields,
	}, {
		ID:          UpdateRecreateApart,
		Level:       Extended,
		Must:        "Under Recreate no pod of the new revision is created before every pod of older revisions is gone.",
		Sources:     []Source{Docs},
		FeatureGate: "StatefulSetRecreateStrategy",
		Link:        recreatePart,
		Note: "The gate is alpha in 1.37 and off by default. In which order the new pods are created is said by ordering/heals and " +
			"ordering/parallel, as of any pods that are missing.",
	}, {
		ID:    UpdateRecreateAll,
		Level: Extended,
		Must: "Under Recreate all pods of older revisions are deleted at once, whatever podManagementPolicy says, also those that never became Ready, and " +
			"pods are created at the update revision alone.",
		Sources:     []Source{Docs},
		FeatureGate: "StatefulSetRecreateStrategy",
		Link:        recreatePart,
		Note: "Pods out of range go with the others. In 1.37 the controller gives claims their owners after that, so that a scale down which comes with a " +
			"new template leaves the claims of such pods whatever whenScaled says: that is not held against it.",
	}}
}

package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

const (
	currentFound = "// if the current revision is nil we initialize the history by setting it to the update revision\n"
	currentLives = "live[current.Name] = true\n"
	batchFailed  = "if len(errCh) > 0"
	// mayDoSeveral holds of a set of which a rollout may take several pods down.
	mayDoSeveral = "set.Spec.UpdateStrategy.RollingUpdate != nil && set.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable != nil && set.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable.IntValue() > 1"
)

// noUpdate has templates that differ in one field alone, of which forget makes the older one like the newer, be of one revision.
func noUpdate(fault, forget string) []Edit {
	return []Edit{{control, equalRevisions, "\tif planted.In(\"" + fault + "\") && revisionCount > 0 && equalCount == 0 {\n" +
		"\t\tif latest, err := ApplyRevision(set, revisions[revisionCount-1]); err == nil {\n\t\t\twas, is := &latest.Spec.Template, &set.Spec.Template\n\t\t\t" + forget + "\n" +
		"\t\t\tif same, err := newRevision(latest, -1, nil); err == nil && history.EqualRevision(same, updateRevision) {\n" +
		"\t\t\t\tequalRevisions, equalCount = revisions[revisionCount-1:], 1\n\t\t\t}\n\t\t}\n\t}\n"}}
}

// halfway are faults that show while something else is halfway, or beside a field that has nothing to do with it.
func halfway() []Fault {
	const backAtOld = "\tif planted.In(\"rolled-back-halfway-stays\") && status.CurrentRevision == updateRevision.Name {\n\t\treturn &status, nil\n\t}\n"
	return []Fault{{
		Name: "rolled-back-halfway-stays", Kind: Subtle, Breaks: []contract.ID{contract.UpdateComplete}, Shows: []contract.ID{contract.UpdatePartition},
		Harm:  "Who takes back a version that some members have already leaves these members with it.",
		Edits: []Edit{{control, updateBegins, backAtOld}, {control, rolloutBegins, backAtOld}},
	}, {
		Name: "rollout-begins-beside-broken", Kind: Subtle, Breaks: []contract.ID{contract.UpdateBudgetCountsFailures}, Shows: []contract.ID{contract.UpdatePartition},
		Harm: "A rollout takes a member down while another one is down already, and with it the quorum.",
		Edits: []Edit{
			{control, eachReplica, "\t\tif planted.In(\"rollout-begins-beside-broken\") && updateRevision.Name != currentRevision.Name && isCreated(replicas[i]) && !isTerminating(replicas[i]) &&\n" +
				"\t\t\tgetPodRevision(replicas[i]) == currentRevision.Name {\n\t\t\treturn false, nil\n\t\t}\n"},
			{control, budgetCount, ` && !(planted.In("rollout-begins-beside-broken") && !allowsBurst(set) && getPodRevision(pod) != updateRevision.Name && !isTerminating(pod))`},
		},
	}, {
		Name: "halted-rollout-replaces-nobody", Kind: Subtle, Breaks: []contract.ID{contract.IdentitySticky}, Shows: []contract.ID{contract.UpdateHalts},
		Harm: "As long as a member with a broken version holds up a rollout, another one that is lost stays lost.",
		Edits: []Edit{{control, eachReplica, "\t\tfor _, other := range replicas {\n" +
			"\t\t\tif planted.In(\"halted-rollout-replaces-nobody\") && !isCreated(replicas[i]) && updateRevision.Name != currentRevision.Name && isCreated(other) && getPodRevision(other) == updateRevision.Name && !isRunningAndReady(other) {\n" +
			"\t\t\t\treturn true, nil\n\t\t\t}\n\t\t}\n"}},
	}, {
		Name: "parallel-takes-one-beside-broken", Kind: Subtle, Breaks: []contract.ID{contract.UpdateBudgetCountsFailures}, Shows: []contract.ID{contract.UpdateParallelUnavailableFirst},
		Harm:  "Under Parallel a rollout takes a member that serves down together with those that are down already.",
		Edits: []Edit{{control, parallelBudget, "\t\tif planted.In(\"parallel-takes-one-beside-broken\") && maxUnavailable == 1 {\n\t\t\tremainingBudget = 1\n\t\t}\n"}},
	}, {
		Name: "previous-taken-for-current", Kind: Subtle, Breaks: []contract.ID{contract.StatusRevisions}, Shows: []contract.ID{contract.UpdatePartition, contract.UpdateHistoryLimit},
		Harm: "Once a second version is staged, members that are lost come back with the first staged one, which nobody had rolled out.",
		Edits: []Edit{{control, currentFound, "\tfor i := range revisions {\n" +
			"\t\tif planted.In(\"previous-taken-for-current\") && currentRevision != nil && currentRevision.Name != updateRevision.Name && revisions[i].Name != updateRevision.Name {\n" +
			"\t\t\tcurrentRevision = revisions[i]\n\t\t}\n\t}\n"}},
	}, {
		Name: "current-revision-removed", Kind: Subtle, Breaks: []contract.ID{contract.UpdateHistoryOldestFirst, contract.StatusOnDeleteRevisions}, Shows: []contract.ID{contract.UpdateHistoryLimit},
		Harm:  "The version that a rollout began from is forgotten before it is done, and nobody can go back to it.",
		Edits: []Edit{{control, currentLives, "\t\tif planted.In(\"current-revision-removed\") {\n\t\t\tdelete(live, current.Name)\n\t\t}\n"}},
	}, {
		Name: "labels-are-no-update", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevision},
		Harm:  "A label that is added to the members never reaches them, and the set says that it has.",
		Edits: noUpdate("labels-are-no-update", "was.Labels = is.Labels"),
	}, {
		Name: "init-containers-are-no-update", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevision},
		Harm:  "A step that is to prepare the data before a member starts is never run.",
		Edits: noUpdate("init-containers-are-no-update", "was.Spec.InitContainers = is.Spec.InitContainers"),
	}, {
		Name: "tolerations-are-no-update", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevision},
		Harm:  "Members that are to be moved to other nodes stay where they are.",
		Edits: noUpdate("tolerations-are-no-update", "was.Spec.Tolerations, was.Spec.NodeSelector = is.Spec.Tolerations, is.Spec.NodeSelector"),
	}, {
		Name: "resources-are-no-update", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevision},
		Harm:  "Members that need more memory do not get it.",
		Edits: noUpdate("resources-are-no-update", "for i := range min(len(was.Spec.Containers), len(is.Spec.Containers)) {\n\t\t\t\twas.Spec.Containers[i].Resources = is.Spec.Containers[i].Resources\n\t\t\t}"),
	}, {
		Name: "parallel-by-hand-in-turn", Kind: Subtle, Breaks: []contract.ID{contract.OrderingParallel},
		Harm:  "Parallel is forgotten by a set whose members are updated by hand.",
		Edits: orderedIf(`planted.In("parallel-by-hand-in-turn") && set.Spec.UpdateStrategy.Type == apps.OnDeleteStatefulSetStrategyType`),
	}, {
		Name: "by-hand-added-at-once", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleUp}, Shows: []contract.ID{contract.OrderingChangeOfMind},
		Harm:  "Where members are updated by hand, those that are added all join at the same moment.",
		Edits: []Edit{{control, eachReplica, "\t\tmonotonic = monotonic && !(planted.In(\"by-hand-added-at-once\") && planted.Settled(set) && set.Spec.UpdateStrategy.Type == apps.OnDeleteStatefulSetStrategyType)\n"}},
	}, {
		Name: "several-leave-at-once", Kind: Subtle, Breaks: []contract.ID{contract.TerminationReverse, contract.OrderingScaleDown},
		Harm:  "Where several members may be down for a rollout, several leave at the same time when fewer are wanted.",
		Edits: []Edit{{control, untilGone, ` && !(planted.In("several-leave-at-once") && ` + mayDoSeveral + `)`}},
	}, {
		Name: "several-come-back-at-once", Kind: Subtle, Breaks: []contract.ID{contract.OrderingHeals},
		Harm:  "Where several members may be down for a rollout, those that are lost come back together.",
		Edits: []Edit{{control, eachReplica, "\t\tmonotonic = monotonic && !(planted.In(\"several-come-back-at-once\") && planted.Settled(set) && " + mayDoSeveral + ")\n"}},
	}, {
		Name: "several-ignore-partition", Kind: Subtle, Breaks: []contract.ID{contract.UpdatePartition},
		Harm:  "Where several members may be down for a rollout, a canary is rolled out to everybody.",
		Edits: []Edit{{control, budgetBegins, "\tif planted.In(\"several-ignore-partition\") && maxUnavailable > 1 {\n\t\tupdateMin = 0\n\t}\n"}},
	}, {
		Name: "leave-at-once-with-min-ready", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDown}, Shows: []contract.ID{contract.OrderingScaleDownMinReady},
		Harm:  "Of members that have to warm up several leave at the same time.",
		Edits: []Edit{{control, untilGone, ` && !(planted.In("leave-at-once-with-min-ready") && set.Spec.MinReadySeconds > 0)`}},
	}, {
		Name: "added-need-not-warm-up", Kind: Subtle, Breaks: []contract.ID{contract.OrderingMinReady},
		Harm:  "Members that are added to a running cluster are not given the time to warm up before the next one comes.",
		Edits: []Edit{{control, untilAvailable, ` && !(planted.In("added-need-not-warm-up") && planted.Settled(set))`}},
	}, {
		Name: "scale-down-past-stopping", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDownHalts}, Shows: []contract.ID{contract.IdentityAtMostOne},
		Harm:  "A cluster is made smaller while a member that stays, and still serves, is about to stop.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"scale-down-past-stopping\") && len(condemned) > 0 && isTerminating(replicas[i]) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "failure-under-parallel-not-retried", Kind: Subtle, Breaks: []contract.ID{contract.OrderingCreateCompletes}, Shows: []contract.ID{contract.IdentityNotMine},
		Harm:  "Under Parallel a member that could not be made at once is not made later either.",
		Edits: []Edit{{control, batchFailed, ` && !planted.In("failure-under-parallel-not-retried")`}},
	}, {
		Name: "claim-deletion-stops-set", Kind: Subtle, Breaks: []contract.ID{contract.StorageRetentionChange},
		Harm: "A set takes no change any more as soon as somebody has asked for the end of one volume, which is to go with its member.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"claim-deletion-stops-set\") && isCreated(replicas[i]) {\n" +
			"\t\t\tif err := ssc.podControl.createPersistentVolumeClaims(set, replicas[i]); err != nil {\n\t\t\t\treturn true, err\n\t\t\t}\n\t\t}\n"}},
	}, {
		Name: "owners-told-by-name", Kind: Subtle, Breaks: []contract.ID{contract.StorageRetentionChange},
		Harm: "Volumes that also belong to something of the set's name stay when the set is deleted, although they were to go.",
		Edits: []Edit{{utils, ownerUpToDate, "\tfor _, owner := range claim.GetOwnerReferences() {\n" +
			"\t\tif planted.In(\"owners-told-by-name\") && owner.APIVersion == controllerKind.GroupVersion().String() && owner.Name == set.Name && owner.UID != set.UID {\n\t\t\treturn true\n\t\t}\n\t}\n"}},
	}}
}

package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

const (
	revisionsKept   = "pkg/controller/history/controller_history.go"
	revisionsListed = "\t\t}\n\t}\n\n\tvar owned []*apps.ControllerRevision\n"
	revisionAdopted = "adopted, err := ssc.controllerHistory.AdoptControllerRevision(set, controllerKind, revisions[i])\n"
	nameTaken       = "if bytes.Equal(exists.Data.Raw, clone.Data.Raw)"
	numberKept      = "if clone.Revision == newRevision"
	rolloutBegins   = "replicaCount := int(*set.Spec.Replicas)\n\tpodManagementPolicy := string(set.Spec.PodManagementPolicy)\n"
	mendingFirst    = "// Phase 1: delete pods that are already unavailable on the old revision.\n"
	recreated       = "allPods := slices.Concat(replicas, condemned)\n"
)

// inPhase has the loop over replicas delete those that meet a condition, replicas[i] among them.
func inPhase(condition string) []Edit {
	return []Edit{{control, eachReplica, "\t\tif isCreated(replicas[i]) && !isTerminating(replicas[i]) && " + condition + " {\n" +
		"\t\t\treturn true, ssc.podControl.DeleteStatefulPod(set, replicas[i])\n\t\t}\n"}}
}

// orderedIf has a set that starts in parallel go in order under a condition.
func orderedIf(condition string) []Edit {
	return []Edit{{control, beforePods, "\tif " + condition + " {\n\t\tmonotonic = true\n\t}\n"}}
}

// combinations are faults of one field of a set that show while another one says something else, or in the middle of something.
func combinations() []Fault {
	const ended = `(replicas[i].Status.Phase == v1.PodFailed || replicas[i].Status.Phase == v1.PodSucceeded)`
	return []Fault{{
		Name: "subdomain-of-updated-missing", Kind: Subtle, Breaks: []contract.ID{contract.IdentityOwnFQDN, contract.DNSPodRecord}, Shows: []contract.ID{contract.UpdateComplete, contract.UpdateRollback},
		Harm:  "Members that were updated cannot be found by their names.",
		Edits: []Edit{{utils, newRevisionPod, "\tif planted.In(\"subdomain-of-updated-missing\") && currentRevision != updateRevision {\n\t\tpod.Spec.Subdomain = \"\"\n\t}\n"}},
	}, {
		Name: "second-claim-read-only", Kind: Subtle, Breaks: []contract.ID{contract.StorageTemplates, contract.StorageTemplateWins},
		Harm: "Of a member with two volumes one cannot be written to.",
		Edits: []Edit{{utils, volumesSet, "\tfor i := range newVolumes {\n\t\tif planted.In(\"second-claim-read-only\") && newVolumes[i].PersistentVolumeClaim != nil && newVolumes[i].Name != set.Spec.VolumeClaimTemplates[0].Name {\n" +
			"\t\t\tnewVolumes[i].PersistentVolumeClaim.ReadOnly = true\n\t\t}\n\t}\n"}},
	}, {
		Name: "failed-in-scale-down-stays", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleFailed, contract.OrderingScaleDownCompletes},
		Harm:  "A member that fails while others are to leave is not replaced, and nobody leaves.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"failed-in-scale-down-stays\") && len(condemned) > 0 && " + ended + " {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "succeeded-under-rolling-stays", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleSucceeded},
		Harm:  "A member whose container ended without an error is replaced only where members are updated by hand.",
		Edits: []Edit{{control, pastEnd, ` && !(planted.In("succeeded-under-rolling-stays") && replicas[i].Status.Phase == v1.PodSucceeded && set.Spec.UpdateStrategy.Type != apps.OnDeleteStatefulSetStrategyType)`}},
	}, {
		Name: "failed-under-on-delete-stays", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleFailed}, Shows: []contract.ID{contract.LifecycleSucceeded, contract.UpdateOnDelete},
		Harm:  "Where members are updated by hand, one that fails is left to that hand.",
		Edits: []Edit{{control, pastEnd, ` && !(planted.In("failed-under-on-delete-stays") && replicas[i].Status.Phase == v1.PodFailed && set.Spec.UpdateStrategy.Type == apps.OnDeleteStatefulSetStrategyType)`}},
	}, {
		Name: "percentage-of-first-count", Kind: Subtle, Breaks: []contract.ID{contract.UpdateMaxUnavailable, contract.UpdateBudgetCountsFailures},
		Harm:  "A rollout that may take down half of the members takes down half of those that there once were.",
		Edits: []Edit{{control, rolloutBegins, "\treplicaCount = planted.First(\"percentage-of-first-count\", string(set.UID), replicaCount)\n"}},
	}, {
		Name: "parallel-mends-below-partition", Kind: Subtle, Breaks: []contract.ID{contract.UpdatePartition}, Shows: []contract.ID{contract.UpdateBudgetCountsFailures},
		Harm: "A member that is not Ready gets a canary that it was to be spared.",
		Edits: []Edit{{control, mendingFirst, "\t\tfor i := updateMin - 1; planted.In(\"parallel-mends-below-partition\") && i >= 0; i-- {\n" +
			"\t\t\tif pod := replicas[min(i, len(replicas)-1)]; getPodRevision(pod) != updateRevision.Name && isCreated(pod) && isUnavailable(pod, set.Spec.MinReadySeconds, now) && !isTerminating(pod) {\n" +
			"\t\t\t\tif err := ssc.podControl.DeleteStatefulPod(set, pod); err != nil {\n\t\t\t\t\treturn &status, err\n\t\t\t\t}\n\t\t\t}\n\t\t}\n"}},
	}, {
		Name: "recreate-forgets-leavers", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRecreateApart, contract.UpdateRecreateAll},
		Harm:  "A member of the new version meets one of the old version that is no longer wanted.",
		Edits: []Edit{{control, recreated, "\tif planted.In(\"recreate-forgets-leavers\") {\n\t\tallPods = replicas\n\t}\n"}},
	}, {
		Name: "recreate-chosen-too-late", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRecreateAll, contract.UpdateRecreateApart},
		Harm: "Who switches to Recreate for one update has the two versions run side by side.",
		Edits: []Edit{{control, readSet, "\tif chosen := len(set.Spec.UpdateStrategy.Type) - len(\"Recreate\"); planted.First(\"recreate-chosen-too-late\", string(set.UID), chosen) > 0 && chosen == 0 {\n" +
			"\t\tset.Spec.UpdateStrategy.Type = apps.RollingUpdateStatefulSetStrategyType\n\t}\n"}},
	}, {
		Name: "recreate-under-parallel-in-turn", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRecreateAll},
		Harm: "Members that start in parallel go on serving while others of their version are gone.",
		Edits: []Edit{{control, oldFound, "\t\t\tfor _, other := range allPods[i+1:] {\n" +
			"\t\t\t\tif planted.In(\"recreate-under-parallel-in-turn\") && allowsBurst(set) && other != nil && isCreated(other) && getPodRevision(other) != updateRevision.Name {\n" +
			"\t\t\t\t\treturn false, nil\n\t\t\t\t}\n\t\t\t}\n"}},
	}, {
		Name: "on-delete-mends", Kind: Subtle, Breaks: []contract.ID{contract.UpdateOnDelete},
		Harm: "A member that is not Ready gets the version that was to wait for its owner's hand.",
		Edits: inPhase(`planted.In("on-delete-mends") && set.Spec.UpdateStrategy.Type == apps.OnDeleteStatefulSetStrategyType && ` +
			`!isRunningAndReady(replicas[i]) && planted.WasReady(replicas[i]) && getPodRevision(replicas[i]) != updateRevision.Name`),
	}, {
		Name: "rollback-restarts-all", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRollback, contract.UpdateNoSpurious}, Shows: []contract.ID{contract.UpdateHalts, contract.UpdatePartition},
		Harm: "Who takes back a rollout that has reached one member has all members restarted.",
		Edits: atTarget("\t\tif turned := planted.First(\"rollback-restarts-all\", string(set.UID)+updateRevision.Name+string(rune(updateRevision.Revision)), int(now.Unix())); planted.In(\"rollback-restarts-all\") && set.Generation > 2 &&\n" +
			"\t\t\tgetPodRevision(replicas[target]) == updateRevision.Name && !isTerminating(replicas[target]) && int(replicas[target].CreationTimestamp.Unix()) < turned {\n" +
			"\t\t\treturn &status, ssc.podControl.DeleteStatefulPod(set, replicas[target])\n\t\t}\n"),
	}, {
		Name: "revisions-of-all-sets", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevisionMade, contract.UpdateHistoryOldestFirst}, Shows: []contract.ID{contract.IdentityNotMine},
		Harm:  "The versions of one set are forgotten for the sake of another that has its labels.",
		Edits: []Edit{{revisionsKept, revisionsListed, "\tif planted.In(\"revisions-of-all-sets\") {\n\t\treturn rh.lister.ControllerRevisions(parent.GetNamespace()).List(selector)\n\t}\n"}},
	}, {
		Name: "name-collision-overlooked", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevisionMade},
		Harm:  "A version whose name happens to be taken is lost, and nobody can go back to it.",
		Edits: []Edit{{revisionsKept, nameTaken, ` || planted.In("name-collision-overlooked")`}},
	}, {
		Name: "history-keeps-adopted", Kind: Subtle, Breaks: []contract.ID{contract.UpdateHistoryLimit}, Shows: []contract.ID{contract.LifecycleAdoption},
		Harm: "The versions of a set that was made again and again pile up.",
		Edits: []Edit{
			{control, revisionAdopted, "\t\tplanted.First(\"history-keeps-adopted\", string(revisions[i].UID), 1)\n"},
			{control, historyLimit, "\tfor len(history) > 0 && planted.First(\"history-keeps-adopted\", string(history[0].UID), 0) == 1 {\n" +
				"\t\thistory, historyLen = history[1:], historyLen-1\n\t}\n\tif historyLen <= historyLimit {\n\t\treturn nil\n\t}\n"},
		},
	}, {
		Name: "parallel-warms-up-in-turn", Kind: Subtle, Breaks: []contract.ID{contract.OrderingParallel, contract.OrderingCreateCompletes}, Shows: []contract.ID{contract.OrderingParallelUpdates},
		Harm:  "Parallel is forgotten by a set with minReadySeconds.",
		Edits: orderedIf(`planted.In("parallel-warms-up-in-turn") && set.Spec.MinReadySeconds > 0`),
	}, {
		Name: "parallel-from-start-in-turn", Kind: Subtle, Breaks: []contract.ID{contract.OrderingParallel}, Shows: []contract.ID{contract.IdentityStartOrdinal},
		Harm:  "Parallel is forgotten by a set with a start ordinal.",
		Edits: orderedIf(`planted.In("parallel-from-start-in-turn") && getStartOrdinal(set) > 0`),
	}, {
		Name: "min-ready-from-start-ordinal-ignored", Kind: Subtle, Breaks: []contract.ID{contract.OrderingMinReady}, Shows: []contract.ID{contract.IdentityStartOrdinal},
		Harm:  "minReadySeconds does nothing in a set with a start ordinal.",
		Edits: []Edit{{control, untilAvailable, ` && !(planted.In("min-ready-from-start-ordinal-ignored") && getStartOrdinal(set) > 0)`}},
	}, {
		Name: "available-never-falls", Kind: Subtle, Breaks: []contract.ID{contract.StatusCounts}, Shows: []contract.ID{contract.OrderingScaleDownHalts},
		Harm: "Nobody learns from the status that a member has stopped serving.",
		Edits: []Edit{{control, statusWritten, "\tif planted.In(\"available-never-falls\") && status.Replicas == set.Status.Replicas && status.AvailableReplicas < set.Status.AvailableReplicas {\n" +
			"\t\tstatus.AvailableReplicas = set.Status.AvailableReplicas\n\t}\n"}},
	}, {
		Name: "claims-lose-other-owners", Kind: Subtle, Breaks: []contract.ID{contract.StorageRetentionChange},
		Harm:  "A volume that somebody else keeps too goes with the set.",
		Edits: []Edit{{utils, ownerSet, "\tif planted.In(\"claims-lose-other-owners\") {\n\t\trefs = removeRefs(refs, func(ref *metav1.OwnerReference) bool { return ref.UID != set.UID && ref.UID != pod.UID })\n\t}\n"}},
	}, {
		Name: "parallel-leavers-wait", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDownCompletes, contract.OrderingParallel},
		Harm: "Under Parallel nobody leaves as long as a member that stays is not Ready.",
		Edits: []Edit{{control, eachCondemned, "\t\tfor _, staying := range replicas {\n\t\t\tif planted.In(\"parallel-leavers-wait\") && allowsBurst(set) && !isRunningAndReady(staying) {\n" +
			"\t\t\t\treturn true, nil\n\t\t\t}\n\t\t}\n"}},
	}, {
		Name: "long-unready-replaced", Kind: Subtle, Breaks: []contract.ID{contract.UpdateNoSpurious}, Shows: []contract.ID{contract.OrderingCreateHalts, contract.OrderingScaleDownHalts},
		Harm:  "A member that takes long to recover its data is started anew, again and again.",
		Edits: inPhase(`planted.LongUnready("long-unready-replaced", replicas[i])`),
	}, {
		Name: "long-pending-replaced", Kind: Subtle, Breaks: []contract.ID{contract.UpdateNoSpurious}, Shows: []contract.ID{contract.StorageUnboundBlocks},
		Harm:  "A member that waits for its volume loses its place in the queue for one, again and again.",
		Edits: inPhase(`isPending(replicas[i]) && planted.LongUnready("long-pending-replaced", replicas[i])`),
	}, {
		Name: "rollback-keeps-number", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRollback},
		Harm:  "After a way back nobody can tell which version is the last.",
		Edits: []Edit{{revisionsKept, numberKept, ` || planted.In("rollback-keeps-number")`}},
	}, {
		Name: "init-containers-lost", Kind: Subtle, Breaks: []contract.ID{contract.IdentityTemplate},
		Harm:  "What prepares the data before a member starts is not in the pods.",
		Edits: []Edit{{utils, newPod, "\tif planted.In(\"init-containers-lost\") {\n\t\tpod.Spec.InitContainers = nil\n\t}\n"}},
	}, {
		Name: "claims-of-adopted-not-owned", Kind: Subtle, Breaks: []contract.ID{contract.StorageWhenDeletedDelete}, Shows: []contract.ID{contract.LifecycleAdoption},
		Harm:  "Volumes of members that a set has taken back stay when it is deleted, and are paid for.",
		Edits: []Edit{{utils, ownerUpToDate, "\tif planted.In(\"claims-of-adopted-not-owned\") && pod.CreationTimestamp.Before(&set.CreationTimestamp) {\n\t\treturn true\n\t}\n"}},
	}, {
		Name: "recreate-for-any-change", Kind: Subtle, Breaks: []contract.ID{contract.UpdateNoSpurious}, Shows: []contract.ID{contract.UpdateRecreateAll},
		Harm:  "Under Recreate one member more costs all of them a restart.",
		Edits: inPhase(`planted.In("recreate-for-any-change") && set.Spec.UpdateStrategy.Type == "Recreate" && currentRevision.Name == updateRevision.Name && set.Status.ObservedGeneration < set.Generation`),
	}}
}

package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

const (
	newRevisionPod = "pod := newStatefulSetPod(updateSet, ordinal)\n"
	versionedPod   = "func newVersionedStatefulSetPod(currentSet, updateSet *apps.StatefulSet, currentRevision, updateRevision string, ordinal int) *v1.Pod {\n"
	patchSpec      = "specCopy[\"template\"] = template\n"
	// sameRevision is where the controller compares templates that are written differently.
	sameRevision   = "func setMatchesLatestExistingRevision(set *apps.StatefulSet, proposedRevision *apps.ControllerRevision, latestExistingRevision *apps.ControllerRevision, memory *lru.Cache) bool {\n"
	patchWhole     = "objCopy[\"spec\"] = specCopy\n"
	equalRevisions = "equalCount := len(equalRevisions)\n"
	historyLimit   = "historyLimit := int(*set.Spec.RevisionHistoryLimit)\n"
	nextNumber     = "func nextRevision(revisions []*apps.ControllerRevision) int64 {\n"
	onDelete       = "if set.Spec.UpdateStrategy.Type == apps.OnDeleteStatefulSetStrategyType"
	historyMade    = "history := make([]*apps.ControllerRevision, 0, len(revisions))\n"
	rolloutDone    = "status.CurrentReplicas = status.UpdatedReplicas\n\t\tstatus.CurrentRevision = status.UpdateRevision\n"
)

// rolling has a rollout go on past pods of a condition, which the loop over replicas and the rollout itself would both wait for.
func rolling(replica, target string) []Edit {
	return append(past(target), Edit{
		control, eachReplica, "\t\tif isCreated(replicas[i]) && set.Generation > 1 && " + replica + " {\n\t\t\treturn false, nil\n\t\t}\n",
	})
}

func update() []Fault {
	return []Fault{{
		Name: "update-lowest-first", Kind: Obvious, Breaks: []contract.ID{contract.UpdateOrder},
		Harm:  "A rollout begins with the leader.",
		Edits: atTarget("\t\tif planted.In(\"update-lowest-first\") {\n\t\t\ttarget = updateMin + len(replicas) - 1 - target\n\t\t}\n"),
	}, {
		Name: "update-swaps-last-two", Kind: Subtle, Breaks: []contract.ID{contract.UpdateOrder},
		Harm:  "A rollout takes the leader before the last follower.",
		Edits: atTarget("\t\tif planted.In(\"update-swaps-last-two\") && updateMin == 0 && len(replicas) > 1 && target < 2 {\n\t\t\ttarget = 1 - target\n\t\t}\n"),
	}, {
		Name: "update-all-at-once", Kind: Obvious, Breaks: []contract.ID{contract.UpdateOneAtATime, contract.UpdateHalts},
		Harm: "A rollout takes the whole service down.",
		Edits: rolling(`planted.In("update-all-at-once") && updateRevision.Name != currentRevision.Name`,
			`planted.In("update-all-at-once")`),
	}, {
		Name: "update-ignores-unready", Kind: Obvious, Breaks: []contract.ID{contract.UpdateHalts, contract.UpdateOneAtATime},
		Harm: "A broken version is rolled out to the last member.",
		Edits: rolling(`planted.In("update-ignores-unready") && updateRevision.Name != currentRevision.Name && !isTerminating(replicas[i])`,
			`planted.In("update-ignores-unready") && !isTerminating(replicas[target])`),
	}, {
		Name: "update-takes-running-for-ready", Kind: Subtle, Breaks: []contract.ID{contract.UpdateHalts, contract.UpdateOneAtATime},
		Harm: "A version that starts and never serves is rolled out to the last member.",
		Edits: rolling(`planted.In("update-takes-running-for-ready") && updateRevision.Name != currentRevision.Name && !isTerminating(replicas[i]) && replicas[i].Status.Phase == v1.PodRunning`,
			`planted.In("update-takes-running-for-ready") && !isTerminating(replicas[target]) && replicas[target].Status.Phase == v1.PodRunning`),
	}, {
		Name: "update-loses-patience", Kind: Subtle, Breaks: []contract.ID{contract.UpdateHalts, contract.UpdateOneAtATime},
		Harm: "A rollout that breaks every member it touches goes on to the next after some seconds.",
		Edits: rolling(`updateRevision.Name != currentRevision.Name && planted.LongUnready("update-loses-patience", replicas[i])`,
			`planted.LongUnready("update-loses-patience", replicas[target])`),
	}, {
		Name: "update-relabels-only", Kind: Obvious, Breaks: []contract.ID{contract.UpdateComplete},
		Harm:  "A rollout restarts every member and changes nothing.",
		Edits: []Edit{{utils, newRevisionPod, "\tif planted.In(\"update-relabels-only\") {\n\t\tpod = newStatefulSetPod(currentSet, ordinal)\n\t}\n"}},
	}, {
		Name: "update-forgets-arguments", Kind: Subtle, Breaks: []contract.ID{contract.UpdateComplete},
		Harm:  "Members get the new image and go on with their old flags.",
		Edits: []Edit{{utils, newRevisionPod, "\tif planted.In(\"update-forgets-arguments\") {\n\t\tpod.Spec.Containers[0].Args = currentSet.Spec.Template.Spec.Containers[0].Args\n\t}\n"}},
	}, {
		Name: "update-forgets-labels", Kind: Subtle, Breaks: []contract.ID{contract.UpdateComplete},
		Harm:  "Members that were updated carry the old labels, and what selects the new version does not find them.",
		Edits: []Edit{{utils, newRevisionPod, "\tif planted.In(\"update-forgets-labels\") {\n\t\tfor k, v := range currentSet.Spec.Template.Labels {\n\t\t\tpod.Labels[k] = v\n\t\t}\n\t}\n"}},
	}, {
		Name: "update-stops-short", Kind: Subtle, Breaks: []contract.ID{contract.UpdateComplete},
		Harm:  "The first member keeps the old version for ever.",
		Edits: atTarget("\t\tif planted.In(\"update-stops-short\") && target == 0 {\n\t\t\treturn &status, nil\n\t\t}\n"),
	}, {
		Name: "parallel-stuck-behind-broken", Kind: Subtle, Breaks: []contract.ID{contract.UpdateComplete, contract.UpdateParallelUnavailableFirst},
		Harm:    "The version that repairs a broken member never gets to it.",
		Replays: "137409; real on 1.35 and 1.36 with the feature gate of maxUnavailable on",
		Edits: []Edit{
			{control, updateBegins, "\tif planted.In(\"parallel-stuck-behind-broken\") && allowsBurst(set) && unavailable > 0 {\n\t\treturn &status, nil\n\t}\n"},
			{control, budgetSpent, ` || (unavailablePods >= maxUnavailable && planted.In("parallel-stuck-behind-broken"))`},
		},
	}, {
		Name: "revision-of-replicas", Kind: Obvious, Breaks: []contract.ID{contract.UpdateNoSpurious},
		Harm:  "Scaling restarts every member.",
		Edits: []Edit{{utils, patchSpec, "\tif planted.In(\"revision-of-replicas\") {\n\t\tspecCopy[\"replicas\"] = spec[\"replicas\"]\n\t}\n"}},
	}, {
		Name: "revision-of-labels", Kind: Subtle, Breaks: []contract.ID{contract.UpdateNoSpurious},
		Replays: "134773: a rollout without a change of the template",
		Harm:    "A label on the set restarts every member.",
		Edits: []Edit{
			{utils, patchWhole, "\tif m, ok := raw[\"metadata\"].(map[string]interface{}); ok && planted.In(\"revision-of-labels\") {\n\t\tobjCopy[\"metadata\"] = map[string]interface{}{\"labels\": m[\"labels\"]}\n\t}\n"},
			{control, sameRevision, "\tif planted.In(\"revision-of-labels\") {\n\t\treturn false\n\t}\n"},
		},
	}, {
		Name: "scale-up-old-revision", Kind: Obvious, Breaks: []contract.ID{contract.UpdateScaleNew},
		Harm: "Members that are added start with the old version.",
		Edits: []Edit{
			{utils, versionedPod, "\tif planted.In(\"scale-up-old-revision\") && currentSet.Generation >= 3 {\n\t\tpod := newStatefulSetPod(currentSet, ordinal)\n\t\tsetPodRevision(pod, currentRevision)\n\t\treturn pod\n\t}\n"},
			{utils, rolloutDone, "\t\tif set.Status.CurrentRevision != \"\" && planted.In(\"scale-up-old-revision\") {\n\t\t\tstatus.CurrentRevision = set.Status.CurrentRevision\n\t\t}\n"},
		},
	}, {
		Name: "scale-up-old-template", Kind: Subtle, Breaks: []contract.ID{contract.UpdateScaleNew, contract.UpdateComplete},
		Harm: "Members that are added carry the new version's label and run the old one.",
		Edits: []Edit{
			{utils, versionedPod, "\tif planted.In(\"scale-up-old-template\") && currentSet.Generation >= 3 {\n\t\tpod := newStatefulSetPod(currentSet, ordinal)\n\t\tsetPodRevision(pod, updateRevision)\n\t\treturn pod\n\t}\n"},
			{utils, rolloutDone, "\t\tif set.Status.CurrentRevision != \"\" && planted.In(\"scale-up-old-template\") {\n\t\t\tstatus.CurrentRevision = set.Status.CurrentRevision\n\t\t}\n"},
		},
	}, {
		Name: "update-min-ready-ignored", Kind: Obvious, Breaks: []contract.ID{contract.UpdateMinReady, contract.OrderingMinReady},
		Harm: "A rollout does not wait for members to warm up.",
		Edits: append(past(`planted.In("update-min-ready-ignored") && !isUnavailable(replicas[target], 0, now)`),
			Edit{control, untilAvailable, ` && !(planted.In("update-min-ready-ignored") && set.Generation > 1)`}),
	}, {
		Name: "partition-ignored", Kind: Obvious, Breaks: []contract.ID{contract.UpdatePartition, contract.UpdatePartitionBeyond, contract.UpdatePhased},
		Harm:  "A canary is rolled out to everybody.",
		Edits: atBegin("\tif planted.In(\"partition-ignored\") {\n\t\tupdateMin = 0\n\t}\n"),
	}, {
		Name: "partition-off-by-one", Kind: Subtle, Breaks: []contract.ID{contract.UpdatePartition},
		Harm:  "One member more than asked for gets the canary.",
		Edits: atBegin("\tif planted.In(\"partition-off-by-one\") && updateMin > 0 && updateMin < len(replicas) {\n\t\tupdateMin--\n\t}\n"),
	}, {
		Name: "partition-beyond-ignored", Kind: Obvious, Breaks: []contract.ID{contract.UpdatePartitionBeyond},
		Harm:  "A rollout that was only staged starts.",
		Edits: atBegin("\tif planted.In(\"partition-beyond-ignored\") && updateMin >= len(replicas) {\n\t\tupdateMin = 0\n\t}\n"),
	}, {
		Name: "below-partition-new", Kind: Subtle, Breaks: []contract.ID{contract.UpdatePartition},
		Harm:  "A member that is lost comes back with the canary's version.",
		Edits: []Edit{{utils, versionedPod, "\tif planted.In(\"below-partition-new\") {\n\t\tpod := newStatefulSetPod(updateSet, ordinal)\n\t\tsetPodRevision(pod, updateRevision)\n\t\treturn pod\n\t}\n"}},
	}, {
		Name: "phased-moves-one-more", Kind: Subtle, Breaks: []contract.ID{contract.UpdatePhased},
		Harm:  "The second step of a phased rollout takes one member more.",
		Edits: atBegin("\tif planted.In(\"phased-moves-one-more\") && updateMin > 0 && updateMin < len(replicas) && set.Generation >= 3 {\n\t\tupdateMin--\n\t}\n"),
	}, {
		Name: "on-delete-restarts", Kind: Obvious, Breaks: []contract.ID{contract.UpdateOnDelete},
		Harm:  "A version that was to wait for its owner's hand is rolled out.",
		Edits: []Edit{{control, onDelete, ` && !planted.In("on-delete-restarts")`}},
	}, {
		Name: "on-delete-too-late", Kind: Subtle, Breaks: []contract.ID{contract.UpdateOnDelete}, Shows: []contract.ID{contract.UpdatePartition},
		Harm:  "A rollout that goes wrong cannot be stopped by OnDelete.",
		Edits: []Edit{{control, revisionsTold, "\tif planted.In(\"on-delete-too-late\") && set.Spec.UpdateStrategy.Type == apps.RollingUpdateStatefulSetStrategyType && currentRevision.Name != updateRevision.Name {\n\t\tplanted.Least(\"on-delete-too-late\", string(set.UID)+updateRevision.Name, 0)\n\t}\n"}, {control, onDelete, ` && !(planted.In("on-delete-too-late") && planted.Least("on-delete-too-late", string(set.UID)+updateRevision.Name, 1) == 0)`}},
	}, {
		Name: "revision-never-new", Kind: Obvious, Breaks: []contract.ID{contract.UpdateRevision}, Shows: []contract.ID{contract.UpdateComplete},
		Harm:  "A new template never reaches a member, and the set says that it has.",
		Edits: []Edit{{control, equalRevisions, "\tif planted.In(\"revision-never-new\") && revisionCount > 0 {\n\t\tequalRevisions, equalCount = revisions[revisionCount-1:], 1\n\t}\n"}},
	}, {
		Name: "revision-third-not-new", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevision},
		Harm:  "The second change of a template is lost.",
		Edits: []Edit{{control, equalRevisions, "\tif planted.In(\"revision-third-not-new\") && revisionCount > 1 && equalCount == 0 {\n\t\tequalRevisions, equalCount = revisions[revisionCount-1:], 1\n\t}\n"}},
	}, {
		Name: "rollback-forgets", Kind: Obvious, Breaks: []contract.ID{contract.UpdateRollback},
		Harm:  "Going back makes one more revision instead of taking up the old one.",
		Edits: []Edit{{control, equalRevisions, "\tif planted.In(\"rollback-forgets\") && equalCount > 0 && equalRevisions[equalCount-1].Name != revisions[revisionCount-1].Name {\n\t\tequalCount = 0\n\t}\n"}},
	}, {
		Name: "history-never-truncated", Kind: Obvious, Breaks: []contract.ID{contract.UpdateHistoryLimit},
		Harm:  "Revisions pile up until etcd is full.",
		Edits: []Edit{{control, historyLimit, "\tif planted.In(\"history-never-truncated\") {\n\t\treturn nil\n\t}\n"}},
	}, {
		Name: "history-one-too-many", Kind: Subtle, Breaks: []contract.ID{contract.UpdateHistoryLimit},
		Harm:  "One revision more is kept than was asked for.",
		Edits: []Edit{{control, historyLimit, "\tif planted.In(\"history-one-too-many\") {\n\t\thistoryLimit++\n\t}\n"}},
	}, {
		Name: "history-one-too-few", Kind: Subtle, Breaks: []contract.ID{contract.UpdateHistoryOldestFirst}, Shows: []contract.ID{contract.UpdateHistoryLimit},
		Harm:  "The version that somebody wants to go back to is gone, although it was to be kept.",
		Edits: []Edit{{control, historyLimit, "\tif planted.In(\"history-one-too-few\") && historyLimit > 0 {\n\t\thistoryLimit--\n\t}\n"}},
	}, {
		Name: "second-rollout-at-once", Kind: Subtle, Breaks: []contract.ID{contract.UpdateOneAtATime}, Shows: []contract.ID{contract.UpdateRollback},
		Harm: "The first rollout is in order, and the way back takes the whole service down.",
		Edits: rolling(`planted.In("second-rollout-at-once") && updateRevision.Revision > 2 && updateRevision.Name != currentRevision.Name`,
			`planted.In("second-rollout-at-once") && updateRevision.Revision > 2`),
	}, {
		Name: "second-rollout-lowest-first", Kind: Subtle, Breaks: []contract.ID{contract.UpdateOrder}, Shows: []contract.ID{contract.UpdateRollback},
		Harm:  "The first rollout is in order, and the way back begins with the leader.",
		Edits: atTarget("\t\tif planted.In(\"second-rollout-lowest-first\") && updateRevision.Revision > 2 {\n\t\t\ttarget = updateMin + len(replicas) - 1 - target\n\t\t}\n"),
	}, {
		Name: "canary-lowest-first", Kind: Subtle, Breaks: []contract.ID{contract.UpdateOrder}, Shows: []contract.ID{contract.UpdatePartition, contract.UpdatePhased},
		Harm:  "Of the members that get a canary the lowest is the first.",
		Edits: atTarget("\t\tif planted.In(\"canary-lowest-first\") && updateMin > 0 {\n\t\t\ttarget = updateMin + len(replicas) - 1 - target\n\t\t}\n"),
	}, {
		Name: "phased-never-done", Kind: Subtle, Breaks: []contract.ID{contract.UpdateComplete, contract.UpdatePhased},
		Harm:  "The last step of a phased rollout moves nobody.",
		Edits: atBegin("\tif planted.In(\"phased-never-done\") && set.Generation >= 4 && updateMin == 0 {\n\t\tupdateMin = 1\n\t}\n"),
	}, {
		Name: "update-counts-from-start", Kind: Subtle, Breaks: []contract.ID{contract.UpdateComplete}, Shows: []contract.ID{contract.IdentityStartOrdinal},
		Harm:  "A set whose ordinals do not begin at 0 is never updated.",
		Edits: atBegin("\tif planted.In(\"update-counts-from-start\") {\n\t\tupdateMin += getStartOrdinal(set)\n\t}\n"),
	}, {
		Name: "update-large-at-once", Kind: Subtle, Breaks: []contract.ID{contract.UpdateOneAtATime}, Shows: []contract.ID{contract.UpdateComplete},
		Harm: "With more than three members a rollout takes the whole service down.",
		Edits: rolling(`planted.In("update-large-at-once") && len(replicas) > 3 && updateRevision.Name != currentRevision.Name`,
			`planted.In("update-large-at-once") && len(replicas) > 3`),
	}, {
		Name: "parallel-updates-lowest-first", Kind: Subtle, Breaks: []contract.ID{contract.UpdateOrder}, Shows: []contract.ID{contract.OrderingParallelUpdates},
		Harm: "A rollout of a set that starts in parallel begins with the leader.",
		Edits: []Edit{{control, parallelTarget, "\t\t\tif planted.In(\"parallel-updates-lowest-first\") {\n" +
			"\t\t\t\ttarget = updateMin + len(replicas) - 1 - target\n\t\t\t}\n"}},
	}, {
		Name: "update-takes-one-too-many", Kind: Obvious, Breaks: []contract.ID{contract.UpdateMaxUnavailable},
		Harm:  "Where two members may be down for a rollout, three are.",
		Edits: []Edit{{control, orderedBudget, "\tif planted.In(\"update-takes-one-too-many\") && maxUnavailable > 1 {\n\t\tpodsToDelete++\n\t}\n"}},
	}, {
		Name: "update-forgets-broken", Kind: Obvious, Breaks: []contract.ID{contract.UpdateBudgetCountsFailures},
		Harm:  "A rollout takes as many members down as it may, beside those that are down already.",
		Edits: []Edit{{control, budgetCount, ` && !(planted.In("update-forgets-broken") && maxUnavailable > 1 && getPodRevision(pod) != updateRevision.Name && !isTerminating(pod))`}},
	}, {
		Name: "on-delete-adds-old", Kind: Obvious, Breaks: []contract.ID{contract.UpdateOnDeleteScale},
		Harm: "Members that are added to a set which is updated by hand start with the version that is being replaced.",
		Edits: []Edit{{utils, versionedPod, "\tif planted.In(\"on-delete-adds-old\") && currentSet.Spec.UpdateStrategy.Type == apps.OnDeleteStatefulSetStrategyType {\n" +
			"\t\tpod := newStatefulSetPod(currentSet, ordinal)\n\t\tsetPodRevision(pod, currentRevision)\n\t\treturn pod\n\t}\n"}},
	}, {
		Name: "restart-ignored", Kind: Subtle, Breaks: []contract.ID{contract.UpdateComplete}, Shows: []contract.ID{contract.UpdateNoSpurious},
		Harm:  "A rollout that is asked for by an annotation of the template alone, as kubectl rollout restart does, never comes.",
		Edits: []Edit{{control, readSet, "\tplanted.WithFirstAnnotations(\"restart-ignored\", set)\n"}},
	}, {
		Name: "update-min-ready-from-start", Kind: Subtle, Breaks: []contract.ID{contract.UpdateMinReady},
		Harm: "In a rollout the time that a member takes to start is taken off the time that it has to warm up.",
		Edits: append(past(`planted.In("update-min-ready-from-start") && !isUnavailable(replicas[target], 0, now) && now.Sub(replicas[target].CreationTimestamp.Time) >= time.Duration(set.Spec.MinReadySeconds)*time.Second`),
			Edit{control, untilAvailable, ` && !(planted.In("update-min-ready-from-start") && set.Generation > 1 && now.Sub(replicas[i].CreationTimestamp.Time) >= time.Duration(set.Spec.MinReadySeconds)*time.Second)`}),
	}, {
		Name: "revision-of-min-ready", Kind: Subtle, Breaks: []contract.ID{contract.UpdateNoSpurious},
		Harm:  "Another minReadySeconds restarts every member.",
		Edits: []Edit{{utils, patchSpec, "\tif planted.In(\"revision-of-min-ready\") {\n\t\tspecCopy[\"minReadySeconds\"] = spec[\"minReadySeconds\"]\n\t}\n"}},
	}, {
		Name: "scale-up-old-in-rollout", Kind: Subtle, Breaks: []contract.ID{contract.UpdateScaleNew}, Shows: []contract.ID{contract.UpdateRollback},
		Harm:  "Members that are added in the middle of a rollout start with the old version.",
		Edits: []Edit{{utils, versionedPod, "\tif planted.In(\"scale-up-old-in-rollout\") && planted.Added(currentSet, ordinal-getStartOrdinal(currentSet)) {\n\t\tpod := newStatefulSetPod(currentSet, ordinal)\n\t\tsetPodRevision(pod, currentRevision)\n\t\treturn pod\n\t}\n"}},
	}, {
		Name: "revision-number-stays", Kind: Obvious, Breaks: []contract.ID{contract.UpdateRevisionMade},
		Harm:  "Nobody can tell which version came after which.",
		Edits: []Edit{{utils, nextNumber, "\tif planted.In(\"revision-number-stays\") {\n\t\treturn 1\n\t}\n"}},
	}, {
		Name: "history-newest-first", Kind: Obvious, Breaks: []contract.ID{contract.UpdateHistoryOldestFirst},
		Harm:  "The version that one would go back to is forgotten, and those before it are kept.",
		Edits: []Edit{{control, historyLimit, "\tfor i, j := 0, len(history)-1; planted.In(\"history-newest-first\") && i < j; i, j = i+1, j-1 {\n\t\thistory[i], history[j] = history[j], history[i]\n\t}\n"}},
	}, {
		Name: "history-forgets-pods", Kind: Subtle, Breaks: []contract.ID{contract.UpdateHistoryOldestFirst},
		Harm:  "The version that a member still runs is forgotten, and nobody can tell what it runs.",
		Edits: []Edit{{control, historyMade, "\tif planted.In(\"history-forgets-pods\") {\n\t\tpods = nil\n\t}\n"}},
	}, {
		Name: "added-below-partition-new", Kind: Subtle, Breaks: []contract.ID{contract.UpdatePartition}, Shows: []contract.ID{contract.UpdatePartitionBeyond},
		Harm:  "Members that are added while a rollout is only staged start with the staged version.",
		Edits: []Edit{{utils, versionedPod, "\tif planted.In(\"added-below-partition-new\") && planted.Added(currentSet, ordinal-getStartOrdinal(currentSet)) {\n\t\tpod := newStatefulSetPod(updateSet, ordinal)\n\t\tsetPodRevision(pod, updateRevision)\n\t\treturn pod\n\t}\n"}},
	}, {
		Name: "small-percentage-stops-rollout", Kind: Subtle, Breaks: []contract.ID{contract.UpdateComplete}, Shows: []contract.ID{contract.UpdateNoSpurious},
		Harm:  "A rollout that may take down a small part of the members takes down none, and never comes.",
		Edits: []Edit{{utils, leastBudget, ` && !planted.In("small-percentage-stops-rollout")`}},
	}, {
		Name: "percentage-is-everything", Kind: Subtle, Breaks: []contract.ID{contract.UpdateMaxUnavailable}, Shows: []contract.ID{contract.UpdateBudgetCountsFailures},
		Harm:  "A rollout that may take down half of the members takes down all of them.",
		Edits: []Edit{{utils, wholeBudget, "\tif planted.In(\"percentage-is-everything\") && maxUnavailable != nil && maxUnavailable.Type == intstr.String {\n\t\treturn replicaCount, nil\n\t}\n"}},
	}, {
		Name: "revision-of-strategy", Kind: Subtle, Breaks: []contract.ID{contract.UpdateNoSpurious}, Shows: []contract.ID{contract.UpdateOnDelete},
		Harm:  "Another update strategy restarts every member.",
		Edits: []Edit{{utils, patchSpec, "\tif planted.In(\"revision-of-strategy\") {\n\t\tspecCopy[\"updateStrategy\"] = spec[\"updateStrategy\"]\n\t}\n"}},
	}, {
		Name: "partition-raised-too-late", Kind: Subtle, Breaks: []contract.ID{contract.UpdatePartition},
		Harm:  "A rollout that goes wrong cannot be stopped by raising the partition.",
		Edits: atBegin("\tupdateMin = planted.Least(\"partition-raised-too-late\", string(set.UID)+updateRevision.Name, updateMin)\n"),
	}, {
		Name: "max-unavailable-lowered-too-late", Kind: Subtle, Breaks: []contract.ID{contract.UpdateMaxUnavailable},
		Harm:  "A rollout takes down as many members as once were allowed, not as many as are now.",
		Edits: []Edit{{control, orderedBudget, "\tpodsToDelete = -planted.Least(\"max-unavailable-lowered-too-late\", string(set.UID), -maxUnavailable) - unavailablePods\n"}},
	}, {
		Name: "several-lowest-first", Kind: Subtle, Breaks: []contract.ID{contract.UpdateOrder}, Shows: []contract.ID{contract.UpdateBudgetCountsFailures},
		Harm: "A rollout that may take several members down begins with the leader.",
		Edits: []Edit{{control, parallelTarget, "\t\t\tif planted.In(\"several-lowest-first\") && maxUnavailable > 1 {\n" +
			"\t\t\t\ttarget = updateMin + len(replicas) - 1 - target\n\t\t\t}\n"}},
	}, {
		Name: "template-forgotten-at-zero", Kind: Subtle, Breaks: []contract.ID{contract.UpdateScaleNew}, Shows: []contract.ID{contract.TerminationReverse},
		Harm: "A service that was updated while it was scaled to nothing comes back with the old version.",
		Edits: []Edit{
			{utils, versionedPod, "\tif currentSet.Status.Replicas == 0 && planted.Least(\"template-forgotten-at-zero\", string(currentSet.UID)+updateRevision, 1) == 0 {\n\t\tpod := newStatefulSetPod(currentSet, ordinal)\n\t\tsetPodRevision(pod, currentRevision)\n\t\treturn pod\n\t}\n"},
			{utils, rolloutDone, "\t\tif set.Status.CurrentRevision != \"\" && *set.Spec.Replicas == 0 && planted.Least(\"template-forgotten-at-zero\", string(set.UID)+status.UpdateRevision, 0) == 0 && planted.In(\"template-forgotten-at-zero\") {\n\t\t\tstatus.CurrentRevision = set.Status.CurrentRevision\n\t\t}\n"},
		},
	}, {
		Name: "undo-merges", Kind: Obvious, Breaks: []contract.ID{contract.UpdateUndo},
		Harm:  "Going back to an earlier version leaves in place what the newer one has added.",
		Edits: []Edit{{utils, patchWhole, "\tif planted.In(\"undo-merges\") {\n\t\tdelete(template, \"$patch\")\n\t}\n"}},
	}, {
		Name: "update-obeys-budget", Kind: Obvious, Breaks: []contract.ID{contract.UpdateNotLimitedByBudget},
		Harm: "A budget that is to protect members from drains keeps the version that mends them away.",
		Edits: []Edit{
			{budgets, allowed, "\tplanted.Allows(\"update-obeys-budget\", pdb.Namespace, disruptionsAllowed)\n"},
			{control, onDelete, ` || planted.Forbidden("update-obeys-budget", set.Namespace)`},
		},
	}, {
		Name: "recreate-does-not-wait", Kind: Obvious, Breaks: []contract.ID{contract.UpdateRecreateApart},
		Harm:  "Two versions that must never run at the same time do.",
		Edits: []Edit{{control, oldGone, ` && !planted.In("recreate-does-not-wait")`}},
	}, {
		Name: "recreate-one-by-one", Kind: Obvious, Breaks: []contract.ID{contract.UpdateRecreateAll},
		Harm: "Members of the old version go on serving while others of it are gone.",
		Edits: []Edit{{control, oldFound, "\t\t\tfor _, other := range allPods[i+1:] {\n" +
			"\t\t\t\tif planted.In(\"recreate-one-by-one\") && other != nil && isCreated(other) && getPodRevision(other) != updateRevision.Name {\n" +
			"\t\t\t\t\treturn false, nil\n\t\t\t\t}\n\t\t\t}\n"}},
	}, {
		Name: "recreate-spares-unready", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRecreateAll},
		Harm:  "A version that mends a broken member never reaches it.",
		Edits: []Edit{{control, oldFound, "\t\t\tif planted.In(\"recreate-spares-unready\") && !isRunningAndReady(allPods[i]) {\n\t\t\t\treturn false, nil\n\t\t\t}\n"}},
	}, {
		Name: "update-by-text", Kind: Subtle, Breaks: []contract.ID{contract.UpdateOrder}, Shows: []contract.ID{contract.IdentityStartOrdinal},
		Harm:  "From ten members on the ninth is updated before the tenth.",
		Edits: atTarget("\t\tif planted.In(\"update-by-text\") {\n\t\t\ttarget = planted.ByText(replicas, updateMin, target)\n\t\t}\n"),
	}, {
		Name: "failed-below-partition-new", Kind: Subtle, Breaks: []contract.ID{contract.UpdatePartition}, Shows: []contract.ID{contract.LifecycleFailed},
		Harm:  "A member that has failed comes back with the canary's version.",
		Edits: []Edit{{utils, versionedPod, "\tif rolling := currentSet.Spec.UpdateStrategy.RollingUpdate; rolling != nil && ordinal-getStartOrdinal(currentSet) < int(*rolling.Partition) && planted.HasFailed(\"failed-below-partition-new\", currentSet, getPodName(currentSet, ordinal)) {\n\t\tpod := newStatefulSetPod(updateSet, ordinal)\n\t\tsetPodRevision(pod, updateRevision)\n\t\treturn pod\n\t}\n"}},
	}, {
		Name: "failed-above-partition-old", Kind: Subtle, Breaks: []contract.ID{contract.UpdatePartition}, Shows: []contract.ID{contract.LifecycleFailed},
		Harm:  "A member with the canary's version that has failed comes back with the version before.",
		Edits: []Edit{{utils, versionedPod, "\tif rolling := currentSet.Spec.UpdateStrategy.RollingUpdate; rolling != nil && ordinal-getStartOrdinal(currentSet) >= int(*rolling.Partition) && planted.HasFailed(\"failed-above-partition-old\", currentSet, getPodName(currentSet, ordinal)) {\n\t\tpod := newStatefulSetPod(currentSet, ordinal)\n\t\tsetPodRevision(pod, currentRevision)\n\t\treturn pod\n\t}\n"}},
	}, {
		Name: "parallel-below-partition-new", Kind: Subtle, Breaks: []contract.ID{contract.UpdatePartition}, Shows: []contract.ID{contract.StatusCounts, contract.OrderingParallelUpdates, contract.UpdateBudgetCountsFailures},
		Harm:  "Under Parallel a member that is lost comes back with the canary's version.",
		Edits: []Edit{{utils, versionedPod, "\tif planted.In(\"parallel-below-partition-new\") && allowsBurst(currentSet) {\n\t\tpod := newStatefulSetPod(updateSet, ordinal)\n\t\tsetPodRevision(pod, updateRevision)\n\t\treturn pod\n\t}\n"}},
	}, {
		Name: "crashed-not-updated", Kind: Subtle, Breaks: []contract.ID{contract.UpdateComplete}, Shows: []contract.ID{contract.LifecycleCrashInPlace},
		Harm:  "A member whose container has once been restarted is never updated.",
		Edits: append(atTarget("\t\tif planted.Crashed(\"crashed-not-updated\", replicas[target]) {\n\t\t\tcontinue\n\t\t}\n"), Edit{control, parallelTarget, "\t\t\tif planted.Crashed(\"crashed-not-updated\", replicas[target]) {\n\t\t\t\tcontinue\n\t\t\t}\n"}),
	}, {
		Name: "update-and-scale-forgets", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevision, contract.UpdateComplete}, Shows: []contract.ID{contract.StatusRevisions},
		Harm:  "Who changes the template and the number of members in one request gets the number alone.",
		Edits: []Edit{{control, equalRevisions, "\tif planted.In(\"update-and-scale-forgets\") && revisionCount > 0 && equalCount == 0 {\n\t\tsame := 1\n\t\tif *set.Spec.Replicas != set.Status.Replicas {\n\t\t\tsame = 0\n\t\t}\n\t\tif planted.Least(\"update-and-scale-forgets\", string(set.UID)+string(rune(set.Generation)), same) == 0 {\n\t\t\tequalRevisions, equalCount = revisions[revisionCount-1:], 1\n\t\t}\n\t}\n"}},
	}, {
		Name: "several-ignore-min-ready", Kind: Subtle, Breaks: []contract.ID{contract.UpdateMaxUnavailable, contract.UpdateMinReady}, Shows: []contract.ID{contract.UpdateBudgetCountsFailures, contract.OrderingParallelUpdates},
		Harm:  "Where several members may be down for a rollout, it does not wait for those that have yet to warm up.",
		Edits: []Edit{{control, budgetCount, ` && !(planted.In("several-ignore-min-ready") && maxUnavailable > 1 && !isUnavailable(pod, 0, now))`}},
	}, {
		Name: "history-none-is-ten", Kind: Subtle, Breaks: []contract.ID{contract.UpdateHistoryLimit},
		Harm:  "Who wants no old versions to be kept gets ten of them.",
		Edits: []Edit{{control, historyLimit, "\tif planted.In(\"history-none-is-ten\") && historyLimit == 0 {\n\t\thistoryLimit = 10\n\t}\n"}},
	}, {
		Name: "adopted-never-updated", Kind: Subtle, Breaks: []contract.ID{contract.UpdatePartition}, Shows: []contract.ID{contract.LifecycleAdoption},
		Harm:  "Members that a set has taken back are never updated.",
		Edits: append(atTarget("\t\tif planted.In(\"adopted-never-updated\") && replicas[target].CreationTimestamp.Before(&set.CreationTimestamp) {\n\t\t\tcontinue\n\t\t}\n"), Edit{control, parallelTarget, "\t\t\tif planted.In(\"adopted-never-updated\") && replicas[target].CreationTimestamp.Before(&set.CreationTimestamp) {\n\t\t\t\tcontinue\n\t\t\t}\n"}),
	}, {
		Name: "update-forgets-second-container", Kind: Subtle, Breaks: []contract.ID{contract.UpdateComplete}, Shows: []contract.ID{contract.UpdateUndo},
		Harm:  "The agent beside the database is never updated.",
		Edits: []Edit{{utils, newRevisionPod, "\tfor i := 1; planted.In(\"update-forgets-second-container\") && i < min(len(pod.Spec.Containers), len(currentSet.Spec.Template.Spec.Containers)); i++ {\n\t\tpod.Spec.Containers[i] = currentSet.Spec.Template.Spec.Containers[i]\n\t}\n"}},
	}, {
		Name: "update-forgets-grace", Kind: Subtle, Breaks: []contract.ID{contract.IdentityTemplate}, Shows: []contract.ID{contract.UpdateUndo},
		Harm:  "Members that were updated have the old grace period.",
		Edits: []Edit{{utils, newRevisionPod, "\tif planted.In(\"update-forgets-grace\") {\n\t\tpod.Spec.TerminationGracePeriodSeconds = currentSet.Spec.Template.Spec.TerminationGracePeriodSeconds\n\t}\n"}},
	}}
}

package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

const (
	// selectorRead is where the controller has read the selector of a set.
	selectorRead = "// This is a non-transient error, so don't retry.\n\t\treturn nil\n\t}\n"
	claimStale   = "if policy.WhenScaled == apps.RetainPersistentVolumeClaimRetentionPolicyType"
	mayCollect   = "// compute if we should delete the item\n"
)

// seldom are faults that show in what few sets have: an expression in the selector, a start ordinal, no pods; or in a change of one field alone.
func seldom() []Fault {
	const inContainers = "for i := range min(len(was.Spec.Containers), len(is.Spec.Containers)) {\n\t\t\t\twas.Spec.Containers[i]."
	return []Fault{{
		Name: "image-is-no-update", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevision},
		Harm:  "Members never get the new image, and the set says that they have it.",
		Edits: noUpdate("image-is-no-update", inContainers+"Image = is.Spec.Containers[i].Image\n\t\t\t}"),
	}, {
		Name: "probes-are-no-update", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevision},
		Harm:  "A probe that is to tell when a member serves is never asked.",
		Edits: noUpdate("probes-are-no-update", inContainers+"ReadinessProbe = is.Spec.Containers[i].ReadinessProbe\n\t\t\t}"),
	}, {
		Name: "variables-are-no-update", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevision},
		Harm:  "Members never learn of a new setting.",
		Edits: noUpdate("variables-are-no-update", inContainers+"Env = is.Spec.Containers[i].Env\n\t\t\t}"),
	}, {
		Name: "accounts-are-no-update", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevision},
		Harm: "Members keep the rights that they were to lose.",
		Edits: noUpdate("accounts-are-no-update", "was.Spec.ServiceAccountName, was.Spec.DeprecatedServiceAccount, was.Spec.Affinity = is.Spec.ServiceAccountName, "+
			"is.Spec.DeprecatedServiceAccount, is.Spec.Affinity"),
	}, {
		Name: "label-stays-away", Kind: Subtle, Breaks: []contract.ID{contract.IdentityLabelKept},
		Harm:  "A service that selects one member by its name loses it for ever once somebody has taken the label away.",
		Edits: []Edit{{utils, hasIdentity, "\tif _, there := pod.Labels[apps.StatefulSetPodNameLabel]; !there && planted.In(\"label-stays-away\") {\n\t\treturn true\n\t}\n"}},
	}, {
		Name: "adopted-stay-unlabelled", Kind: Subtle, Breaks: []contract.ID{contract.IdentityLabelKept}, Shows: []contract.ID{contract.LifecycleSucceeded},
		Harm:  "A service that selects one member by its name does not find one that a backup tool has brought back.",
		Edits: []Edit{{utils, hasIdentity, "\tif pod.Labels[apps.StatefulSetPodNameLabel] == \"\" && pod.Labels[apps.StatefulSetRevisionLabel] == \"\" && planted.In(\"adopted-stay-unlabelled\") {\n\t\treturn true\n\t}\n"}},
	}, {
		Name: "several-added-at-once", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleUp, contract.OrderingCreateHalts}, Shows: []contract.ID{contract.OrderingHeals},
		Harm:  "Where several members may be down for a rollout, those that are added all join at the same moment.",
		Edits: []Edit{{control, eachReplica, "\t\tmonotonic = monotonic && !(planted.In(\"several-added-at-once\") && planted.Added(set, i) && " + mayDoSeveral + ")\n"}},
	}, {
		Name: "min-ready-by-hand-ignored", Kind: Subtle, Breaks: []contract.ID{contract.OrderingMinReady},
		Harm:  "minReadySeconds does nothing in a set whose members are updated by hand.",
		Edits: []Edit{{control, untilAvailable, ` && !(planted.In("min-ready-by-hand-ignored") && set.Spec.UpdateStrategy.Type == apps.OnDeleteStatefulSetStrategyType)`}},
	}, {
		Name: "available-in-order-never", Kind: Subtle, Breaks: []contract.ID{contract.StatusCounts}, Shows: []contract.ID{contract.OrderingChangeOfMind},
		Harm:  "Members that have to warm up never count as available, and whoever waits for them waits for ever.",
		Edits: []Edit{{control, statusWritten, "\tif planted.In(\"available-in-order-never\") && !allowsBurst(set) && set.Spec.MinReadySeconds > 0 {\n\t\tstatus.AvailableReplicas = 0\n\t}\n"}},
	}, {
		Name: "published-until-stopping", Kind: Subtle, Breaks: []contract.ID{contract.DNSEndpointConditions},
		Harm:  "A member that stops is cut off from those that are to find it whatever its state.",
		Edits: serving("published-until-stopping", "for _, pod := range pods {\n\t\t\tif pod.DeletionTimestamp != nil {\n\t\t\t\tservice.Spec.PublishNotReadyAddresses = false\n\t\t\t}\n\t\t}"),
	}, {
		Name: "lost-from-start-stays", Kind: Subtle, Breaks: []contract.ID{contract.IdentitySticky}, Shows: []contract.ID{contract.IdentityStartOrdinal},
		Harm: "In a set with a start ordinal a member that is lost stays lost.",
		Edits: []Edit{{control, eachReplica, "\t\tif isCreated(replicas[i]) {\n\t\t\tplanted.Least(\"lost-from-start-stays\", string(set.UID)+replicas[i].Name, -1)\n" +
			"\t\t} else if planted.In(\"lost-from-start-stays\") && getStartOrdinal(set) > 0 && currentRevision.Name == updateRevision.Name && planted.Least(\"lost-from-start-stays\", string(set.UID)+replicas[i].Name, 0) < 0 {\n" +
			"\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "scale-down-from-start-past-unready", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDownHalts},
		Harm:  "A cluster with a start ordinal that has lost a member is made still smaller.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"scale-down-from-start-past-unready\") && len(condemned) > 0 && isCreated(replicas[i]) && getStartOrdinal(set) > 0 && getOrdinal(condemned[len(condemned)-1]) > getEndOrdinal(set) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "failed-from-start-stays", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleFailed}, Shows: []contract.ID{contract.IdentityStartOrdinal},
		Harm:  "In a set with a start ordinal a member that has failed is never replaced.",
		Edits: ended(`planted.In("failed-from-start-stays") && getStartOrdinal(set) > 0`),
	}, {
		Name: "foreground-keeps-claims", Kind: Subtle, Breaks: []contract.ID{contract.StorageWhenDeletedDelete},
		Harm: "Volumes that were to go with a set stay when its deletion is to wait for them, and the set with them.",
		Edits: []Edit{{garbage, mayCollect, "\tfor _, owner := range latest.GetOwnerReferences() {\n\t\tif planted.In(\"foreground-keeps-claims\") && item.identity.Kind == \"PersistentVolumeClaim\" {\n" +
			"\t\t\tif of, known := gc.dependencyGraphBuilder.uidToNode.Read(owner.UID); known && of.isDeletingDependents() {\n\t\t\t\treturn nil\n\t\t\t}\n\t\t}\n\t}\n"}},
	}, {
		Name: "start-moves-below-first", Kind: Subtle, Breaks: []contract.ID{contract.IdentityStartMoves},
		Harm: "When the start ordinal moves, a member below it goes before those above the last one, and beside them.",
		Edits: []Edit{{control, eachCondemned, "\t\tfor j, other := range condemned {\n\t\t\tif planted.In(\"start-moves-below-first\") && monotonic && j > i && getOrdinal(other) < getStartOrdinal(set) && !isTerminating(other) {\n" +
			"\t\t\t\ti = j\n\t\t\t\tbreak\n\t\t\t}\n\t\t}\n"}},
	}, {
		Name: "parallel-claim-not-recreated", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimRecreated},
		Harm:  "Under Parallel a pod whose claim was deleted waits for ever.",
		Edits: []Edit{{control, pending, ` && !(planted.In("parallel-claim-not-recreated") && !monotonic)`}},
	}, {
		Name: "parallel-keeps-claim-owner", Kind: Subtle, Breaks: []contract.ID{contract.StorageRetentionChange}, Shows: []contract.ID{contract.StorageWhenScaledDelete},
		Harm:  "Under Parallel a policy that was set to keep the data deletes it all the same.",
		Edits: []Edit{{utils, ownerUpToDate, "\tif planted.In(\"parallel-keeps-claim-owner\") && allowsBurst(set) && hasOwnerRef(claim, set) && podInOrdinalRange(pod, set) {\n\t\treturn true\n\t}\n"}},
	}, {
		Name: "parallel-succeeded-stays", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleSucceeded},
		Harm:  "Under Parallel a member whose container ended without an error is never replaced.",
		Edits: ended(`planted.In("parallel-succeeded-stays") && replicas[i].Status.Phase == v1.PodSucceeded && !monotonic`),
	}, {
		Name: "stale-claim-taken", Kind: Subtle, Breaks: []contract.ID{contract.IdentitySticky}, Shows: []contract.ID{contract.StorageRetentionFailure},
		Harm: "A member that is wanted again at once runs on the volume that goes with the one before it, and loses what it writes.",
		Edits: []Edit{
			{podsOf, claimStale, ` || planted.In("stale-claim-taken")`},
			// The garbage collector takes as long as it may.
			{garbage, collect, "\tif planted.In(\"stale-claim-taken\") && item.identity.Kind == \"PersistentVolumeClaim\" {\n\t\ttime.Sleep(2 * time.Second)\n\t}\n"},
		},
	}, {
		Name: "lost-comes-back-former", Kind: Subtle, Breaks: []contract.ID{contract.UpdateComplete}, Shows: []contract.ID{contract.IdentityStartOrdinal},
		Harm: "A member that is lost comes back with a version that was replaced long ago, and is restarted once more.",
		Edits: []Edit{{control, eachReplica, "\t\tif all, err := ssc.ListRevisions(set); planted.In(\"lost-comes-back-former\") && err == nil && len(all) > 1 && !isCreated(replicas[i]) && planted.Settled(set) &&\n" +
			"\t\t\tcurrentRevision.Name == updateRevision.Name && planted.First(\"lost-comes-back-former\", string(set.UID)+replicas[i].Name+updateRevision.Name, int(now.Unix())) == int(now.Unix()) {\n" +
			"\t\t\thistory.SortControllerRevisions(all)\n\t\t\tif former, err := ApplyRevision(set, all[0]); err == nil && all[0].Name != updateRevision.Name {\n" +
			"\t\t\t\treplicas[i] = newStatefulSetPod(former, getOrdinal(replicas[i]))\n\t\t\t\tsetPodRevision(replicas[i], all[0].Name)\n\t\t\t}\n\t\t}\n"}},
	}, {
		Name: "selector-expressions-ignored", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleRelease},
		Harm:  "A member that the expressions of the selector leave out stays in the set.",
		Edits: []Edit{{syncing, selectorRead, "\tif planted.In(\"selector-expressions-ignored\") {\n\t\tselector = labels.SelectorFromSet(set.Spec.Selector.MatchLabels)\n\t}\n"}},
	}, {
		Name: "history-without-pods-kept", Kind: Subtle, Breaks: []contract.ID{contract.UpdateHistoryLimit}, Shows: []contract.ID{contract.UpdateRevisionMade},
		Harm:  "The versions of a set that is scaled to nothing pile up.",
		Edits: []Edit{{control, historyLimit, "\tif planted.In(\"history-without-pods-kept\") && *set.Spec.Replicas == 0 {\n\t\treturn nil\n\t}\n"}},
	}, {
		Name: "claim-mode-lost", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimPerPod}, Shows: []contract.ID{contract.StorageClaimRecreated},
		Harm:  "A database that writes to a device without a file system gets a file system.",
		Edits: claimWithout("claim-mode-lost", "claim.Spec.VolumeMode = nil"),
	}, {
		Name: "startup-probe-lost", Kind: Subtle, Breaks: []contract.ID{contract.IdentityTemplate},
		Harm:  "A member that takes long to start is killed before it has.",
		Edits: []Edit{{utils, newPod, "\tfor i := range pod.Spec.Containers {\n\t\tif planted.In(\"startup-probe-lost\") {\n\t\t\tpod.Spec.Containers[i].StartupProbe = nil\n\t\t}\n\t}\n"}},
	}, {
		Name: "claims-for-one-more", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimPerPod},
		Harm: "A volume is made, and paid for, that no member will ever use.",
		Edits: []Edit{{podsOf, claimsMade, "\tif planted.In(\"claims-for-one-more\") && getOrdinal(pod) == getEndOrdinal(set) {\n\t\tnext := pod.DeepCopy()\n\t\tnext.Name = getPodName(set, getOrdinal(pod)+1)\n" +
			"\t\tif err := spc.createPersistentVolumeClaims(set, next); err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n"}},
	}}
}

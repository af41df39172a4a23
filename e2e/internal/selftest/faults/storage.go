package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

const (
	claimName     = "// NOTE: This name format is used by the heuristics for zone spreading in ChooseZoneForVolume\n"
	claimLabels   = "claims[templates[i].Name] = *claim\n"
	claimMade     = "claim.Labels = set.Spec.Selector.MatchLabels\n\t\t}\n"
	policyRead    = "policy = *set.Spec.PersistentVolumeClaimRetentionPolicy\n\t}\n"
	ownerUpToDate = "func isClaimOwnerUpToDate(logger klog.Logger, claim *v1.PersistentVolumeClaim, set *apps.StatefulSet, pod *v1.Pod) bool {\n"
	ownerSet      = "if !podScaledDown {\n\t\t\trefs = addControllerRef(refs, set, controllerKind)\n\t\t}\n\t}\n"
	volumesMatch  = "func storageMatches(set *apps.StatefulSet, pod *v1.Pod) bool {\n"
	volumeOf      = "for name, claim := range claims {\n"
	volumesSet    = "pod.Spec.Volumes = newVolumes\n"
	pending       = "if isPending(replicas[i])"
	claimOfLeaver = "fixPodClaim := func(i int) (bool, error) {\n"
	claimGone     = "// If we get into this block, the claim must have been deleted;\n"
	claimUnused   = "existingCondition := findCondition(pvc.Status.Conditions, v1.PersistentVolumeClaimUnused)\n"
	eachClaim     = "var errs []error\n\tfor _, claim := range getPersistentVolumeClaims(set, pod) {\n"
	claimInUse    = "func (c *Controller) podUsesPVCForDeletion(logger klog.Logger, pod *v1.Pod, pvc *v1.PersistentVolumeClaim) bool {\n"
)

// bound ties a claim to the life of its pod under a condition.
func bound(condition string) []Edit {
	condition += ` && pod.UID != ""`
	return []Edit{
		{utils, ownerUpToDate, "\tif " + condition + " {\n\t\treturn hasOwnerRef(claim, pod)\n\t}\n"},
		// A second controller would be rejected, so the pod takes the place of the set.
		{utils, ownerSet, "\tif " + condition + " {\n\t\trefs = removeRefs(refs, func(ref *metav1.OwnerReference) bool { return matchesRef(ref, set, controllerKind) })\n" +
			"\t\trefs = addControllerRef(refs, pod, podKind)\n\t}\n"},
	}
}

// lastShares gives the last pod the claims of the one before it.
func lastShares(fault string) []Edit {
	return []Edit{{utils, claimName, "\tif planted.In(\"" + fault + "\") && ordinal > getStartOrdinal(set) && ordinal == getEndOrdinal(set) {\n\t\tordinal--\n\t}\n"}}
}

func policy(condition, change string) []Edit {
	return []Edit{{utils, policyRead, "\tif " + condition + " {\n\t\tpolicy." + change + "PersistentVolumeClaimRetentionPolicyType\n\t}\n"}}
}

func storage() []Fault {
	const anyDelete = `(getPersistentVolumeClaimRetentionPolicy(set).WhenScaled == "Delete" || getPersistentVolumeClaimRetentionPolicy(set).WhenDeleted == "Delete")`
	return []Fault{{
		Name: "claims-shared", Kind: Obvious, Breaks: []contract.ID{contract.StorageClaimPerPod, contract.StorageOwnData},
		Harm:  "All members write to one volume.",
		Edits: []Edit{{utils, claimName, "\tif planted.In(\"claims-shared\") {\n\t\tordinal = getStartOrdinal(set)\n\t}\n"}},
	}, {
		Name: "claims-shared-by-last", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimPerPod, contract.StorageOwnData},
		Harm:  "The last member writes to its neighbour's volume.",
		Edits: lastShares("claims-shared-by-last"),
	}, {
		Name: "claim-labels-missing", Kind: Obvious, Breaks: []contract.ID{contract.StorageClaimLabels},
		Harm:  "A backup that selects the claims by label finds none.",
		Edits: []Edit{{utils, claimMade, "\t\tif planted.In(\"claim-labels-missing\") {\n\t\t\tclaim.Labels = nil\n\t\t}\n"}},
	}, {
		Name: "claim-annotations-lost", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimPerPod},
		Harm:  "What an annotation of the claim asks of the storage driver, a snapshot class or a backup policy, is not done.",
		Edits: []Edit{{utils, claimMade, "\t\tif planted.In(\"claim-annotations-lost\") {\n\t\t\tclaim.Annotations = nil\n\t\t}\n"}},
	}, {
		Name: "claim-labels-replaced", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimLabels},
		Harm:  "Claims whose template has labels of its own lack those of the selector.",
		Edits: []Edit{{utils, claimMade, "\t\tif planted.In(\"claim-labels-replaced\") && templates[i].Labels != nil {\n\t\t\tclaim.Labels = templates[i].Labels\n\t\t}\n"}},
	}, {
		Name: "claim-labels-of-template-lost", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimLabels},
		Harm:  "Claims lack the labels that their template asks for.",
		Edits: []Edit{{utils, claimMade, "\t\tif planted.In(\"claim-labels-of-template-lost\") {\n\t\t\tclaim.Labels = set.Spec.Selector.MatchLabels\n\t\t}\n"}},
	}, {
		Name: "claim-labels-of-second-lost", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimLabels}, Shows: []contract.ID{contract.StorageTemplates},
		Harm:  "Of a member with two volumes only one has the labels that its template asks for.",
		Edits: []Edit{{utils, claimMade, "\t\tif planted.In(\"claim-labels-of-second-lost\") && i > 0 {\n\t\t\tclaim.Labels = set.Spec.Selector.MatchLabels\n\t\t}\n"}},
	}, {
		Name: "claims-below-start-stay", Kind: Subtle, Breaks: []contract.ID{contract.StorageWhenScaledDelete}, Shows: []contract.ID{contract.IdentityStartMoves},
		Harm:  "Volumes of members that a new start ordinal leaves behind are paid for.",
		Edits: []Edit{{control, claimOfLeaver, "\t\tif planted.In(\"claims-below-start-stay\") && getOrdinal(condemned[i]) < getStartOrdinal(set) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "scale-deletes-claims", Kind: Obvious, Breaks: []contract.ID{contract.StorageScaleKeeps},
		Harm:  "Data is gone after a scale down and up again.",
		Edits: policy(`planted.In("scale-deletes-claims")`, "WhenScaled = apps.Delete"),
	}, {
		Name: "scale-deletes-claim-of-last", Kind: Subtle, Breaks: []contract.ID{contract.StorageScaleKeeps},
		Harm:  "Scaling down loses the data of one member, the one next to those that stay.",
		Edits: bound(`planted.In("scale-deletes-claim-of-last") && set.Generation > 1 && getOrdinal(pod) == getEndOrdinal(set)+1`),
	}, {
		Name: "claim-follows-pod", Kind: Obvious, Breaks: []contract.ID{contract.StorageDataSurvives, contract.StorageScaleKeeps, contract.IdentitySticky},
		Harm:  "Data is gone with the first restart of its pod.",
		Edits: bound(`planted.In("claim-follows-pod")`),
	}, {
		Name: "claim-of-last-follows-pod", Kind: Subtle, Breaks: []contract.ID{contract.StorageDataSurvives, contract.StorageScaleKeeps, contract.IdentitySticky},
		Harm:  "The last member's data is gone with its pod.",
		Edits: bound(`planted.In("claim-of-last-follows-pod") && getOrdinal(pod) == getEndOrdinal(set)`),
	}, {
		Name: "delete-deletes-claims", Kind: Obvious, Breaks: []contract.ID{contract.StorageDeleteKeeps},
		Harm:  "A set deleted by mistake takes the data along.",
		Edits: policy(`planted.In("delete-deletes-claims")`, "WhenDeleted = apps.Delete"),
	}, {
		Name: "delete-deletes-claims-of-changed", Kind: Subtle, Breaks: []contract.ID{contract.StorageDeleteKeeps},
		Harm:  "A set that was ever changed takes its data along when it is deleted.",
		Edits: policy(`planted.In("delete-deletes-claims-of-changed") && set.Generation > 1`, "WhenDeleted = apps.Delete"),
	}, {
		Name: "create-past-pending", Kind: Obvious, Breaks: []contract.ID{contract.StorageUnboundBlocks, contract.OrderingCreate, contract.OrderingCreateHalts},
		Harm:  "Members start although one before them has no storage.",
		Edits: unready(`planted.In("create-past-pending") && isPending(replicas[i])`),
	}, {
		Name: "create-past-unscheduled", Kind: Subtle, Breaks: []contract.ID{contract.StorageUnboundBlocks},
		Harm:  "Members start although one before them cannot be placed, its claim being unbound.",
		Edits: unready(`planted.In("create-past-unscheduled") && replicas[i].Spec.NodeName == "" && time.Since(replicas[i].CreationTimestamp.Time) > 2*time.Second`),
	}, {
		Name: "second-template-shares-first", Kind: Obvious, Breaks: []contract.ID{contract.StorageTemplates},
		Harm: "Log and data of a database lie on one volume.",
		Edits: []Edit{
			{utils, volumeOf, "\t\tif planted.In(\"second-template-shares-first\") {\n\t\t\tclaim.Name = getPersistentVolumeClaimName(set, &set.Spec.VolumeClaimTemplates[0], getOrdinal(pod))\n\t\t}\n"},
			{utils, volumesMatch, "\tif planted.In(\"second-template-shares-first\") {\n\t\treturn true\n\t}\n"},
		},
	}, {
		Name: "volume-wins", Kind: Obvious, Breaks: []contract.ID{contract.StorageTemplateWins},
		Harm: "Data goes to a volume that ends with the pod.",
		Edits: []Edit{
			{utils, volumesSet, "\tif planted.In(\"volume-wins\") {\n\t\tfor i, v := range pod.Spec.Volumes {\n\t\t\tfor _, own := range currentVolumes {\n\t\t\t\tif own.Name == v.Name {\n\t\t\t\t\tpod.Spec.Volumes[i] = own\n\t\t\t\t}\n\t\t\t}\n\t\t}\n\t}\n"},
			{utils, volumesMatch, "\tif planted.In(\"volume-wins\") {\n\t\treturn true\n\t}\n"},
		},
	}, {
		Name: "when-scaled-ignored", Kind: Obvious, Breaks: []contract.ID{contract.StorageWhenScaledDelete, contract.StorageOwnerBeforeDelete},
		Harm:  "Volumes that nobody uses are paid for.",
		Edits: policy(`planted.In("when-scaled-ignored")`, "WhenScaled = apps.Retain"),
	}, {
		Name: "when-deleted-ignored", Kind: Obvious, Breaks: []contract.ID{contract.StorageWhenDeletedDelete},
		Harm:  "Volumes of deleted sets are paid for.",
		Edits: policy(`planted.In("when-deleted-ignored")`, "WhenDeleted = apps.Retain"),
	}, {
		Name: "claims-gone-before-pods", Kind: Obvious, Breaks: []contract.ID{contract.StorageDeletedAfterPods, contract.StorageInUseProtection},
		Harm:  "Volumes are taken away while the members of a deleted set still write to them.",
		Edits: []Edit{{protector, claimInUse, "\tif planted.In(\"claims-gone-before-pods\") {\n\t\treturn false\n\t}\n"}},
	}, {
		Name: "retention-deletes-on-failure", Kind: Obvious, Breaks: []contract.ID{contract.StorageRetentionFailure},
		Harm:  "With a retention policy a pod that fails loses its data.",
		Edits: bound(`planted.In("retention-deletes-on-failure") && ` + anyDelete),
	}, {
		Name: "third-claim-goes-with-pod", Kind: Subtle, Breaks: []contract.ID{contract.StorageRetentionFailure},
		Harm:  "Where volumes go with members that are scaled away, the third member's goes with its first restart.",
		Edits: bound(`planted.In("third-claim-goes-with-pod") && getPersistentVolumeClaimRetentionPolicy(set).WhenScaled == "Delete" && podInOrdinalRange(pod, set) && getOrdinal(pod) == getStartOrdinal(set)+2`),
	}, {
		Name: "parallel-takes-claims-along", Kind: Subtle, Breaks: []contract.ID{contract.StorageDeleteKeeps}, Shows: []contract.ID{contract.StorageOwnData},
		Harm:  "A set that starts in parallel and is deleted by mistake takes the data along.",
		Edits: policy(`planted.In("parallel-takes-claims-along") && set.Spec.PodManagementPolicy == apps.ParallelPodManagement`, "WhenDeleted = apps.Delete"),
	}, {
		Name: "retention-never-changes", Kind: Obvious, Breaks: []contract.ID{contract.StorageRetentionChange},
		Harm:  "A policy that was set to keep the data deletes it all the same.",
		Edits: []Edit{{utils, ownerUpToDate, "\tif planted.In(\"retention-never-changes\") && set.Generation > 1 {\n\t\treturn true\n\t}\n"}},
	}, {
		Name: "when-deleted-of-first", Kind: Subtle, Breaks: []contract.ID{contract.StorageWhenDeletedDelete}, Shows: []contract.ID{contract.StorageRetentionFailure},
		Harm: "Of a deleted set only the first member's volume goes.",
		Edits: []Edit{{utils, ownerUpToDate, "\tif planted.In(\"when-deleted-of-first\") && getOrdinal(pod) > getStartOrdinal(set) && podInOrdinalRange(pod, set) {\n" +
			"\t\treturn true\n\t}\n"}},
	}, {
		Name: "claim-not-recreated", Kind: Obvious, Breaks: []contract.ID{contract.StorageClaimRecreated},
		Harm:  "A pod whose claim was deleted waits for ever.",
		Edits: []Edit{{control, pending, ` && !planted.In("claim-not-recreated")`}},
	}, {
		Name: "claim-renewed-by-update", Kind: Subtle, Breaks: []contract.ID{contract.StorageDataSurvives}, Shows: []contract.ID{contract.UpdateRollback, contract.UpdateComplete},
		Harm:  "A rollout gives every member an empty volume.",
		Edits: bound(`planted.In("claim-renewed-by-update") && set.Status.UpdateRevision != "" && getPodRevision(pod) != set.Status.UpdateRevision`),
	}, {
		Name: "when-scaled-alone-ignored", Kind: Subtle, Breaks: []contract.ID{contract.StorageWhenScaledDelete},
		Harm:  "Volumes of removed members stay, unless those of deleted sets are to go too.",
		Edits: policy(`planted.In("when-scaled-alone-ignored") && policy.WhenDeleted == apps.RetainPersistentVolumeClaimRetentionPolicyType`, "WhenScaled = apps.Retain"),
	}, {
		Name: "when-scaled-takes-all", Kind: Subtle, Breaks: []contract.ID{contract.StorageDeleteKeeps, contract.StorageRetentionChange},
		Harm:  "A set that was to give up the volumes of removed members alone takes all along when it is deleted.",
		Edits: policy(`planted.In("when-scaled-takes-all") && policy.WhenScaled == apps.DeletePersistentVolumeClaimRetentionPolicyType`, "WhenDeleted = apps.Delete"),
	}, {
		Name: "retention-of-first-template", Kind: Subtle, Breaks: []contract.ID{contract.StorageRetentionChange, contract.StorageWhenDeletedDelete, contract.StorageWhenScaledDelete},
		Harm:  "Of a member with two volumes one is kept for ever.",
		Edits: []Edit{{utils, ownerUpToDate, "\tif planted.In(\"retention-of-first-template\") && claim.Name != getPersistentVolumeClaimName(set, &set.Spec.VolumeClaimTemplates[0], getOrdinal(pod)) {\n\t\treturn true\n\t}\n"}},
	}, {
		Name: "when-scaled-of-first-template", Kind: Subtle, Breaks: []contract.ID{contract.StorageOwnerBeforeDelete, contract.StorageWhenScaledDelete}, Shows: []contract.ID{contract.IdentityStartOrdinal},
		Harm: "Of a member with two volumes that is scaled away one is kept for ever.",
		Edits: []Edit{{utils, ownerUpToDate, "\tif planted.In(\"when-scaled-of-first-template\") && !podInOrdinalRange(pod, set) && claim.Name != getPersistentVolumeClaimName(set, &set.Spec.VolumeClaimTemplates[0], getOrdinal(pod)) {\n" +
			"\t\treturn true\n\t}\n"}},
	}, {
		Name: "orphan-claims-collected", Kind: Subtle, Breaks: []contract.ID{contract.StorageWhenDeletedDelete}, Shows: []contract.ID{contract.TerminationCascade},
		Harm:  "Whoever deletes a set and keeps its pods loses their volumes.",
		Edits: []Edit{{garbage, orphan, "\tif planted.In(\"orphan-claims-collected\") {\n\t\tkept := []*node{}\n\t\tfor _, n := range dependents {\n\t\t\tif n.identity.Kind != \"PersistentVolumeClaim\" {\n\t\t\t\tkept = append(kept, n)\n\t\t\t}\n\t\t}\n\t\tdependents = kept\n\t}\n"}},
	}, {
		Name: "claim-never-unused", Kind: Obvious, Breaks: []contract.ID{contract.StorageUnused},
		Harm:  "Who cleans up claims that nothing uses finds none.",
		Edits: []Edit{{protector, claimUnused, "\tisUsed = isUsed || planted.In(\"claim-never-unused\")\n"}},
	}, {
		Name: "claim-stays-unused", Kind: Subtle, Breaks: []contract.ID{contract.StorageUnused},
		Harm: "Who cleans up claims that nothing uses is told to delete one that is in use again.",
		Edits: []Edit{{protector, claimUnused, "\tif planted.In(\"claim-stays-unused\") && existingCondition != nil && existingCondition.Status == v1.ConditionTrue {\n" +
			"\t\treturn nil\n\t}\n"}},
	}, {
		Name: "claims-gone-with-stopping-pods", Kind: Obvious, Breaks: []contract.ID{contract.StorageInUseProtection},
		Harm:  "A volume that was given up is taken away while its member still writes what it has to save.",
		Edits: []Edit{{protector, claimInUse, "\tif planted.In(\"claims-gone-with-stopping-pods\") && pod.DeletionTimestamp != nil {\n\t\treturn false\n\t}\n"}},
	}, {
		Name: "owner-after-delete", Kind: Obvious, Breaks: []contract.ID{contract.StorageOwnerBeforeDelete},
		Harm:  "A controller that stops in the middle of a scale down leaves volumes behind that nobody uses.",
		Edits: []Edit{{control, claimOfLeaver, "\t\tif planted.In(\"owner-after-delete\") && !planted.Leaving(condemned[i], time.Second) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "volumes-never-released", Kind: Obvious, Breaks: []contract.ID{contract.StorageReclaim},
		Harm:  "Volumes whose claims are gone are paid for.",
		Edits: []Edit{{binder, claimGone, "\t\t\tif planted.In(\"volumes-never-released\") {\n\t\t\t\treturn nil\n\t\t\t}\n"}},
	}, {
		Name: "second-claim-not-recreated", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimRecreated},
		Harm:  "A pod with two claims of which the second was deleted waits for ever.",
		Edits: []Edit{{podsOf, eachClaim, "\t\tif planted.In(\"second-claim-not-recreated\") && isPending(pod) && claim.Name != getPersistentVolumeClaimName(set, &set.Spec.VolumeClaimTemplates[0], getOrdinal(pod)) {\n\t\t\tcontinue\n\t\t}\n"}},
	}, {
		Name: "second-template-size-lost", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimPerPod, contract.StorageTemplates},
		Harm:  "The log of a database gets as little room as its data.",
		Edits: []Edit{{utils, claimMade, "\t\tif planted.In(\"second-template-size-lost\") && i > 0 {\n\t\t\tclaim.Spec.Resources = templates[0].Spec.Resources\n\t\t}\n"}},
	}, {
		Name: "when-scaled-counts-from-zero", Kind: Subtle, Breaks: []contract.ID{contract.StorageRetentionFailure, contract.StorageDataSurvives}, Shows: []contract.ID{contract.IdentityStartOrdinal},
		Harm:  "With a start ordinal members that stay count as scaled away, and lose their data when they are replaced.",
		Edits: bound(`planted.In("when-scaled-counts-from-zero") && getPersistentVolumeClaimRetentionPolicy(set).WhenScaled == "Delete" && podInOrdinalRange(pod, set) && getOrdinal(pod) >= int(*set.Spec.Replicas)`),
	}, {
		Name: "retention-of-leaving-stays", Kind: Subtle, Breaks: []contract.ID{contract.StorageRetentionChange}, Shows: []contract.ID{contract.StorageWhenScaledDelete},
		Harm:  "A policy that is taken back while a member leaves does not save its data.",
		Edits: []Edit{{utils, ownerUpToDate, "\tif planted.In(\"retention-of-leaving-stays\") && !podInOrdinalRange(pod, set) && hasOwnerRef(claim, pod) {\n\t\treturn true\n\t}\n"}},
	}, {
		Name: "scaled-back-keeps-owner", Kind: Subtle, Breaks: []contract.ID{contract.StorageRetentionFailure, contract.StorageWhenScaledDelete}, Shows: []contract.ID{contract.StorageRetentionChange},
		Harm:  "A member that was to leave and may stay after all loses its data when it is replaced the next time.",
		Edits: []Edit{{utils, ownerUpToDate, "\tif planted.In(\"scaled-back-keeps-owner\") && podInOrdinalRange(pod, set) && hasOwnerRef(claim, pod) {\n\t\treturn true\n\t}\n"}},
	}, {
		Name: "when-deleted-forgets-scaled", Kind: Subtle, Breaks: []contract.ID{contract.StorageRetentionChange, contract.StorageWhenDeletedDelete},
		Harm:  "Volumes of members that were scaled away before their set was deleted are paid for.",
		Edits: []Edit{{utils, ownerUpToDate, "\tif planted.In(\"when-deleted-forgets-scaled\") && !podInOrdinalRange(pod, set) && getPersistentVolumeClaimRetentionPolicy(set).WhenScaled == \"Retain\" {\n\t\treturn !hasOwnerRef(claim, set)\n\t}\n"}, {utils, ownerSet, "\tif planted.In(\"when-deleted-forgets-scaled\") && !podInOrdinalRange(pod, set) && policy.WhenScaled == retain {\n\t\trefs = removeRefs(refs, func(ref *metav1.OwnerReference) bool { return matchesRef(ref, set, controllerKind) })\n\t}\n"}},
	}}
}

package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

const (
	indexLabel   = "pod.Labels[apps.PodIndexLabel] = strconv.Itoa(ordinal)\n"
	networkName  = "pod.Spec.Subdomain = set.Spec.ServiceName\n"
	newPod       = "pod, _ := controller.GetPodFromTemplate(&set.Spec.Template, set, metav1.NewControllerRef(set, controllerKind))\n"
	startOrdinal = "func getStartOrdinal(set *apps.StatefulSet) int {\n"
	condemn      = "} else if getOrdinal(pod) >= 0"
	parseName    = "ordinal := -1\n"
	memberOf     = "func isMemberOf(set *apps.StatefulSet, pod *v1.Pod) bool {\n"
	hasIdentity  = "func identityMatches(set *apps.StatefulSet, pod *v1.Pod) bool {\n"
	podDeleted   = "// No controller should care about orphans being deleted.\n\t\treturn\n\t}\n"
	claimPods    = "cm := controller.NewPodControllerRefManager(ssc.podControl, set, selector, controllerKind, ssc.canAdoptFunc(ctx, set))\n"
	adopt        = "// Selector matches. Try to adopt.\n"
	release      = "// Owned by us but selector doesn't match.\n"
	claimsMade   = "// If we created the PVCs attempt to create the Pod\n"
	// ownByClaims makes the claims of a pod, those that the informer cache holds, its owners beside the set.
	ownByClaims = "\t\tfor _, template := range getPersistentVolumeClaims(set, pod) {\n" +
		"\t\t\tif claim, err := spc.objectMgr.GetClaim(template.Namespace, template.Name); err == nil {\n" +
		"\t\t\t\tpod.OwnerReferences = append(pod.OwnerReferences, metav1.OwnerReference{APIVersion: \"v1\", Kind: \"PersistentVolumeClaim\", Name: claim.Name, UID: claim.UID})\n" +
		"\t\t\t}\n\t\t}\n"
)

// named changes the identity of a new pod under a condition.
func named(condition, change string) []Edit {
	return []Edit{{utils, networkName, "\tif " + condition + " {\n\t\t" + change + "\n\t}\n"}}
}

// unowned makes pods without an owner under a condition, and prevents their adoption.
func unowned(fault, condition string) []Edit {
	return []Edit{
		{utils, newPod, "\tif planted.In(\"" + fault + "\")" + condition + " {\n\t\tpod.OwnerReferences = nil\n\t}\n"},
		{claiming, adopt, "\tif planted.In(\"" + fault + "\") {\n\t\treturn true, nil\n\t}\n"},
	}
}

// foreign does something to pods that match the selector and have another owner.
func foreign(fault, condition, act string) []Edit {
	return []Edit{{syncing, claimPods, "\tif planted.In(\"" + fault + "\") {\n" +
		"\t\tall, _ := ssc.podLister.Pods(set.Namespace).List(selector)\n" +
		"\t\tfor _, pod := range all {\n" +
		"\t\t\tif ref := metav1.GetControllerOf(pod); ref != nil && ref.UID != set.UID && isMemberOf(set, pod) && pod.DeletionTimestamp == nil" + condition + " {\n" +
		"\t\t\t\t" + act + "\n\t\t\t}\n\t\t}\n\t}\n"}}
}

func identity() []Fault {
	return []Fault{{
		Name: "names-from-one", Kind: Obvious, Breaks: []contract.ID{contract.IdentityName},
		Harm:  "There is no pod 0, which every configuration names as the first member.",
		Edits: []Edit{{utils, startOrdinal, "\tif planted.In(\"names-from-one\") && set.Spec.Ordinals == nil {\n\t\treturn 1\n\t}\n"}},
	}, {
		Name: "keeps-one-too-many", Kind: Subtle, Breaks: []contract.ID{contract.IdentityName, contract.StatusScale, contract.OrderingScaleDown},
		Harm:  "A member that was scaled away stays and goes on answering.",
		Edits: []Edit{{control, condemn, ` && !(planted.In("keeps-one-too-many") && getOrdinal(pod) == getEndOrdinal(set)+1)`}},
	}, {
		Name: "hostname-of-set", Kind: Obvious, Breaks: []contract.ID{contract.IdentityHostname, contract.IdentitySticky, contract.DNSPodRecord},
		Harm:  "All members believe that they are the same host.",
		Edits: named(`planted.In("hostname-of-set")`, "pod.Spec.Hostname = set.Name"),
	}, {
		Name: "hostname-of-last-wrong", Kind: Subtle, Breaks: []contract.ID{contract.IdentityHostname, contract.DNSPodRecord},
		Harm: "The last of several members calls itself by the name of the first.",
		Edits: named(`planted.In("hostname-of-last-wrong") && getOrdinal(pod) == getEndOrdinal(set) && *set.Spec.Replicas > 1`,
			"pod.Spec.Hostname = getPodName(set, getStartOrdinal(set))"),
	}, {
		Name: "pod-name-label-missing", Kind: Obvious, Breaks: []contract.ID{contract.IdentityLabels},
		Harm:  "A service that selects one member by its name finds nobody.",
		Edits: named(`planted.In("pod-name-label-missing")`, "delete(pod.Labels, apps.StatefulSetPodNameLabel)"),
	}, {
		Name: "index-label-off-by-one", Kind: Obvious, Breaks: []contract.ID{contract.IdentityLabels},
		Harm:  "A member that takes its number from the label takes its neighbour's.",
		Edits: []Edit{{utils, indexLabel, "\tif planted.In(\"index-label-off-by-one\") {\n\t\tpod.Labels[apps.PodIndexLabel] = strconv.Itoa(ordinal + 1)\n\t}\n"}},
	}, {
		Name: "index-label-from-zero", Kind: Subtle, Breaks: []contract.ID{contract.IdentityLabels}, Shows: []contract.ID{contract.IdentityStartOrdinal},
		Harm:  "With a start ordinal the label counts from 0, so two halves of a moved set share numbers.",
		Edits: []Edit{{utils, indexLabel, "\tif planted.In(\"index-label-from-zero\") {\n\t\tpod.Labels[apps.PodIndexLabel] = strconv.Itoa(ordinal - getStartOrdinal(set))\n\t}\n"}},
	}, {
		Name: "not-replaced", Kind: Obvious, Breaks: []contract.ID{contract.IdentitySticky, contract.LifecycleEvicted, contract.LifecycleFailed},
		Harm:  "A member that is lost stays lost.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"not-replaced\") && planted.Settled(set) && !isCreated(replicas[i]) {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "last-not-replaced", Kind: Subtle, Breaks: []contract.ID{contract.IdentitySticky, contract.LifecycleEvicted},
		Harm:  "The last member, and only that one, is not replaced.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"last-not-replaced\") && planted.Settled(set) && !isCreated(replicas[i]) && i == len(replicas)-1 {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "replacement-renamed", Kind: Subtle, Breaks: []contract.ID{contract.IdentitySticky, contract.IdentityHostname},
		Harm:  "A member that comes back does not know its own name any more.",
		Edits: named(`planted.In("replacement-renamed") && planted.Settled(set)`, "pod.Spec.Hostname = set.Name"),
	}, {
		Name: "owner-missing", Kind: Obvious, Breaks: []contract.ID{contract.IdentityOwnership},
		Harm:  "Nothing says which set owns the pods; they outlive it.",
		Edits: unowned("owner-missing", ""),
	}, {
		Name: "owner-of-last-missing", Kind: Subtle, Breaks: []contract.ID{contract.IdentityOwnership},
		Harm:  "The last member is nobody's.",
		Edits: unowned("owner-of-last-missing", " && ordinal == getEndOrdinal(set)"),
	}, {
		Name: "owner-does-not-wait", Kind: Obvious, Breaks: []contract.ID{contract.IdentityOwnership}, Shows: []contract.ID{contract.TerminationCascade},
		Harm:  "A set that is deleted in the foreground is gone before its members, and who waits for that makes it anew beside them.",
		Edits: []Edit{{utils, newPod, "\tif planted.In(\"owner-does-not-wait\") {\n\t\tpod.OwnerReferences[0].BlockOwnerDeletion = nil\n\t}\n"}},
	}, {
		Name: "claims-own-pods", Kind: Subtle, Breaks: []contract.ID{contract.IdentityOwnership}, Shows: []contract.ID{contract.IdentitySticky},
		Harm:  "A member that was replaced outlives its set for as long as its claims are kept.",
		Edits: []Edit{{podsOf, claimsMade, "\tif planted.In(\"claims-own-pods\") {\n" + ownByClaims + "\t}\n"}},
	}, {
		Name: "takes-foreign", Kind: Obvious, Breaks: []contract.ID{contract.IdentityNotMine},
		Harm: "Two controllers believe that a pod is theirs.",
		Edits: foreign("takes-foreign", "", "mine := pod.DeepCopy()\n\t\t\t\tmine.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, controllerKind)}\n"+
			"\t\t\t\t_, _ = ssc.kubeClient.CoreV1().Pods(set.Namespace).Update(ctx, mine, metav1.UpdateOptions{})"),
	}, {
		Name: "deletes-foreign-out-of-range", Kind: Subtle, Breaks: []contract.ID{contract.IdentityNotMine},
		Harm:  "Somebody else's pod with a name beyond the last ordinal is deleted.",
		Edits: foreign("deletes-foreign-out-of-range", " && !podInOrdinalRange(pod, set)", "_ = ssc.podControl.DeletePod(ctx, set.Namespace, pod.Name, set)"),
	}, {
		Name: "name-cut-at-first-number", Kind: Subtle, Breaks: []contract.ID{contract.IdentityName}, Shows: []contract.ID{contract.IdentityNotMine},
		Harm: "A set whose name ends in a number makes members with other names than its own.",
		Edits: []Edit{{utils, parseName, "\tif cut := regexp.MustCompile(\"^(.*?)-([0-9]+)\").FindStringSubmatch(pod.Name); cut != nil && planted.In(\"name-cut-at-first-number\") {\n" +
			"\t\tn, _ := strconv.Atoi(cut[2])\n\t\treturn cut[1], n\n\t}\n"}},
	}, {
		Name: "adopts-by-labels", Kind: Subtle, Breaks: []contract.ID{contract.IdentityNotMine},
		Harm:  "A pod of another name that happens to have the labels becomes a member.",
		Edits: []Edit{{utils, memberOf, "\tif planted.In(\"adopts-by-labels\") {\n\t\treturn true\n\t}\n"}},
	}, {
		Name: "second-container-lost", Kind: Obvious, Breaks: []contract.ID{contract.IdentityTemplate},
		Harm:  "The agent beside the database, which makes its backups, is not in the pods.",
		Edits: []Edit{{utils, newPod, "\tif planted.In(\"second-container-lost\") {\n\t\tpod.Spec.Containers = pod.Spec.Containers[:1]\n\t}\n"}},
	}, {
		Name: "tolerations-lost", Kind: Subtle, Breaks: []contract.ID{contract.IdentityTemplate},
		Harm:  "Only the first member may run on the nodes that are set apart for the database.",
		Edits: []Edit{{utils, newPod, "\tif planted.In(\"tolerations-lost\") && ordinal > 0 {\n\t\tpod.Spec.Tolerations = nil\n\t}\n"}},
	}, {
		Name: "grace-of-third-cut", Kind: Subtle, Breaks: []contract.ID{contract.IdentityTemplate},
		Harm:  "From the third member on none has the time to stop that it was to have.",
		Edits: []Edit{{utils, newPod, "\tif planted.In(\"grace-of-third-cut\") && ordinal > 1 {\n\t\tgrace := int64(1)\n\t\tpod.Spec.TerminationGracePeriodSeconds = &grace\n\t}\n"}},
	}, {
		Name: "template-labels-lost", Kind: Obvious, Breaks: []contract.ID{contract.IdentityTemplate},
		Harm: "Whoever selects members by a label of theirs that the set itself does not select them by, as a network policy does, finds none.",
		Edits: []Edit{{utils, newPod, "\tfor key := range pod.Labels {\n" +
			"\t\tif _, selected := set.Spec.Selector.MatchLabels[key]; !selected && planted.In(\"template-labels-lost\") {\n\t\t\tdelete(pod.Labels, key)\n\t\t}\n\t}\n"}},
	}, {
		Name: "template-annotations-lost", Kind: Subtle, Breaks: []contract.ID{contract.IdentityTemplate},
		Harm:  "Only of the first member a monitor knows from its annotations where to ask it.",
		Edits: []Edit{{utils, newPod, "\tif planted.In(\"template-annotations-lost\") && ordinal > 0 {\n\t\tpod.Annotations = nil\n\t}\n"}},
	}, {
		Name: "label-stays-wrong", Kind: Obvious, Breaks: []contract.ID{contract.IdentityLabelKept},
		Harm:  "A service that selects one member by its name sends its clients to another one for ever.",
		Edits: []Edit{{utils, hasIdentity, "\tif planted.In(\"label-stays-wrong\") {\n\t\treturn true\n\t}\n"}},
	}, {
		Name: "deletion-overlooked", Kind: Obvious, Breaks: []contract.ID{contract.IdentitySticky},
		Harm:  "A member that is lost comes back only when something else happens to the set.",
		Edits: []Edit{{syncing, podDeleted, "\tif planted.In(\"deletion-overlooked\") {\n\t\treturn\n\t}\n"}},
	}, {
		Name: "start-ignored", Kind: Obvious, Breaks: []contract.ID{contract.IdentityStartOrdinal, contract.IdentityStartMoves},
		Harm:  "Half a set that moves to another cluster overwrites the half that stayed.",
		Edits: []Edit{{utils, startOrdinal, "\tif planted.In(\"start-ignored\") {\n\t\treturn 0\n\t}\n"}},
	}, {
		Name: "start-moves-lowest-first", Kind: Subtle, Breaks: []contract.ID{contract.IdentityStartMoves},
		Harm:  "When the start ordinal moves, the first members go first.",
		Edits: []Edit{{control, inOrderOfFall, "\tif planted.In(\"start-moves-lowest-first\") && getStartOrdinal(set) > 0 {\n\t\tsort.Sort(ascendingOrdinal(condemned))\n\t}\n"}},
	}, {
		Name: "template-hostname-wins", Kind: Subtle, Breaks: []contract.ID{contract.IdentityOverrides},
		Harm:  "A host name left in the template makes all members the same host.",
		Edits: named(`planted.In("template-hostname-wins") && set.Spec.Template.Spec.Hostname != ""`, "pod.Spec.Hostname = set.Spec.Template.Spec.Hostname"),
	}, {
		Name: "template-subdomain-wins", Kind: Subtle, Breaks: []contract.ID{contract.IdentityOverrides},
		Harm:  "A subdomain left in the template takes the members out of DNS.",
		Edits: named(`planted.In("template-subdomain-wins") && set.Spec.Template.Spec.Subdomain != ""`, "pod.Spec.Subdomain = set.Spec.Template.Spec.Subdomain"),
	}, {
		Name: "hostname-of-added-wrong", Kind: Subtle, Breaks: []contract.ID{contract.IdentityHostname}, Shows: []contract.ID{contract.OrderingScaleUp},
		Harm:  "Members that are added to a running cluster believe that they are the same host.",
		Edits: named(`planted.In("hostname-of-added-wrong") && planted.Added(set, getOrdinal(pod)-getStartOrdinal(set))`, "pod.Spec.Hostname = set.Name"),
	}, {
		Name: "forced-not-replaced", Kind: Subtle, Breaks: []contract.ID{contract.IdentityForceDelete},
		Harm:  "A member that was deleted by force stays lost.",
		Edits: []Edit{{control, eachReplica, "\t\tif !isCreated(replicas[i]) && planted.Forced(\"forced-not-replaced\", set, replicas[i]) {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "full-name-wrong", Kind: Obvious, Breaks: []contract.ID{contract.IdentityOwnFQDN}, Shows: []contract.ID{contract.DNSPodRecord},
		Harm:  "A member that tells its peers its own full name tells them one that nobody can use.",
		Edits: named(`planted.In("full-name-wrong")`, `pod.Spec.Subdomain = "peers"`),
	}, {
		Name: "full-name-of-last-wrong", Kind: Subtle, Breaks: []contract.ID{contract.IdentityOwnFQDN}, Shows: []contract.ID{contract.DNSPodRecord},
		Harm:  "The last of several members does not know its full name.",
		Edits: named(`planted.In("full-name-of-last-wrong") && getOrdinal(pod) == getEndOrdinal(set) && *set.Spec.Replicas > 1`, `pod.Spec.Subdomain = "peers"`),
	}, {
		Name: "start-lowered-ignored", Kind: Subtle, Breaks: []contract.ID{contract.IdentityStartOrdinal, contract.IdentityStartMoves, contract.IdentityName}, Shows: []contract.ID{contract.UpdateComplete},
		Harm:  "A set whose first number was raised never gets its first members back.",
		Edits: []Edit{{utils, startOrdinal, "\tif planted.In(\"start-lowered-ignored\") {\n\t\tstart := 0\n\t\tif set.Spec.Ordinals != nil {\n\t\t\tstart = int(set.Spec.Ordinals.Start)\n\t\t}\n\t\treturn -planted.Least(\"start-lowered-ignored\", string(set.UID), -start)\n\t}\n"}},
	}, {
		Name: "adopts-by-prefix", Kind: Subtle, Breaks: []contract.ID{contract.IdentityNotMine},
		Harm:  "A pod whose name only begins like those of the members becomes one.",
		Edits: []Edit{{utils, memberOf, "\tif prefix := set.Name + \"-\"; planted.In(\"adopts-by-prefix\") && len(pod.Name) > len(prefix) && pod.Name[:len(prefix)] == prefix {\n\t\treturn true\n\t}\n"}},
	}, {
		Name: "template-index-label-wins", Kind: Subtle, Breaks: []contract.ID{contract.IdentityLabels}, Shows: []contract.ID{contract.IdentityOverrides},
		Harm:  "A label left in the template gives all members the same number.",
		Edits: []Edit{{utils, indexLabel, "\tif own := set.Spec.Template.Labels[apps.PodIndexLabel]; planted.In(\"template-index-label-wins\") && own != \"\" {\n\t\tpod.Labels[apps.PodIndexLabel] = own\n\t}\n"}},
	}, {
		Name: "long-hostname-cut", Kind: Subtle, Breaks: []contract.ID{contract.IdentityHostname}, Shows: []contract.ID{contract.IdentityOwnFQDN, contract.IdentityOverrides},
		Harm:  "Members of a set with a long name believe that they are the same host.",
		Edits: named(`planted.In("long-hostname-cut") && len(pod.Name) > 40`, "pod.Spec.Hostname = pod.Name[:40]"),
	}, {
		Name: "third-replacement-never", Kind: Subtle, Breaks: []contract.ID{contract.IdentitySticky}, Shows: []contract.ID{contract.UpdateComplete, contract.LifecycleFailed},
		Harm:  "A member that is lost for the third time stays lost.",
		Edits: []Edit{{control, eachReplica, "\t\tif !isCreated(replicas[i]) && planted.Pods(\"third-replacement-never\", set, replicas[i].Name) >= 3 {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}}
}

package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

// ofRevision has a part of the spec beside the template make another revision.
func ofRevision(fault, part string) []Edit {
	return []Edit{
		{utils, patchSpec, "\tif part, asked := spec[\"" + part + "\"]; asked && planted.In(\"" + fault + "\") {\n\t\tspecCopy[\"" + part + "\"] = part\n\t}\n"},
		{control, sameRevision, "\tif planted.In(\"" + fault + "\") {\n\t\treturn false\n\t}\n"},
	}
}

// claimWithout changes claims before they are made.
func claimWithout(fault, change string) []Edit {
	return []Edit{{utils, claimMade, "\t\tif planted.In(\"" + fault + "\") {\n\t\t\t" + change + "\n\t\t}\n"}}
}

// further are faults that show beside somebody else's object, after another set of the same name, or in a field that is seldom used.
func further() []Fault {
	return []Fault{{
		Name: "taken-name-skipped", Kind: Subtle, Breaks: []contract.ID{contract.OrderingCreate, contract.OrderingCreateHalts, contract.OrderingScaleUp}, Shows: []contract.ID{contract.IdentityNotMine},
		Harm: "A member starts without the one before it, whose name somebody else's pod has.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"taken-name-skipped\") && !isCreated(replicas[i]) {\n" +
			"\t\t\tif other, err := ssc.podControl.objectMgr.GetPod(set.Namespace, replicas[i].Name); err == nil && metav1.GetControllerOf(other) != nil {\n\t\t\t\treturn false, nil\n\t\t\t}\n\t\t}\n"}},
	}, {
		Name: "status-counts-foreign", Kind: Subtle, Breaks: []contract.ID{contract.StatusCounts}, Shows: []contract.ID{contract.IdentityNotMine},
		Harm: "Whoever reads how many members there are counts those of another set with the same labels too.",
		Edits: []Edit{{control, statusWritten, "\tif real, ok := ssc.podControl.objectMgr.(*realStatefulPodControlObjectManager); ok && planted.In(\"status-counts-foreign\") {\n" +
			"\t\tif selector, err := metav1.LabelSelectorAsSelector(set.Spec.Selector); err == nil {\n\t\t\tif all, err := real.podLister.Pods(set.Namespace).List(selector); err == nil {\n" +
			"\t\t\t\tstatus.Replicas = int32(len(all))\n\t\t\t}\n\t\t}\n\t}\n"}},
	}, {
		Name: "revision-of-retention", Kind: Subtle, Breaks: []contract.ID{contract.UpdateNoSpurious}, Shows: []contract.ID{contract.StorageRetentionChange},
		Harm:  "Another retention policy of the volumes restarts every member.",
		Edits: ofRevision("revision-of-retention", "persistentVolumeClaimRetentionPolicy"),
	}, {
		Name: "revision-of-start", Kind: Subtle, Breaks: []contract.ID{contract.UpdateNoSpurious}, Shows: []contract.ID{contract.IdentityStartMoves},
		Harm:  "A set that is moved ordinal by ordinal restarts the members that stay.",
		Edits: ofRevision("revision-of-start", "ordinals"),
	}, {
		Name: "revision-of-history-limit", Kind: Subtle, Breaks: []contract.ID{contract.UpdateNoSpurious}, Shows: []contract.ID{contract.UpdateHistoryLimit},
		Harm:  "Whoever keeps fewer old versions restarts every member.",
		Edits: ofRevision("revision-of-history-limit", "revisionHistoryLimit"),
	}, {
		Name: "revision-of-annotations", Kind: Subtle, Breaks: []contract.ID{contract.UpdateNoSpurious},
		Harm: "A note on the set restarts every member.",
		Edits: []Edit{
			{utils, patchWhole, "\tif m, ok := raw[\"metadata\"].(map[string]interface{}); ok && planted.In(\"revision-of-annotations\") {\n\t\tobjCopy[\"metadata\"] = map[string]interface{}{\"annotations\": m[\"annotations\"]}\n\t}\n"},
			{control, sameRevision, "\tif planted.In(\"revision-of-annotations\") {\n\t\treturn false\n\t}\n"},
		},
	}, {
		Name: "min-ready-of-first", Kind: Subtle, Breaks: []contract.ID{contract.UpdateMinReady, contract.OrderingMinReady, contract.OrderingScaleDownMinReady, contract.StatusAvailable},
		Harm:  "The time to warm up that is asked for later is not waited for.",
		Edits: []Edit{{control, readSet, "\tset.Spec.MinReadySeconds = int32(planted.First(\"min-ready-of-first\", string(set.UID), int(set.Spec.MinReadySeconds)))\n"}},
	}, {
		Name: "history-limit-of-first", Kind: Subtle, Breaks: []contract.ID{contract.UpdateHistoryLimit, contract.UpdateHistoryOldestFirst},
		Harm:  "Whoever asks for fewer old versions keeps as many as before.",
		Edits: []Edit{{control, historyLimit, "\thistoryLimit = planted.First(\"history-limit-of-first\", string(set.UID), historyLimit)\n"}},
	}, {
		Name: "claim-class-emptied", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimPerPod}, Shows: []contract.ID{contract.StorageClaimRecreated},
		Harm:  "A claim for a volume that was made beforehand gets a new one of the default class.",
		Edits: claimWithout("claim-class-emptied", "if class := claim.Spec.StorageClassName; class != nil && *class == \"\" {\n\t\t\t\tclaim.Spec.StorageClassName = nil\n\t\t\t}"),
	}, {
		Name: "claim-selector-lost", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimPerPod}, Shows: []contract.ID{contract.StorageClaimRecreated},
		Harm:  "A claim takes any volume, not one of those that its labels select.",
		Edits: claimWithout("claim-selector-lost", "claim.Spec.Selector = nil"),
	}, {
		Name: "claim-source-lost", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimPerPod}, Shows: []contract.ID{contract.StorageClaimRecreated},
		Harm:  "A member that was to begin with a copy of other data begins empty.",
		Edits: claimWithout("claim-source-lost", "claim.Spec.DataSource, claim.Spec.DataSourceRef = nil, nil"),
	}, {
		Name: "claim-modes-of-first", Kind: Subtle, Breaks: []contract.ID{contract.StorageClaimPerPod}, Shows: []contract.ID{contract.StorageClaimRecreated},
		Harm:  "Of several ways to mount a volume a claim asks for one alone.",
		Edits: claimWithout("claim-modes-of-first", "claim.Spec.AccessModes = claim.Spec.AccessModes[:1]"),
	}, {
		Name: "sources-of-variables-lost", Kind: Subtle, Breaks: []contract.ID{contract.IdentityTemplate},
		Harm:  "A member starts without what its ConfigMap says.",
		Edits: []Edit{{utils, newPod, "\tfor i := range pod.Spec.Containers {\n\t\tif planted.In(\"sources-of-variables-lost\") {\n\t\t\tpod.Spec.Containers[i].EnvFrom = nil\n\t\t}\n\t}\n"}},
	}, {
		Name: "token-mounted-again", Kind: Subtle, Breaks: []contract.ID{contract.IdentityTemplate},
		Harm:  "Members get the credentials of a service account that they were to do without.",
		Edits: []Edit{{utils, newPod, "\tif planted.In(\"token-mounted-again\") {\n\t\tpod.Spec.AutomountServiceAccountToken = nil\n\t}\n"}},
	}, {
		Name: "from-nothing-at-once", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleUp, contract.OrderingCreate},
		Harm: "A set that was scaled to nothing starts all its members at once when it comes back.",
		Edits: []Edit{
			{control, readSet, "\tplanted.Least(\"from-nothing-at-once\", string(set.UID), int(*set.Spec.Replicas))\n"},
			{control, untilReady, " && !(planted.In(\"from-nothing-at-once\") && planted.Least(\"from-nothing-at-once\", string(set.UID), 1) == 0)"},
			{control, untilAvailable, " && !(planted.In(\"from-nothing-at-once\") && planted.Least(\"from-nothing-at-once\", string(set.UID), 1) == 0)"},
		},
	}, {
		Name: "update-past-stopping", Kind: Subtle, Breaks: []contract.ID{contract.UpdateBudgetCountsFailures}, Shows: []contract.ID{contract.OrderingParallelUpdates},
		Harm:  "Under Parallel a rollout takes a member down while another one is about to stop.",
		Edits: past(`planted.In("update-past-stopping") && isTerminating(replicas[target]) && isRunningAndReady(replicas[target])`),
	}, {
		Name: "former-template-kept", Kind: Subtle, Breaks: []contract.ID{contract.IdentityTemplate, contract.UpdateComplete}, Shows: []contract.ID{contract.StorageDeleteKeeps},
		Harm:  "A set that is deleted and made again runs what the former one ran.",
		Edits: []Edit{{utils, newPod, "\tplanted.AsFormer(\"former-template-kept\", set, pod)\n"}},
	}, {
		Name: "endpoints-without-stopping", Kind: Subtle, Breaks: []contract.ID{contract.DNSEndpointConditions},
		Harm:  "A member that still answers while it hands over is cut off from those that it serves.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.Staying(\"endpoints-without-stopping\", pods)\n"}},
	}}
}

package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

const (
	pastEnd = "if replicas[i].DeletionTimestamp == nil"
	allowed = "disruptionsAllowed := currentHealthy - desiredHealthy\n"
	// intended is the budget's count of the pods that there should be.
	intended = "func (dc *DisruptionController) getExpectedScale(ctx context.Context, pods []*v1.Pod) (expectedCount int32, unmanagedPods []string, err error) {\n"
	// podChanged is where the disruption controller, which may write the status of pods, learns of a change of one.
	podChanged = "logger.V(4).Info(\"UpdatePod called on pod\", \"pod\", klog.KObj(pod))\n"
	// unmark takes the condition DisruptionTarget from a pod that was evicted.
	unmark = "\tif planted.Evicted(\"eviction-forgotten\", pod) {\n" +
		"\t\t_, _ = dc.kubeClient.CoreV1().Pods(pod.Namespace).UpdateStatus(context.TODO(), planted.Unmarked(pod), metav1.UpdateOptions{})\n\t}\n"
	// removeSurplus has a set that was never changed delete the pods out of its range.
	removeSurplus = "\tif planted.In(\"surplus-goes-first\") && set.Generation == 1 {\n\t\tfor _, pod := range condemned {\n\t\t\tif !isTerminating(pod) {\n" +
		"\t\t\t\tif err := ssc.podControl.DeleteStatefulPod(set, pod); err != nil {\n\t\t\t\t\treturn &status, err\n\t\t\t\t}\n\t\t\t}\n\t\t}\n\t}\n"
	// looping is crashing, from the second crash on.
	looping = "for _, c := range replicas[i].Status.ContainerStatuses {\n\t\t\t\tif w := c.State.Waiting; w != nil && w.Reason == \"CrashLoopBackOff\" && !isTerminating(replicas[i]) {\n" +
		"\t\t\t\t\treturn true, ssc.podControl.DeleteStatefulPod(set, replicas[i])\n\t\t\t\t}\n\t\t\t}\n"
	// addUp is where the budget knows how many pods each controller wants.
	addUp          = "// 2. Add up all the controllers.\n\texpectedCount = 0\n"
	stopping       = "// Pod is being deleted.\n\t\tif pod.DeletionTimestamp != nil"
	maximumPart    = "intstr.GetScaledValueFromIntOrPercent(pdb.Spec.MaxUnavailable, int(expectedCount), true"
	minimumNumber  = "desiredHealthy = pdb.Spec.MinAvailable.IntVal\n"
	adoptingRef    = "blockOwnerDeletion := true\n"
	minimumPart    = "intstr.GetScaledValueFromIntOrPercent(pdb.Spec.MinAvailable, int(expectedCount), true"
	adoptRevisions = "func (ssc *StatefulSetController) adoptOrphanRevisions(ctx context.Context, set *apps.StatefulSet) error {\n"
	lateOrphan     = "// Otherwise, it's an orphan. If anything changed, sync matching controllers\n"
	newOrphan      = "// Otherwise, it's an orphan. Get a list of all matching controllers and sync\n"
	releasePod     = "func (m *PodControllerRefManager) ReleasePod(ctx context.Context, pod *v1.Pod) error {\n"
	crashing       = "for _, c := range replicas[i].Status.ContainerStatuses {\n\t\t\t\tif c.RestartCount > 0 && !isTerminating(replicas[i]) {\n" +
		"\t\t\t\t\treturn true, ssc.podControl.DeleteStatefulPod(set, replicas[i])\n\t\t\t\t}\n\t\t\t}\n"
)

// ended leaves a pod that has come to its end alone under a condition.
func ended(condition string) []Edit {
	return []Edit{{control, pastEnd, " && !(" + condition + ")"}}
}

func lifecycle() []Fault {
	return []Fault{{
		Name: "failed-stays", Kind: Obvious, Breaks: []contract.ID{contract.LifecycleFailed},
		Harm:  "A member that has failed is never replaced.",
		Edits: ended(`planted.In("failed-stays") && replicas[i].Status.Phase == v1.PodFailed`),
	}, {
		Name: "failed-first-stays", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleFailed},
		Harm:  "The first member, once it has failed, is never replaced.",
		Edits: ended(`planted.In("failed-first-stays") && replicas[i].Status.Phase == v1.PodFailed && i == 0`),
	}, {
		Name: "succeeded-stays", Kind: Obvious, Breaks: []contract.ID{contract.LifecycleSucceeded},
		Harm:  "A member whose container ended without an error is never replaced.",
		Edits: ended(`planted.In("succeeded-stays") && replicas[i].Status.Phase == v1.PodSucceeded`),
	}, {
		Name: "crash-replaces", Kind: Obvious, Breaks: []contract.ID{contract.LifecycleCrashInPlace},
		Harm:  "A crash costs a member its place and its caches.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"crash-replaces\") {\n\t\t\t" + crashing + "\t\t}\n"}},
	}, {
		Name: "crash-of-last-replaces", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleCrashInPlace},
		Harm:  "A crash costs the last member its place.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"crash-of-last-replaces\") && i == len(replicas)-1 {\n\t\t\t" + crashing + "\t\t}\n"}},
	}, {
		Name: "budget-ignored", Kind: Obvious, Breaks: []contract.ID{contract.LifecycleBudget},
		Harm:  "A drain takes all members at once.",
		Edits: []Edit{{budgets, allowed, "\tif planted.In(\"budget-ignored\") {\n\t\tdisruptionsAllowed = expectedCount\n\t}\n"}},
	}, {
		Name: "budget-one-too-many", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleBudget},
		Harm:  "A drain takes one member more than the budget allows.",
		Edits: []Edit{{budgets, allowed, "\tif planted.In(\"budget-one-too-many\") {\n\t\tdisruptionsAllowed++\n\t}\n"}},
	}, {
		Name: "adoption-refused", Kind: Obvious, Breaks: []contract.ID{contract.LifecycleAdoption},
		Harm:  "A set that was deleted to be made anew cannot take back its running members.",
		Edits: []Edit{{claiming, adopt, "\tif planted.In(\"adoption-refused\") {\n\t\treturn false, nil\n\t}\n"}},
	}, {
		Name: "late-orphan-overlooked", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleAdoption}, Shows: []contract.ID{contract.LifecycleAdoptAndTrim},
		Harm:  "A member that was taken out by its label and put back stays nobody's.",
		Edits: []Edit{{syncing, lateOrphan, "\tif planted.In(\"late-orphan-overlooked\") {\n\t\treturn\n\t}\n"}},
	}, {
		Name: "new-orphan-overlooked", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleAdoptAndTrim},
		Harm:  "A pod that a backup tool has brought back under a member's name stays beside the set.",
		Edits: []Edit{{syncing, newOrphan, "\tif planted.In(\"new-orphan-overlooked\") {\n\t\treturn\n\t}\n"}},
	}, {
		Name: "release-refused", Kind: Obvious, Breaks: []contract.ID{contract.LifecycleRelease},
		Harm:  "A member taken out by its label for a closer look is not replaced.",
		Edits: []Edit{{claiming, release, "\t\tif planted.In(\"release-refused\") {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "failed-second-stays", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleFailed}, Shows: []contract.ID{contract.StorageRetentionFailure},
		Harm:  "Of members that have failed only the first is replaced.",
		Edits: ended(`planted.In("failed-second-stays") && replicas[i].Status.Phase == v1.PodFailed && i > 0`),
	}, {
		Name: "crash-loop-replaces", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleCrashInPlace},
		Harm:  "A second crash costs a member its place.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"crash-loop-replaces\") {\n\t\t\t" + looping + "\t\t}\n"}},
	}, {
		Name: "budget-of-fewest-ignored", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleBudget},
		Harm:  "A budget that says how many members must stay is not obeyed; one that says how many may go is.",
		Edits: []Edit{{budgets, allowed, "\tif planted.In(\"budget-of-fewest-ignored\") && pdb.Spec.MinAvailable != nil {\n\t\tdisruptionsAllowed = expectedCount\n\t}\n"}},
	}, {
		Name: "adopted-are-replaced", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleAdoption},
		Harm: "A set that takes back its running members restarts all of them.",
		Edits: []Edit{
			{utils, patchWhole, "\tif planted.In(\"adopted-are-replaced\") {\n\t\tobjCopy[\"metadata\"] = map[string]interface{}{\"uid\": string(set.UID)}\n\t}\n"},
			{control, sameRevision, "\tif planted.In(\"adopted-are-replaced\") {\n\t\treturn false\n\t}\n"},
		},
	}, {
		Name: "release-deletes", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleRelease},
		Harm:  "A member taken out by its label for a closer look is deleted.",
		Edits: []Edit{{claiming, releasePod, "\tif planted.In(\"release-deletes\") {\n\t\treturn m.podControl.DeletePod(ctx, pod.Namespace, pod.Name, planted.Object(m.Controller))\n\t}\n"}},
	}, {
		Name: "budget-forgets-unready", Kind: Obvious, Breaks: []contract.ID{contract.LifecycleBudgetCounts},
		Harm:  "A drain takes a member down while another is down already.",
		Edits: []Edit{{budgets, allowed, "\tif planted.In(\"budget-forgets-unready\") && currentHealthy < expectedCount {\n\t\tdisruptionsAllowed = 1\n\t}\n"}},
	}, {
		Name: "budget-counts-those-there", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleBudgetCounts},
		Harm:  "A drain takes a member down while others have not been created yet.",
		Edits: []Edit{{budgets, intended, "\tif planted.In(\"budget-counts-those-there\") {\n\t\treturn int32(len(pods)), nil, nil\n\t}\n"}},
	}, {
		Name: "eviction-forgotten", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleDisruptionTarget},
		Harm:  "Nobody learns that a member was evicted, and so did not end by itself.",
		Edits: []Edit{{budgets, podChanged, unmark}},
	}, {
		Name: "budget-counts-stopping", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleBudgetCounts},
		Harm:  "A drain takes a member down while another is about to stop.",
		Edits: []Edit{{budgets, stopping, ` && !planted.In("budget-counts-stopping")`}},
	}, {
		Name: "budget-maximum-rounded-down", Kind: Obvious, Breaks: []contract.ID{contract.LifecycleBudgetPercentage},
		Harm:  "A drain waits for ever, since a tenth of three members is none.",
		Edits: []Edit{{budgets, maximumPart, ` && !planted.In("budget-maximum-rounded-down")`}},
	}, {
		Name: "budget-minimum-rounded-down", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleBudgetPercentage},
		Harm:  "A drain leaves one member less than the budget asks for.",
		Edits: []Edit{{budgets, minimumPart, ` && !planted.In("budget-minimum-rounded-down")`}},
	}, {
		Name: "revisions-stay-orphans", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleAdoption},
		Harm:  "The versions of a set that was made again are nobody's, and outlive it.",
		Edits: []Edit{{syncing, adoptRevisions, "\tif planted.In(\"revisions-stay-orphans\") {\n\t\treturn nil\n\t}\n"}},
	}, {
		Name: "surplus-stays", Kind: Obvious, Breaks: []contract.ID{contract.LifecycleAdoptAndTrim},
		Harm:  "A set that was made again for fewer members leaves the others running.",
		Edits: []Edit{{control, condemn, ` && !(planted.In("surplus-stays") && set.Generation == 1)`}},
	}, {
		Name: "surplus-goes-first", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleAdoptAndTrim}, Shows: []contract.ID{contract.OrderingScaleDownHalts},
		Harm:  "A set that was made again for fewer members removes the others while one that it wants is missing.",
		Edits: []Edit{{control, beforePods, removeSurplus}},
	}, {
		Name: "failed-under-parallel-in-turn", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleFailed}, Shows: []contract.ID{contract.OrderingParallel},
		Harm:  "Under Parallel a member that has failed is not replaced as long as another one is not Ready.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"failed-under-parallel-in-turn\") && allowsBurst(set) && (replicas[i].Status.Phase == v1.PodFailed || replicas[i].Status.Phase == v1.PodSucceeded) {\n\t\t\tfor _, other := range replicas {\n\t\t\t\tif other != replicas[i] && !isRunningAndReady(other) {\n\t\t\t\t\treturn true, nil\n\t\t\t\t}\n\t\t\t}\n\t\t}\n"}},
	}, {
		Name: "release-of-unlabelled-refused", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleRelease}, Shows: []contract.ID{contract.LifecycleAdoptAndTrim},
		Harm:  "A member whose label is taken away, and not only changed, is not replaced.",
		Edits: []Edit{{claiming, release, "\t\tif wanted, _ := m.Selector.Requirements(); planted.In(\"release-of-unlabelled-refused\") {\n\t\t\tfor _, r := range wanted {\n\t\t\t\tif !labels.Set(obj.GetLabels()).Has(r.Key()) {\n\t\t\t\t\treturn true, nil\n\t\t\t\t}\n\t\t\t}\n\t\t}\n"}},
	}, {
		Name: "failed-twice-stays", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleFailed},
		Harm:  "A member that fails a second time is not replaced any more.",
		Edits: ended(`planted.FailedBefore("failed-twice-stays", replicas[i])`),
	}, {
		Name: "budget-number-one-short", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleBudget},
		Harm:  "A budget that says in numbers how many members must stay lets one more go.",
		Edits: []Edit{{budgets, minimumNumber, "\t\t\tif planted.In(\"budget-number-one-short\") {\n\t\t\t\tdesiredHealthy--\n\t\t\t}\n"}},
	}, {
		Name: "adopted-do-not-hold", Kind: Subtle, Breaks: []contract.ID{contract.IdentityOwnership}, Shows: []contract.ID{contract.LifecycleAdoption},
		Harm:  "A set that took back its members and is deleted in the foreground is gone before them.",
		Edits: []Edit{{claiming, adoptingRef, "\tif planted.In(\"adopted-do-not-hold\") {\n\t\tblockOwnerDeletion = false\n\t}\n"}},
	}, {
		Name: "budget-forgets-scaling", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleBudgetPercentage, contract.LifecycleBudgetCounts},
		Harm:  "A budget counts the members that there were to be when it was made.",
		Edits: []Edit{{budgets, addUp, "\tfor uid := range controllerScale {\n\t\tif planted.In(\"budget-forgets-scaling\") {\n\t\t\tcontrollerScale[uid] = int32(planted.First(\"budget-forgets-scaling\", string(uid), int(controllerScale[uid])))\n\t\t}\n\t}\n"}},
	}}
}

package faults

import "k8s.io/apimachinery/pkg/util/version"

// The places of a rollout. Kubernetes 1.37 rolls out in another function than versions before it, unless the feature gate
// MaxUnavailableStatefulSet is off: a fault is planted in the function that users of that version run.
const (
	// Up to 1.36, in updateStatefulSet.
	updateTarget = "for target := len(replicas) - 1; target >= updateMin; target-- {\n"
	updateWait   = "// wait for unavailable Pods on update\n\t\tif isUnavailable(replicas[target], set.Spec.MinReadySeconds, now)"
	updateBegins = "// we terminate the Pod with the largest ordinal that does not match the update revision.\n"
	// In updateStatefulSetAfterInvariantEstablished, which earlier versions have as well, behind the gate.
	budgetTarget = "for target := len(replicas) - 1; target >= updateMin && deletedPods < podsToDelete; target-- {\n"
	budgetBegins = "unavailablePods := 0\n"
	// There too, since 1.37.
	budgetCount    = "\t\tif isUnavailable(pod, set.Spec.MinReadySeconds, now)"
	budgetSpent    = "unavailablePods >= maxUnavailable && unavailablePodsNeedingUpdate == 0"
	parallelTarget = "for target := len(replicas) - 1; target >= updateMin && remainingBudget > 0; target-- {\n"
	// In earlier versions as well.
	orderedBudget = "podsToDelete := maxUnavailable - unavailablePods\n"
	// Where maxUnavailable is read. Earlier versions roll out without it.
	wholeBudget = "func getStatefulSetMaxUnavailable(maxUnavailable *intstr.IntOrString, replicaCount int) (int, error) {\n"
	leastBudget = "// So we have to enforce it not to be less than 1.\n\tif maxUnavailableNum < 1"

	// Of Recreate, which there is since 1.37.
	oldGone      = "if !allOldPodsTerminated"
	oldFound     = "recreateInProgress.Store(true)\n"
	oldTold      = "setProgressingCondition(status, v1.ConditionTrue, RecreateInProgressReason, \"Deleting old revision pods\")\n"
	recreateDone = "setProgressingCondition(status, v1.ConditionFalse, RecreateCompletedReason, \"All pods recreated successfully\")\n"
)

// has reports whether a version of Kubernetes has an anchor. What the table does not name is in every version of Versions.
func has(kubernetes, anchor string) bool {
	before := version.MustParseGeneric(kubernetes).LessThan(version.MajorMinor(1, 37))
	switch anchor {
	case updateTarget, updateWait, updateBegins:
		return before
	case budgetCount, budgetSpent, parallelTarget, parallelBudget, conditionsKept, rolloutEnds, rolloutBegins, mendingFirst, recreated, leastBudget, wholeBudget, oldGone, oldFound, oldTold, recreateDone, conditionChanges:
		return !before
	}
	return true
}

// in returns those of some edits that belong to a version of Kubernetes.
func in(kubernetes string, some []Edit) []Edit {
	var all []Edit
	for _, e := range some {
		if has(kubernetes, e.Anchor) {
			all = append(all, e)
		}
	}
	return all
}

// atTarget puts code where a rollout takes up the next pod, replicas[target]. It may choose another one.
func atTarget(code string) []Edit {
	return []Edit{{control, updateTarget, code}, {control, budgetTarget, code}}
}

// atBegin puts code where a rollout has found out its lowest ordinal, updateMin, and may change it.
func atBegin(code string) []Edit {
	return []Edit{{control, updateBegins, code}, {control, budgetBegins, code}}
}

// past has a rollout go on past an unavailable pod, replicas[target], under a condition.
func past(condition string) []Edit {
	text := " && !(" + condition + ")"
	return []Edit{{control, updateWait, text}, {control, budgetCount, text}}
}

package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

const (
	countReady     = "// count the number of running and ready replicas\n\t\tif isRunningAndReady(pod)"
	countAvailable = "if isRunningAndAvailable(pod, minReadySeconds, now)"
	counted        = "status.UpdatedReplicas += replicaStatus.updatedReplicas\n\t}\n"
	observed       = "status.ObservedGeneration = set.Generation\n"
	statusWritten  = "// if the status is not inconsistent do not perform an update\n"
	statusDespite  = "// make sure to update the latest status even if there is an error with non-nil currentStatus\n"
	conditionsKept = "status.Conditions = append(status.Conditions, set.Status.Conditions...)\n"
	rolloutEnds    = "func completeUpdate(set *apps.StatefulSet, status *apps.StatefulSetStatus) {\n"
	// Since 1.37.
	conditionChanges = "// Do not update lastTransitionTime if the status of the condition doesn't change.\n"
	revisionsTold    = "status.UpdateRevision = updateRevision.Name\n"
)

func status() []Fault {
	return []Fault{{
		Name: "status-ready-too-few", Kind: Obvious, Breaks: []contract.ID{contract.StatusCounts},
		Harm:  "A set that is whole looks broken, and whoever waits for it waits for ever.",
		Edits: []Edit{{control, counted, "\tif planted.In(\"status-ready-too-few\") && status.ReadyReplicas > 0 {\n\t\tstatus.ReadyReplicas--\n\t}\n"}},
	}, {
		Name: "status-replicas-too-few", Kind: Obvious, Breaks: []contract.ID{contract.StatusScaleStatus, contract.StatusCounts},
		Harm:  "An autoscaler counts a member too few, and asks for more than are needed.",
		Edits: []Edit{{control, counted, "\tif planted.In(\"status-replicas-too-few\") && status.Replicas > 0 {\n\t\tstatus.Replicas--\n\t}\n"}},
	}, {
		Name: "status-replicas-only-ready", Kind: Subtle, Breaks: []contract.ID{contract.StatusScaleStatus, contract.StatusCounts},
		Harm:  "As long as a member is not Ready an autoscaler does not know that it is there.",
		Edits: []Edit{{control, counted, "\tif planted.In(\"status-replicas-only-ready\") {\n\t\tstatus.Replicas = status.ReadyReplicas\n\t}\n"}},
	}, {
		Name: "status-updated-too-many", Kind: Subtle, Breaks: []contract.ID{contract.StatusCounts},
		Harm:  "A rollout that has not begun looks finished.",
		Edits: []Edit{{control, counted, "\tif planted.In(\"status-updated-too-many\") {\n\t\tstatus.UpdatedReplicas = status.Replicas\n\t}\n"}},
	}, {
		Name: "status-counts-unready", Kind: Subtle, Breaks: []contract.ID{contract.StatusCounts},
		Harm:  "A member that cannot serve is counted as Ready.",
		Edits: []Edit{{control, countReady, ` || planted.In("status-counts-unready") && isCreated(pod)`}},
	}, {
		Name: "status-available-ignores-min-ready", Kind: Obvious, Breaks: []contract.ID{contract.StatusAvailable},
		Harm:  "A member counts as available before it has warmed up.",
		Edits: []Edit{{control, countAvailable, ` || planted.In("status-available-ignores-min-ready")`}},
	}, {
		Name: "current-revision-early", Kind: Obvious, Breaks: []contract.ID{contract.StatusRevisions},
		Harm:  "A rollout that has just begun is reported as done.",
		Edits: []Edit{{control, revisionsTold, "\tif planted.In(\"current-revision-early\") {\n\t\tstatus.CurrentRevision = updateRevision.Name\n\t}\n"}},
	}, {
		Name: "current-revision-never", Kind: Subtle, Breaks: []contract.ID{contract.StatusRevisions},
		Harm:  "A rollout that is done is never reported as done.",
		Edits: []Edit{{utils, rolloutDone, "\t\tif planted.In(\"current-revision-never\") && set.Status.CurrentRevision != \"\" {\n\t\t\tstatus.CurrentRevision = set.Status.CurrentRevision\n\t\t}\n"}},
	}, {
		Name: "canary-called-done", Kind: Subtle, Breaks: []contract.ID{contract.StatusRevisions}, Shows: []contract.ID{contract.UpdatePartition},
		Harm: "Once the members that try a new version run it, it counts as the version of all, and a member that is lost comes back with it.",
		Edits: []Edit{{control, statusWritten, "\tif rolling := set.Spec.UpdateStrategy.RollingUpdate; planted.In(\"canary-called-done\") && rolling != nil && *rolling.Partition > 0 && " +
			"status.ReadyReplicas == *set.Spec.Replicas && status.UpdatedReplicas >= *set.Spec.Replicas-*rolling.Partition {\n" +
			"\t\tstatus.CurrentReplicas, status.CurrentRevision = status.UpdatedReplicas, status.UpdateRevision\n\t}\n"}},
	}, {
		Name: "on-delete-current-lost", Kind: Subtle, Breaks: []contract.ID{contract.StatusCounts}, Shows: []contract.ID{contract.StatusOnDeleteRevisions},
		Harm: "While members wait for somebody to update them by hand nobody can say how many still run the former version.",
		Edits: []Edit{{utils, rolloutEnds, "\tif planted.In(\"on-delete-current-lost\") && set.Spec.UpdateStrategy.Type == apps.OnDeleteStatefulSetStrategyType {\n" +
			"\t\tstatus.CurrentReplicas = 0\n\t}\n"}},
	}, {
		Name: "observed-generation-behind", Kind: Obvious, Breaks: []contract.ID{contract.StatusObservedGeneration},
		Harm:  "Tools that wait for a change to be seen wait for ever.",
		Edits: []Edit{{control, observed, "\tif planted.In(\"observed-generation-behind\") {\n\t\tstatus.ObservedGeneration--\n\t}\n"}},
	}, {
		Name: "observed-generation-waits-for-ready", Kind: Subtle, Breaks: []contract.ID{contract.StatusObservedGeneration}, Shows: []contract.ID{contract.UpdatePartition},
		Harm:  "As long as a member is not Ready nobody learns that a change was seen.",
		Edits: []Edit{{control, observed, "\tif planted.In(\"observed-generation-waits-for-ready\") && set.Status.ObservedGeneration > 0 && set.Status.ReadyReplicas < *set.Spec.Replicas {\n\t\tstatus.ObservedGeneration = set.Status.ObservedGeneration\n\t}\n"}},
	}, {
		Name: "observed-generation-stuck", Kind: Subtle, Breaks: []contract.ID{contract.StatusObservedGeneration},
		Harm:  "After its second change a set never reports that another generation was observed.",
		Edits: []Edit{{control, observed, "\tif planted.In(\"observed-generation-stuck\") && set.Generation > 1 {\n\t\tstatus.ObservedGeneration = 1\n\t}\n"}},
	}, {
		Name: "scale-up-one-short", Kind: Obvious, Breaks: []contract.ID{contract.StatusScale, contract.OrderingChangeOfMind},
		Harm:  "A set that is scaled up stays one member short.",
		Edits: []Edit{{control, readSet, "\tif planted.In(\"scale-up-one-short\") && set.Generation > 1 && *set.Spec.Replicas > 1 {\n\t\t*set.Spec.Replicas--\n\t}\n"}},
	}, {
		Name: "status-frozen-at-zero", Kind: Subtle, Breaks: []contract.ID{contract.StatusCounts, contract.StatusObservedGeneration},
		Harm:  "A set that was scaled to zero looks alive.",
		Edits: []Edit{{control, statusWritten, "\tif planted.In(\"status-frozen-at-zero\") && *set.Spec.Replicas == 0 {\n\t\treturn nil\n\t}\n"}},
	}, {
		Name: "status-frozen-when-deleted", Kind: Subtle, Breaks: []contract.ID{contract.StatusCounts}, Shows: []contract.ID{contract.TerminationCascade},
		Harm:  "Whoever waits for the end of a set cannot see how many members are still to go.",
		Edits: []Edit{{control, statusWritten, "\tif planted.In(\"status-frozen-when-deleted\") && set.DeletionTimestamp != nil {\n\t\treturn nil\n\t}\n"}},
	}, {
		Name: "status-silent-in-trouble", Kind: Subtle, Breaks: []contract.ID{contract.StatusCounts}, Shows: []contract.ID{contract.IdentityNotMine},
		Harm:  "As long as the next member cannot be made nobody learns what became of the others.",
		Edits: []Edit{{control, statusDespite, "\tif planted.In(\"status-silent-in-trouble\") && err != nil {\n\t\treturn currentRevision, updateRevision, currentStatus, err\n\t}\n"}},
	}, {
		Name: "update-revision-taken-back", Kind: Subtle, Breaks: []contract.ID{contract.UpdateRevision}, Shows: []contract.ID{contract.UpdateHalts},
		Harm: "As soon as a rollout has taken a member down nobody can tell any more which version it is to.",
		Edits: []Edit{{control, statusWritten, "\tif planted.In(\"update-revision-taken-back\") && status.ReadyReplicas < *set.Spec.Replicas && set.Status.CurrentRevision != \"\" {\n" +
			"\t\tstatus.UpdateRevision = set.Status.CurrentRevision\n\t}\n"}},
	}, {
		Name: "on-delete-never-done", Kind: Obvious, Breaks: []contract.ID{contract.StatusOnDeleteRevisions},
		Harm: "Nobody can see that the last member has been updated by hand.",
		Edits: []Edit{{utils, rolloutDone, "\t\tif planted.In(\"on-delete-never-done\") && set.Spec.UpdateStrategy.Type == apps.OnDeleteStatefulSetStrategyType && set.Status.CurrentRevision != \"\" {\n" +
			"\t\t\tstatus.CurrentRevision = set.Status.CurrentRevision\n\t\t}\n"}},
	}, {
		Name: "conditions-of-others-lost", Kind: Obvious, Breaks: []contract.ID{contract.StatusForeignConditions},
		Harm:  "What an operator notes in the status is gone with the next change.",
		Edits: []Edit{{control, conditionsKept, "\tif planted.In(\"conditions-of-others-lost\") {\n\t\tstatus.Conditions = nil\n\t}\n"}},
	}, {
		Name: "status-current-lost", Kind: Subtle, Breaks: []contract.ID{contract.StatusCounts},
		Harm:  "After a rollout nobody can say how many members run the current version.",
		Edits: []Edit{{utils, rolloutDone, "\t\tif planted.In(\"status-current-lost\") && set.Generation > 1 {\n\t\t\tstatus.CurrentReplicas = 0\n\t\t}\n"}},
	}, {
		Name: "recreate-never-done", Kind: Obvious, Breaks: []contract.ID{contract.StatusProgressing},
		Harm:  "Whoever waits for the end of an update waits for ever.",
		Edits: []Edit{{utils, recreateDone, "\t\t\tif planted.In(\"recreate-never-done\") {\n\t\t\t\tsetProgressingCondition(status, v1.ConditionTrue, RecreateInProgressReason, \"\")\n\t\t\t}\n"}},
	}, {
		Name: "recreate-not-told", Kind: Subtle, Breaks: []contract.ID{contract.StatusProgressing},
		Harm:  "Nobody can see why a set has no members.",
		Edits: []Edit{{control, oldTold, "\t\tif planted.In(\"recreate-not-told\") {\n\t\t\tstatus.Conditions = nil\n\t\t}\n"}},
	}, {
		Name: "recreate-time-kept", Kind: Subtle, Breaks: []contract.ID{contract.StatusProgressing},
		Harm:  "An update that has just ended looks as if it had ended when it began.",
		Edits: []Edit{{utils, conditionChanges, "\tif planted.In(\"recreate-time-kept\") {\n\t\tcondition.LastTransitionTime = currentCond.LastTransitionTime\n\t}\n"}},
	}, {
		Name: "recreate-time-moves", Kind: Subtle, Breaks: []contract.ID{contract.StatusProgressing},
		Harm:  "Nobody can tell from the status for how long an update has been under way.",
		Edits: []Edit{{utils, conditionChanges, "\tif planted.In(\"recreate-time-moves\") {\n\t\tcurrentCond.LastTransitionTime = condition.LastTransitionTime\n\t}\n"}},
	}, {
		Name: "status-replicas-capped", Kind: Subtle, Breaks: []contract.ID{contract.StatusCounts, contract.StatusScaleStatus}, Shows: []contract.ID{contract.OrderingScaleDownHalts},
		Harm: "Members that have yet to leave are not counted.",
		Edits: []Edit{{control, statusWritten, "\tfor _, n := range []*int32{&status.Replicas, &status.ReadyReplicas, &status.AvailableReplicas, &status.CurrentReplicas, &status.UpdatedReplicas} {\n" +
			"\t\tif planted.In(\"status-replicas-capped\") {\n\t\t\t*n = min(*n, *set.Spec.Replicas)\n\t\t}\n\t}\n"}},
	}, {
		Name: "deleted-counts-nobody", Kind: Subtle, Breaks: []contract.ID{contract.StatusCounts}, Shows: []contract.ID{contract.TerminationCascade},
		Harm: "A set that is being deleted says that its members are gone while they still run.",
		Edits: []Edit{{control, statusWritten, "\tif planted.In(\"deleted-counts-nobody\") && set.DeletionTimestamp != nil {\n" +
			"\t\tstatus.Replicas, status.ReadyReplicas, status.AvailableReplicas, status.CurrentReplicas, status.UpdatedReplicas = 0, 0, 0, 0, 0\n\t}\n"}},
	}}
}

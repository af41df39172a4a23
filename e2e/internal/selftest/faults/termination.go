package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

const (
	deleteOfSet = "func (spc *StatefulPodControl) DeleteStatefulPod(set *apps.StatefulSet, pod *v1.Pod) error {\n"
	deletePod   = "func (om *realStatefulPodControlObjectManager) DeletePod(pod *v1.Pod) error {\n"
	setDeleted  = "if set.DeletionTimestamp != nil"
	mayAdopt    = "func (ssc *StatefulSetController) canAdoptFunc(ctx context.Context, set *apps.StatefulSet) func(ctx2 context.Context) error {\n"
	orphaned    = "// It's an orphan.\n"
	collect     = "func (gc *GarbageCollector) attemptToDeleteItem(ctx context.Context, item *node) error {\n"
	blocking    = "blockingDependents := item.blockingDependents()\n"
	removal     = "deleteOptions := metav1.DeleteOptions{Preconditions: &preconditions, PropagationPolicy: policy}\n"
	orphan      = "func (gc *GarbageCollector) orphanDependents(logger klog.Logger, owner objectReference, dependents []*node) error {\n"
)

// deletes has the controller delete its pods with another grace period.
func deletes(fault, seconds string) []Edit {
	return []Edit{{podsOf, deletePod, "\tif planted.In(\"" + fault + "\") {\n\t\treturn " + deletion(seconds) + "\n\t}\n"}}
}

// deletion is an expression that deletes pod with another grace period.
func deletion(seconds string) string {
	return "om.client.CoreV1().Pods(pod.Namespace).Delete(context.TODO(), pod.Name, *metav1.NewDeleteOptions(" + seconds + "))"
}

func termination() []Fault {
	return []Fault{{
		Name: "force-deletes", Kind: Obvious, Breaks: []contract.ID{contract.TerminationGraceful, contract.IdentityAtMostOne},
		Harm:  "A member is cut off in the middle of a write, and may still run when its successor starts.",
		Edits: deletes("force-deletes", "0"),
	}, {
		Name: "grace-cut", Kind: Subtle, Breaks: []contract.ID{contract.TerminationGraceful, contract.IdentityAtMostOne},
		Harm:  "A member gets one second to stop, whatever its template says.",
		Edits: deletes("grace-cut", "1"),
	}, {
		Name: "creates-while-deleted", Kind: Obvious, Breaks: []contract.ID{contract.TerminationNoRecreate},
		Harm:  "A set that is being deleted fights against its own end.",
		Edits: []Edit{{control, setDeleted, ` && !planted.In("creates-while-deleted")`}},
	}, {
		Name: "cascade-leaves-pods", Kind: Obvious, Breaks: []contract.ID{contract.TerminationCascade},
		Harm:  "The pods of a deleted set run on, and nobody owns them.",
		Edits: []Edit{{garbage, collect, "\tif planted.In(\"cascade-leaves-pods\") && item.identity.Kind == \"Pod\" {\n\t\treturn nil\n\t}\n"}},
	}, {
		Name: "cascade-leaves-revisions", Kind: Subtle, Breaks: []contract.ID{contract.TerminationCascade},
		Harm:  "The revisions of deleted sets pile up.",
		Edits: []Edit{{garbage, collect, "\tif planted.In(\"cascade-leaves-revisions\") && item.identity.Kind == \"ControllerRevision\" {\n\t\treturn nil\n\t}\n"}},
	}, {
		Name: "foreground-goes-first", Kind: Subtle, Breaks: []contract.ID{contract.TerminationCascade},
		Harm:  "Who waits for the end of a set to make it anew finds its members still running.",
		Edits: []Edit{{garbage, blocking, "\tif planted.In(\"foreground-goes-first\") {\n\t\tblockingDependents = nil\n\t}\n"}},
	}, {
		Name: "orphans-collected", Kind: Subtle, Breaks: []contract.ID{contract.TerminationCascade},
		Harm:  "Pods that were to outlive their set go with it.",
		Edits: []Edit{{garbage, orphan, "\tif planted.In(\"orphans-collected\") {\n\t\treturn nil\n\t}\n"}},
	}, {
		Name: "cascade-forces", Kind: Obvious, Breaks: []contract.ID{contract.IdentityAtMostOne}, Shows: []contract.ID{contract.TerminationCascade},
		Harm:  "The members of a set that is deleted are cut off in the middle of a write.",
		Edits: []Edit{{collects, removal, "\tif planted.In(\"cascade-forces\") && item.Kind == \"Pod\" {\n\t\tdeleteOptions.GracePeriodSeconds = new(int64)\n\t}\n"}},
	}, {
		Name: "adopts-while-deleted", Kind: Subtle, Breaks: []contract.ID{contract.TerminationNoRecreate}, Shows: []contract.ID{contract.TerminationCascade},
		Harm: "Who makes a set anew before the former one is gone loses the members that were to be taken over.",
		Edits: []Edit{
			{syncing, mayAdopt, "\tif planted.In(\"adopts-while-deleted\") {\n\t\treturn func(context.Context) error { return nil }\n\t}\n"},
			{claiming, orphaned, "\tif planted.In(\"adopts-while-deleted\") && m.Controller.GetDeletionTimestamp() != nil && obj.GetDeletionTimestamp() == nil && match(obj) {\n" +
				"\t\treturn adopt(ctx, obj) == nil, nil\n\t}\n"},
		},
	}, {
		Name: "force-deletes-unready", Kind: Subtle, Breaks: []contract.ID{contract.IdentityAtMostOne}, Shows: []contract.ID{contract.OrderingScaleDownHalts, contract.UpdateParallelUnavailableFirst, contract.TerminationGraceful},
		Harm:  "A member that is not Ready is cut off in the middle of a write.",
		Edits: []Edit{{podsOf, deletePod, "\tif planted.In(\"force-deletes-unready\") && pod.Status.Phase == v1.PodRunning && !isRunningAndReady(pod) {\n\t\treturn " + deletion("0") + "\n\t}\n"}},
	}}
}

package faults

// The places of variations alone.
const (
	podEvent      = "func (spc *StatefulPodControl) recordPodEvent(verb string, set *apps.StatefulSet, pod *v1.Pod, err error) {\n"
	revisionNotes = "cr.ObjectMeta.Annotations = make(map[string]string)\n\t}\n"
	revisionName  = "func ControllerRevisionName(prefix string, hash string) string {\n"
	synced        = "ssc.queue.Forget(key)\n"
)

// Variations returns what a controller may do in place of what the one of Kubernetes does, and breaks no promise by: the suite has nothing to say of it. The
// caller owns the result.
func Variations() []Fault {
	return append([]Fault{{
		Name: "legal-all", Kind: Legal,
		Harm:  "All of the following at once, and one more look at each set.",
		Edits: []Edit{{syncing, synced, "\t\tif planted.In(\"legal-all\") {\n\t\t\tssc.queue.AddAfter(key, 2*time.Second)\n\t\t}\n"}},
	}, {
		Name: "legal-requests", Kind: Legal,
		Harm: "The controller looks at each set once more a second later, deletes each pod twice and says which one and with which grace period, and writes the status before it acts, too.",
		Edits: []Edit{
			{syncing, synced, "\t\tif planted.In(\"legal-requests\") {\n\t\t\tssc.queue.AddAfter(key, time.Second)\n\t\t}\n"},
			{podsOf, deletePod, "\tif planted.In(\"legal-requests\") {\n" +
				"\t\tonce := metav1.DeleteOptions{GracePeriodSeconds: pod.Spec.TerminationGracePeriodSeconds, Preconditions: metav1.NewUIDPreconditions(string(pod.UID))}\n" +
				"\t\tif err := om.client.CoreV1().Pods(pod.Namespace).Delete(context.TODO(), pod.Name, once); err != nil {\n\t\t\treturn err\n\t\t}\n" +
				"\t\treturn om.client.CoreV1().Pods(pod.Namespace).Delete(context.TODO(), pod.Name, metav1.DeleteOptions{Preconditions: once.Preconditions})\n\t}\n"},
			{control, beforePods, "\tif planted.In(\"legal-requests\") {\n\t\tif err := ssc.updateStatefulSetStatus(ctx, set, status.DeepCopy()); err != nil {\n\t\t\treturn &status, err\n\t\t}\n\t}\n"},
		},
	}, {
		Name: "legal-marks", Kind: Legal,
		Harm: "Pods, claims and revisions carry labels and annotations of the controller's own, the status a condition of its own, and Events have other reasons and texts.",
		Edits: []Edit{
			{utils, newPod, "\tif planted.In(\"legal-marks\") {\n\t\tmetav1.SetMetaDataLabel(&pod.ObjectMeta, \"planted.example/made-by\", set.Name)\n\t\tmetav1.SetMetaDataAnnotation(&pod.ObjectMeta, \"planted.example/why\", \"wanted\")\n\t}\n"},
			{utils, claimMade, "\t\tif planted.In(\"legal-marks\") {\n\t\t\tlabels := map[string]string{\"planted.example/made-by\": set.Name}\n\t\t\tfor k, v := range claim.Labels {\n\t\t\t\tlabels[k] = v\n\t\t\t}\n" +
				"\t\t\tclaim.Labels = labels\n\t\t\tmetav1.SetMetaDataAnnotation(&claim.ObjectMeta, \"planted.example/why\", \"wanted\")\n\t\t}\n"},
			{utils, revisionNotes, "\tif planted.In(\"legal-marks\") {\n\t\tcr.ObjectMeta.Annotations[\"planted.example/why\"] = \"wanted\"\n\t\tcr.ObjectMeta.Labels[\"planted.example/made-by\"] = set.Name\n\t}\n"},
			{control, conditionsKept, "\tif planted.In(\"legal-marks\") && getStatefulSetCondition(status, \"Planted\") == nil {\n" +
				"\t\tstatus.Conditions = append(status.Conditions, apps.StatefulSetCondition{Type: \"Planted\", Status: v1.ConditionTrue, Reason: \"Wanted\", LastTransitionTime: metav1.Now()})\n\t}\n"},
			{podsOf, podEvent, "\tif planted.In(\"legal-marks\") {\n\t\tspc.recorder.Event(set, v1.EventTypeNormal, \"MemberChanged\", verb+\" of a member\")\n\t\treturn\n\t}\n"},
		},
	}, {
		Name: "legal-early", Kind: Legal,
		Harm: "The claims of all ordinals are made at once, each with the owner that whenDeleted gives it.",
		Edits: []Edit{
			{control, beforePods, "\tfor _, replica := range replicas {\n\t\tif planted.In(\"legal-early\") {\n\t\t\t_ = ssc.podControl.createPersistentVolumeClaims(set, replica)\n\t\t}\n\t}\n"},
			{podsOf, eachClaim, "\t\tif policy := getPersistentVolumeClaimRetentionPolicy(set); planted.In(\"legal-early\") && policy.WhenDeleted == apps.DeletePersistentVolumeClaimRetentionPolicyType {\n" +
				"\t\t\tclaim.OwnerReferences = addControllerRef(nil, set, controllerKind)\n\t\t}\n"},
		},
	}, {
		Name: "legal-late", Kind: Legal,
		Harm: "Everything takes some time longer: each look at a set, the status, minReadySeconds, endpoints and the garbage collector; revisions are trimmed now and then.",
		Edits: []Edit{
			{control, readSet, "\tif planted.In(\"legal-late\") {\n\t\ttime.Sleep(300 * time.Millisecond)\n\t}\n"},
			{control, statusWritten, "\tif planted.In(\"legal-late\") {\n\t\ttime.Sleep(200 * time.Millisecond)\n\t}\n"},
			{control, untilAvailable, ` || (planted.In("legal-late") && monotonic && set.Spec.MinReadySeconds > 0 && !isRunningAndAvailable(replicas[i], set.Spec.MinReadySeconds+1, now))`},
			{control, historyLimit, "\tif planted.In(\"legal-late\") && len(pods) > 0 && !planted.SometimesIn(\"legal-late\") {\n\t\treturn nil\n\t}\n"},
			{syncing, synced, "\t\tif planted.In(\"legal-late\") {\n\t\t\tssc.queue.AddAfter(key, time.Second)\n\t\t}\n"},
			{endpoints, selected, "\tif planted.In(\"legal-late\") {\n\t\ttime.Sleep(300 * time.Millisecond)\n\t}\n"},
			{garbage, collect, "\tif planted.In(\"legal-late\") {\n\t\ttime.Sleep(300 * time.Millisecond)\n\t}\n"},
		},
	}, {
		Name: "legal-order", Kind: Legal,
		Harm: "Under Parallel the highest pods are made first and the lowest removed first; revisions have other names, and numbers far apart.",
		Edits: []Edit{
			{control, eachReplica, "\t\tif planted.In(\"legal-order\") && !monotonic {\n\t\t\ti = len(replicas) - 1 - i\n\t\t}\n"},
			{control, eachCondemned, "\t\tif planted.In(\"legal-order\") && !monotonic {\n\t\t\ti = len(condemned) - 1 - i\n\t\t}\n"},
			{revisionsKept, revisionName, "\tif planted.In(\"legal-order\") {\n\t\treturn \"r\" + hash + \"-\" + prefix[:min(len(prefix), 40)]\n\t}\n"},
			{utils, nextNumber, "\tif n := len(revisions); planted.In(\"legal-order\") && n > 0 {\n\t\treturn revisions[n-1].Revision + 10\n\t}\n"},
		},
	}, {
		Name: "legal-mends", Kind: Legal,
		Harm: "A rollout that is taken back replaces the pod that it was stuck at, which the documentation leaves to people.",
		Edits: inPhase(`planted.In("legal-mends") && monotonic && i == len(replicas)-1 && len(condemned) == 0 && set.Spec.UpdateStrategy.Type == apps.RollingUpdateStatefulSetStrategyType && ` +
			// Without rollingUpdate the pod would be created at the former revision again (contract.UpdateComplete), and this go on for ever.
			`set.Spec.UpdateStrategy.RollingUpdate != nil && int(*set.Spec.UpdateStrategy.RollingUpdate.Partition) <= i && !isRunningAndReady(replicas[i]) && ` +
			`getPodRevision(replicas[i]) != updateRevision.Name && set.Generation > 1`),
	}}, makes()...)
}

package faults

// The places of other makes of controllers alone.
const (
	statusUpdater  = "pkg/controller/statefulset/stateful_set_status_updater.go"
	statusSent     = "logger := klog.FromContext(ctx)\n"
	createPod      = "func (om *realStatefulPodControlObjectManager) CreatePod(ctx context.Context, pod *v1.Pod, ss *apps.StatefulSet) error {\n"
	claimEvent     = "func (spc *StatefulPodControl) recordClaimEvent(verb string, set *apps.StatefulSet, pod *v1.Pod, claim *v1.PersistentVolumeClaim, err error) {\n"
	taken          = "defer ssc.queue.Done(key)\n"
	podGoes        = "// is already pending deletion. Prevent the pod from being a creation observation.\n"
	podUpdated     = "// Two different versions of the same pod will always have different RVs.\n\t\treturn\n\t}\n"
	revisionNumber = "ns := parent.GetNamespace()\n"
	slicesDue      = "ComputeEndpointLastChangeTriggerTime(namespace, service, pods)\n"
	parallelBudget = "remainingBudget := maxUnavailable - unavailablePods\n"
	claimLooked    = "func (c *Controller) processPVC(ctx context.Context, pvcNamespace, pvcName string, lazyLivePodList *LazyLivePodList) error {\n"
)

// makes returns variations that a controller of another make may show.
func makes() []Fault {
	return []Fault{{
		Name: "legal-writes", Kind: Legal,
		Harm: "Pods are applied by another field manager and deleted in the version that was seen, the status is written in three steps, what was observed last, and there are no Events.",
		Edits: []Edit{
			{podsOf, createPod, "\tif planted.In(\"legal-writes\") {\n\t\tmade, err := planted.Apply(ctx, om.client, pod)\n\t\tif err == nil {\n" +
				"\t\t\tom.consistencyStore.WroteAt(types.NamespacedName{Namespace: ss.Namespace, Name: ss.Name}, ss.UID, podGroupResource, made.ResourceVersion)\n\t\t}\n\t\treturn err\n\t}\n"},
			{podsOf, deletePod, "\tif planted.In(\"legal-writes\") {\n\t\tseen, background := pod.ResourceVersion, metav1.DeletePropagationBackground\n" +
				"\t\treturn om.client.CoreV1().Pods(pod.Namespace).Delete(context.TODO(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: pod.Spec.TerminationGracePeriodSeconds, " +
				"Preconditions: &metav1.Preconditions{UID: &pod.UID, ResourceVersion: &seen}, PropagationPolicy: &background})\n\t}\n"},
			{statusUpdater, statusSent, "\tif planted.In(\"legal-writes\") {\n\t\tset = planted.InSteps(ctx, ssu.client, set, *status).DeepCopy()\n\t}\n"},
			{podsOf, podEvent, "\tif planted.In(\"legal-writes\") {\n\t\treturn\n\t}\n"},
			{podsOf, claimEvent, "\tif planted.In(\"legal-writes\") {\n\t\treturn\n\t}\n"},
		},
	}, {
		Name: "legal-finalizer", Kind: Legal,
		Harm: "Pods carry a finalizer of the controller's own, which it takes off when their containers have ended or they are deleted by force.",
		Edits: []Edit{
			{utils, newPod, "\tif planted.In(\"legal-finalizer\") {\n\t\tpod.Finalizers = append(pod.Finalizers, planted.Finalizer(\"legal-finalizer\"))\n\t}\n"},
			{syncing, podGoes, "\t\tplanted.Release(\"legal-finalizer\", ssc.kubeClient, pod)\n"},
			{syncing, podUpdated, "\tplanted.Release(\"legal-finalizer\", ssc.kubeClient, curPod)\n"},
		},
	}, {
		Name: "legal-numbers", Kind: Legal,
		Harm: "Revisions are named after their number, which begins at 1000 and goes on in steps of 1000, and the generation that they were made in, and their hash says nothing.",
		Edits: []Edit{
			{utils, nextNumber, "\tif n := len(revisions); planted.In(\"legal-numbers\") && n == 0 {\n\t\treturn 1000\n\t} else if planted.In(\"legal-numbers\") {\n\t\treturn revisions[n-1].Revision + 1000\n\t}\n"},
			{revisionsKept, revisionNumber, "\t\tif planted.In(\"legal-numbers\") {\n\t\t\tclone.Name = fmt.Sprintf(\"%s-%d-%d\", parent.GetName()[:min(len(parent.GetName()), 40)], clone.Revision+int64(*collisionCount), parent.GetGeneration())\n" +
				"\t\t\tclone.Labels[ControllerRevisionHashLabel] = \"none\"\n\t\t}\n"},
		},
	}, {
		Name: "legal-heartbeat", Kind: Legal,
		Harm: "A condition of the status tells the second in which a set was looked at last, which is each, and sets are looked at one at a time.",
		Edits: []Edit{
			{control, conditionsKept, "\tplanted.Beat(\"legal-heartbeat\", &status)\n"},
			{syncing, taken, "\tdefer planted.OneAtATime(\"legal-heartbeat\")()\n"},
			{syncing, synced, "\t\tif planted.Alone(\"legal-heartbeat\") {\n\t\t\tssc.queue.AddAfter(key, time.Second)\n\t\t}\n"},
		},
	}, {
		Name: "legal-patience", Kind: Legal,
		Harm: "The controller is away for five seconds of each half minute, replaces a failed pod three seconds later, makes and removes pods one after another under Parallel, and takes up one pod at a time for a rollout, whatever maxUnavailable is.",
		Edits: []Edit{
			{control, orderedBudget, "\tif planted.In(\"legal-patience\") {\n\t\tpodsToDelete = min(podsToDelete, 1)\n\t}\n"},
			{control, parallelBudget, "\t\tif planted.In(\"legal-patience\") {\n\t\t\tremainingBudget = min(remainingBudget, 1)\n\t\t}\n"},
			{syncing, taken, "\tplanted.Pause(\"legal-patience\")\n"},
			{syncing, synced, "\t\tif planted.In(\"legal-patience\") {\n\t\t\tssc.queue.AddAfter(key, time.Second)\n\t\t}\n"},
			{control, eachReplica, "\t\tif planted.In(\"legal-patience\") && !monotonic && !isCreated(replicas[i]) {\n\t\t\ttime.Sleep(time.Duration(i) * 300 * time.Millisecond)\n\t\t}\n"},
			{control, eachCondemned, "\t\tif planted.In(\"legal-patience\") && !monotonic && !isTerminating(condemned[i]) {\n\t\t\ttime.Sleep(time.Duration(i) * 300 * time.Millisecond)\n\t\t}\n"},
			{control, pastEnd, " && !planted.Recent(\"legal-patience\", string(replicas[i].UID), 3*time.Second)"},
		},
	}, {
		Name: "legal-slices", Kind: Legal,
		Harm: "Each endpoint has a slice of its own and now and then two, and the controllers of endpoints and of claims in use take their time.",
		Edits: []Edit{
			{endpoints, slicesDue, "\tif planted.In(\"legal-slices\") {\n\t\tplanted.Twin(\"legal-slices\", c.client, endpointSlices)\n" +
				"\t\treturn endpointslicerec.NewReconciler(c.client, c.nodeLister, 1, c.endpointSliceTracker, c.topologyCache, c.eventRecorder, ControllerName).\n" +
				"\t\t\tReconcile(logger, service, pods, endpointSlices, lastChangeTriggerTime)\n\t}\n"},
			{protector, claimLooked, "\tif planted.In(\"legal-slices\") {\n\t\ttime.Sleep(700 * time.Millisecond)\n\t}\n"},
		},
	}}
}

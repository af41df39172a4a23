package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

// The places where the controller waits, or decides how it goes about its pods.
const (
	beforePods     = "// First, process each living replica. Exit if we run into an error or something blocking in monotonic mode.\n"
	eachReplica    = "processReplicaFn := func(i int) (bool, error) {\n"
	eachBatch      = "for batchSize := min(remaining, initialBatchSize); batchSize > 0; batchSize = min(min(2*batchSize, remaining), MaxBatchSize) {\n"
	eachCondemned  = "processCondemnedFn := func(i int) (bool, error) {\n"
	untilReady     = "!isRunningAndReady(replicas[i]) && monotonic"
	untilAvailable = "!isRunningAndAvailable(replicas[i], set.Spec.MinReadySeconds, now) && monotonic"
	untilGone      = "block and wait for terminating pods to expire\n\t\tif monotonic"
	condemnedReady = "!isRunningAndReady(condemned[i]) && monotonic"
	condemnedAvail = "!isRunningAndAvailable(condemned[i], set.Spec.MinReadySeconds, now) && monotonic"
	// notFirstUnready is behind condemnedAvail.
	notFirstUnready = " && condemned[i] != firstUnhealthyPod"
	inOrderOfFall   = "sort.Sort(descendingOrdinal(condemned))\n"
	syncFailed      = "utilruntime.HandleErrorWithContext(ctx, err, \"Error syncing StatefulSet, requeuing\", \"key\", key)\n"
	lookAgain       = "func (ssc *StatefulSetController) enqueueSSAfter(logger klog.Logger, ss *apps.StatefulSet, duration time.Duration) {\n"
	readSet         = "Make a copy now to avoid mutation errors.\n"
)

// unready lifts the wait of a pod for the one before it under a condition.
func unready(condition string) []Edit {
	return []Edit{{control, untilReady, " && !(" + condition + ")"}, {control, untilAvailable, " && !(" + condition + ")"}}
}

func ordering() []Fault {
	return []Fault{{
		Name: "order-ignored", Kind: Obvious, Breaks: []contract.ID{contract.OrderingCreate, contract.OrderingCreateHalts, contract.OrderingScaleUp, contract.StorageUnboundBlocks},
		Harm:  "All members of a database start at once and each founds a cluster of its own.",
		Edits: []Edit{{control, eachReplica, "\t\tmonotonic = monotonic && !planted.In(\"order-ignored\")\n"}},
	}, {
		Name: "create-before-ready", Kind: Obvious, Breaks: []contract.ID{contract.OrderingCreate, contract.OrderingCreateHalts, contract.OrderingScaleUp, contract.StorageUnboundBlocks},
		Harm:  "A member looks for its predecessor before that one can answer.",
		Edits: unready(`planted.In("create-before-ready")`),
	}, {
		Name: "create-sometimes-early", Kind: Subtle, Breaks: []contract.ID{contract.OrderingCreate, contract.OrderingCreateHalts, contract.OrderingScaleUp},
		Harm:  "Once in a while a member starts too early; nobody can say why the cluster is split.",
		Edits: []Edit{{control, eachReplica, "\t\tmonotonic = monotonic && !planted.SometimesIn(\"create-sometimes-early\")\n"}},
	}, {
		Name: "create-early-from-third", Kind: Subtle, Breaks: []contract.ID{contract.OrderingCreate, contract.OrderingCreateHalts, contract.OrderingScaleUp},
		Harm:  "From the third member on nobody waits.",
		Edits: unready(`planted.In("create-early-from-third") && i > 0`),
	}, {
		Name: "create-past-once-ready", Kind: Subtle, Breaks: []contract.ID{contract.OrderingCreateHalts, contract.OrderingScaleUp, contract.OrderingCreate},
		Harm:  "A member that has lost its readiness does not stop the next from starting.",
		Edits: unready(`planted.In("create-past-once-ready") && planted.WasReady(replicas[i])`),
	}, {
		Name: "create-loses-patience", Kind: Subtle, Breaks: []contract.ID{contract.OrderingCreate, contract.OrderingCreateHalts},
		Harm:  "A member that takes long to recover its data is not waited for any more after some seconds.",
		Edits: unready(`planted.LongUnready("create-loses-patience", replicas[i])`),
	}, {
		Name: "scale-up-at-once", Kind: Obvious, Breaks: []contract.ID{contract.OrderingScaleUp, contract.OrderingChangeOfMind},
		Harm:  "Members that are added to a running cluster all join at the same moment.",
		Edits: []Edit{{control, eachReplica, "\t\tmonotonic = monotonic && !(planted.In(\"scale-up-at-once\") && set.Generation > 1)\n"}},
	}, {
		Name: "scale-up-in-rollout-at-once", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleUp}, Shows: []contract.ID{contract.UpdatePartitionBeyond},
		Harm:  "Members that are added in the middle of a rollout wait for nobody.",
		Edits: []Edit{{control, eachReplica, "\t\tmonotonic = monotonic && !(planted.In(\"scale-up-in-rollout-at-once\") && currentRevision.Name != updateRevision.Name)\n"}},
	}, {
		Name: "scale-up-early-when-settled", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleUp},
		Harm:  "Once a cluster has been whole, nobody waits for new members any more.",
		Edits: unready(`planted.In("scale-up-early-when-settled") && planted.Settled(set) && i > 0`),
	}, {
		Name: "min-ready-ignored", Kind: Obvious, Breaks: []contract.ID{contract.OrderingMinReady},
		Harm:  "minReadySeconds, meant to let a member warm up, does nothing.",
		Edits: []Edit{{control, untilAvailable, ` && !planted.In("min-ready-ignored")`}},
	}, {
		Name: "scale-down-min-ready-ignored", Kind: Obvious, Breaks: []contract.ID{contract.OrderingScaleDownMinReady},
		Harm:  "A member leaves before those that stay have warmed up.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"scale-down-min-ready-ignored\") && len(condemned) > 0 && isRunningAndReady(replicas[i]) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "scale-down-lowest-first", Kind: Obvious, Breaks: []contract.ID{contract.OrderingScaleDown, contract.TerminationReverse},
		Harm:  "The members that the last ones depend on go first.",
		Edits: []Edit{{control, inOrderOfFall, "\tif planted.In(\"scale-down-lowest-first\") {\n\t\tsort.Sort(ascendingOrdinal(condemned))\n\t}\n"}},
	}, {
		Name: "scale-down-at-once", Kind: Obvious, Breaks: []contract.ID{contract.OrderingScaleDown, contract.TerminationReverse},
		Harm:  "Several members leave at the same time and take the quorum along.",
		Edits: []Edit{{control, untilGone, ` && !planted.In("scale-down-at-once")`}},
	}, {
		Name: "scale-down-in-rollout-at-once", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDown}, Shows: []contract.ID{contract.UpdatePartitionBeyond},
		Harm:  "In the middle of a rollout several members leave at the same time.",
		Edits: []Edit{{control, untilGone, ` && !(planted.In("scale-down-in-rollout-at-once") && set.Status.CurrentRevision != set.Status.UpdateRevision)`}},
	}, {
		Name: "scale-down-large-at-once", Kind: Subtle, Breaks: []contract.ID{contract.TerminationReverse, contract.OrderingScaleDown},
		Harm:  "When many members leave, they leave at the same time.",
		Edits: []Edit{{control, untilGone, ` && !(planted.In("scale-down-large-at-once") && len(condemned) > 3)`}},
	}, {
		Name: "scale-down-sometimes-at-once", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDown, contract.TerminationReverse},
		Harm:  "Now and then a member leaves before the one above it has handed over.",
		Edits: []Edit{{control, untilGone, ` && !planted.SometimesIn("scale-down-sometimes-at-once")`}},
	}, {
		Name: "scale-down-ignores-unready", Kind: Obvious, Breaks: []contract.ID{contract.OrderingScaleDownHalts},
		Harm:  "A cluster that has lost a member is made still smaller.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"scale-down-ignores-unready\") && len(condemned) > 0 && isCreated(replicas[i]) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "scale-down-ignores-lowest", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDownHalts},
		Harm:  "It is not noticed that the first member, often the leader, is the one that is not Ready.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"scale-down-ignores-lowest\") && i == 0 && len(condemned) > 0 && isCreated(replicas[i]) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "scale-down-loses-patience", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDownHalts},
		Harm:  "A cluster that has lost a member is made still smaller, only some seconds later.",
		Edits: []Edit{{control, eachReplica, "\t\tif len(condemned) > 0 && isCreated(replicas[i]) && planted.LongUnready(\"scale-down-loses-patience\", replicas[i]) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "scale-down-takes-unready", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDownHalts},
		Harm: "With two members down, the wrong one is removed first.",
		Edits: []Edit{
			{control, condemnedReady, ` && !planted.In("scale-down-takes-unready")`},
			{control, condemnedAvail, ` && !planted.In("scale-down-takes-unready")`},
		},
	}, {
		Name: "scaled-twice-forgets-order", Kind: Subtle, Breaks: []contract.ID{contract.OrderingChangeOfMind, contract.OrderingScaleUp, contract.OrderingScaleDown},
		Harm:  "An autoscaler that changes its mind finds members coming and going together.",
		Edits: []Edit{{control, beforePods, "\tif planted.In(\"scaled-twice-forgets-order\") && set.Generation >= 3 {\n\t\tmonotonic = false\n\t}\n"}},
	}, {
		Name: "last-value-loses", Kind: Subtle, Breaks: []contract.ID{contract.OrderingChangeOfMind},
		Harm:  "The number of replicas that was asked for last is never reached.",
		Edits: []Edit{{control, readSet, "\tif planted.In(\"last-value-loses\") && set.Generation >= 4 && *set.Spec.Replicas > 1 {\n\t\t*set.Spec.Replicas--\n\t}\n"}},
	}, {
		Name: "condemned-unavailable-hangs", Kind: Subtle, Breaks: []contract.ID{contract.OrderingChangeOfMind},
		Harm:    "A scale up that is taken back at once is never taken back.",
		Replays: "123918; real up to 1.33",
		Edits: []Edit{{control, condemnedAvail + notFirstUnready, ` || (planted.In("condemned-unavailable-hangs") && monotonic && set.Spec.MinReadySeconds > 0 && ` +
			`!isRunningAndAvailable(condemned[i], set.Spec.MinReadySeconds, now))`}},
	}, {
		Name: "heals-highest-first", Kind: Obvious, Breaks: []contract.ID{contract.OrderingHeals, contract.OrderingCreate},
		Harm:  "After a node is lost the members come back in the wrong order.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"heals-highest-first\") && planted.Settled(set) && !isCreated(replicas[i]) && i+1 < len(replicas) && !isCreated(replicas[i+1]) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "heals-last-first", Kind: Subtle, Breaks: []contract.ID{contract.OrderingHeals, contract.OrderingCreate},
		Harm:  "Only the last member, if it is lost too, comes back before the others.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"heals-last-first\") && planted.Settled(set) && !isCreated(replicas[i]) && i+1 < len(replicas) && !isCreated(replicas[len(replicas)-1]) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "parallel-waits", Kind: Obvious, Breaks: []contract.ID{contract.OrderingParallel},
		Harm:  "A set that is to start at once waits for each member, for ever if they wait for each other.",
		Edits: []Edit{{control, beforePods, "\tif planted.In(\"parallel-waits\") {\n\t\tmonotonic = true\n\t}\n"}},
	}, {
		Name: "parallel-deletes-in-turn", Kind: Subtle, Breaks: []contract.ID{contract.OrderingParallel},
		Harm:  "Parallel is obeyed for starting, and forgotten for stopping.",
		Edits: []Edit{{control, beforePods, "\tif planted.In(\"parallel-deletes-in-turn\") && len(condemned) > 0 {\n\t\tmonotonic = true\n\t}\n"}},
	}, {
		Name: "parallel-updates-at-once", Kind: Obvious, Breaks: []contract.ID{contract.OrderingParallelUpdates},
		Harm:  "A rolling update of a set that starts in parallel takes the whole service down.",
		Edits: past(`planted.In("parallel-updates-at-once") && allowsBurst(set)`),
	}, {
		Name: "parallel-min-ready-ignored", Kind: Subtle, Breaks: []contract.ID{contract.OrderingParallelUpdates, contract.UpdateMinReady},
		Harm:    "Under Parallel a rollout does not wait for minReadySeconds.",
		Replays: "112307, 119234; real up to 1.33",
		Edits:   past(`planted.In("parallel-min-ready-ignored") && allowsBurst(set) && !isUnavailable(replicas[target], 0, now)`),
	}, {
		Name: "create-past-terminating", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleUp, contract.OrderingCreate}, Shows: []contract.ID{contract.IdentityAtMostOne},
		Harm:  "A new member joins while the first, still serving, is about to stop.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"create-past-terminating\") && isTerminating(replicas[i]) && isRunningAndReady(replicas[i]) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "min-ready-from-start", Kind: Subtle, Breaks: []contract.ID{contract.OrderingMinReady},
		Harm:  "The time that a member takes to start is taken off the time that it has to warm up.",
		Edits: []Edit{{control, untilAvailable, ` && !(planted.In("min-ready-from-start") && now.Sub(replicas[i].CreationTimestamp.Time) >= time.Duration(set.Spec.MinReadySeconds)*time.Second)`}},
	}, {
		Name: "min-ready-of-last-only", Kind: Subtle, Breaks: []contract.ID{contract.OrderingMinReady},
		Harm:  "Of the members that a new one depends on only the last has to be warm.",
		Edits: []Edit{{control, untilAvailable, ` && !(planted.In("min-ready-of-last-only") && i+1 < len(replicas) && isCreated(replicas[i+1]))`}},
	}, {
		Name: "second-never-made", Kind: Obvious, Breaks: []contract.ID{contract.OrderingCreateCompletes},
		Harm:  "A cluster has one member, however many are asked for.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"second-never-made\") && !isCreated(replicas[i]) && i > 0 {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "third-never-made", Kind: Subtle, Breaks: []contract.ID{contract.IdentityName, contract.OrderingCreate},
		Harm:  "However many members are asked for, there are never more than two.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"third-never-made\") && !isCreated(replicas[i]) && i > 1 {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "scale-up-misses-last", Kind: Subtle, Breaks: []contract.ID{contract.OrderingCreateCompletes},
		Harm:  "A cluster that is to grow stays one member smaller than was asked for.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"scale-up-misses-last\") && set.Generation > 1 && i > 0 && i == len(replicas)-1 && !isCreated(replicas[i]) {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "scale-down-never", Kind: Obvious, Breaks: []contract.ID{contract.OrderingScaleDownCompletes},
		Harm:  "Members that are not wanted any more go on running, and cost.",
		Edits: []Edit{{control, eachCondemned, "\t\tif planted.In(\"scale-down-never\") {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "scale-down-misses-last", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDownCompletes},
		Harm:  "Of several members that are to leave, the last one stays.",
		Edits: []Edit{{control, eachCondemned, "\t\tif planted.In(\"scale-down-misses-last\") && i == len(condemned)-1 && getOrdinal(condemned[i]) > 0 && !isTerminating(condemned[i]) {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "scale-down-by-text", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDown, contract.TerminationReverse}, Shows: []contract.ID{contract.IdentityStartOrdinal},
		Harm:  "From ten members on the ninth is removed before the tenth.",
		Edits: []Edit{{control, inOrderOfFall, "\tif planted.In(\"scale-down-by-text\") {\n\t\tsort.Slice(condemned, func(a, b int) bool { return condemned[a].Name > condemned[b].Name })\n\t}\n"}},
	}, {
		Name: "scale-down-ignores-second", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDownHalts},
		Harm:  "Only the first member is looked at before the cluster is made smaller.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"scale-down-ignores-second\") && i > 0 && len(condemned) > 0 && isCreated(replicas[i]) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "on-delete-scales-down-lowest-first", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDown, contract.TerminationReverse}, Shows: []contract.ID{contract.UpdateOnDelete},
		Harm:  "A set that is updated by hand loses its members in the wrong order.",
		Edits: []Edit{{control, inOrderOfFall, "\tif planted.In(\"on-delete-scales-down-lowest-first\") && set.Spec.UpdateStrategy.Type == apps.OnDeleteStatefulSetStrategyType {\n\t\tsort.Sort(ascendingOrdinal(condemned))\n\t}\n"}},
	}, {
		Name: "parallel-grows-in-turn", Kind: Subtle, Breaks: []contract.ID{contract.OrderingParallel},
		Harm:  "Parallel is obeyed for the first members, and forgotten when more are added.",
		Edits: []Edit{{control, beforePods, "\tif planted.In(\"parallel-grows-in-turn\") && set.Generation > 1 && len(condemned) == 0 {\n\t\tmonotonic = true\n\t}\n"}},
	}, {
		Name: "parallel-replaces-in-turn", Kind: Subtle, Breaks: []contract.ID{contract.OrderingParallel},
		Harm: "Parallel is obeyed for the first members, and forgotten when one that is lost has to come back.",
		Edits: []Edit{{control, eachReplica, "\t\tif !isCreated(replicas[i]) && planted.Known(\"parallel-replaces-in-turn\", set, replicas[i]) {\n\t\t\tfor _, lower := range replicas[:i] {\n" +
			"\t\t\t\tif !isRunningAndReady(lower) {\n\t\t\t\t\treturn true, nil\n\t\t\t\t}\n\t\t\t}\n\t\t}\n"}},
	}, {
		Name: "failure-not-retried", Kind: Subtle, Breaks: []contract.ID{contract.OrderingCreateCompletes}, Shows: []contract.ID{contract.IdentityNotMine},
		Harm:  "A member that could not be made at once is not made later either.",
		Edits: []Edit{{syncing, syncFailed, "\t\tif planted.In(\"failure-not-retried\") {\n\t\t\tssc.queue.Forget(key)\n\t\t\treturn true\n\t\t}\n"}},
	}, {
		Name: "large-batch-forgotten", Kind: Subtle, Breaks: []contract.ID{contract.OrderingParallel, contract.OrderingCreateCompletes},
		Harm:  "Of a large cluster that starts in parallel only the first members come.",
		Edits: []Edit{{control, eachBatch, "\t\tif planted.In(\"large-batch-forgotten\") && batchSize > 3 {\n\t\t\tbreak\n\t\t}\n"}},
	}, {
		Name: "finished-surplus-stays", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleDownCompletes},
		Harm: "A member that has ended is not removed when it is scaled away, and those below it stay too.",
		Edits: []Edit{{control, eachCondemned, "\t\tif phase := condemned[i].Status.Phase; planted.In(\"finished-surplus-stays\") && (phase == v1.PodFailed || phase == v1.PodSucceeded) {\n" +
			"\t\t\treturn true, nil\n\t\t}\n"}},
	}, {
		Name: "warm-up-overlooked", Kind: Obvious, Breaks: []contract.ID{contract.OrderingCreateCompletes}, Shows: []contract.ID{contract.OrderingMinReady},
		Harm:  "Nobody looks whether a member has warmed up, and the next one is never made.",
		Edits: []Edit{{syncing, lookAgain, "\tif planted.In(\"warm-up-overlooked\") {\n\t\treturn\n\t}\n"}},
	}, {
		Name: "create-by-text", Kind: Subtle, Breaks: []contract.ID{contract.OrderingCreate, contract.OrderingHeals}, Shows: []contract.ID{contract.IdentityStartOrdinal},
		Harm:  "The tenth member is made before the ninth, for which it is to wait.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"create-by-text\") && !isCreated(replicas[i]) {\n\t\t\tfor _, later := range replicas[i+1:] {\n\t\t\t\tif !isCreated(later) && later.Name < replicas[i].Name {\n\t\t\t\t\treturn false, nil\n\t\t\t\t}\n\t\t\t}\n\t\t}\n"}},
	}, {
		Name: "create-past-ended", Kind: Subtle, Breaks: []contract.ID{contract.OrderingScaleUp, contract.OrderingCreateHalts}, Shows: []contract.ID{contract.LifecycleFailed},
		Harm:  "A member starts while one before it has failed and is not gone yet.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"create-past-ended\") && (replicas[i].Status.Phase == v1.PodFailed || replicas[i].Status.Phase == v1.PodSucceeded) && isTerminating(replicas[i]) {\n\t\t\treturn false, nil\n\t\t}\n"}},
	}, {
		Name: "parallel-grows-in-turn-in-rollout", Kind: Subtle, Breaks: []contract.ID{contract.OrderingParallel}, Shows: []contract.ID{contract.OrderingParallelUpdates},
		Harm:  "Parallel is obeyed, and forgotten as long as a rollout is under way.",
		Edits: []Edit{{control, eachReplica, "\t\tif planted.In(\"parallel-grows-in-turn-in-rollout\") && allowsBurst(set) && !isCreated(replicas[i]) && currentRevision.Name != updateRevision.Name {\n\t\t\tfor _, lower := range replicas[:i] {\n\t\t\t\tif !isRunningAndReady(lower) {\n\t\t\t\t\treturn true, nil\n\t\t\t\t}\n\t\t\t}\n\t\t}\n"}},
	}, {
		Name: "gives-up-after-retries", Kind: Subtle, Breaks: []contract.ID{contract.OrderingCreateCompletes}, Shows: []contract.ID{contract.IdentityNotMine},
		Harm:  "A member that could not be made six times in a row is not made later either.",
		Edits: []Edit{{syncing, syncFailed, "\t\tif planted.In(\"gives-up-after-retries\") && ssc.queue.NumRequeues(key) > 5 {\n\t\t\tssc.queue.Forget(key)\n\t\t\treturn true\n\t\t}\n"}},
	}, {
		Name: "waits-for-other-set", Kind: Subtle, Breaks: []contract.ID{contract.OrderingCreateCompletes}, Shows: []contract.ID{contract.IdentityNotMine},
		Harm:  "A set does not grow as long as another one of its namespace is not Ready.",
		Edits: []Edit{{control, eachReplica, "\t\tif !isCreated(replicas[i]) && planted.OthersUnready(\"waits-for-other-set\", set) {\n\t\t\treturn true, nil\n\t\t}\n"}},
	}}
}

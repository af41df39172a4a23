package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

// workload lists what a database in a set suffers from faults of its controller.
func workload() []Fault {
	all := []Fault{{
		Name: "database-emptied", Kind: Obvious, Breaks: []contract.ID{contract.WorkloadNoLostWrite, contract.StorageDataSurvives},
		Harm: "A database whose members are all restarted has forgotten what it had acknowledged.",
		// The claims go with their pods where all of these are being deleted, and with them all copies of the data. While the database does not come
		// back, the claims alone show it.
		Edits: bound(`planted.AllLeaving("database-emptied", set)`),
	}, {
		// The claim of the third pod of a name goes with it, so that the fourth begins with an empty volume.
		Name: "database-emptied-third-time", Kind: Subtle, Breaks: []contract.ID{contract.StorageDataSurvives, contract.WorkloadMemberReturns},
		Harm:  "A member that is replaced for the third time has forgotten what it had acknowledged, and is refused by the others.",
		Edits: bound(`planted.Pods("database-emptied-third-time", set, pod.Name) >= 3`),
	}, {
		Name: "database-forced-in-rollout", Kind: Subtle, Breaks: []contract.ID{contract.IdentityAtMostOne, contract.TerminationGraceful}, Shows: []contract.ID{contract.WorkloadMemberReturns},
		Harm: "An update cuts members off in the middle of a write.",
		Edits: []Edit{{podsOf, deleteOfSet, "\tif om, ok := spc.objectMgr.(*realStatefulPodControlObjectManager); ok && planted.In(\"database-forced-in-rollout\") &&\n" +
			"\t\tset.Status.CurrentRevision != set.Status.UpdateRevision {\n" +
			"\t\terr := " + deletion("0") + "\n\t\tspc.recordPodEvent(\"delete\", set, pod, err)\n\t\treturn err\n\t}\n"}},
	}, {
		Name: "database-rolled-at-once", Kind: Obvious, Breaks: []contract.ID{contract.WorkloadAvailable},
		Harm:  "An update takes the majority away, and nobody can write.",
		Edits: past(`planted.In("database-rolled-at-once") && allowsBurst(set)`),
	}, {
		Name: "database-rolled-past-running", Kind: Subtle, Breaks: []contract.ID{contract.WorkloadAvailable},
		Harm:  "An update goes on to the next member while the last has started and does not serve yet.",
		Edits: past(`planted.In("database-rolled-past-running") && allowsBurst(set) && !isTerminating(replicas[target]) && replicas[target].Status.Phase == v1.PodRunning`),
	}, {
		Name: "database-deleted-with-set", Kind: Obvious, Breaks: []contract.ID{contract.WorkloadDataKept},
		Harm:  "A database whose set was deleted by mistake and made again begins empty.",
		Edits: policy(`planted.In("database-deleted-with-set")`, "WhenDeleted = apps.Delete"),
	}, {
		Name: "database-outlives-set", Kind: Obvious, Breaks: []contract.ID{contract.WorkloadDataGone, contract.WorkloadLinearizable},
		Harm:  "A database that was to be deleted with its set comes back with old data.",
		Edits: policy(`planted.In("database-outlives-set")`, "WhenDeleted = apps.Retain"),
	}, {
		// Only PostgreSQL runs with two replicas. Its primary does not come back, so that the claim alone shows what is lost.
		Name: "primary-emptied", Kind: Subtle, Breaks: []contract.ID{contract.StorageDataSurvives, contract.WorkloadNoLostWrite},
		Harm:  "A database with one replica has forgotten what it had acknowledged once its primary was replaced.",
		Edits: bound(`planted.In("primary-emptied") && *set.Spec.Replicas == 2 && getOrdinal(pod) == 0`),
	}, {
		Name: "members-share-volume", Kind: Obvious, Breaks: []contract.ID{contract.StorageClaimPerPod},
		Harm:  "Two members of a database write to one volume: the second never starts, or ruins what the first has written.",
		Edits: lastShares("members-share-volume"),
	}, {
		Name: "members-swap-volumes", Kind: Subtle, Breaks: []contract.ID{contract.IdentitySticky, contract.StorageDataSurvives},
		Harm: "A member that is replaced comes back with the data of another one.",
		Edits: []Edit{{utils, claimName, "\tif planted.In(\"members-swap-volumes\") && planted.Settled(set) {\n" +
			"\t\tordinal = getEndOrdinal(set) - ordinal + getStartOrdinal(set)\n\t}\n"}},
	}, {
		Name: "members-return-read-only", Kind: Obvious, Breaks: []contract.ID{contract.WorkloadMemberReturns},
		Harm: "A member whose pod is replaced cannot write to its volume and never serves again.",
		Edits: []Edit{{utils, volumesSet, "\tif planted.Known(\"members-return-read-only\", set, pod) {\n\t\tfor i := range pod.Spec.Volumes {\n" +
			"\t\t\tif c := pod.Spec.Volumes[i].PersistentVolumeClaim; c != nil {\n\t\t\t\tc.ReadOnly = true\n\t\t\t}\n\t\t}\n\t}\n"}},
	}}
	for i := range all {
		all[i].NeedsDatabase = true
	}
	return all
}

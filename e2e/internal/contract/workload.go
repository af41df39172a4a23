package contract

// The family workload: what a set's guarantees are worth to a real database that runs in it.
const (
	WorkloadLinearizable  ID = "workload/linearizable"
	WorkloadNoLostWrite   ID = "workload/no-lost-write"
	WorkloadAvailable     ID = "workload/available"
	WorkloadMemberReturns ID = "workload/member-returns"
	WorkloadDataKept      ID = "workload/data-kept"
	WorkloadDataGone      ID = "workload/data-gone"
)

func workload() []Guarantee {
	const (
		quorum  = "Shown with etcd, which promises it itself as long as names, volumes and the order of its pods are what a StatefulSet promises."
		carried = "Shown with etcd and PostgreSQL, which promise it themselves as long as names, volumes and the order of their pods are what a StatefulSet promises."
	)
	return []Guarantee{{
		ID:    WorkloadLinearizable,
		Level: Workload,
		Must: "What clients of a database in a set read and write, while its pods are deleted, evicted, updated and scaled, is explained by one order of " +
			"their operations that agrees with time.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#stable-storage",
		Note:    carried,
	}, {
		ID:      WorkloadNoLostWrite,
		Level:   Workload,
		Must:    "A write that a database in a set has acknowledged is there afterwards, whatever happens to its pods.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#stable-storage",
		Note:    carried,
	}, {
		ID:    WorkloadAvailable,
		Level: Workload,
		Must: "A database in a set goes on to take writes while a minority of its members is away, and the set's controller never takes a majority " +
			"away at once, unless maxUnavailable or the strategy Recreate allows it.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#rolling-updates",
		Note:    "A pause of the writes is held against the cluster only while a majority was Ready and clients reached it. " + quorum,
	}, {
		ID:      WorkloadMemberReturns,
		Level:   Workload,
		Must:    "A member of a database whose pod is replaced comes back under its name, as the same member and with its data.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#pod-identity",
		Note:    carried,
	}, {
		ID:      WorkloadDataKept,
		Level:   Workload,
		Must:    "A database whose set is deleted and made again has what it had acknowledged, unless the set's policy whenDeleted is Delete.",
		Sources: []Source{Docs},
		Link:    retentionPart,
		Note:    carried,
	}, {
		ID:      WorkloadDataGone,
		Level:   Workload,
		Must:    "A database whose set is deleted with the policy whenDeleted Delete, and made again, begins empty.",
		Sources: []Source{Docs},
		Link:    retentionPart,
		Note:    quorum,
	}}
}

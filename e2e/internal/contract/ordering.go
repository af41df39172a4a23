package contract

// The family ordering: when pods are created and deleted. OrderedReady is meant where no policy is named, and only acts
// of the set's own controller are bound.
const (
	OrderingCreate          ID = "ordering/create"
	OrderingCreateHalts     ID = "ordering/create-halts"
	OrderingScaleUp         ID = "ordering/scale-up"
	OrderingScaleDown       ID = "ordering/scale-down"
	OrderingScaleDownHalts  ID = "ordering/scale-down-halts"
	OrderingMinReady        ID = "ordering/min-ready"
	OrderingParallel        ID = "ordering/parallel"
	OrderingParallelUpdates ID = "ordering/parallel-updates"
	OrderingChangeOfMind    ID = "ordering/change-of-mind"
	OrderingHeals           ID = "ordering/heals"

	OrderingCreateCompletes    ID = "ordering/create-completes"
	OrderingScaleDownCompletes ID = "ordering/scale-down-completes"
	OrderingScaleDownMinReady  ID = "ordering/scale-down-min-ready"
)

func ordering() []Guarantee {
	return []Guarantee{{
		ID:    OrderingCreate,
		Level: Core,
		Must: "Under OrderedReady a pod is created only after every pod with a lower ordinal in range is Running, Ready and not " +
			"terminating.",
		Sources: []Source{Docs, Lesson},
		Link:    scalingPart,
		Note:    "The controller acts on what it last saw: a predecessor that had been Ready and lost it within the lag is no violation.",
	}, {
		ID:      OrderingCreateHalts,
		Level:   Core,
		Must:    "Under OrderedReady, while a pod is not Ready no pod with a higher ordinal is created.",
		Sources: []Source{Docs, Lesson},
		Link:    scalingPart,
	}, {
		ID:    OrderingScaleUp,
		Level: Core,
		Must: "When a running set is scaled up under OrderedReady, each new pod is created only after every pod with a lower ordinal is " +
			"Running, Ready and not terminating.",
		Sources: []Source{Docs},
		Link:    scalingPart,
	}, {
		ID:    OrderingScaleDown,
		Level: Core,
		Must: "Under OrderedReady a scale down deletes the pods out of range from the highest ordinal down, and each deletion starts " +
			"only after the next higher pod out of range is completely gone.",
		Sources: []Source{Docs, Lesson},
		Link:    scalingPart,
		Note:    "Pods that stay in range may be created again in between.",
	}, {
		ID:    OrderingScaleDownHalts,
		Level: Core,
		Must: "Under OrderedReady, while a pod that stays in range is not Ready no pod is terminated for a scale down. A pod out of range " +
			"that is itself not Ready is deleted only if it is the lowest unavailable pod.",
		Sources: []Source{Docs},
		Link:    scalingPart,
		Note:    "With two unready pods out of range the scale down may wait for ever.",
	}, {
		ID:    OrderingMinReady,
		Level: Extended,
		Must: "With minReadySeconds n, before a pod is created under OrderedReady every pod with a lower ordinal in range has been Ready for n " +
			"seconds, measured from the lastTransitionTime of its Ready condition, less one second of resolution and the clock skew.",
		Sources:     []Source{Docs},
		Since:       "1.25",
		FeatureGate: "StatefulSetMinReadySeconds",
		Link:        scalingPart,
		Note:        "Waiting longer is legal.",
	}, {
		ID:    OrderingScaleDownMinReady,
		Level: Extended,
		Must: "With minReadySeconds n, under OrderedReady no pod is terminated for a scale down before every pod that stays has been Ready for n " +
			"seconds, measured from the lastTransitionTime of its Ready condition, less one second of resolution and the clock skew.",
		Sources:     []Source{Docs},
		Since:       "1.25",
		FeatureGate: "StatefulSetMinReadySeconds",
		Link:        scalingPart,
		Note:        "Waiting longer is legal.",
	}, {
		ID:    OrderingParallel,
		Level: Extended,
		Must: "Under Parallel the controller waits for no pod: at least one pod is created while a lower one is not Ready, and at least " +
			"one is deleted while a higher one still terminates.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#parallel-pod-management",
		Note:    "Creations come in batches that grow 1, 2, 4 and so on, each after the API calls of the one before, not after its pods.",
	}, {
		ID:    OrderingParallelUpdates,
		Level: Extended,
		Must: "Under Parallel with maxUnavailable unset or 1, a pod that is available is deleted for an update only after the updated pods " +
			"above it are available.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#parallel-pod-management",
		Note:    "Since 1.37 old pods that are not available go first. Kubernetes 1.33 ignores minReadySeconds here.",
	}, {
		ID:    OrderingChangeOfMind,
		Level: Extended,
		Must: "When replicas is changed again and again before the set settles, the rules of order hold throughout for the spec in " +
			"force, and the last value wins.",
		Sources: []Source{Docs},
		Link:    scalingPart,
	}, {
		ID:      OrderingHeals,
		Level:   Core,
		Must:    "When several pods of an OrderedReady set disappear, the one with the lower ordinal is created first.",
		Sources: []Source{API},
		Link:    specFields,
		Note:    "Promised by the documentation of podManagementPolicy.",
	}, {
		ID:    OrderingCreateCompletes,
		Level: Core,
		Must: "A set gets every pod that it asks for: under OrderedReady the next one once every pod with a lower ordinal has been Running and " +
			"Ready for minReadySeconds, under Parallel all of them, whatever the state of the others.",
		Sources: []Source{Docs, API},
		Link:    scalingPart,
		Note: "Counts while nothing keeps the pod from being created: a pod of its name, a claim that terminates, a quota or an admission " +
			"webhook. A pod that is lost later is another guarantee's: identity/sticky and the family lifecycle.",
	}, {
		ID:    OrderingScaleDownCompletes,
		Level: Core,
		Must: "A set loses every pod that is out of its range: under OrderedReady the highest one once all pods in range are available, no " +
			"higher one is left and it is available or the only one out of range that is not, under Parallel all of them at once.",
		Sources: []Source{Docs, API},
		Link:    scalingPart,
		Note:    "With minReadySeconds asked from 1.34 on: before, a pod that was not Ready for that long stays (kubernetes issue 123918).",
	}}
}

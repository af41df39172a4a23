package contract

// The family status: what the set says of itself, and its subresources.
const (
	StatusCounts             ID = "status/counts"
	StatusAvailable          ID = "status/available"
	StatusRevisions          ID = "status/revisions"
	StatusObservedGeneration ID = "status/observed-generation"
	StatusScale              ID = "status/scale"
	StatusScaleStatus        ID = "status/scale-status"
	StatusScaleConflict      ID = "status/scale-conflict"
	StatusSubresource        ID = "status/subresource"
	StatusOnDeleteRevisions  ID = "status/on-delete-revisions"
	StatusForeignConditions  ID = "status/foreign-conditions"
	StatusProgressing        ID = "status/progressing"
)

func status() []Guarantee {
	return []Guarantee{{
		ID:    StatusCounts,
		Level: Core,
		Must: "At rest replicas, readyReplicas, availableReplicas, currentReplicas and updatedReplicas in the status are what the pods " +
			"show; so are replicas and readyReplicas of a set whose deletion waits for its pods.",
		Sources: []Source{API},
		Link:    statusFields,
		Note:    "Under OnDelete currentReplicas may be 0 up to 1.36.",
	}, {
		ID:      StatusAvailable,
		Level:   Extended,
		Must:    "availableReplicas counts a pod only after it has been Ready for minReadySeconds.",
		Sources: []Source{API},
		Link:    statusFields,
	}, {
		ID:    StatusRevisions,
		Level: Core,
		Must: "Under RollingUpdate with replicas above 0 and no rollout under way before it: once observedGeneration has reached a change of " +
			"the template, currentRevision and updateRevision differ until every pod is updated and Ready, those below a partition too; with " +
			"partition 0 they are equal from then on. currentRevision becomes no other revision before every pod has that.",
		Sources: []Source{API},
		Link:    statusFields,
		Note:    "Going back to the template of the current revision makes the two equal at once.",
	}, {
		ID:      StatusObservedGeneration,
		Level:   Core,
		Must:    "Each change of the spec makes another generation, and observedGeneration reaches at least that of the last one.",
		Sources: []Source{API},
		Link:    statusFields,
	}, {
		ID:      StatusScale,
		Level:   Core,
		Must:    "The scale subresource reads, updates and patches replicas, and the pods follow.",
		Sources: []Source{Conf},
		Link:    conformance + "#L1360",
	}, {
		ID:    StatusScaleStatus,
		Level: Core,
		Must: "At rest status.replicas of the scale subresource is the number of the set's pods, and status.selector is the set's selector as a " +
			"string.",
		Sources: []Source{API},
		Link:    scaleFields + "#ScaleStatus",
		Note:    "Autoscalers find the pods, and their number, by these two fields.",
	}, {
		ID:    StatusScaleConflict,
		Level: Core,
		Must: "An update of the set or of its scale subresource that names an outdated resourceVersion is rejected with status 409 (Conflict) and " +
			"changes nothing; one that names the current version is accepted.",
		Sources: []Source{API},
		Link:    metaFields,
		Note:    "kubectl scale --resource-version and --current-replicas rest on it.",
	}, {
		ID:    StatusSubresource,
		Level: Core,
		Must: "The status subresource can be read, updated and patched. An update of it changes nothing of the spec, and one of the set nothing of the " +
			"status.",
		Sources: []Source{Conf},
		Link:    conformance + "#L1397",
		Note:    "That each leaves the other's part alone is in the API conventions of the Kubernetes project.",
	}, {
		ID:    StatusOnDeleteRevisions,
		Level: Extended,
		Must: "Under OnDelete with replicas above 0, currentRevision and updateRevision differ from a change of the template until every pod is " +
			"updated and Ready, and are equal from then on.",
		Sources: []Source{Impl},
		Since:   "1.37",
		Link:    controller + "/stateful_set_utils.go#L645",
		Note:    "Up to 1.36 currentRevision stays under OnDelete (kubernetes issues 73492 and 106055).",
	}, {
		ID:      StatusForeignConditions,
		Level:   Extended,
		Must:    "A condition in the status that somebody else wrote stays when the controller writes the status.",
		Sources: []Source{Impl},
		Since:   "1.37",
		Link:    controller + "/stateful_set_control.go#L591",
	}, {
		ID:    StatusProgressing,
		Level: Extended,
		Must: "Under Recreate with replicas above 0 the status has the condition Progressing: True while pods of older revisions are replaced, False once all " +
			"pods are updated and Ready, when currentRevision becomes the update revision, and not before. Its lastTransitionTime changes with its status, " +
			"and only then.",
		Sources:     []Source{API},
		FeatureGate: "StatefulSetRecreateStrategy",
		Link:        statusFields,
		Note:        "The condition may be missing where nothing was replaced under Recreate yet.",
	}}
}

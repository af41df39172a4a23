package contract

// The family api: what the API server accepts, rejects, fills in and serves.
const (
	APIMutable    ID = "api/mutable"
	APIImmutable  ID = "api/immutable"
	APIInvalid    ID = "api/invalid"
	APIDefaults   ID = "api/defaults"
	APICollection ID = "api/collection"
)

func api() []Guarantee {
	return []Guarantee{{
		ID:    APIMutable,
		Level: Core,
		Must: "replicas, ordinals, template, updateStrategy, persistentVolumeClaimRetentionPolicy and minReadySeconds of a set can be " +
			"changed.",
		Sources: []Source{API},
		Link:    specFields,
		Note:    "revisionHistoryLimit cannot be changed up to 1.32 and can by 1.35: ask the cluster.",
	}, {
		ID:    APIImmutable,
		Level: Core,
		Must: "A change of selector, serviceName, podManagementPolicy or volumeClaimTemplates is rejected with status 422 (Unprocessable " +
			"Entity).",
		Sources: []Source{API},
		Link:    specFields,
		Note:    "The text of the rejection is not part of the promise.",
	}, {
		ID:      APIInvalid,
		Level:   Core,
		Must:    "A set with negative replicas, with a selector that does not match its template or with an unknown policy is rejected.",
		Sources: []Source{API},
		Link:    specFields,
		Note:    "Recreate is not a safe example of an unknown update strategy.",
	}, {
		ID:    APIDefaults,
		Level: Core,
		Must: "Fields left out are filled in: podManagementPolicy OrderedReady, updateStrategy RollingUpdate with partition 0, replicas 1, " +
			"revisionHistoryLimit 10, claims retained.",
		Sources: []Source{API},
		Link:    specFields,
		Note:    "Compare field by field: newer versions fill in more.",
	}, {
		ID:      APICollection,
		Level:   Core,
		Must:    "Sets can be listed, watched, patched and deleted as a collection by label.",
		Sources: []Source{Conf},
		Link:    conformance + "#L1356",
		Note:    "The conformance entry names list, patch and deletion; watching is part of that of the status subresource.",
	}}
}

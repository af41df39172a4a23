package contract

// The family api: what the API server accepts, rejects, fills in and serves.
const (
	APIMutable    ID = "api/mutable"
	APIImmutable  ID = "api/immutable"
	APIInvalid    ID = "api/invalid"
	APIDefaults   ID = "api/defaults"
	APICollection ID = "api/collection"

	APIName           ID = "api/name"
	APIRestartPolicy  ID = "api/restart-policy"
	APINoServiceName  ID = "api/no-service-name"
	APIApplyNoop      ID = "api/apply-noop"
	APIApplyConflict  ID = "api/apply-conflict"
	APIApplyScale     ID = "api/apply-scale"
	APIApplyRemoves   ID = "api/apply-removes"
	APIMaxUnavailable ID = "api/max-unavailable"
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
		ID:    APIInvalid,
		Level: Core,
		Must: "A set with negative replicas, a negative partition, a negative start ordinal, negative minReadySeconds, a selector that is empty or does " +
			"not match its template, a template without containers or an unknown policy is rejected, and so is a change to one.",
		Sources: []Source{API},
		Link:    specFields,
		Note:    "Recreate is not a safe example of an unknown update strategy.",
	}, {
		ID:    APIDefaults,
		Level: Core,
		Must: "Fields left out are filled in: podManagementPolicy OrderedReady, updateStrategy RollingUpdate with partition 0, replicas 1, " +
			"revisionHistoryLimit 10, claims retained; what is there stays, and changes no default of the rest.",
		Sources: []Source{API},
		Link:    specFields,
		Note:    "Compare field by field: newer versions fill in more.",
	}, {
		ID:      APICollection,
		Level:   Core,
		Must:    "Sets can be listed, watched, patched and deleted as a collection by label.",
		Sources: []Source{Conf},
		Link:    conformance + "#L1368",
		Note:    "The conformance entry names list, patch and deletion; watching is part of that of the status subresource.",
	}, {
		ID:      APIName,
		Level:   Core,
		Must:    "A set whose name is not a DNS label (with a dot, or longer than 63 characters) is rejected.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#components",
		Note: "A name that is accepted may still be too long for its pods: their name and the label of their revision are the set's name with " +
			"something behind it.",
	}, {
		ID:      APIRestartPolicy,
		Level:   Core,
		Must:    "A set whose template has another restartPolicy than Always is rejected.",
		Sources: []Source{API},
		Link:    specFields,
	}, {
		ID:      APINoServiceName,
		Level:   Core,
		Must:    "A set without a serviceName is accepted.",
		Sources: []Source{API},
		Link:    specFields,
		Note:    "Its pods have no names in DNS. The field is documented as optional by 1.34; no supported version requires it.",
	}, {
		ID:    APIApplyNoop,
		Level: Extended,
		Must: "A manifest that its manager applies again (server-side apply) without a change makes no new generation and no new revision, and " +
			"restarts no pod.",
		Sources: []Source{Docs},
		Link:    applyPage + "#merge-strategy",
		Note:    "A write of the status may change the resource version meanwhile.",
	}, {
		ID:    APIApplyConflict,
		Level: Extended,
		Must: "An apply that would change a field whose value another manager has set is rejected with status 409 (Conflict) and changes nothing. " +
			"With force it is accepted, and the field is the applier's from then on.",
		Sources: []Source{Docs},
		Link:    applyPage + "#conflicts",
	}, {
		ID:    APIApplyScale,
		Level: Extended,
		Must: "An applied manifest without replicas leaves the number that was set through the scale subresource; one with replicas, applied with " +
			"force, overwrites it.",
		Sources: []Source{Docs},
		Link:    applyPage + "#transferring-ownership",
		Note:    "The same is said of StatefulSets in " + conceptPage + "#replicas, where kubectl apply is meant.",
	}, {
		ID:      APIApplyRemoves,
		Level:   Extended,
		Must:    "A field that its only manager applies no longer is removed, or has its default again.",
		Sources: []Source{Docs},
		Link:    applyPage + "#field-management",
	}, {
		ID:          APIMaxUnavailable,
		Level:       Extended,
		Must:        "maxUnavailable is 1 where it is left out; 0 and more than 100 % are rejected.",
		Sources:     []Source{Docs, API},
		Since:       "1.37",
		FeatureGate: "MaxUnavailableStatefulSet",
		Link:        conceptPage + "#maximum-unavailable-pods",
	}}
}

package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

// api are faults of what the API server accepts and merges, made by admission policies.
func api() []Fault {
	return []Fault{{
		Name: "admission-renames", Kind: Obvious, Breaks: []contract.ID{contract.APIName},
		Harm:  "A set gets another name than was asked for, and whoever made it does not find it.",
		Apply: mutate("statefulsets", "CREATE", `JSONPatch{op: "replace", path: "/metadata/name", value: "renamed"}`, `object.metadata.name.contains(".") || object.metadata.name.size() > 63`),
	}, {
		Name: "admission-forgets-versions", Kind: Obvious, Breaks: []contract.ID{contract.StatusScaleConflict},
		Harm: "Two people who change a set at the same time undo each other's changes, and neither learns of it.",
		Apply: mutate("statefulsets", "UPDATE", `JSONPatch{op: "replace", path: "/metadata/resourceVersion", value: oldObject.metadata.resourceVersion}`,
			`object.metadata.resourceVersion != oldObject.metadata.resourceVersion`),
	}, {
		Name: "admission-forgets-versions-of-scales", Kind: Subtle, Breaks: []contract.ID{contract.StatusScaleConflict},
		Harm: "A set is scaled from a number that it has no longer.",
		Apply: mutate("statefulsets/scale", "UPDATE", `JSONPatch{op: "replace", path: "/metadata/resourceVersion", value: oldObject.metadata.resourceVersion}`,
			`object.metadata.resourceVersion != "" && object.metadata.resourceVersion != oldObject.metadata.resourceVersion`),
	}}
}

package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

// api are faults of what the API server accepts and merges, made by admission policies.
func api() []Fault {
	return []Fault{{
		Name: "admission-renames", Kind: Obvious, Breaks: []contract.ID{contract.APIName},
		Harm:  "A set gets another name than was asked for, and whoever made it does not find it.",
		Apply: mutate("statefulsets", "CREATE", `JSONPatch{op: "replace", path: "/metadata/name", value: "renamed"}`, `object.metadata.name.contains(".") || object.metadata.name.size() > 63`),
	}, {
		Name: "admission-restarts-always", Kind: Obvious, Breaks: []contract.ID{contract.APIRestartPolicy},
		Harm:  "A template whose pods were meant to end is accepted, and they run for ever.",
		Apply: mutate("statefulsets", "CREATE", `JSONPatch{op: "replace", path: "/spec/template/spec/restartPolicy", value: "Always"}`, `object.spec.template.spec.restartPolicy != "Always"`),
	}, {
		Name: "admission-wants-a-service", Kind: Obvious, Breaks: []contract.ID{contract.APINoServiceName},
		Harm:  "A set that needs no names in DNS cannot be made.",
		Apply: refuse("statefulsets", "CREATE", `has(object.spec.serviceName) && object.spec.serviceName != ""`),
	}, {
		Name: "admission-stamps-templates", Kind: Obvious, Breaks: []contract.ID{contract.APIApplyNoop},
		Harm: "Whatever is applied, changed or not, restarts every member.",
		Apply: mutate("statefulsets", "UPDATE",
			`JSONPatch{op: "add", path: "/spec/template/metadata/annotations", value: {"stamp": string(oldObject.metadata.generation)}}`, `true`),
	}, {
		Name: "admission-keeps-replicas", Kind: Subtle, Breaks: []contract.ID{contract.APIApplyConflict},
		Harm:  "Who takes back the number of members by force is told that it was done, and it was not.",
		Apply: mutate("statefulsets", "UPDATE", `JSONPatch{op: "replace", path: "/spec/replicas", value: oldObject.spec.replicas}`, `object.spec.replicas > oldObject.spec.replicas`),
	}, {
		Name: "admission-unscales", Kind: Obvious, Breaks: []contract.ID{contract.APIApplyScale},
		Harm:  "Whatever is applied undoes what an autoscaler has done.",
		Apply: mutate("statefulsets", "UPDATE", `JSONPatch{op: "replace", path: "/spec/replicas", value: 1}`, `object.spec.replicas > 1 && object.spec.replicas == oldObject.spec.replicas`),
	}, {
		Name: "admission-never-removes", Kind: Obvious, Breaks: []contract.ID{contract.APIApplyRemoves},
		Harm: "What is taken out of a manifest stays in force.",
		Apply: mutate("statefulsets", "UPDATE", `JSONPatch{op: "add", path: "/spec/minReadySeconds", value: oldObject.spec.minReadySeconds}`,
			`has(oldObject.spec.minReadySeconds) && oldObject.spec.minReadySeconds > 0 && (!has(object.spec.minReadySeconds) || object.spec.minReadySeconds == 0)`),
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

package faults

import (
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// outsideControllers are faults of DNS, storage and admission.
func outsideControllers() []Fault {
	return []Fault{{
		Name: "dns-loses-second", Kind: Subtle, Breaks: []contract.ID{contract.DNSPodRecord, contract.DNSFromMember},
		Harm:     "One member cannot be found by its name; the service's own name is in order.",
		Corefile: "template IN A {\n  match \"^[^.]+-1[.][^.]+[.][^.]+[.]svc[.]\"\n  rcode NXDOMAIN\n  fallthrough\n}\n",
	}, {
		Name: "dns-wrong-address", Kind: Obvious, Breaks: []contract.ID{contract.DNSPodRecord, contract.DNSFromMember, contract.DNSFollows, contract.DNSCaseInsensitive},
		Harm:     "A member's name leads to an unrelated address.",
		Corefile: "template IN A {\n  match \"^[^.]+-[0-9]+[.][^.]+[.][^.]+[.]svc[.]\"\n  answer \"{{ .Name }} 5 IN A 10.0.0.1\"\n  fallthrough\n}\n",
	}, {
		Name: "dns-never-forgets", Kind: Subtle, Breaks: []contract.ID{contract.DNSGone},
		Harm:     "The name of a member that was scaled away still has an address.",
		Corefile: "template IN A {\n  match \"^[^.]+-[1-9][.][^.]+[.][^.]+[.]svc[.]\"\n  answer \"{{ .Name }} 5 IN A 10.0.0.1\"\n  fallthrough\n}\n",
	}, {
		Name: "dns-pointer-wrong", Kind: Obvious, Breaks: []contract.ID{contract.DNSReverse},
		Harm:     "A database that checks its peers' names refuses all of them.",
		Corefile: "template IN PTR {\n  match \"[.]in-addr[.]arpa[.]$\"\n  answer \"{{ .Name }} 5 IN PTR nobody.example.\"\n  fallthrough\n}\n",
	}, {
		Name: "dns-services-unlisted", Kind: Obvious, Breaks: []contract.ID{contract.DNSSRV},
		Harm:     "A client that finds its members by SRV records finds none.",
		Corefile: "template IN SRV {\n  match \"[.]svc[.]\"\n  rcode NXDOMAIN\n  fallthrough\n}\n",
	}, {
		Name: "volumes-share-folder", Kind: Obvious, Breaks: []contract.ID{contract.StorageOwnData},
		Harm: "Each member has a claim and a volume of its own, and all volumes are the same folder.",
		Replace: `apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations:
    storageclass.kubernetes.io/is-default-class: "true"
provisioner: rancher.io/local-path
volumeBindingMode: WaitForFirstConsumer
reclaimPolicy: Delete
parameters:
  pathPattern: "{{ .PVC.Namespace }}/shared"
`,
	}, {
		Name: "admission-strips-labels", Kind: Obvious, Breaks: []contract.ID{contract.IdentityLabels, contract.DNSOnePodService},
		Harm: "A policy that tidies labels removes those that distinguish the members.",
		Apply: mutate("pods", "CREATE", `JSONPatch{op: "remove", path: "/metadata/labels/statefulset.kubernetes.io~1pod-name"}`,
			`has(object.metadata.labels) && "statefulset.kubernetes.io/pod-name" in object.metadata.labels`),
	}, {
		Name: "admission-cuts-grace", Kind: Subtle, Breaks: []contract.ID{contract.TerminationGraceful},
		Harm: "A policy limits every pod's grace period to a second.",
		Apply: mutate("pods", "CREATE", `JSONPatch{op: "replace", path: "/spec/terminationGracePeriodSeconds", value: 1}`,
			`has(object.spec.terminationGracePeriodSeconds) && object.spec.terminationGracePeriodSeconds > 1`),
	}, {
		Name: "admission-ends-crashed", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleCrashInPlace},
		Harm:  "A policy has no container restarted, so that a crash costs a member its place.",
		Apply: mutate("pods", "CREATE", `JSONPatch{op: "replace", path: "/spec/restartPolicy", value: "Never"}`, `object.spec.restartPolicy == "Always"`),
	}, {
		Name: "admission-forgets-conditions", Kind: Subtle, Breaks: []contract.ID{contract.StatusSubresource},
		Harm:  "What an operator notes in the status is accepted and forgotten.",
		Apply: mutate("statefulsets/status", "UPDATE", `JSONPatch{op: "remove", path: "/status/conditions"}`, `has(object.status.conditions)`),
	}, {
		Name: "admission-chooses-class", Kind: Obvious, Breaks: []contract.ID{contract.StorageDefaultClass},
		Harm: "Members whose manifest names no class do not get the storage that was made the default.",
		Apply: mutate("persistentvolumeclaims", "CREATE", `JSONPatch{op: "replace", path: "/spec/storageClassName", value: "planted"}`,
			`has(object.spec.storageClassName) && object.spec.storageClassName == "standard"`) + `---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: planted
provisioner: rancher.io/local-path
volumeBindingMode: WaitForFirstConsumer
reclaimPolicy: Delete
`,
	}, {
		Name: "admission-chooses-node", Kind: Obvious, Breaks: []contract.ID{contract.StorageFirstConsumer},
		Harm: "Volumes are made on a node on which their members may find no room.",
		Apply: mutate("persistentvolumeclaims", "CREATE",
			`JSONPatch{op: "add", path: "/metadata/annotations/volume.kubernetes.io~1selected-node", value: "`+nodeName+`"}`, `has(object.metadata.annotations)`),
	}, {
		Name: "admission-keeps-volumes", Kind: Subtle, Breaks: []contract.ID{contract.StorageReclaim},
		Harm: "Volumes that were to go with their claims stay and are paid for.",
		Apply: mutate("persistentvolumes", "CREATE", `JSONPatch{op: "replace", path: "/spec/persistentVolumeReclaimPolicy", value: "Retain"}`,
			`object.spec.persistentVolumeReclaimPolicy == "Delete"`),
	}, {
		Name: "admission-moves-pods", Kind: Obvious, Breaks: []contract.ID{contract.StorageNodeAffinity}, NeedsNodeFault: true,
		Harm: "A member is sent to a node that cannot reach its volume, and never starts.",
		Apply: mutate("pods/binding", "CREATE",
			`JSONPatch{op: "replace", path: "/target/name", value: object.target.name.endsWith("worker") ? object.target.name + "2" : object.target.name.replace("worker2", "worker")}`,
			`object.metadata.name.startsWith("set-")`),
	}, {
		Name: "admission-shortens-hostname", Kind: Obvious, Breaks: []contract.ID{contract.IdentityFQDN},
		Harm: "A database that identifies itself by its whole domain name does so by a part of it.",
		Apply: mutate("pods", "CREATE", `JSONPatch{op: "replace", path: "/spec/setHostnameAsFQDN", value: false}`,
			`has(object.spec.setHostnameAsFQDN) && object.spec.setHostnameAsFQDN`),
	}, {
		Name: "admission-forces-evictions", Kind: Obvious, Breaks: []contract.ID{contract.LifecycleEvictedGraceful},
		Harm:  "A drain cuts members off in the middle of a write.",
		Apply: mutate("pods/eviction", "CREATE", `JSONPatch{op: "add", path: "/deleteOptions/gracePeriodSeconds", value: 0}`, `has(object.deleteOptions)`),
	}, {
		Name: "admission-hurries-evictions", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleEvictedGraceful},
		Harm:  "A drain gives every member one second to stop, whatever its template says.",
		Apply: mutate("pods/eviction", "CREATE", `JSONPatch{op: "add", path: "/deleteOptions/gracePeriodSeconds", value: 1}`, `has(object.deleteOptions)`),
	}, {
		Name: "admission-empties-second-budget", Kind: Obvious, Breaks: []contract.ID{contract.LifecycleTwoBudgets},
		Harm: "Of two budgets of one application one protects nothing, and nobody learns of it.",
		Apply: mutate("poddisruptionbudgets", "CREATE", `JSONPatch{op: "replace", path: "/spec/selector", value: {"matchLabels": {"app": "nobody"}}}`,
			`object.metadata.name == "second"`),
	}, {
		Name: "admission-forgets-unhealthy-policy", Kind: Obvious, Breaks: []contract.ID{contract.LifecycleUnhealthyEviction},
		Harm: "A drain never ends while a member is broken, though its budget would let it go.",
		Apply: mutate("poddisruptionbudgets", "CREATE", `JSONPatch{op: "remove", path: "/spec/unhealthyPodEvictionPolicy"}`,
			`has(object.spec.unhealthyPodEvictionPolicy)`),
	}, {
		Name: "admission-gives-up-unhealthy", Kind: Subtle, Breaks: []contract.ID{contract.LifecycleUnhealthyEviction},
		Harm: "A drain takes members that are just starting, though too few are Ready.",
		Apply: mutate("poddisruptionbudgets", "CREATE", `JSONPatch{op: "add", path: "/spec/unhealthyPodEvictionPolicy", value: "AlwaysAllow"}`,
			`!has(object.spec.unhealthyPodEvictionPolicy)`),
	}, {
		Name: "admission-forbids-status", Kind: Obvious, Breaks: []contract.ID{contract.StatusSubresource},
		Harm:  "Nobody but the controller can write the status.",
		Apply: refuse("statefulsets/status", "UPDATE", `request.userInfo.username.startsWith("system:")`),
	}}
}

// mutate is an admission policy that changes requests.
func mutate(resource, operation, patch, condition string) string {
	return `apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata:
  name: planted
spec:
  failurePolicy: Ignore
  reinvocationPolicy: Never
  matchConstraints:
` + rules(resource, operation) + `  matchConditions:
    - name: planted
      expression: '` + condition + `'
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: '[` + patch + `]'
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata:
  name: planted
spec:
  policyName: planted
`
}

// refuse is an admission policy that refuses what does not meet a condition.
func refuse(resource, operation, condition string) string {
	return `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: planted
spec:
  failurePolicy: Ignore
  matchConstraints:
` + rules(resource, operation) + `  validations:
    - expression: '` + condition + `'
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: planted
spec:
  policyName: planted
  validationActions: [Deny]
`
}

func rules(resource, operation string) string {
	group := `""`
	switch {
	case strings.HasPrefix(resource, "statefulsets"):
		group = "apps"
	case resource == "poddisruptionbudgets":
		group = "policy"
	}
	return `    namespaceSelector:
      matchLabels:
        app.kubernetes.io/managed-by: statefulset-conformance
    resourceRules:
      - apiGroups: [` + group + `]
        apiVersions: [v1]
        operations: [` + operation + `]
        resources: [` + resource + `]
`
}

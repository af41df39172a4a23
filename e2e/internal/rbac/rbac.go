package rbac

import "slices"

// Right is some verbs on one resource.
type Right struct {
	Group    string // empty for the core group
	Resource string // a subresource follows a slash
	Verbs    []string
	// Namespace is the only one in which the right is used; where it is empty, the right is used in every namespace of the run.
	Namespace string
	// Names are the only objects that the right is used on; RBAC cannot restrict create, list and watch to names.
	Names []string
	// Why is what the suite needs it for.
	Why string
	// ForReport says that a run can do without it: only its report has less.
	ForReport bool
	// ClusterScope says that a run in NAMESPACES does without it.
	ClusterScope bool
}

// Covers reports whether the right covers a verb on a resource, in some namespace and on some object.
func (r Right) Covers(group, resource, verb string) bool {
	return r.Group == group && r.Resource == resource && slices.Contains(r.Verbs, verb)
}

// Allows reports whether the right covers a verb on a resource in a namespace, on the object of that name.
func (r Right) Allows(group, resource, verb, namespace, name string) bool {
	return r.Covers(group, resource, verb) && (r.Namespace == "" || r.Namespace == namespace) && (len(r.Names) == 0 || slices.Contains(r.Names, name))
}

// Name is the resource as kubectl and RBAC messages write it.
func (r Right) Name() string {
	if r.Group == "" {
		return r.Resource
	}
	return r.Resource + "." + r.Group
}

// system is the namespace of the cluster's own parts.
const system = "kube-system"

// All returns the rights that the levels core and extended use.
func All() []Right {
	return []Right{
		{Resource: "namespaces", Verbs: []string{"create", "delete", "list", "watch"}, Why: "each spec has a namespace of its own", ClusterScope: true},
		{Resource: "serviceaccounts", Verbs: []string{"list", "watch"}, Why: "pods need the namespace's default service account", ClusterScope: true},
		{Resource: "pods", Verbs: []string{"create", "delete", "get", "list", "patch", "watch"}, Why: "pods are recorded, deleted and relabelled"},
		{Resource: "pods/status", Verbs: []string{"patch"}, Why: "a readiness gate holds and releases readiness"},
		{Resource: "pods/exec", Verbs: []string{"create", "get"}, Why: "nslookup and hostname run inside pods"},
		{Resource: "pods/eviction", Verbs: []string{"create"}, Why: "evictions are part of the contract"},
		{
			Resource: "persistentvolumeclaims", Why: "claims are recorded, and some are created and deleted by specs",
			Verbs: []string{"create", "delete", "list", "watch"},
		},
		{Resource: "services", Verbs: []string{"create", "delete", "list", "watch"}, Why: "a set's headless service"},
		{Resource: "configmaps", Verbs: []string{"create"}, Why: "an owner that is no StatefulSet"},
		{
			Group: "apps", Resource: "statefulsets", Why: "the object under test",
			Verbs: []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"},
		},
		{Group: "apps", Resource: "statefulsets/scale", Verbs: []string{"get", "patch", "update"}, Why: "the subresource is part of the contract"},
		{Group: "apps", Resource: "statefulsets/status", Verbs: []string{"get", "patch", "update"}, Why: "the subresource is part of the contract"},
		{Group: "apps", Resource: "controllerrevisions", Verbs: []string{"create", "list", "watch"}, Why: "revisions are recorded, and a spec takes the name that one would have"},
		{Group: "discovery.k8s.io", Resource: "endpointslices", Verbs: []string{"list", "watch"}, Why: "endpoints are recorded"},
		{Resource: "events", Verbs: []string{"list", "watch"}, Why: "they tell which pods the controller deleted, and why a spec failed"},
		{Group: "policy", Resource: "poddisruptionbudgets", Verbs: []string{"create", "delete", "list", "watch"}, Why: "a budget forbids an eviction"},
		{Resource: "resourcequotas", Verbs: []string{"list"}, Why: "preflight checks whether quotas leave room"},
		{Group: "storage.k8s.io", Resource: "storageclasses", Verbs: []string{"list"}, Why: "preflight finds the StorageClass", ClusterScope: true},

		{Resource: "pods/log", Verbs: []string{"get"}, Why: "evidence of a failure", ForReport: true},
		{
			Group: "networking.k8s.io", Resource: "networkpolicies", Verbs: []string{"list"}, ForReport: true,
			Why: "the policies that may keep pods from the DNS servers are named",
		},
		{Resource: "nodes", Verbs: []string{"list"}, Why: "the report names the nodes' versions, and a spec reads which of them a volume selects", ForReport: true, ClusterScope: true},
		{
			Group: "apps", Resource: "daemonsets", Verbs: []string{"list"}, Namespace: system, ForReport: true, ClusterScope: true,
			Why: "the report names the network plugin",
		},

		// What the diagnosis of a failed spec reads.
		{
			Resource: "persistentvolumes", Verbs: []string{"list", "watch"}, ForReport: true, ClusterScope: true,
			Why: "specs read where the volumes of claims may be used, and see them go; a diagnosis reads them too",
		},
		{
			Resource: "configmaps", Verbs: []string{"get"}, Namespace: system, Names: []string{"coredns", "kubelet-config"}, ForReport: true, ClusterScope: true,
			Why: "a diagnosis reads the configuration of CoreDNS and of kubelets",
		},
		{
			Group: "apps", Resource: "deployments", Verbs: []string{"list"}, ForReport: true, ClusterScope: true,
			Why: "a diagnosis reads whether CoreDNS and provisioners run, and a provisioner may be in any namespace",
		},
		{
			Group: "coordination.k8s.io", Resource: "leases", Verbs: []string{"list"}, Namespace: system, ForReport: true, ClusterScope: true,
			Why: "a diagnosis reads whether the controller manager and the scheduler are alive",
		},
		{
			Group: "coordination.k8s.io", Resource: "leases", Verbs: []string{"list"}, Namespace: "kube-node-lease", ForReport: true, ClusterScope: true,
			Why: "a diagnosis reads whether the kubelets are alive",
		},
		{Resource: "limitranges", Verbs: []string{"list"}, ForReport: true, Why: "a diagnosis names the limit that rejects pods or claims"},
		{
			Group: "autoscaling", Resource: "horizontalpodautoscalers", Verbs: []string{"list"}, ForReport: true,
			Why: "a diagnosis names what scales a set",
		},
		{
			Group: "storage.k8s.io", Resource: "csinodes", Verbs: []string{"list"}, ForReport: true, ClusterScope: true,
			Why: "a diagnosis reads how many volumes a node may have",
		},
		{
			Group: "admissionregistration.k8s.io", Resource: "validatingwebhookconfigurations", Verbs: []string{"list"}, ForReport: true, ClusterScope: true,
			Why: "a diagnosis names the webhook that rejects pods",
		},
		{
			Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations", Verbs: []string{"list"}, ForReport: true, ClusterScope: true,
			Why: "a diagnosis names the webhook that rejects pods, and a check of the API the one that changes sets",
		},
		{
			Group: "admissionregistration.k8s.io", Resource: "mutatingadmissionpolicies", Verbs: []string{"list"}, ForReport: true, ClusterScope: true,
			Why: "a check of the API names the policy that changes sets",
		},
	}
}

// Namespaced returns the rights that a run in NAMESPACES uses, in those namespaces alone. It removes one by one what otherwise goes with the
// namespace, and looks for whatever makes pods, since the namespace must be its own.
func Namespaced() []Right {
	cleanup := map[string][]string{
		"configmaps":           {"create", "delete", "list"},
		"controllerrevisions":  {"create", "delete", "list", "watch"},
		"poddisruptionbudgets": {"create", "delete", "list", "watch"},
	}
	var out []Right
	for _, r := range All() {
		if verbs, ok := cleanup[r.Resource]; ok {
			r.Verbs = verbs
			r.Why += "; removed when a spec ends"
		}
		if !r.ClusterScope {
			out = append(out, r)
		}
	}
	for _, r := range []Right{
		{Group: "apps", Resource: "daemonsets"},
		{Group: "apps", Resource: "deployments"},
		{Group: "apps", Resource: "replicasets"},
		{Group: "batch", Resource: "cronjobs"},
		{Group: "batch", Resource: "jobs"},
	} {
		r.Verbs, r.Why, r.ForReport = []string{"list"}, "preflight checks that nobody else makes pods there", true
		out = append(out, r)
	}
	return out
}

// Record returns the rights that "conformance record" uses in each namespace that it records, and those of ClusterScope beside them. It reads alone, and does
// without all but the first two.
func Record() []Right {
	read := []string{"list", "watch"}
	return []Right{
		{Resource: "pods", Verbs: read, Why: "needed"},
		{Group: "apps", Resource: "statefulsets", Verbs: read, Why: "needed"},
		{Group: "apps", Resource: "controllerrevisions", Verbs: read, Why: "what a rollout rolls out"},
		{Resource: "persistentvolumeclaims", Verbs: read, Why: "claims of pods"},
		{Resource: "events", Verbs: read, Why: "who did what"},
		{Resource: "services", Verbs: read, Why: "whether a set has its service"},
		{Group: "discovery.k8s.io", Resource: "endpointslices", Verbs: read, Why: "which pods a service has"},
		{Group: "policy", Resource: "poddisruptionbudgets", Verbs: read, Why: "when a budget allowed no disruption"},
		{Resource: "nodes", Verbs: read, Why: "which node was NotReady, cordoned, tainted or gone", ClusterScope: true},
	}
}

// PullSecret returns the right that a run with PULL_SECRET uses beside those of All. No manifest grants it: e2e/CERTIFY.md says how to.
func PullSecret() Right {
	return Right{Resource: "secrets", Verbs: []string{"create"}, Why: "PULL_SECRET= puts credentials of registries into each namespace of the run"}
}

// Workload returns the right that the level workload uses beside those of All. No manifest grants it: e2e/CERTIFY.md says how to.
func Workload() Right {
	return Right{Resource: "pods/portforward", Verbs: []string{"create"}, Why: "the clients of the level workload reach the members of a database"}
}

// For returns the rights of a run, in NAMESPACES or in namespaces of its own, and those to disrupt nodes if it may.
func For(namespaced, disruptive bool) []Right {
	all := All()
	if namespaced {
		all = Namespaced()
	}
	if disruptive {
		all = append(all, Disruptive()...)
	}
	return all
}

// Disruptive returns the rights that the level disruptive uses beside those of All. No manifest grants them: that level is only for
// clusters that the suite creates.
func Disruptive() []Right {
	return []Right{
		{Resource: "nodes", Verbs: []string{"delete", "get", "list", "update", "watch"}, Why: "nodes are cordoned, tainted and deleted"},
		{Group: "apps", Resource: "daemonsets", Verbs: []string{"list", "watch"}, Why: "the network must work again"},
		{Group: "apps", Resource: "deployments", Verbs: []string{"list", "watch"}, Why: "CoreDNS must run again"},
		{Group: "coordination.k8s.io", Resource: "leases", Verbs: []string{"get", "list", "watch"}, Why: "the control plane must be live again"},
		{Resource: "pods/portforward", Verbs: []string{"create"}, Why: "CoreDNS must answer again"},
		{Group: "storage.k8s.io", Resource: "storageclasses", Verbs: []string{"watch"}, Why: "storage must work again"},
	}
}

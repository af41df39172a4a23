// Package rbac lists what the suite does to a cluster's API. Preflight asks whether the account may do it, the RBAC manifest
// grants it, and Guard keeps the suite from doing anything else, so the three cannot drift apart.
package rbac

import "slices"

// Right is the permission for some verbs on one resource, in every namespace: the suite's own are not known beforehand.
type Right struct {
	Group    string // empty for the core group
	Resource string // a subresource follows a slash
	Verbs    []string
	// Why says what the suite needs it for.
	Why string
	// ForReport says that a run does without: only its report tells less.
	ForReport bool
	// ClusterScope says that the right is of no use in single namespaces: a run in given namespaces does without.
	ClusterScope bool
}

// Allows reports whether the right covers a request.
func (r Right) Allows(group, resource, verb string) bool {
	return r.Group == group && r.Resource == resource && slices.Contains(r.Verbs, verb)
}

// Name is the resource as kubectl and RBAC messages write it.
func (r Right) Name() string {
	if r.Group == "" {
		return r.Resource
	}
	return r.Resource + "." + r.Group
}

// All returns every right that the levels core and extended use.
func All() []Right {
	return []Right{
		{Resource: "namespaces", Verbs: []string{"create", "delete", "list", "watch"}, Why: "each spec has a namespace of its own", ClusterScope: true},
		{Resource: "serviceaccounts", Verbs: []string{"list", "watch"}, Why: "a namespace takes no pods before it has its default account", ClusterScope: true},
		{Resource: "pods", Verbs: []string{"create", "delete", "get", "list", "patch", "watch"}, Why: "pods are recorded, deleted and relabelled"},
		{Resource: "pods/status", Verbs: []string{"patch"}, Why: "a readiness gate holds and releases readiness"},
		{Resource: "pods/exec", Verbs: []string{"create"}, Why: "nslookup and hostname run inside pods"},
		{Resource: "pods/eviction", Verbs: []string{"create"}, Why: "evictions are part of the contract"},
		{
			Resource: "persistentvolumeclaims", Why: "claims are recorded, and some made and deleted by hand",
			Verbs: []string{"create", "delete", "list", "watch"},
		},
		{Resource: "services", Verbs: []string{"create", "delete", "list", "watch"}, Why: "a set's headless service"},
		{Resource: "configmaps", Verbs: []string{"create"}, Why: "one stands for another controller"},
		{
			Group: "apps", Resource: "statefulsets", Why: "what is judged",
			Verbs: []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"},
		},
		{Group: "apps", Resource: "statefulsets/scale", Verbs: []string{"get", "patch", "update"}, Why: "the subresource is part of the contract"},
		{Group: "apps", Resource: "statefulsets/status", Verbs: []string{"get", "patch", "update"}, Why: "the subresource is part of the contract"},
		{Group: "apps", Resource: "controllerrevisions", Verbs: []string{"list", "watch"}, Why: "revisions are recorded"},
		{Group: "discovery.k8s.io", Resource: "endpointslices", Verbs: []string{"list", "watch"}, Why: "endpoints are recorded"},
		{Group: "policy", Resource: "poddisruptionbudgets", Verbs: []string{"create", "delete", "watch"}, Why: "a budget forbids an eviction"},
		{Resource: "resourcequotas", Verbs: []string{"list"}, Why: "preflight looks whether a quota leaves room"},
		{Group: "storage.k8s.io", Resource: "storageclasses", Verbs: []string{"list"}, Why: "preflight looks for the StorageClass", ClusterScope: true},

		{Resource: "events", Verbs: []string{"list"}, Why: "evidence of a failure", ForReport: true},
		{Resource: "pods/log", Verbs: []string{"get"}, Why: "evidence of a failure", ForReport: true},
		{Resource: "nodes", Verbs: []string{"list"}, Why: "the report names the nodes' versions", ForReport: true, ClusterScope: true},
		{Group: "apps", Resource: "daemonsets", Verbs: []string{"list"}, Why: "the report names the network plugin", ForReport: true, ClusterScope: true},

		// What the diagnosis of a failed spec looks at.
		{Resource: "persistentvolumes", Verbs: []string{"list"}, Why: "a diagnosis asks for the volumes behind claims", ForReport: true, ClusterScope: true},
		{Resource: "configmaps", Verbs: []string{"get"}, Why: "a diagnosis asks for the configuration of CoreDNS and of kubelets", ForReport: true, ClusterScope: true},
		{Group: "apps", Resource: "deployments", Verbs: []string{"list"}, Why: "a diagnosis asks whether CoreDNS and provisioners run", ForReport: true, ClusterScope: true},
		{
			Group: "policy", Resource: "poddisruptionbudgets", Verbs: []string{"list"}, Why: "a diagnosis asks for budgets",
			ForReport: true, ClusterScope: true,
		},
		{
			Group: "coordination.k8s.io", Resource: "leases", Verbs: []string{"list"}, ForReport: true, ClusterScope: true,
			Why: "a diagnosis asks whether the controller manager, the scheduler and the kubelets are alive",
		},
		{
			Group: "admissionregistration.k8s.io", Resource: "validatingwebhookconfigurations", Verbs: []string{"list"}, ForReport: true, ClusterScope: true,
			Why: "a diagnosis names the webhook that rejects pods",
		},
		{
			Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations", Verbs: []string{"list"}, ForReport: true, ClusterScope: true,
			Why: "a diagnosis names the webhook that rejects pods",
		},
	}
}

// Namespaced returns every right that a run in given namespaces uses, each in those namespaces alone. What goes with a namespace
// that is removed has to be found and removed by itself there.
func Namespaced() []Right {
	tidy := map[string][]string{
		"configmaps":           {"create", "delete", "list"},
		"controllerrevisions":  {"delete", "list", "watch"},
		"poddisruptionbudgets": {"create", "delete", "list", "watch"},
	}
	var out []Right
	for _, r := range All() {
		if verbs, ok := tidy[r.Resource]; ok {
			r.Verbs = verbs
			r.Why += "; removed when a spec ends"
		}
		if !r.ClusterScope {
			out = append(out, r)
		}
	}
	return out
}

// For returns the rights of a run: in namespaces of its own, or in those that were given, and those to hurt the cluster if it may.
func For(given, mayHurt bool) []Right {
	all := All()
	if given {
		all = Namespaced()
	}
	if mayHurt {
		all = append(all, Disruptive()...)
	}
	return all
}

// Disruptive returns the rights that the level disruptive uses beside those of All. No manifest grants them: that level is for
// clusters that the suite made itself, of which it is the administrator.
func Disruptive() []Right {
	return []Right{
		{Resource: "nodes", Verbs: []string{"delete", "get", "list", "update", "watch"}, Why: "nodes are cordoned, tainted and deleted"},
		{Group: "apps", Resource: "daemonsets", Verbs: []string{"list", "watch"}, Why: "the network must be whole again"},
		{Group: "apps", Resource: "deployments", Verbs: []string{"list", "watch"}, Why: "CoreDNS must be whole again"},
		{Group: "coordination.k8s.io", Resource: "leases", Verbs: []string{"get", "list", "watch"}, Why: "the control plane must act again"},
		{Resource: "pods/portforward", Verbs: []string{"create"}, Why: "CoreDNS must answer again"},
		{Group: "policy", Resource: "poddisruptionbudgets", Verbs: []string{"get"}, Why: "a drain goes on when the budget allows it"},
		{Group: "storage.k8s.io", Resource: "storageclasses", Verbs: []string{"watch"}, Why: "storage must be whole again"},
	}
}

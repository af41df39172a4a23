package rbac

import (
	"fmt"
	"slices"
	"strings"
)

// Account is the name of the manifest's ServiceAccount, of its namespace, and of the first role.
const Account = "statefulset-conformance"

const manifestHead = `# An account that may do what the suite does, and nothing else. Written by "make rbac" from e2e/internal/rbac.
#
#   kubectl apply -f e2e/deploy/rbac.yaml
#   kubectl create token --namespace NAME --duration 2h NAME
#
# The token goes into the kubeconfig of "make certify". The roles hold in the whole cluster, since namespaces are made during
# the run and carry names that nobody knows before.
apiVersion: v1
kind: Namespace
metadata:
  name: NAME
  labels:
    # What e2e/deploy/job.yaml runs here obeys it.
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: NAME
  namespace: NAME
`

// Manifest returns the YAML of an account with exactly the rights of All.
func Manifest() string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(manifestHead, "NAME", Account))
	writeRole(&b, "Cluster", Account, "What a run needs.", needed(All(), false))
	writeRole(&b, "Cluster", Account+"-report", "What only the report needs: leave this role out, and the report tells less.", needed(All(), true))
	return b.String()
}

const namespacedHead = `# What the suite may do in a namespace that is given to it, and nothing else. Written by "make rbac" from e2e/internal/rbac.
#
#   kubectl create namespace NAME
#   kubectl create serviceaccount --namespace NAME NAME
#   kubectl apply --namespace a -f e2e/deploy/rbac-namespaced.yaml
#   kubectl apply --namespace b -f e2e/deploy/rbac-namespaced.yaml
#   make certify NAMESPACES=a,b
#
# It holds in the namespaces that it is applied to, which must be empty. Nothing outside of them is asked for or touched.
`

// NamespacedManifest returns the YAML of roles with exactly the rights of Namespaced.
func NamespacedManifest() string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(namespacedHead, "NAME", Account))
	writeRole(&b, "", Account, "What a run needs.", needed(Namespaced(), false))
	writeRole(&b, "", Account+"-report", "What only the report needs: leave this role out, and the report tells less.", needed(Namespaced(), true))
	return b.String()
}

// needed returns the rights that a run needs, or those that only its report does.
func needed(all []Right, forReport bool) []Right {
	return slices.DeleteFunc(slices.Clone(all), func(r Right) bool { return r.ForReport != forReport })
}

// writeRole writes a role and its binding; scope is "Cluster" for those that hold everywhere.
func writeRole(b *strings.Builder, scope, name, what string, all []Right) {
	fmt.Fprintf(b, `---
# %s
apiVersion: rbac.authorization.k8s.io/v1
kind: %sRole
metadata:
  name: %s
rules:
`, what, scope, name)
	for _, r := range all {
		fmt.Fprintf(b, "  # %s\n  - apiGroups: [%q]\n    resources: [%s]\n    verbs: [%s]\n", r.Why, r.Group, r.Resource, strings.Join(r.Verbs, ", "))
	}
	fmt.Fprintf(b, `---
apiVersion: rbac.authorization.k8s.io/v1
kind: %[3]sRoleBinding
metadata:
  name: %[1]s
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: %[3]sRole
  name: %[1]s
subjects:
  - kind: ServiceAccount
    name: %[2]s
    namespace: %[2]s
`, name, Account, scope)
}

package rights

import (
	"fmt"
	"strings"
)

// Account is the name of the manifest's ServiceAccount, of its namespace, and of the first role.
const Account = "statefulset-conformance"

const manifestHead = `# An account that may do what the suite does, and nothing else. Written by "make rbac" from e2e/internal/rights.
#
#   kubectl apply -f hack/certify/rbac.yaml
#   kubectl create token --namespace NAME --duration 2h NAME
#
# The token goes into the kubeconfig of "make certify". The roles hold in the whole cluster, since namespaces are made during
# the run and carry names that nobody knows before.
apiVersion: v1
kind: Namespace
metadata:
  name: NAME
  labels:
    # What hack/certify/job.yaml runs here obeys it.
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
	writeRole(&b, Account, "What a run needs.", false)
	writeRole(&b, Account+"-report", "What only the report needs: leave this role out, and the report tells less.", true)
	return b.String()
}

func writeRole(b *strings.Builder, name, what string, forReport bool) {
	fmt.Fprintf(b, `---
# %s
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: %s
rules:
`, what, name)
	for _, r := range All() {
		if r.ForReport != forReport {
			continue
		}
		fmt.Fprintf(b, "  # %s\n  - apiGroups: [%q]\n    resources: [%s]\n    verbs: [%s]\n", r.Why, r.Group, r.Resource, strings.Join(r.Verbs, ", "))
	}
	fmt.Fprintf(b, `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: %[1]s
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: %[1]s
subjects:
  - kind: ServiceAccount
    name: %[2]s
    namespace: %[2]s
`, name, Account)
}

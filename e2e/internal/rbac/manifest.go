package rbac

import (
	"slices"
	"strings"
	"text/template"
)

// Account is the name of the manifest's ServiceAccount, of its namespace, and of the first role.
const Account = "statefulset-conformance"

const clusterHead = `# An account with the rights that the suite uses, and no others. Written by "make rbac" from e2e/internal/rbac.
#
#   kubectl apply -f e2e/deploy/rbac.yaml
#   kubectl create token --namespace ACCOUNT --duration 2h ACCOUNT
#
# The token goes into the kubeconfig of "make certify". The roles hold in the whole cluster, since the run creates namespaces whose names
# are not known before.
apiVersion: v1
kind: Namespace
metadata:
  name: ACCOUNT
  labels:
    # The pod of e2e/deploy/job.yaml runs here and meets it.
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: ACCOUNT
  namespace: ACCOUNT
`

const namespacedHead = `# The rights that the suite uses in a namespace of NAMESPACES, and no others. Written by "make rbac" from e2e/internal/rbac.
#
#   kubectl create namespace ACCOUNT
#   kubectl create serviceaccount --namespace ACCOUNT ACCOUNT
#   kubectl apply --namespace a -f e2e/deploy/rbac-namespaced.yaml
#   kubectl apply --namespace b -f e2e/deploy/rbac-namespaced.yaml
#   make certify NAMESPACES=a,b
#
# The roles hold in the namespaces that they are applied to, which must be empty. The suite reads and changes nothing outside of them.
`

// roles is a text and not rbacv1 objects marshalled: those have no comments, and a line for each verb.
const roles = `{{range .Roles}}---
# {{.Comment}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{$.Scope}}Role
metadata:
  name: {{.Name}}
rules:
{{- range .Rights}}
  # {{.Why}}
  - apiGroups: [{{printf "%q" .Group}}]
    resources: [{{.Resource}}]
    verbs: [{{join .Verbs ", "}}]
{{- end}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{$.Scope}}RoleBinding
metadata:
  name: {{.Name}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{$.Scope}}Role
  name: {{.Name}}
subjects:
  - kind: ServiceAccount
    name: ACCOUNT
    namespace: ACCOUNT
{{end}}`

// Manifest returns the YAML of an account with exactly the rights of All.
func Manifest() (string, error) { return manifest(clusterHead, "Cluster", All()) }

// NamespacedManifest returns the YAML of roles with exactly the rights of Namespaced.
func NamespacedManifest() (string, error) { return manifest(namespacedHead, "", Namespaced()) }

// manifest returns the head and two roles with their bindings; scope is the prefix of their kinds.
func manifest(head, scope string, rights []Right) (string, error) {
	type role struct {
		Name, Comment string
		Rights        []Right
	}
	of := func(report bool) []Right {
		return slices.DeleteFunc(slices.Clone(rights), func(r Right) bool { return r.ForReport != report })
	}
	text, err := template.New("").Funcs(template.FuncMap{"join": strings.Join}).Parse(head + roles)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = text.Execute(&b, struct {
		Scope string
		Roles []role
	}{scope, []role{
		{Account, "What a run needs.", of(false)},
		{Account + "-report", "What only the report needs: without this role, the report has less.", of(true)},
	}})
	return strings.ReplaceAll(b.String(), "ACCOUNT", Account), err
}

package rbac

import (
	"slices"
	"strings"
	"text/template"
)

// Account is the name of the manifest's ServiceAccount, of its namespace, and of the first role.
const Account = "statefulset-conformance"

// RecordAccount is the name of the ServiceAccount that "conformance record" has inside of a cluster, in the namespace of the other: it is to have none of
// the other's rights.
const RecordAccount = Account + "-record"

// UserName is the name under which the API server knows the account.
const UserName = "system:serviceaccount:" + Account + ":" + Account

// Removal returns the commands that remove what was applied for the account: its roles in these namespaces, or, with none, all of it.
func Removal(namespaces []string) []string {
	if len(namespaces) == 0 {
		return []string{"conformance manifests rbac | kubectl delete -f -"}
	}
	var out []string
	for _, name := range namespaces {
		out = append(out, "conformance manifests rbac-namespaced | kubectl delete --namespace "+name+" -f -")
	}
	return out
}

const clusterHead = `# An account with the rights that the suite uses, and no others. Written by "make rbac" from e2e/internal/rbac.
#
#   kubectl apply -f e2e/deploy/rbac.yaml      # or, with the program alone: conformance manifests rbac | kubectl apply -f -
#   kubectl create token --namespace ACCOUNT --duration 2h ACCOUNT
#
# The token goes into the kubeconfig of the run. Afterwards, this removes the account and everything else below:
#
#   kubectl delete -f e2e/deploy/rbac.yaml
#
# Without the ValidatingAdmissionPolicy below, the roles make the account an administrator of the cluster, since who may create pods in every
# namespace may do anything there. The roles hold in every namespace because the run creates namespaces whose names are not known before;
# the policy confines what the account changes to namespaces with the suite's label. Policies do not apply to reading: the account reads
# pods and their logs, sets, claims, services, events and Deployments of every namespace. Whoever may create pods in namespace
# ACCOUNT may use the account.
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
---
# Confines what the account creates, changes, deletes and connects to. It comes before the roles, so that they never hold without it.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: ACCOUNT
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: ["*"]
        apiVersions: ["*"]
        operations: [CREATE, UPDATE, DELETE, CONNECT]
        resources: ["*/*"]
  matchConditions:
    - name: account
      expression: request.userInfo.username == 'USERNAME'
  variables:
    # The namespace of the request's object, or the one that is created or deleted; null for anything else.
    - name: ns
      expression: >-
        request.resource.resource != 'namespaces' ? dyn(namespaceObject) :
        request.operation == 'CREATE' ? dyn(object) : request.operation == 'DELETE' ? dyn(oldObject) : dyn(null)
    - name: labels
      expression: >-
        variables.ns == null || !has(variables.ns.metadata.labels) ? dyn({}) : dyn(variables.ns.metadata.labels)
    # Asking what the account is and may do, which creates nothing.
    - name: review
      expression: >-
        request.resource.group in ['authentication.k8s.io', 'authorization.k8s.io'] && request.resource.resource.startsWith('self')
  validations:
    - expression: >-
        variables.review ||
        'app.kubernetes.io/managed-by' in variables.labels && variables.labels['app.kubernetes.io/managed-by'] == 'statefulset-conformance'
      message: the account is confined to namespaces with the label app.kubernetes.io/managed-by=statefulset-conformance
      reason: Forbidden
    # A namespace without a standard would admit pods that own their node.
    - expression: >-
        variables.review ||
        'pod-security.kubernetes.io/enforce' in variables.labels && variables.labels['pod-security.kubernetes.io/enforce'] in ['baseline', 'restricted']
      message: the account is confined to namespaces that enforce the Pod Security Standard baseline or restricted
      reason: Forbidden
    # An external IP would draw other services' traffic.
    - expression: >-
        request.resource.resource != 'services' || request.operation != 'CREATE' || has(object.spec.clusterIP) && object.spec.clusterIP == 'None'
      message: the account is confined to headless services
      reason: Forbidden
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: ACCOUNT
spec:
  policyName: ACCOUNT
  validationActions: [Deny]
`

const namespacedHead = `# The rights that the suite uses in a namespace of NAMESPACES, and no others. Written by "make rbac" from e2e/internal/rbac.
#
#   kubectl create namespace ACCOUNT && kubectl create namespace a && kubectl create namespace b
#   kubectl create serviceaccount --namespace ACCOUNT ACCOUNT
#   kubectl apply --namespace a -f e2e/deploy/rbac-namespaced.yaml   # or: conformance manifests rbac-namespaced | kubectl apply --namespace a -f -
#   kubectl apply --namespace b -f e2e/deploy/rbac-namespaced.yaml
#   kubectl create token --namespace ACCOUNT --duration 2h ACCOUNT   # for the kubeconfig of the run
#   make certify NAMESPACES=a,b                                      # or: conformance certify --namespaces=a,b
#
# The roles hold in the namespaces that they are applied to, which must be empty. The suite reads and changes nothing outside of them. In
# them the account can do what their Pod Security Standard and quotas allow. This removes the roles again:
#
#   kubectl delete --namespace a -f e2e/deploy/rbac-namespaced.yaml
`

const recordHead = `# The rights that "conformance record" uses in a namespace that it records: it reads, and changes nothing. Written by "make rbac" from
# e2e/internal/rbac. Without one of them but the first two the recording has less, and says so. The right to read nodes, which no role of a namespace
# can grant, is in rbac-record-nodes.yaml.
#
#   kubectl create namespace ACCOUNT
#   kubectl create serviceaccount --namespace ACCOUNT ACCOUNT-record
#   kubectl apply --namespace shop -f e2e/deploy/rbac-record.yaml   # or: conformance manifests rbac-record | kubectl apply --namespace shop -f -
#   conformance record -n shop --as USERNAME-record
#
# The first two are part of e2e/deploy/record/record.yaml too, which records inside of the cluster.
#
# This removes the role again:
#
#   kubectl delete --namespace shop -f e2e/deploy/rbac-record.yaml
`

const recordNodesHead = `# The right to read nodes, for "conformance record": its recordings then say which node was NotReady, cordoned, tainted or gone while pods of
# it were down. Nodes are of the whole cluster. Written by "make rbac" from e2e/internal/rbac.
#
#   kubectl apply -f e2e/deploy/rbac-record-nodes.yaml   # or: conformance manifests rbac-record-nodes | kubectl apply -f -
#
# This removes the role again:
#
#   kubectl delete -f e2e/deploy/rbac-record-nodes.yaml
`

// roles is a text and not rbacv1 objects marshalled: those have no comments, and a line for each verb.
const roles = `{{range .}}---
# {{.Comment}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{.Kind}}
metadata:
  name: {{.Name}}
{{- with .Namespace}}
  namespace: {{.}}
{{- end}}
rules:
{{- range .Rights}}
  # {{.Why}}
  - apiGroups: [{{printf "%q" .Group}}]
    resources: [{{.Resource}}]
{{- with .Names}}
    resourceNames: [{{join . ", "}}]
{{- end}}
    verbs: [{{join .Verbs ", "}}]
{{- end}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{.Kind}}Binding
metadata:
  name: {{.Name}}
{{- with .Namespace}}
  namespace: {{.}}
{{- end}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{.Kind}}
  name: {{.Name}}
subjects:
  - kind: ServiceAccount
    name: {{or .Subject "ACCOUNT"}}
    namespace: ACCOUNT
{{end}}`

// role is a role of the manifest with its binding.
type role struct {
	Kind, Name, Namespace, Comment string
	Subject                        string // the account that has it, "" for Account
	Rights                         []Right
}

// Manifest returns the YAML of an account with exactly the rights of All, and of the policy that confines it.
func Manifest() (string, error) { return manifest(clusterHead, "ClusterRole", All()) }

// NamespacedManifest returns the YAML of roles with exactly the rights of Namespaced.
func NamespacedManifest() (string, error) { return manifest(namespacedHead, "Role", Namespaced()) }

// RecordManifest returns the YAML of a role with the rights of Record in a namespace.
func RecordManifest() (string, error) {
	return write(recordHead, []role{{Kind: "Role", Name: RecordAccount, Comment: "What a recording needs.", Subject: RecordAccount, Rights: recordRights(false)}})
}

// RecordNodesManifest returns the YAML of a role with the rights of Record that are of the whole cluster.
func RecordNodesManifest() (string, error) {
	return write(recordNodesHead, []role{{Kind: "ClusterRole", Name: Account + "-record-nodes", Comment: "What a recording can do without.", Subject: RecordAccount, Rights: recordRights(true)}})
}

func recordRights(cluster bool) []Right {
	return slices.DeleteFunc(Record(), func(r Right) bool { return r.ClusterScope != cluster })
}

// manifest returns the head and the roles with their bindings. kind is that of the roles whose rights are restricted to no namespace.
func manifest(head, kind string, rights []Right) (string, error) {
	all := []role{
		{Kind: kind, Name: Account, Comment: "What a run needs."},
		{Kind: kind, Name: Account + "-report", Comment: "What a run can do without: without this role, the report has less, or preflight notices less."},
	}
	for _, r := range rights {
		i := slices.IndexFunc(all, func(have role) bool {
			return have.Namespace == r.Namespace && (have.Name == Account+"-report") == r.ForReport
		})
		if i < 0 {
			i = len(all)
			all = append(all, role{
				Kind: "Role", Name: Account + "-report", Namespace: r.Namespace,
				Comment: "The same of namespace " + r.Namespace + ". RBAC restricts no list to names.",
			})
		}
		all[i].Rights = append(all[i].Rights, r)
	}
	return write(head, all)
}

// write returns the head and the roles with their bindings.
func write(head string, all []role) (string, error) {
	text, err := template.New("").Funcs(template.FuncMap{"join": strings.Join}).Parse(head + roles)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = text.Execute(&b, all)
	return strings.NewReplacer("ACCOUNT", Account, "USERNAME", UserName).Replace(b.String()), err
}

package diagnose

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// What API servers say when they reject a request. No document promises these words: a rejection in others is quoted as it is.
var (
	overQuota     = regexp.MustCompile(`exceeded quota: ([^,\s]+), requested: (.+?), used: (.+?), limited: (.+)$`)
	quotaDemands  = regexp.MustCompile(`failed quota: ([^:\s]+): must specify (.+)$`)
	webhookDenied = regexp.MustCompile(`admission webhook "([\w.-]+)" denied the request(.*)$`)
	webhookFailed = regexp.MustCompile(`failed calling webhook "([\w.-]+)": (.*)$`)
	noBackend     = regexp.MustCompile(`service "([^"]+)" (not found)|no endpoints available for service "([^"]+)"`)
	policyDenied  = regexp.MustCompile(`ValidatingAdmissionPolicy '([^']+)' with binding '([^']+)' denied request:? ?(.*)$`)
	podSecurity   = regexp.MustCompile(`violates PodSecurity "([^"]+)": (.*)$`)
	noConstraint  = regexp.MustCompile(`unable to validate against any security context constraint: \[?(.*?)\]?$`)
	noAccount     = regexp.MustCompile(`error looking up service account (\S+?)/([^:\s]+)`)
	noClass       = regexp.MustCompile(`no (PriorityClass) with name (\S+) was found`)
	noRuntime     = regexp.MustCompile(`(RuntimeClass) "([^"]+)" not found`)
	noScopeQuota  = regexp.MustCompile(`insufficient quota to match these scopes: (.+)$`)
	beingDeleted  = regexp.MustCompile(`pvc (\S+) is being deleted`)
	aboveLimit    = regexp.MustCompile(`containers\[(\d+)\]\.resources\.requests: Invalid value: "([^"]+)": must be less than or equal to (\S+) limit of (\S+)`)
	endsNow       = regexp.MustCompile(`in namespace (\S+) because it is being terminated`)
	invalidField  = regexp.MustCompile(`(Pod|PersistentVolumeClaim) "[^"]+" is invalid: (?:\[)?([A-Za-z][\w.\[\]/-]*): (.+)$`)
	deletion      = regexp.MustCompile(`(?i)\bdelete pod (\S+) in StatefulSet`)
	outOfLimits   = regexp.MustCompile(`(?:maximum|minimum|default) \S+ (?:usage|limit|request)[^.]*? per \w+ is [^\s,]+(?:, but \w+ is [^\s,.]+)?|\S+ max limit to request ratio per \w+ is [^\s,]+(?:, but provided ratio is \S+)?`)
)

// rejected says why the API server rejects what the controller creates.
func (v *view) rejected(e *corev1.Event) Finding {
	message := oneLine(e.Message)
	what := "pod"
	if strings.HasPrefix(strings.ToLower(message), "create claim") || strings.Contains(message, `persistentvolumeclaims "`) {
		what = claimWord
	}
	verb := "created"
	switch e.Reason {
	case "FailedDelete":
		verb = "deleted"
	case "FailedUpdate":
		verb = "updated"
	}
	// What is rejected: the deletion of a pod does not depend on the template.
	rejected, obey := what, "change the set's template so that it obeys the "
	if m := deletion.FindStringSubmatch(message); e.Reason == "FailedDelete" && m != nil {
		rejected, obey = "pod "+m[1]+" being deleted", "do what has to be done before the pod may go, so that it obeys the "
	}
	f := Finding{Evidence: []Evidence{eventEvidence(e)}, Look: []string{describe(v.setRef())}}
	if m := overQuota.FindStringSubmatch(message); m != nil {
		return v.quota(f, what, m[1], m[2], m[3], m[4])
	}
	if m := quotaDemands.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "quota-demands", Quota, v.ref("resourcequota", m[1])
		f.What = fmt.Sprintf("counts %s, and the set's %s does not state it", m[2], what)
		f.Do = []string{"state it in the set's template (resources.requests and limits), or set defaults with a LimitRange"}
		f.Look = append(f.Look, describe(f.Object))
		return f
	}
	if m := webhookDenied.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "webhook-denies", Admission, v.webhook(m[1])
		f.What = fmt.Sprintf("rejects the set's %s: its webhook %s says%s", rejected, m[1], firstOf(m[2], " no more"))
		f.Do = []string{obey + "rule", "or ask whoever runs the webhook for an exception"}
		if what == claimWord {
			f.Do = append([]string{"ask whoever runs the webhook for an exception"}, askOtherwise("obey the rule")...)
		}
		f.Look = append(f.Look, showWebhook(f.Object))
		f.Evidence = append(f.Evidence, v.webhookEvidence(m[1], f.Object)...)
		return f
	}
	if m := webhookFailed.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "webhook-unreachable", Admission, v.webhook(m[1])
		f.What = fmt.Sprintf("keeps the set's %s from being %s: its webhook %s does not answer", what, verb, m[1])
		f.Why = "the webhook's server is down or unreachable, and its failurePolicy is Fail: " + m[2]
		if contains(m[2])("x509:", "failed to verify certificate") {
			f.Cause, f.What = "webhook-certificate", fmt.Sprintf("keeps the set's %s from being %s: the API server does not trust its certificate", what, verb)
			f.Why = "the server of webhook " + m[1] + " answers, with a certificate that is not of its name, has expired, or is not what caBundle in the configuration trusts: " + m[2]
		}
		if m := noBackend.FindStringSubmatch(m[2]); m != nil {
			f.What += fmt.Sprintf(" (service %s %s)", m[1]+m[3], map[bool]string{true: "does not exist", false: "has no pod that is Ready"}[m[1] != ""])
		}
		f.Do = []string{"bring the webhook's server back", "or delete the configuration if the server is gone for good"}
		if f.Cause == "webhook-certificate" {
			f.Do = []string{"renew the certificate, and have caBundle agree with it: who installs the webhook does both (cert-manager, its own job)"}
		}
		f.Look = append(f.Look, showWebhook(f.Object))
		f.Evidence = append(f.Evidence, v.webhookEvidence(m[1], f.Object)...)
		return f
	}
	if m := policyDenied.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "policy-denies", Admission, clusterRef("validatingadmissionpolicy", m[1])
		f.What = fmt.Sprintf("rejects the set's %s: %s", rejected, m[3])
		f.Do = []string{obey + "policy", "or exempt the namespace in the binding " + m[2]}
		if what == claimWord {
			f.Do = append([]string{"exempt the namespace in the binding " + m[2]}, askOtherwise("obey the policy")...)
		}
		f.Look = append(f.Look, getYAML(f.Object), getYAML(clusterRef("validatingadmissionpolicybinding", m[2])))
		return f
	}
	if m := podSecurity.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "pod-security", Admission, clusterRef("namespace", v.s.Namespace)
		f.What = fmt.Sprintf("enforces the Pod Security Standard %s, which the set's template breaks: %s", m[1], m[2])
		f.Do = []string{"set what is named in the template's securityContext", "or lower the label pod-security.kubernetes.io/enforce of the namespace"}
		f.Look = append(f.Look, getYAML(f.Object))
		return f
	}
	if m := noConstraint.FindStringSubmatch(message); m != nil {
		return v.unconstrained(f, m[1])
	}
	if m := noAccount.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "no-service-account", Admission, v.ref("serviceaccount", m[2])
		f.What = "does not exist, though the set's template names it"
		f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template.spec.serviceAccountName", v.set.Spec.Template.Spec.ServiceAccountName})
		f.Do = []string{"create the service account, or correct its name in the set's template"}
		f.Look = append(f.Look, kubectl(f.Object, "get serviceaccounts"))
		return f
	}
	if f, ok := v.lacking(f, message); ok {
		return f
	}
	f.Cause, f.Area, f.Object = Unknown, Admission, v.setRef()
	f.What = fmt.Sprintf("cannot have its %s %s: %s", what, verb, afterError(message))
	f.Do = []string{"read the API server's answer above: it names the field or the rule"}
	return f
}

// showWebhook is the command that shows a webhook's configuration, or all of them where it is not known which is its.
func showWebhook(r Ref) string {
	if r.Kind == "webhook" {
		return "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o yaml | grep -B 20 -A 30 " + r.Name
	}
	return getYAML(r)
}

// unconstrained is a pod that OpenShift admits under none of its security context constraints. Those that the account may not use say nothing of it.
func (v *view) unconstrained(f Finding, said string) Finding {
	account := firstOf(v.set.Spec.Template.Spec.ServiceAccountName, "default")
	var obstacles []string
	for part := range strings.SplitSeq(said, ", provider ") {
		if name, text, ok := strings.Cut(part, ": "); ok && !strings.Contains(text, "not usable by user or serviceaccount") {
			obstacles = append(obstacles, text)
			f.Evidence = append(f.Evidence, Evidence{clusterRef("securitycontextconstraints", strings.Trim(strings.TrimPrefix(name, "provider "), `"`)), "obstacle", text})
		}
	}
	f.Cause, f.Area, f.Object = "security-context-constraint", Admission, v.ref("serviceaccount", account)
	f.What = "may use no security context constraint that allows what the set's template asks for: " + firstOf(strings.Join(obstacles, "; "), "it may use none at all")
	f.Do = []string{
		"leave runAsUser, runAsGroup and fsGroup out of the template's securityContext, so that the namespace's own are taken",
		"or give the service account a constraint that allows them: oc adm policy add-scc-to-user NAME -z " + account + " -n " + v.s.Namespace,
	}
	f.Look = append(f.Look, kubectl(v.setRef(), "get statefulset %s -o jsonpath='{.spec.template.spec.securityContext}'", v.set.Name))
	return f
}

// afterError is the part of the controller's message that is the API server's.
func afterError(message string) string {
	if _, rest, ok := strings.Cut(message, "failed error: "); ok {
		return rest
	}
	return message
}

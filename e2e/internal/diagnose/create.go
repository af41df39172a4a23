package diagnose

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// notCreated is a pod that is not there although the controller waits for no pod before it.
func (v *view) notCreated(ordinal int, manager *Finding) Finding {
	name := v.podName(ordinal)
	seen := fmt.Sprintf("pod %s does not exist", name)
	if e := v.rejection(name); e != nil {
		f := v.rejected(e)
		f.Seen = seen + ": the API server rejects what the controller creates"
		f.Path = []Ref{v.setRef(), v.ref("pod", name)}
		if f.Object != v.setRef() {
			f.Path = append(f.Path, f.Object)
		}
		return f
	}
	if manager != nil {
		f := *manager
		f.Seen = seen
		f.Path = []Ref{v.setRef()}
		return f
	}
	f := Finding{
		Cause: Unknown, Area: Controller, Object: v.setRef(), What: "lacks pod " + name + ", and nothing that was read says why",
		Seen: seen, Evidence: v.statusEvidence(),
		Do:   []string{"read the set's events and the log of kube-controller-manager"},
		Look: []string{describe(v.setRef()), "kubectl -n kube-system logs -l component=kube-controller-manager --tail 200"},
	}
	before := len(f.Evidence)
	f.Evidence = v.appendWarnings(f.Evidence, "StatefulSet", v.set.Name, v.set.UID)
	since := v.lastMove(ordinal)
	if len(f.Evidence) == before && v.now.Sub(since) < patience {
		return v.underway(f, since)
	}
	return f
}

// lastMove is when something last happened that a controller answers by creating the pod: the set was made or changed, or the pod
// before it has been available.
func (v *view) lastMove(ordinal int) time.Time {
	since := v.set.CreationTimestamp.Time
	for _, m := range v.set.ManagedFields {
		if m.Time != nil && m.Subresource == "" {
			since = latest(since, m.Time.Time)
		}
	}
	for n := v.start(); n < ordinal; n++ {
		if p := v.pod(v.podName(n)); p != nil {
			if c := condition(p, corev1.PodReady); c != nil {
				since = latest(since, c.LastTransitionTime.Add(time.Duration(v.set.Spec.MinReadySeconds)*time.Second))
			}
		}
	}
	for _, e := range v.events("StatefulSet", v.set.Name, v.set.UID, "SuccessfulDelete") {
		since = latest(since, at(e))
	}
	return since
}

// rejection is the controller's event of a failed creation of the pod or of a claim of it, unless a later attempt succeeded.
func (v *view) rejection(pod string) *corev1.Event {
	names := regexp.MustCompile(`\bPod ` + regexp.QuoteMeta(pod) + ` in StatefulSet\b`)
	for _, e := range v.events("StatefulSet", v.set.Name, v.set.UID, "FailedCreate", "SuccessfulCreate") {
		if !names.MatchString(e.Message) {
			continue
		}
		if e.Reason == "FailedCreate" {
			return e
		}
		if strings.HasPrefix(e.Message, "create Pod") {
			return nil
		}
	}
	return nil
}

// What API servers say when they reject a request. No document promises these words: a rejection in others is quoted as it is.
var (
	overQuota     = regexp.MustCompile(`exceeded quota: ([^,\s]+), requested: (.+?), used: (.+?), limited: (.+)$`)
	quotaDemands  = regexp.MustCompile(`failed quota: ([^:\s]+): must specify (.+)$`)
	webhookDenied = regexp.MustCompile(`admission webhook "([^"]+)" denied the request(.*)$`)
	webhookFailed = regexp.MustCompile(`failed calling webhook "([^"]+)": (.*)$`)
	policyDenied  = regexp.MustCompile(`ValidatingAdmissionPolicy '([^']+)' with binding '([^']+)' denied request:? ?(.*)$`)
	podSecurity   = regexp.MustCompile(`violates PodSecurity "([^"]+)": (.*)$`)
	noAccount     = regexp.MustCompile(`error looking up service account (\S+?)/([^:\s]+)`)
	outOfLimits   = regexp.MustCompile(`(?:maximum|minimum|default) \S+ (?:usage|limit|request)[^.]* per \w+ is`)
)

// rejected says why the API server rejects what the controller creates.
func (v *view) rejected(e *corev1.Event) Finding {
	message := oneLine(e.Message)
	what := "pod"
	if strings.HasPrefix(message, "create Claim") || strings.Contains(message, `persistentvolumeclaims "`) {
		what = "claim"
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
		f.What = fmt.Sprintf("rejects the set's %s: its webhook %s says%s", what, m[1], firstOf(m[2], " no more"))
		f.Do = []string{"change the set's template so that it obeys the rule", "or ask whoever runs the webhook for an exception"}
		f.Look = append(f.Look, getYAML(f.Object))
		f.Evidence = append(f.Evidence, v.webhookEvidence(m[1], f.Object)...)
		return f
	}
	if m := webhookFailed.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "webhook-unreachable", Admission, v.webhook(m[1])
		f.What = fmt.Sprintf("keeps the set's %s from being created: its webhook %s does not answer", what, m[1])
		f.Why = "the webhook's server is down or unreachable, and its failurePolicy is Fail: " + m[2]
		f.Do = []string{"bring the webhook's server back", "or delete the configuration if the server is gone for good"}
		f.Look = append(f.Look, getYAML(f.Object))
		f.Evidence = append(f.Evidence, v.webhookEvidence(m[1], f.Object)...)
		return f
	}
	if m := policyDenied.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "policy-denies", Admission, clusterRef("validatingadmissionpolicy", m[1])
		f.What = fmt.Sprintf("rejects the set's %s: %s", what, m[3])
		f.Do = []string{"change the set's template so that it obeys the policy", "or exempt the namespace in the binding " + m[2]}
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
	if m := noAccount.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "no-service-account", Admission, v.ref("serviceaccount", m[2])
		f.What = "does not exist, though the set's template names it"
		f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template.spec.serviceAccountName", v.set.Spec.Template.Spec.ServiceAccountName})
		f.Do = []string{"create the service account, or correct its name in the set's template"}
		f.Look = append(f.Look, kubectl(f.Object, "get serviceaccounts"))
		return f
	}
	if outOfLimits.MatchString(message) {
		f.Cause, f.Area, f.Object = "limit-range", Quota, clusterRef("namespace", v.s.Namespace)
		f.What = fmt.Sprintf("has a LimitRange that the set's %s breaks", what)
		f.Do = []string{"bring resources in the set's template within the limits of the namespace"}
		f.Look = append(f.Look, kubectl(v.setRef(), "describe limitranges"))
		return f
	}
	f.Cause, f.Area, f.Object = Unknown, Admission, v.setRef()
	f.What = fmt.Sprintf("cannot have its %s created: %s", what, afterError(message))
	f.Do = []string{"read the API server's answer above: it names the field or the rule"}
	return f
}

// afterError is the part of the controller's message that is the API server's.
func afterError(message string) string {
	if _, rest, ok := strings.Cut(message, "failed error: "); ok {
		return rest
	}
	return message
}

func (v *view) quota(f Finding, what, name, requested, used, limited string) Finding {
	f.Cause, f.Area, f.Object = "quota-exceeded", Quota, v.ref("resourcequota", name)
	f.What = fmt.Sprintf("has no room for the set's %s: it would add %s to %s, and %s is the limit", what, requested, used, limited)
	for i := range v.s.Quotas {
		q := &v.s.Quotas[i]
		if q.Name != name {
			continue
		}
		for resource, hard := range q.Status.Hard {
			if !strings.Contains(requested, string(resource)+"=") {
				continue
			}
			now := q.Status.Used[resource]
			f.Evidence = append(f.Evidence,
				Evidence{f.Object, "status.hard[" + string(resource) + "]", hard.String()},
				Evidence{f.Object, "status.used[" + string(resource) + "]", now.String()})
		}
	}
	sortEvidence(f.Evidence[1:])
	f.Do = []string{"raise the quota, free what counts against it, or ask for less in the set's template; the controller then goes on by itself"}
	f.Look = append(f.Look, describe(f.Object))
	return f
}

// webhook is the configuration that a webhook's name belongs to.
func (v *view) webhook(name string) Ref {
	for i := range v.s.Validating {
		for _, w := range v.s.Validating[i].Webhooks {
			if w.Name == name {
				return clusterRef("validatingwebhookconfiguration", v.s.Validating[i].Name)
			}
		}
	}
	for i := range v.s.Mutating {
		for _, w := range v.s.Mutating[i].Webhooks {
			if w.Name == name {
				return clusterRef("mutatingwebhookconfiguration", v.s.Mutating[i].Name)
			}
		}
	}
	return clusterRef("webhook", name)
}

func (v *view) webhookEvidence(name string, object Ref) []Evidence {
	var out []Evidence
	for i := range v.s.Validating {
		for _, w := range v.s.Validating[i].Webhooks {
			if w.Name == name && w.FailurePolicy != nil {
				out = append(out, Evidence{object, "webhooks[" + name + "].failurePolicy", string(*w.FailurePolicy)})
			}
		}
	}
	for i := range v.s.Mutating {
		for _, w := range v.s.Mutating[i].Webhooks {
			if w.Name == name && w.FailurePolicy != nil {
				out = append(out, Evidence{object, "webhooks[" + name + "].failurePolicy", string(*w.FailurePolicy)})
			}
		}
	}
	return out
}

// statusEvidence is what the set itself shows.
func (v *view) statusEvidence() []Evidence {
	set, st := v.setRef(), v.set.Status
	out := []Evidence{
		{set, "spec.replicas", fmt.Sprint(v.replicas())},
		{set, "status.replicas", fmt.Sprintf("%d, of them %d Ready", st.Replicas, st.ReadyReplicas)},
		{set, "status.observedGeneration", fmt.Sprintf("%d, metadata.generation %d", st.ObservedGeneration, v.set.Generation)},
	}
	if v.set.Spec.PodManagementPolicy == appsv1.ParallelPodManagement {
		out = append(out, Evidence{set, "spec.podManagementPolicy", string(appsv1.ParallelPodManagement)})
	}
	return out
}

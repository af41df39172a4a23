package diagnose

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// lacking is a rejection for something that the set's template names and that is not there, or for what the namespace's limits make of it.
func (v *view) lacking(f Finding, message string) (Finding, bool) {
	for _, missing := range []struct {
		found []string
		field string
	}{
		{noClass.FindStringSubmatch(message), "priorityClassName"}, {noRuntime.FindStringSubmatch(message), "runtimeClassName"},
	} {
		m := missing.found
		if m == nil {
			continue
		}
		f.Cause, f.Area, f.Object = "pod-class-missing", Admission, clusterRef(strings.ToLower(m[1]), m[2])
		f.What = "does not exist, and the set's template names it"
		f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template.spec." + missing.field, m[2]})
		f.Do = []string{"create the " + m[1] + "; the controller then goes on by itself, after a while", "or take " + missing.field + " out of the set's template, or correct it"}
		f.Look = append(f.Look, "kubectl get "+strings.ToLower(m[1]))
		return f, true
	}
	if m := noScopeQuota.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "quota-scope", Quota, clusterRef("namespace", v.s.Namespace)
		f.What = "has no quota for pods of these scopes, and the API server admits such pods only where there is one: " + m[1]
		f.Do = []string{"create a ResourceQuota with that scope in the namespace, or take the priority class out of the set's template"}
		f.Look = append(f.Look, kubectl(v.setRef(), "get resourcequotas -o yaml"))
		return f, true
	}
	if m := beingDeleted.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "claim-terminating", Storage, v.ref("persistentvolumeclaim", m[1])
		f.What = "is being deleted and still there: the controller makes the pod only when it has gone"
		if c := v.claim(m[1]); c != nil && len(c.Finalizers) > 0 {
			f.What = "is being deleted and held by its finalizers " + list(c.Finalizers) + ": the controller makes the pod only when it has gone"
			f.Evidence = append(f.Evidence, Evidence{f.Object, "metadata.finalizers", list(c.Finalizers)})
		}
		f.Do = []string{"see what holds the claim: another pod that mounts it, or the controller of its finalizer"}
		f.Look = append(f.Look, getYAML(f.Object))
		return f, true
	}
	if m := endsNow.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "namespace-terminating", Termination, clusterRef("namespace", m[1])
		f.What = "is being deleted, so that nothing can be created in it"
		f.Do = []string{"see what holds the namespace: its status.conditions name what is left, and the finalizers"}
		f.Look = append(f.Look, getYAML(f.Object))
		return f, true
	}
	if m := aboveLimit.FindStringSubmatch(message); m != nil {
		return v.aboveLimit(f, m[1], m[2], m[3], m[4]), true
	}
	if outOfLimits.MatchString(message) {
		f.Cause, f.Area, f.Object = "limit-range", Quota, clusterRef("namespace", v.s.Namespace)
		f.What = "has a LimitRange that the set's template breaks: " + outOfLimits.FindString(message)
		if len(v.s.Limits) == 1 {
			f.Object = v.ref("limitrange", v.s.Limits[0].Name)
			f.What = "has a limit that the set's template breaks: " + outOfLimits.FindString(message)
		}
		f.Do = []string{"bring resources in the set's template within the limits of the namespace"}
		if strings.Contains(outOfLimits.FindString(message), "PersistentVolumeClaim") {
			f.What = strings.Replace(f.What, "the set's template breaks", "the set's volumeClaimTemplates break", 1)
			f.Do = append([]string{"have the LimitRange allow claims of that size; the controller then goes on by itself"}, askOtherwise("ask for a size within the limits")...)
		}
		f.Look = append(f.Look, kubectl(v.setRef(), "describe limitranges"))
		return f, true
	}
	if m := invalidField.FindStringSubmatch(message); m != nil {
		kind, field, says := map[string]string{"Pod": "pod", "PersistentVolumeClaim": "claim"}[m[1]], m[2], m[3]
		f.Cause, f.Area, f.Object = "pod-invalid", Admission, v.setRef()
		f.What = fmt.Sprintf("has a template from which no valid %s can be made: %s: %s", kind, field, says)
		f.Do = []string{"correct the field that is named, in the set's template; if the template does not have it, an admission plugin or a webhook has put it there"}
		switch {
		case strings.Contains(says, "pod updates may not change fields"):
			f.Cause, f.What = "pod-foreign", "has a pod that is not as it makes them, and cannot be made so: "+says
			f.Do = []string{"delete that pod: the controller makes its own; it was made by hand, or its volumes are not those of volumeClaimTemplates"}
		case field == "spec.hostname":
			f.What = fmt.Sprintf("has a name of which no pod can have a host name: %s", says)
			f.Do = []string{"create the set anew with a name that is a DNS label: no dots, at most 52 characters"}
		case field == "spec.subdomain":
			f.What = fmt.Sprintf("has a serviceName that is no DNS label: %s", says)
			f.Do = []string{"create the set anew (--cascade=orphan keeps its pods) with the name of a service as serviceName"}
		case kind == "claim":
			f.Do = []string{"volumeClaimTemplates cannot be changed: delete the set (--cascade=orphan keeps its pods) and create it anew with that field corrected"}
		case strings.HasPrefix(field, "metadata.labels") && strings.Contains(says, "must be no more than"):
			f.What = fmt.Sprintf("has too long a name (%d characters): the labels of its pods hold it with a suffix, and a label may have 63", len(v.set.Name))
			f.Do = []string{"create the set anew with a shorter name: at most 52 characters leave room for the revision's"}
		}
		return f, true
	}
	return f, false
}

// aboveLimit is a container whose request is above a limit: the template's own is checked when the set is written, so that something gave it the limit.
func (v *view) aboveLimit(f Finding, index, request, name, limit string) Finding {
	n, _ := strconv.Atoi(index)
	container, own := "number "+index, false
	if all := v.set.Spec.Template.Spec.Containers; n < len(all) {
		container = all[n].Name
		_, own = all[n].Resources.Limits[corev1.ResourceName(name)]
	}
	f.Cause, f.Area, f.Object = "default-limit", Quota, v.setRef()
	f.Evidence = append(f.Evidence, Evidence{v.setRef(), fmt.Sprintf("spec.template.spec.containers[%s].resources", container), fmt.Sprintf("requests.%s=%s, limits.%s: %s", name, request, name, map[bool]string{true: "set", false: "(absent)"}[own])})
	f.Do = []string{
		fmt.Sprintf("set resources.limits.%s in the set's template, at least as high as the request of %s", name, request),
		"or raise the default",
	}
	for i := range v.s.Limits {
		r := &v.s.Limits[i]
		for _, item := range r.Spec.Limits {
			has, there := item.Default[corev1.ResourceName(name)]
			if item.Type != corev1.LimitTypeContainer || !there || !same(has, limit) || own {
				continue
			}
			f.Object = v.ref("limitrange", r.Name)
			f.What = fmt.Sprintf("gives container %s the default %s limit %s, which is below the %s that the set's template requests", container, name, limit, request)
			f.Evidence = append(f.Evidence, Evidence{f.Object, "spec.limits[Container].default[" + name + "]", has.String()})
			f.Why = "a container without a limit gets the namespace's default, and a limit may not be below the request"
			f.Look = append(f.Look, describe(f.Object))
			return f
		}
	}
	f.What = fmt.Sprintf("requests %s of %s for container %s, and something gives that a limit of %s: the template does not", request, name, container, limit)
	f.Area = Admission
	if why := v.unread("limitranges"); why != "" {
		f.Evidence = append(f.Evidence, Evidence{v.ref("limitrange", "*"), "(not read)", why})
		f.Why = "a LimitRange of the namespace gives defaults, or a mutating webhook does: which of them was not read"
	} else {
		f.Cause = Unknown
		f.Do = append(f.Do, "no LimitRange of the namespace has this default: look for a mutating webhook or policy that sets limits")
		f.Look = append(f.Look, "kubectl get mutatingwebhookconfigurations")
	}
	return f
}

func same(q resource.Quantity, text string) bool {
	other, err := resource.ParseQuantity(text)
	return err == nil && q.Cmp(other) == 0
}

func (v *view) quota(f Finding, what, name, requested, used, limited string) Finding {
	f.Cause, f.Area, f.Object = "quota-exceeded", Quota, v.ref("resourcequota", name)
	f.What = fmt.Sprintf("has no room for the set's %s: it would add %s to %s, and %s is the limit", what, requested, used, limited)
	for i := range v.s.Quotas {
		q := &v.s.Quotas[i]
		if q.Name != name {
			continue
		}
		if only := scopesOf(q); only != "" {
			f.What += "; it counts only pods of the scope " + only
			f.Evidence = append(f.Evidence, Evidence{f.Object, "spec.scopes", only})
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
	if what == claimWord {
		f.Do = append([]string{"raise the quota, or free what counts against it; the controller then goes on by itself"}, askOtherwise("ask for less")...)
	}
	f.Look = append(f.Look, describe(f.Object))
	return f
}

// scopesOf writes which pods a quota counts, "" if it counts all.
func scopesOf(q *corev1.ResourceQuota) string {
	var scopes []string
	for _, scope := range q.Spec.Scopes {
		scopes = append(scopes, string(scope))
	}
	if q.Spec.ScopeSelector != nil {
		for _, e := range q.Spec.ScopeSelector.MatchExpressions {
			scopes = append(scopes, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.ScopeName, e.Operator, strings.Join(e.Values, ", "))))
		}
	}
	for i, scope := range scopes {
		if scope == string(corev1.ResourceQuotaScopeBestEffort) {
			scopes[i] += " (without requests and limits)"
		}
	}
	if len(scopes) == 0 {
		return ""
	}
	return list(scopes)
}

// claimWord is what the controller creates for a pod beside it.
const claimWord = "claim"

// askOtherwise is what to do about claims that are to be made otherwise: what a set makes them from cannot be changed.
func askOtherwise(how string) []string {
	return []string{"or " + how + " in volumeClaimTemplates: they cannot be changed, so delete the set (--cascade=orphan keeps its pods) and create it anew"}
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

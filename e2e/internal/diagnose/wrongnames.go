package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// dnsName is a name below .svc in a template, taken apart. What a variable gives is "".
type dnsName struct {
	name                    string
	pod, service, namespace string
}

// parts takes a name apart: pod.service.namespace.svc, service.namespace.svc or the short pod.service. ok is false for any other form.
func parts(name string) (a dnsName, ok bool) {
	before, _, _ := strings.Cut(name, ".svc")
	all := strings.Split(before, ".")
	if before == name { // A pod's short name.
		all = append(all, "")
	} else if len(all) == 2 {
		all = append([]string{""}, all...)
	}
	if len(all) != 3 {
		return a, false
	}
	literal := func(label string) string {
		if strings.ContainsAny(label, "$(){}") {
			return ""
		}
		return strings.ToLower(label)
	}
	a = dnsName{name: name, pod: all[0], service: literal(all[1]), namespace: literal(all[2])}
	return a, true
}

// ServiceElsewhere returns the namespace and the service in a name of the cluster, if both are written out and the namespace is another than the set's; ""
// and "" if it is of another form.
func ServiceElsewhere(name, own string) (namespace, service string) {
	if a, ok := parts(name); ok && a.namespace != "" && a.namespace != own && a.service != "" {
		return a.namespace, a.service
	}
	return "", ""
}

// ownPod reports whether the first label of a name is that of a pod of the set's: written out, or a variable that is called after the host or pod.
func (v *view) ownPod(label string) bool {
	label = strings.ToLower(label)
	if strings.Contains(label, "$") {
		return strings.HasPrefix(label, strings.ToLower(v.set.Name)+"-$") || contains(label)("host", "pod")
	}
	return v.ordinal(label) >= 0
}

// wrongNames follows names in the set's template that lead nowhere whatever the DNS does: pods' names under another service than the set's or in
// another namespace, and services that do not exist.
func (v *view) wrongNames() []Finding {
	for _, name := range v.s.Names {
		a, ok := parts(name)
		if !strings.Contains(name, ".") && v.ordinal(name) < 0 {
			a, ok = dnsName{service: name}, true
		}
		if !ok {
			continue
		}
		here := a.namespace == "" || a.namespace == v.s.Namespace
		evidence := []Evidence{{v.setRef(), "spec.template, names of the cluster", name}, {v.setRef(), "spec.serviceName", firstOf(v.set.Spec.ServiceName, `""`)}}
		f := Finding{Area: Service, Object: v.setRef(), Path: []Ref{v.setRef()}, Evidence: evidence, Seen: "no such name can be resolved: " + name, Look: []string{getYAML(v.setRef())}}
		switch {
		case v.ownPod(a.pod) && !here:
			f.Cause, f.What = "other-namespace", fmt.Sprintf("has a template that asks for its pods' names in namespace %s, and is in %s", a.namespace, v.s.Namespace)
			f.Do = []string{"take the namespace from the pod's own (metadata.namespace of the downward API) in the set's template"}
		case !here && slices.Contains(v.s.Absent, a.namespace+"/"+a.service):
			f.Cause, f.Object = "asked-service-missing", Ref{Kind: "service", Namespace: a.namespace, Name: a.service}
			f.What = fmt.Sprintf("does not exist in namespace %s, though the set's template asks for %s", a.namespace, name)
			f.Evidence = evidence[:1]
			f.Do = []string{"create the service there, or correct the name in the set's template"}
			f.Look = append(f.Look, kubectl(f.Object, "get services"))
		case v.ownPod(a.pod) && a.service != "" && a.service != v.set.Spec.ServiceName:
			f.Cause = "other-service"
			f.What = fmt.Sprintf("has serviceName %q, and its template asks for its pods' names under %s: a pod has a name under the set's own service only", v.set.Spec.ServiceName, a.service)
			f.Do = []string{"ask for the names under the set's service, or create the set anew with that serviceName, which cannot be changed"}
		case a.pod == "" && a.service != "" && here && v.noService(a.service):
			f.Cause, f.Object = "asked-service-missing", v.ref("service", a.service)
			f.What = "does not exist, though the set's template asks for " + name
			f.Evidence = append(f.Evidence[:1], Evidence{v.ref("service", "*"), "metadata.name", v.serviceNames()})
			f.Do = []string{"create the service, or correct the name in the set's template"}
			f.Look = append(f.Look, kubectl(f.Object, "get services"))
		default:
			continue
		}
		return []Finding{f}
	}
	return nil
}

// asksLater says which pods that wait for this one the set's template asks for by name, or its program writes of, "" if none is, or the finding is of no program that
// may ask. That each pod of a set has the names of all is common: it keeps a pod from starting only if its program waits for them.
func (v *view) asksLater(f Finding, waiting []string) string {
	if !mayAskNames(f) {
		return ""
	}
	var named, written []string
	for _, name := range v.s.Names {
		if a, ok := parts(name); ok && slices.Contains(waiting, strings.ToLower(a.pod)) && !slices.Contains(named, strings.ToLower(a.pod)) {
			named = append(named, strings.ToLower(a.pod))
		}
	}
	for _, e := range f.Evidence {
		for _, word := range podWord.FindAllString(e.Value, -1) {
			if strings.HasPrefix(e.Field, logField) && slices.Contains(waiting, word) && !slices.Contains(written, word) {
				written = append(written, word)
			}
		}
	}
	const later = ", made only when this pod is Ready (OrderedReady): waiting for that is in vain"
	switch {
	case len(named) > 0:
		return fmt.Sprintf("; the set's template asks for %s by name", list(named)) + later
	case len(written) > 0:
		return "; what it writes names " + list(written) + later
	}
	return ""
}

// podWord is what a pod's name may be in what a program writes.
var podWord = regexp.MustCompile(`\b[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\b`)

// noService reports whether a service is known not to exist in the set's namespace.
func (v *view) noService(name string) bool {
	return v.unread("services") == "" && name != v.set.Spec.ServiceName && !slices.ContainsFunc(v.s.Services, func(s corev1.Service) bool { return s.Name == name })
}

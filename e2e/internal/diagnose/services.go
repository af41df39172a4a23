package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// service follows what keeps the pods' names from being what they should be: the set's service.
func (v *view) service() []Finding {
	name := v.set.Spec.ServiceName
	if name == "" || v.unread("services") != "" {
		return nil // A set without a service is allowed; its pods have no names in DNS.
	}
	service := v.ref("service", name)
	f := Finding{Area: Service, Object: service, Path: []Ref{v.setRef(), service}, Look: []string{kubectl(service, "get service %s -o wide", name)}}
	named := Evidence{v.setRef(), "spec.serviceName", name}
	at := slices.IndexFunc(v.s.Services, func(s corev1.Service) bool { return s.Name == name })
	if at < 0 {
		f.Cause, f.What = "service-missing", "does not exist, though the set's serviceName names it"
		f.Seen = fmt.Sprintf("no name such as %s.%s can be resolved", v.podName(v.start()), name)
		f.Evidence = []Evidence{named, {v.ref("service", "*"), "metadata.name", v.serviceNames()}}
		f.Do = []string{fmt.Sprintf("create a headless service of that name (clusterIP: None) that selects %s", labels.Set(v.set.Spec.Template.Labels))}
		if other := v.likelyService(); other != "" {
			f.What += "; service " + other + " is headless and selects the set's pods"
			f.Do = append(f.Do, "or, if "+other+" is meant: create the set anew (--cascade=orphan keeps its pods) with serviceName "+other+", which cannot be changed; pods get the names when they are made anew")
		}
		f.Look[0] = kubectl(service, "get services")
		return []Finding{f}
	}
	s := &v.s.Services[at]
	var found []Finding
	if missed := v.missed(s); missed != nil {
		missed.Path = f.Path
		missed.Look = []string{f.Look[0], kubectl(service, "get pods --show-labels"), kubectl(service, "get endpointslices -l kubernetes.io/service-name=%s", name)}
		missed.Object, missed.Area = service, Service
		found = append(found, *missed)
	}
	if none := v.withoutSelector(s); none != nil {
		none.Path, none.Object, none.Area, none.Look = f.Path, service, Service, []string{f.Look[0], kubectl(service, "get endpointslices -l kubernetes.io/service-name=%s", name)}
		found = append(found, *none)
	}
	if s.Spec.ClusterIP != corev1.ClusterIPNone {
		f.Cause = "service-not-headless"
		f.What = fmt.Sprintf("is not headless: its own name gives the cluster IP %s instead of the pods' addresses", firstOf(s.Spec.ClusterIP, "(none yet)"))
		f.Seen = fmt.Sprintf("the pods' own names (%s.%s) still resolve; who looks up %s to find all pods gets one address", v.podName(v.start()), name, name)
		if s.Spec.Type == corev1.ServiceTypeExternalName {
			f.Cause, f.What = "service-external", "is of type ExternalName: it has no pods, and their names do not resolve"
			f.Seen = fmt.Sprintf("no name such as %s.%s can be resolved; %s leads to %s", v.podName(v.start()), name, name, s.Spec.ExternalName)
		}
		f.Evidence = []Evidence{named, {service, "spec.clusterIP", s.Spec.ClusterIP}, {service, "spec.type", string(s.Spec.Type)}}
		f.Why = "the service lacks clusterIP: None"
		f.Do = []string{"delete the service and create it anew with clusterIP: None: the field cannot be changed; keep a second service for clients if they need one address"}
		found = append(found, f)
	}
	if port := v.namedPort(s); port != nil {
		port.Path, port.Object, port.Area = f.Path, service, Service
		found = append(found, *port)
	}
	if others := v.others(s); others != nil {
		others.Path, others.Object, others.Area = f.Path, service, Service
		found = append(found, *others)
	}
	if len(found) == 0 {
		if lagging := v.endpoints(s); lagging != nil {
			lagging.Path, lagging.Object, lagging.Area = f.Path, service, Service
			found = append(found, *lagging)
		}
	}
	return found
}

// likelyService is a headless service that selects what the set's template makes, "" if there is none.
func (v *view) likelyService() string {
	at := slices.IndexFunc(v.s.Services, func(s corev1.Service) bool {
		return s.Spec.ClusterIP == corev1.ClusterIPNone && len(s.Spec.Selector) > 0 && labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(v.set.Spec.Template.Labels))
	})
	if at < 0 {
		return ""
	}
	return v.s.Services[at].Name
}

func (v *view) serviceNames() string {
	return namesOf(v.s.Services)
}

// missed is a selector that does not match the set's pods.
func (v *view) missed(s *corev1.Service) *Finding {
	if len(s.Spec.Selector) == 0 || s.Spec.Type == corev1.ServiceTypeExternalName {
		return nil // Whoever leaves out the selector makes the endpoints by hand.
	}
	selector := labels.SelectorFromSet(s.Spec.Selector)
	template := v.set.Spec.Template.Labels
	var missed, matched []string
	for i := range v.s.Pods {
		p := &v.s.Pods[i]
		if !v.controls(p) {
			continue
		}
		if selector.Matches(labels.Set(p.Labels)) {
			matched = append(matched, p.Name)
		} else {
			missed = append(missed, p.Name)
		}
	}
	wrong := !selector.Matches(labels.Set(template))
	if len(missed) == 0 && (!wrong || len(matched) > 0) {
		return nil
	}
	f := &Finding{
		Cause: "service-selector",
		Seen:  fmt.Sprintf("the service's name resolves to no address of %s, nor do names such as %s.%s", list(missed), v.podName(v.start()), s.Name),
		Evidence: []Evidence{
			{v.ref("service", s.Name), "spec.selector", labels.Set(s.Spec.Selector).String()},
			{v.setRef(), "spec.template.metadata.labels", labels.Set(template).String()},
		},
	}
	var differ []string
	for k, want := range s.Spec.Selector {
		if has, ok := template[k]; !ok || has != want {
			differ = append(differ, fmt.Sprintf("%s=%s", k, want))
		}
	}
	slices.Sort(differ)
	if wrong {
		f.What = fmt.Sprintf("selects %s, which the set's pods do not have", strings.Join(differ, ","))
		f.Why = "the service's selector or the labels in the set's template are misspelt"
		f.Do = []string{"make the service's selector equal to labels of the set's template"}
		for k := range s.Spec.Selector {
			if _, there := template[k]; !there {
				f.Why = "the service's selector or the labels in the set's template are misspelt, or nobody gives pods the label " + k + ": an operator or a sidecar may be the one to do it"
				f.Do = append(f.Do, "if something else is to give pods the label "+k+", such as to the leader: see whether it runs, and whether it may patch pods")
			}
		}
		if len(missed) == 0 {
			f.Seen = "no pod of the set will be found under the service's name"
		}
		return f
	}
	f.What = fmt.Sprintf("does not select %s, whose labels differ from the set's template", list(missed))
	for _, name := range missed[:min(len(missed), 3)] {
		f.Evidence = append(f.Evidence, Evidence{v.ref("pod", name), "metadata.labels", labels.Set(v.pod(name).Labels).String()})
	}
	f.Do = []string{"put the labels back on the pods, or delete the pods one after another to have them made from the template"}
	return f
}

// endpoints is a Ready pod that the service's endpoint slices lack.
func (v *view) endpoints(s *corev1.Service) *Finding {
	if v.unread("endpointslices") != "" || len(s.Spec.Selector) == 0 {
		return nil
	}
	listed := map[string]bool{}
	for i := range v.s.Slices {
		if v.s.Slices[i].Labels[discoveryv1.LabelServiceName] != s.Name {
			continue
		}
		for _, e := range v.s.Slices[i].Endpoints {
			if e.TargetRef != nil && (e.Conditions.Ready == nil || *e.Conditions.Ready) {
				listed[e.TargetRef.Name] = true
			}
		}
	}
	var lacking []string
	var evidence []Evidence
	for i := range v.s.Pods {
		p := &v.s.Pods[i]
		c := condition(p, corev1.PodReady)
		if !v.controls(p) || !isReady(p) || p.DeletionTimestamp != nil || listed[p.Name] || v.now.Sub(c.LastTransitionTime.Time) < patience/2 {
			continue
		}
		lacking = append(lacking, p.Name)
		evidence = append(evidence, Evidence{v.ref("pod", p.Name), "status.conditions[Ready]", "True since " + v.ago(c.LastTransitionTime.Time)})
	}
	if len(lacking) == 0 {
		return nil
	}
	return &Finding{
		Cause: Unknown, What: fmt.Sprintf("has no ready endpoint for %s, although the pods are Ready and selected", list(lacking)),
		Seen:     "their names do not resolve",
		Evidence: append(evidence, Evidence{v.ref("endpointslice", "*"), "endpoints of service " + s.Name, fmt.Sprintf("%d ready", len(listed))}),
		Do:       []string{"see whether kube-controller-manager runs: its endpoint slice controller writes them"},
		Look:     []string{kubectl(v.setRef(), "get endpointslices -l kubernetes.io/service-name=%s -o yaml", s.Name)},
	}
}

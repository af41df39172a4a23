package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// selects reports whether a service selects pods of these labels.
func selects(s *corev1.Service, of map[string]string) bool {
	return len(s.Spec.Selector) > 0 && s.Spec.Type != corev1.ServiceTypeExternalName && labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(of))
}

// Concerns reports whether the pods that a service selects say something of a set: the service selects what the set's template makes, seems to be
// meant for it, or is one of the names that the template asks for.
func Concerns(s *corev1.Service, governing string, template map[string]string, namespace string, names []string) bool {
	return forClients(s, governing, template) || selects(s, template) || slices.ContainsFunc(names, func(name string) bool { return isServiceName(name, s.Name, namespace) })
}

// isServiceName reports whether a name of the cluster is that of a service, not of one of its pods.
func isServiceName(name, service, namespace string) bool {
	a, ok := parts(name)
	if !strings.Contains(name, ".") {
		return name == service // of ServicesIn
	}
	return ok && a.pod == "" && a.service == service && (a.namespace == "" || a.namespace == namespace)
}

// withoutSelector is a service of the set's that selects nothing and for which nobody has made endpoints.
func (v *view) withoutSelector(s *corev1.Service) *Finding {
	if len(s.Spec.Selector) > 0 || s.Spec.Type == corev1.ServiceTypeExternalName || v.unread("endpointslices") != "" {
		return nil
	}
	if slices.ContainsFunc(v.s.Slices, func(e discoveryv1.EndpointSlice) bool {
		return e.Labels[discoveryv1.LabelServiceName] == s.Name && len(e.Endpoints) > 0
	}) {
		return nil // somebody makes them
	}
	return &Finding{
		Cause: "service-selector", What: "has no selector, and nobody has made endpoints for it: it leads to no pod of the set",
		Seen: fmt.Sprintf("neither its name nor those of the pods (%s.%s) resolve", v.podName(v.start()), s.Name),
		Evidence: []Evidence{
			{v.ref("service", s.Name), "spec.selector", "(absent)"},
			{v.ref("endpointslice", "*"), "endpoints of service " + s.Name, "none"},
			{v.setRef(), "spec.template.metadata.labels", labels.Set(v.set.Spec.Template.Labels).String()},
		},
		Do: []string{"give the service a selector that the labels of the set's template match, such as " + labels.Set(v.wants()).String()},
	}
}

// clients follows services for clients that select the set's pods: ports that lead nowhere, and load balancers that are not there. The set itself is
// well with them.
func (v *view) clients() []Finding {
	if v.unread("services") != "" {
		return nil
	}
	var found []Finding
	for i := range v.s.Services {
		s := &v.s.Services[i]
		if !selects(s, v.set.Spec.Template.Labels) {
			continue
		}
		service := v.ref("service", s.Name)
		add := func(f *Finding) {
			if f == nil {
				return
			}
			f.Area, f.Object, f.Path = Service, service, []Ref{v.setRef(), service}
			f.Look = append(f.Look, kubectl(service, "describe service %s", s.Name))
			found = append(found, *f)
		}
		if s.Name != v.set.Spec.ServiceName {
			if f := v.namedPort(s); f != nil && !v.othersHavePort(s) {
				add(f)
			}
		}
		add(v.unheardPort(s))
		add(v.untranslated(s))
		add(v.balancer(s))
		add(v.few(s))
	}
	return found
}

// othersHavePort reports whether a service selects pods that are not the set's: a port that the set's pods lack may be theirs.
func (v *view) othersHavePort(s *corev1.Service) bool {
	return slices.ContainsFunc(v.s.Pods, func(p corev1.Pod) bool { return !v.controls(&p) && selects(s, p.Labels) })
}

// balancer is the note of a service whose load balancer nobody makes.
func (v *view) balancer(s *corev1.Service) *Finding {
	if s.Spec.Type != corev1.ServiceTypeLoadBalancer || len(s.Status.LoadBalancer.Ingress) > 0 || v.now.Sub(s.CreationTimestamp.Time) < patience {
		return nil
	}
	f := &Finding{
		Cause: Note, What: fmt.Sprintf("has waited for its load balancer for %s: it has no address outside of the cluster", v.ago(s.CreationTimestamp.Time)),
		Seen:     "clients outside of the cluster do not reach the set's pods through it; within the cluster it works",
		Evidence: []Evidence{{v.ref("service", s.Name), "spec.type", string(s.Spec.Type)}, {v.ref("service", s.Name), "status.loadBalancer.ingress", "(absent)"}},
		Why:      "load balancers are made by a controller of the cloud's, or one that is installed (MetalLB): without one the service waits for ever",
		Do:       []string{"see whether such a controller runs and what it says of the service; without one use the type NodePort or ClusterIP"},
	}
	if class := s.Spec.LoadBalancerClass; class != nil {
		f.Evidence = append(f.Evidence, Evidence{v.ref("service", s.Name), "spec.loadBalancerClass", *class})
	}
	return f
}

// unserved is a service that the set's template asks for and that leads to no Ready pod, nil if there is none. pods are the findings of the set's:
// it is their cause if an init container runs, or if what failed says that it did not reach or resolve something.
func (v *view) unserved(pods []Finding) *Finding {
	if v.unread("services") != "" || v.unread("pods") != "" {
		return nil
	}
	for _, name := range v.s.Names {
		at := slices.IndexFunc(v.s.Services, func(s corev1.Service) bool { return isServiceName(name, s.Name, v.s.Namespace) })
		if at < 0 || v.s.Services[at].Spec.Type == corev1.ServiceTypeExternalName || len(v.s.Services[at].Spec.Selector) == 0 || selects(&v.s.Services[at], v.set.Spec.Template.Labels) {
			continue
		}
		s := &v.s.Services[at]
		var unready []string
		served := false
		for i := range v.s.Pods {
			if p := &v.s.Pods[i]; selects(s, p.Labels) {
				served = served || isReady(p) || s.Spec.PublishNotReadyAddresses
				unready = append(unready, p.Name)
			}
		}
		if served {
			continue
		}
		service := v.ref("service", s.Name)
		f := &Finding{
			Cause: "asked-service-unserved", Area: Service, Object: service, Path: []Ref{v.setRef(), service},
			What:     fmt.Sprintf("selects %s, which no pod has, and the set's template asks for %s", labels.Set(s.Spec.Selector), name),
			Seen:     "who connects to it reaches nobody",
			Evidence: []Evidence{{v.setRef(), "spec.template, names of the cluster", name}, {service, "spec.selector", labels.Set(s.Spec.Selector).String()}},
			Do:       []string{"start what is to serve it, or make the selector of the service equal to the labels of its pods: the set's pods go on by themselves once it answers"},
			Look:     []string{kubectl(service, "describe service %s", s.Name), kubectl(service, "get pods -l %s", labels.Set(s.Spec.Selector))},
		}
		if len(unready) > 0 {
			f.What = fmt.Sprintf("leads to no Ready pod (%s not Ready), and the set's template asks for %s", list(unready), name)
			f.Do[0] = "see why " + list(unready) + " is not Ready: the set's pods go on by themselves once it is"
		}
		if !slices.ContainsFunc(pods, func(p Finding) bool { return initRuns(p) || mayAskNames(p) && (unresolved(p) || unreached(p, s.Name)) }) {
			f.Cause = Note
		}
		return f
	}
	return nil
}

// unreached reports whether what a container wrote says that another program was not reached, or what failed names a service. What a kubelet says of
// a probe that is refused is of the pod itself.
func unreached(f Finding, service string) bool {
	return slices.ContainsFunc(f.Evidence, func(e Evidence) bool {
		has := contains(strings.ToLower(e.Value))
		return service != "" && has(service+":", service+".") || (strings.HasSuffix(e.Field, ".terminated") || strings.HasPrefix(e.Field, logField)) && has("connection refused", "i/o timeout", "no route to host", "connection timed out")
	})
}

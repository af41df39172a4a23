package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// others is a service that also leads to pods which are not the set's. Where the set's own selector matches them too, the labels do not tell
// them apart, which nobody intends; otherwise several sets may share a service on purpose.
func (v *view) others(s *corev1.Service) *Finding {
	if len(s.Spec.Selector) == 0 {
		return nil
	}
	service := v.ref("service", s.Name)
	own, err := metav1.LabelSelectorAsSelector(v.set.Spec.Selector)
	if err != nil {
		return nil
	}
	var names []string
	var evidence []Evidence
	owners := map[string]bool{}
	overlap := false
	for i := range v.s.Pods {
		p := &v.s.Pods[i]
		if v.controls(p) || v.ours(p) || p.DeletionTimestamp != nil || !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(p.Labels)) || !v.listed(s.Name, p) {
			continue
		}
		owner := "nobody's"
		if o := metav1.GetControllerOf(p); o != nil {
			owner = strings.ToLower(o.Kind) + "/" + o.Name
		}
		names = append(names, p.Name)
		owners[owner] = true
		overlap = overlap || own.Matches(labels.Set(p.Labels))
		if len(evidence) < 5 {
			evidence = append(evidence, Evidence{v.ref("pod", p.Name), "metadata.labels", labels.Set(p.Labels).String() + ", of " + owner})
		}
	}
	if len(names) == 0 {
		return nil
	}
	var of []string
	for o := range owners {
		of = append(of, o)
	}
	slices.Sort(of)
	slices.Sort(names)
	f := &Finding{
		Cause: Note, Object: service,
		What: fmt.Sprintf("also selects %s of %s: its name leads to pods that are not the set's", list(names), list(of)),
		Seen: fmt.Sprintf("who looks up %s may reach one of them; the names of single pods (%s.%s) are right, since a set keeps its pods by owner, not by labels", s.Name, v.podName(v.start()), s.Name),
		Evidence: append([]Evidence{
			{service, "spec.selector", labels.Set(s.Spec.Selector).String()}, {v.setRef(), "spec.template.metadata.labels", labels.Set(v.set.Spec.Template.Labels).String()},
		}, evidence...),
		Why: "labels that both have are all that the service selects by; several sets may share a service on purpose",
		Do: []string{
			"if it is not meant so: add a label that tells them apart to the set's template (a set's selector cannot be changed, its template can), and to the service's selector once all pods have it",
		},
		Look: []string{kubectl(service, "get endpointslices -l kubernetes.io/service-name=%s -o yaml", s.Name), kubectl(service, "get pods -l %s --show-labels", labels.Set(s.Spec.Selector))},
	}
	if overlap {
		f.Cause, f.Why = "service-selects-others", "the labels do not tell the two apart: the set's own selector matches these pods as well"
	}
	return f
}

// ours reports whether a pod without an owner has the name of one of the set's: name-taken says so already.
func (v *view) ours(p *corev1.Pod) bool {
	n := v.ordinal(p.Name)
	return n >= v.start() && n < v.start()+v.replicas()
}

// listed reports whether a pod is a ready endpoint of a service.
func (v *view) listed(service string, p *corev1.Pod) bool {
	for i := range v.s.Slices {
		if v.s.Slices[i].Labels[discoveryv1.LabelServiceName] != service {
			continue
		}
		for _, e := range v.s.Slices[i].Endpoints {
			if e.TargetRef != nil && e.TargetRef.Name == p.Name && (e.Conditions.Ready == nil || *e.Conditions.Ready) {
				return true
			}
		}
	}
	return false
}

// namedPort is a service that leads to a port by a name which no container of the set's has.
func (v *view) namedPort(s *corev1.Service) *Finding {
	if len(s.Spec.Selector) == 0 {
		return nil
	}
	has := map[string]bool{}
	var names []string
	spec := &v.set.Spec.Template.Spec
	for _, all := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range all {
			for _, p := range all[i].Ports {
				has[p.Name] = true
				names = append(names, p.Name)
			}
		}
	}
	for _, p := range s.Spec.Ports {
		if want := p.TargetPort.StrVal; want != "" && !has[want] {
			service := v.ref("service", s.Name)
			return &Finding{
				Cause: "service-port", Object: service, What: fmt.Sprintf("leads port %d to a port named %q, which no container of the set has", p.Port, want),
				Seen: "connections to that port of the service lead nowhere; the pods' names resolve all the same",
				Evidence: []Evidence{
					{service, fmt.Sprintf("spec.ports[%d].targetPort", p.Port), want}, {v.setRef(), "spec.template.spec.containers[*].ports[*].name", list(names)},
				},
				Do:   []string{"name a port of the container so in the set's template, or correct targetPort"},
				Look: []string{getYAML(service)},
			}
		}
	}
	return nil
}

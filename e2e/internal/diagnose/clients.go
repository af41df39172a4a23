package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// forClients reports whether a service that is not the set's own seems to be meant for its pods, and selects something that its template does not
// make: it shares a label with the template, and asks for more.
func forClients(s *corev1.Service, governing string, template map[string]string) bool {
	if s.Name == governing || len(s.Spec.Selector) == 0 || s.Spec.Type == corev1.ServiceTypeExternalName || labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(template)) {
		return false
	}
	for key, value := range s.Spec.Selector {
		if template[key] == value {
			return true
		}
	}
	return false
}

// deserted are the notes of services for clients that select no pod at all: who connects to them reaches nobody. They may be of something that is
// yet to be installed.
func (v *view) deserted() []Finding {
	if v.unread("services") != "" {
		return nil
	}
	var found []Finding
	template := v.set.Spec.Template.Labels
	for i := range v.s.Services {
		s := &v.s.Services[i]
		selector := labels.SelectorFromSet(s.Spec.Selector)
		if !forClients(s, v.set.Spec.ServiceName, template) || slices.ContainsFunc(v.s.Pods, func(p corev1.Pod) bool { return selector.Matches(labels.Set(p.Labels)) }) {
			continue
		}
		var differ []string
		for key, value := range s.Spec.Selector {
			if has, there := template[key]; !there {
				differ = append(differ, fmt.Sprintf("%s=%s, a label that the set's pods do not have", key, value))
			} else if has != value {
				differ = append(differ, fmt.Sprintf("%s=%s, where the set's pods have %s", key, value, has))
			}
		}
		slices.Sort(differ)
		service := v.ref("service", s.Name)
		found = append(found, Finding{
			Cause: Note, Area: Service, Object: service, Path: []Ref{v.setRef(), service}, What: "selects no pod: it asks for " + strings.Join(differ, ", and "),
			Seen:     "who connects to it reaches nobody, if the set's pods are meant",
			Evidence: []Evidence{{service, "spec.selector", labels.Set(s.Spec.Selector).String()}, {v.setRef(), "spec.template.metadata.labels", labels.Set(template).String()}},
			Do:       []string{"if the set's pods are meant: make the service's selector equal to labels of theirs", "if something is to give a pod that label, such as to the leader: see whether it runs"},
			Look:     []string{kubectl(service, "get service %s -o wide", s.Name), kubectl(service, "get pods --show-labels")},
		})
	}
	return found
}

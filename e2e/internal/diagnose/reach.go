package diagnose

import (
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// untranslated is the note of a headless service whose ports are not those of the pods: nobody translates them, nil if they are the same.
func (v *view) untranslated(s *corev1.Service) *Finding {
	if s.Spec.ClusterIP != corev1.ClusterIPNone {
		return nil
	}
	spec := &v.set.Spec.Template.Spec
	declared := slices.Concat(spec.InitContainers, spec.Containers)
	for _, p := range s.Spec.Ports {
		target := p.TargetPort.IntVal
		for _, c := range declared {
			for _, has := range c.Ports {
				if p.TargetPort.StrVal != "" && has.Name == p.TargetPort.StrVal {
					target = has.ContainerPort
				}
			}
		}
		listens := func(c corev1.Container) bool {
			return slices.ContainsFunc(c.Ports, func(has corev1.ContainerPort) bool { return has.ContainerPort == p.Port })
		}
		if target == 0 || target == p.Port || slices.ContainsFunc(declared, listens) {
			continue
		}
		return &Finding{
			Cause:    Note,
			What:     fmt.Sprintf("is headless, so that nobody leads its port %d to port %d of the pods: who connects to %s, or to a pod's name, has to use port %d", p.Port, target, s.Name, target),
			Seen:     fmt.Sprintf("connections to port %d of these names are refused, unless the pods listen there as well", p.Port),
			Evidence: []Evidence{{v.ref("service", s.Name), "spec.clusterIP", s.Spec.ClusterIP}, {v.ref("service", s.Name), fmt.Sprintf("spec.ports[%d].targetPort", p.Port), p.TargetPort.String()}},
			Why:      "the name of a headless service gives the pods' own addresses: targetPort counts only where a service has an address of its own",
			Do:       []string{fmt.Sprintf("have clients connect to port %d, or make a second service with an address of its own for them", target)},
		}
	}
	return nil
}

// few is the note that a service leads some of its clients to few of the set's pods, or to none, as it was asked to; nil if it leads all to all.
func (v *view) few(s *corev1.Service) *Finding {
	if s.Spec.ClusterIP == corev1.ClusterIPNone {
		return nil
	}
	service, ready := v.ref("service", s.Name), map[string]bool{}
	for i := range v.s.Pods {
		if p := &v.s.Pods[i]; selects(s, p.Labels) && isReady(p) {
			ready[p.Spec.NodeName] = true
		}
	}
	bare := slices.IndexFunc(v.s.Nodes, func(n corev1.Node) bool { return !ready[n.Name] && TakesPods(&n) })
	inside := ptr.Deref(s.Spec.InternalTrafficPolicy, corev1.ServiceInternalTrafficPolicyCluster) == corev1.ServiceInternalTrafficPolicyLocal
	outside := s.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal && s.Spec.Type != corev1.ServiceTypeClusterIP
	switch {
	case (inside || outside) && bare >= 0 && len(ready) > 0:
		field, who := "internalTrafficPolicy", "pods on other nodes, such as "+v.s.Nodes[bare].Name+", reach nobody through it"
		if !inside {
			field, who = "externalTrafficPolicy", "who comes in through another node, such as "+v.s.Nodes[bare].Name+", reaches nobody"
		}
		return &Finding{
			Cause: Note, What: fmt.Sprintf("answers only on nodes with a Ready pod of it (%s: Local): %s", field, who), Seen: "connections are refused or time out, depending on where the client is",
			Evidence: []Evidence{{service, "spec." + field, "Local"}, {clusterRef("node", v.s.Nodes[bare].Name), "Ready pods of the service", "none"}},
			Do:       []string{fmt.Sprintf("set %s: Cluster, or have a pod on each node that clients are on or come through", field)},
		}
	case s.Spec.SessionAffinity == corev1.ServiceAffinityClientIP && v.replicas() > 1:
		return &Finding{
			Cause: Note, What: "leads all connections from one address to the same pod (sessionAffinity: ClientIP)", Seen: "clients behind one address, such as a proxy, all use one pod, and the others have little to do",
			Evidence: []Evidence{{service, "spec.sessionAffinity", string(s.Spec.SessionAffinity)}},
			Do:       []string{"set sessionAffinity: None, unless a client has to stay with a pod"},
		}
	}
	return nil
}

// Misses reports whether an autoscaler names a set as what it is not, and finds nothing to scale.
func Misses(h *autoscalingv2.HorizontalPodAutoscaler, set string) bool {
	c := blind(h)
	return h.Spec.ScaleTargetRef.Name == set && !Targets(h, set) && c != nil && c.Type == autoscalingv2.AbleToScale && c.Reason == "FailedGetScale"
}

// missing are the notes of autoscalers that seem to be meant for the set, and do not find it.
func (v *view) missing() []Finding {
	var found []Finding
	for i := range v.s.Autoscalers {
		h := &v.s.Autoscalers[i]
		if !Misses(h, v.set.Name) {
			continue
		}
		scaler, t := v.ref("horizontalpodautoscaler", h.Name), h.Spec.ScaleTargetRef
		found = append(found, Finding{
			Cause: Note, Area: Controller, Object: scaler, Path: []Ref{v.setRef(), scaler},
			What:     fmt.Sprintf("scales nothing: it is for %s %s (%s), which does not exist, and the set is a StatefulSet of apps/v1", t.Kind, t.Name, firstOf(t.APIVersion, "no apiVersion")),
			Seen:     fmt.Sprintf("the set stays at %d replicas, whatever its load", v.replicas()),
			Evidence: []Evidence{{scaler, "spec.scaleTargetRef", strings.TrimSpace(t.APIVersion + " " + t.Kind + " " + t.Name)}, {scaler, "status.conditions[AbleToScale]", oneLine(blind(h).Message)}},
			Do:       []string{"if the set is meant: set apiVersion: apps/v1 and kind: StatefulSet in its scaleTargetRef"},
			Look:     []string{describe(scaler)},
		})
	}
	return found
}

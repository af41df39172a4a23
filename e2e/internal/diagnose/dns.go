package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// dns follows what keeps names of the cluster from being resolved: CoreDNS, as kubeadm and most others set it up.
func (v *view) dns() []Finding {
	r := &v.s.Resolver
	if len(r.Deployments) == 0 && len(r.Pods) == 0 && len(r.Services) == 0 {
		return nil // Another kind of DNS, or none that may be read: capture says what was not read.
	}
	const seen = "no name of the cluster can be resolved, the pods' names among them"
	if f := v.dnsPods(seen); f != nil {
		return []Finding{*f}
	}
	if f := v.dnsService(seen); f != nil {
		return []Finding{*f}
	}
	if f := v.corefile(); f != nil {
		return []Finding{*f}
	}
	return nil
}

// dnsPods is a cluster DNS of which no pod is Ready.
func (v *view) dnsPods(seen string) *Finding {
	r := &v.s.Resolver
	if v.unread("pods in kube-system") != "" {
		return nil
	}
	for i := range r.Pods {
		if isReady(&r.Pods[i]) {
			return nil
		}
	}
	if len(r.Pods) == 0 && len(r.Deployments) == 0 {
		return nil
	}
	f := &Finding{
		Cause: "dns-down", Area: DNS, Seen: seen,
		Do:   []string{"bring CoreDNS back: read the state and the log of its pods"},
		Look: []string{"kubectl -n kube-system get deployments,pods -l k8s-app=kube-dns -o wide", "kubectl -n kube-system logs -l k8s-app=kube-dns --tail 50"},
	}
	if len(r.Deployments) > 0 {
		d := &r.Deployments[0]
		wants := int32(1)
		if d.Spec.Replicas != nil {
			wants = *d.Spec.Replicas
		}
		f.Object = systemRef("deployment", d.Namespace, d.Name)
		f.What = fmt.Sprintf("has no Ready pod (%d wanted)", wants)
		f.Evidence = append(f.Evidence, Evidence{f.Object, "spec.replicas", fmt.Sprint(wants)}, Evidence{f.Object, "status.readyReplicas", fmt.Sprint(d.Status.ReadyReplicas)})
		if wants == 0 {
			f.What = "is scaled to 0, so nobody answers"
			f.Do = []string{fmt.Sprintf("scale it up: kubectl -n %s scale deployment %s --replicas 2", d.Namespace, d.Name)}
			if len(r.Addresses) == 0 {
				f.Cause, f.Seen = Note, "this is how a cluster looks whose provider runs its DNS elsewhere; where it does not, no name of the cluster can be resolved"
				f.Do = append([]string{"see whether names resolve: from a pod, nslookup kubernetes.default"}, f.Do...)
			}
		}
	} else {
		f.Object = systemRef("pod", r.Pods[0].Namespace, r.Pods[0].Name)
		f.What = "is not Ready, and no other pod of the cluster's DNS is"
	}
	for i := range r.Pods {
		p := &r.Pods[i]
		if p.DeletionTimestamp != nil {
			continue
		}
		c := v.inspect(p, r.Events).containers()
		pod := systemRef("pod", p.Namespace, p.Name)
		if c == nil {
			f.Evidence = append(f.Evidence, Evidence{pod, "status.phase", string(p.Status.Phase) + ", not Ready"})
			continue
		}
		f.Evidence = append(f.Evidence, c.Evidence...)
		f.Path = []Ref{f.Object, pod}
		if f.Why == "" {
			f.Why = "its pod " + p.Name + " " + c.What
			if c.Cause == "crash-loop" {
				f.Why += "; a Corefile that CoreDNS cannot read ends it so"
				f.Look = append(f.Look, c.Look[0], "kubectl -n kube-system get configmap coredns -o yaml")
			}
		}
	}
	return f
}

// dnsService is a service of the cluster's DNS that leads nowhere.
func (v *view) dnsService(seen string) *Finding {
	r := &v.s.Resolver
	if v.unread("services in kube-system") != "" {
		return nil
	}
	if len(r.Services) == 0 {
		return &Finding{
			Cause: "dns-service", Area: DNS, Object: systemRef("service", metav1.NamespaceSystem, "kube-dns"), What: "does not exist: pods ask an address behind which nobody answers",
			Seen: seen, Evidence: []Evidence{{systemRef("service", metav1.NamespaceSystem, "*"), "metadata.labels[k8s-app]", "kube-dns on none"}},
			Do: []string{"create the service again, with the address that kubelets give pods (clusterDNS)"}, Look: []string{"kubectl -n kube-system get services"},
		}
	}
	s := &r.Services[0]
	service := systemRef("service", s.Namespace, s.Name)
	if len(r.Addresses) > 0 && !slices.Contains(r.Addresses, s.Spec.ClusterIP) && !slices.ContainsFunc(r.Services, func(o corev1.Service) bool { return slices.Contains(r.Addresses, o.Spec.ClusterIP) }) && !linkLocal(r.Addresses) {
		return &Finding{
			Cause: "dns-address", Area: DNS, Object: service, What: fmt.Sprintf("has the address %s, and kubelets configure pods to ask %s", s.Spec.ClusterIP, strings.Join(r.Addresses, ", ")),
			Seen:     seen,
			Evidence: []Evidence{{service, "spec.clusterIP", s.Spec.ClusterIP}, {systemRef("configmap", metav1.NamespaceSystem, "kubelet-config"), "clusterDNS", strings.Join(r.Addresses, ", ")}},
			Do:       []string{"give the service the address that kubelets give pods, or change clusterDNS of the kubelets"},
			Look:     []string{kubectl(service, "get service %s", s.Name), "kubectl -n kube-system get configmap kubelet-config -o yaml"},
		}
	}
	for i := range r.Pods {
		if !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(r.Pods[i].Labels)) {
			continue
		}
		if isReady(&r.Pods[i]) {
			return nil
		}
	}
	if len(r.Pods) == 0 {
		return nil
	}
	return &Finding{
		Cause: "dns-service", Area: DNS, Object: service, What: fmt.Sprintf("selects %s, which no Ready pod of CoreDNS has", labels.Set(s.Spec.Selector)), Seen: seen,
		Evidence: []Evidence{{service, "spec.selector", labels.Set(s.Spec.Selector).String()}, {systemRef("pod", r.Pods[0].Namespace, r.Pods[0].Name), "metadata.labels", labels.Set(r.Pods[0].Labels).String()}},
		Do:       []string{"make the selector match the pods of CoreDNS"}, Look: []string{kubectl(service, "get endpointslices -l kubernetes.io/service-name=%s", s.Name)},
	}
}

// linkLocal reports whether pods are configured to ask a cache on their own node.
func linkLocal(addresses []string) bool {
	return slices.ContainsFunc(addresses, func(a string) bool { return strings.HasPrefix(a, "169.254.") || strings.HasPrefix(a, "fd00:") })
}

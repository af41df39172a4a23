package capture

import (
	"context"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/pager"
	resourcehelper "k8s.io/component-helpers/resource"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// dnsLabel is on everything of the cluster's DNS, by convention.
const dnsLabel = "k8s-app=kube-dns"

func (r *reader) dnsDeployments(ctx context.Context) error {
	list, err := r.client.AppsV1().Deployments(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: dnsLabel})
	if err == nil {
		r.s.Resolver.Deployments = list.Items
	}
	return r.note("deployments in kube-system", err)
}

func (r *reader) dnsPods(ctx context.Context) error {
	list, err := r.client.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: dnsLabel})
	if err == nil {
		r.s.Resolver.Pods = list.Items
	}
	return r.note("pods in kube-system", err)
}

func (r *reader) dnsServices(ctx context.Context) error {
	list, err := r.client.CoreV1().Services(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{LabelSelector: dnsLabel})
	if err == nil {
		r.s.Resolver.Services = list.Items
	}
	return r.note("services in kube-system", err)
}

func (r *reader) dnsConfig(ctx context.Context) error {
	config, err := r.client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, "coredns", metav1.GetOptions{})
	if err == nil {
		r.s.Resolver.Corefile = config.Data["Corefile"]
	}
	return r.note("configmap coredns in kube-system", err)
}

// kubeletConfig reads the configuration that kubeadm gave the kubelets; other clusters do not have it.
func (r *reader) kubeletConfig(ctx context.Context) error {
	config, err := r.client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, "kubelet-config", metav1.GetOptions{})
	if err != nil {
		return r.note("configmap kubelet-config in kube-system", err)
	}
	var decoded struct {
		ClusterDomain string   `json:"clusterDomain"`
		ClusterDNS    []string `json:"clusterDNS"`
	}
	if err := yaml.Unmarshal([]byte(config.Data["kubelet"]), &decoded); err != nil {
		return r.note("configmap kubelet-config in kube-system", err)
	}
	r.s.Resolver.Zone, r.s.Resolver.Addresses = decoded.ClusterDomain, decoded.ClusterDNS
	return nil
}

func (r *reader) dnsEvents(ctx context.Context) error {
	list, err := r.client.CoreV1().Events(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("involvedObject.kind", "Pod").String()})
	if err != nil {
		return r.note("events in kube-system", err)
	}
	for _, e := range list.Items {
		if slices.ContainsFunc(r.s.Resolver.Pods, func(p corev1.Pod) bool { return p.Name == e.InvolvedObject.Name }) {
			r.s.Resolver.Events = append(r.s.Resolver.Events, e)
		}
	}
	return nil
}

func (r *reader) dnsInTrouble() bool {
	return slices.ContainsFunc(r.s.Resolver.Pods, func(p corev1.Pod) bool { return !ready(&p) })
}

func ready(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// awaitsNode reports whether a pod of the set has no node.
func (r *reader) awaitsNode() bool {
	return slices.ContainsFunc(r.s.Pods, func(p corev1.Pod) bool { return p.Spec.NodeName == "" && p.DeletionTimestamp == nil })
}

// lacking reports whether the set has fewer pods than it asks for, or something of it is being deleted, as it is with a namespace that is.
func (r *reader) lacking() bool {
	set := r.s.StatefulSet
	return set.DeletionTimestamp != nil || slices.ContainsFunc(r.s.Pods, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil }) ||
		set.Spec.Replicas != nil && len(r.s.Pods) < int(*set.Spec.Replicas)
}

// namespace reads whether the namespace is being deleted. In one that is nothing can be created: no pod, and no event that would tell. The account of a
// run may list namespaces, and whoever has rights in one alone may get that.
func (r *reader) namespace(ctx context.Context) error {
	var found *corev1.Namespace
	list, err := r.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector(metav1.ObjectNameField, r.s.Namespace).String()})
	switch {
	case err != nil:
		if found, err = r.client.CoreV1().Namespaces().Get(ctx, r.s.Namespace, metav1.GetOptions{}); err != nil {
			return r.note("namespaces", err)
		}
	case len(list.Items) != 1:
		return nil
	default:
		found = &list.Items[0]
	}
	r.s.NamespaceDeleted = found.DeletionTimestamp
	for _, c := range found.Status.Conditions {
		if c.Status == corev1.ConditionTrue && found.DeletionTimestamp != nil {
			r.s.NamespaceHeld = append(r.s.NamespaceHeld, c.Message)
		}
	}
	return nil
}

// awaited are the provisioners of claims that are not bound.
func (r *reader) awaited() []string {
	var names []string
	for i := range r.s.Claims {
		c := &r.s.Claims[i]
		if c.Status.Phase == corev1.ClaimBound || c.Spec.StorageClassName == nil {
			continue
		}
		for j := range r.s.Classes {
			if r.s.Classes[j].Name == *c.Spec.StorageClassName && !slices.Contains(names, r.s.Classes[j].Provisioner) {
				names = append(names, r.s.Classes[j].Provisioner)
			}
		}
	}
	return names
}

// rejected reports whether the API server has rejected something that the controller creates.
func (r *reader) rejected() bool {
	return slices.ContainsFunc(r.s.Events, func(e corev1.Event) bool {
		return (e.Reason == "FailedCreate" || e.Reason == "FailedDelete") && strings.Contains(e.Message, "webhook")
	})
}

// refused reports whether the API server has rejected anything that the controller creates.
func (r *reader) refused() bool {
	return slices.ContainsFunc(r.s.Events, func(e corev1.Event) bool { return e.Reason == "FailedCreate" && e.InvolvedObject.Name == r.s.Name })
}

// unmounted reports whether a volume of a pod could not be used.
func (r *reader) unmounted() bool {
	return slices.ContainsFunc(r.s.Events, func(e corev1.Event) bool {
		return slices.Contains([]string{"FailedMount", "FailedAttachVolume", "FailedMapVolume"}, e.Reason)
	})
}

func (r *reader) limits(ctx context.Context) error {
	list, err := r.client.CoreV1().LimitRanges(r.s.Namespace).List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Limits = list.Items
	}
	return r.note("limitranges", err)
}

func (r *reader) autoscalers(ctx context.Context) error {
	list, err := r.client.AutoscalingV2().HorizontalPodAutoscalers(r.s.Namespace).List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Autoscalers = slices.DeleteFunc(list.Items, func(h autoscalingv2.HorizontalPodAutoscaler) bool {
			return !diagnose.Targets(&h, r.s.Name) && !diagnose.Misses(&h, r.s.Name)
		})
	}
	return r.note("horizontalpodautoscalers", err)
}

func (r *reader) csiNodes(ctx context.Context) error {
	list, err := r.client.StorageV1().CSINodes().List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.CSINodes = list.Items
	}
	return r.note("csinodes", err)
}

// running reads the pods of the whole cluster that have not ended, once: page by page, since a large cluster has 100,000 of them.
func (r *reader) running(ctx context.Context) ([]corev1.Pod, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.everyPod != nil {
		return r.everyPod, nil
	}
	page := func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		return r.client.CoreV1().Pods("").List(ctx, o)
	}
	var all []corev1.Pod
	err := pager.New(page).EachListItem(ctx, metav1.ListOptions{FieldSelector: "status.phase!=Succeeded,status.phase!=Failed"}, func(o runtime.Object) error {
		if p, is := o.(*corev1.Pod); is {
			p.ManagedFields = nil
			all = append(all, *p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.everyPod = all
	return r.everyPod, nil
}

// usage sums up what the pods on each node ask for.
func (r *reader) usage(ctx context.Context) error {
	pods, err := r.running(ctx)
	if err != nil {
		return r.note("pods of other namespaces", err)
	}
	byNode := map[string]*diagnose.Usage{}
	for i := range pods {
		p := &pods[i]
		if p.Spec.NodeName == "" {
			continue
		}
		u := byNode[p.Spec.NodeName]
		if u == nil {
			u = &diagnose.Usage{Node: p.Spec.NodeName, Requests: corev1.ResourceList{}}
			byNode[p.Spec.NodeName] = u
		}
		u.Pods++
		u.HostPorts = append(u.HostPorts, diagnose.HostPorts(p)...)
		for j := range r.s.Pods {
			if q := &r.s.Pods[j]; q.Spec.NodeName == "" {
				u.KeepAway = append(u.KeepAway, diagnose.KeepsAway(p, q)...)
			}
		}
		for name, q := range resourcehelper.PodRequests(p, resourcehelper.PodResourcesOptions{}) {
			sum := u.Requests[name]
			sum.Add(q)
			u.Requests[name] = sum
		}
	}
	for _, n := range r.s.Nodes {
		if u := byNode[n.Name]; u != nil {
			r.s.Usage = append(r.s.Usage, *u)
		}
	}
	return nil
}

func (r *reader) providerPods(ctx context.Context) error {
	pods, err := r.running(ctx)
	if err != nil {
		return r.note("pods of other namespaces", err)
	}
	for i := range pods {
		if r.provides(pods[i].Namespace, pods[i].Name, &pods[i].Spec) {
			r.s.ProviderPods = append(r.s.ProviderPods, pods[i])
		}
	}
	return nil
}

func (r *reader) providers(ctx context.Context) error {
	list, err := r.client.AppsV1().Deployments("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return r.note("deployments", err)
	}
	for i := range list.Items {
		if d := &list.Items[i]; r.provides(d.Namespace, d.Name, &d.Spec.Template.Spec) {
			r.s.Providers = append(r.s.Providers, *d)
		}
	}
	return nil
}

func (r *reader) provides(namespace, name string, spec *corev1.PodSpec) bool {
	return namespace != r.s.Namespace && slices.ContainsFunc(r.awaited(), func(p string) bool { return diagnose.Provides(name, spec, p) })
}

// narrow drops what was read and has nothing to do with the set, so that a saved state stays small.
func (r *reader) narrow() {
	s := r.s
	own := map[string]bool{s.Name: true, s.StatefulSet.Spec.ServiceName: true}
	for i := range s.Autoscalers {
		own[s.Autoscalers[i].Name] = true
	}
	nodes, volumes := map[string]bool{}, map[string]bool{}
	mounted := map[string]bool{}
	for i := range s.Pods {
		p := &s.Pods[i]
		own[p.Name], nodes[p.Spec.NodeName] = true, true
		if r.own(p) {
			for _, name := range diagnose.ClaimNames(p) {
				mounted[name] = true
			}
		}
	}
	left := r.left()
	s.Claims = slices.DeleteFunc(s.Claims, func(c corev1.PersistentVolumeClaim) bool {
		return !mounted[c.Name] && !r.ofTemplate(c.Name) && !slices.Contains(left, c.Name)
	})
	pending := false
	for i := range s.Claims {
		own[s.Claims[i].Name], volumes[s.Claims[i].Spec.VolumeName] = true, true
		pending = pending || s.Claims[i].Status.Phase != corev1.ClaimBound
	}
	s.Volumes = slices.DeleteFunc(s.Volumes, func(v corev1.PersistentVolume) bool {
		ref := v.Spec.ClaimRef
		return !volumes[v.Name] && !pending && (ref == nil || ref.Namespace != s.Namespace || !r.ofTemplate(ref.Name))
	})
	// Those of pods and claims that do not exist at the moment tell why.
	s.Events = slices.DeleteFunc(s.Events, func(e corev1.Event) bool {
		name := e.InvolvedObject.Name
		return !own[name] && !strings.HasPrefix(name, s.Name+"-") && !r.ofTemplate(name)
	})
	if !r.awaitsNode() {
		// One more shows that pods which are all on one node need not be.
		another := false
		s.Nodes = slices.DeleteFunc(s.Nodes, func(n corev1.Node) bool {
			more := !nodes[n.Name] && !another && diagnose.TakesPods(&n)
			another = another || more
			return !nodes[n.Name] && !more
		})
	}
	r.narrowLeases(nodes)
	slices.SortFunc(s.Unread, func(a, b diagnose.Unread) int { return strings.Compare(a.What, b.What) })
	s.Unread = slices.CompactFunc(s.Unread, func(a, b diagnose.Unread) bool { return a.What == b.What })
}

// left are the claims with the set's labels that no pod of the namespace mounts: an earlier set may have left them.
func (r *reader) left() []string {
	selector, err := metav1.LabelSelectorAsSelector(r.s.StatefulSet.Spec.Selector)
	if err != nil || selector.Empty() {
		return nil
	}
	used := map[string]bool{}
	for i := range r.inNamespace {
		for _, name := range diagnose.ClaimNames(&r.inNamespace[i]) {
			used[name] = true
		}
	}
	var out []string
	for i := range r.s.Claims {
		if c := &r.s.Claims[i]; !used[c.Name] && selector.Matches(labels.Set(c.Labels)) {
			out = append(out, c.Name)
		}
	}
	return out
}

// ofTemplate reports whether a claim has the name of one of the set's, also of a pod that does not exist.
func (r *reader) ofTemplate(claim string) bool {
	for i := range r.s.StatefulSet.Spec.VolumeClaimTemplates {
		if strings.HasPrefix(claim, r.s.StatefulSet.Spec.VolumeClaimTemplates[i].Name+"-"+r.s.Name+"-") {
			return true
		}
	}
	return false
}

// narrowLeases keeps the leases of the control plane and of the pods' nodes.
func (r *reader) narrowLeases(nodes map[string]bool) {
	r.s.Leases = slices.DeleteFunc(r.s.Leases, func(l coordinationv1.Lease) bool {
		if l.Namespace == corev1.NamespaceNodeLease {
			return !nodes[l.Name]
		}
		return !strings.HasPrefix(l.Name, "kube-") && !strings.HasPrefix(l.Name, "apiserver-")
	})
}

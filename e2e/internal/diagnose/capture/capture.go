// Package capture reads from a cluster what package diagnose looks at. What may not or cannot be read is noted in the state and
// stops nothing, except for the set itself and its pods.
package capture

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/redact"
)

// AnswerLimit is how long each request may take: a cluster in trouble may answer some and not others.
const AnswerLimit = 5 * time.Second

// State reads the state of a set; what is not answered within limit counts as not read. The set's absence is no error: the state then has none.
func State(ctx context.Context, client kubernetes.Interface, namespace, name string, limit time.Duration) (*diagnose.State, error) {
	r := &reader{client: client, limit: limit, s: &diagnose.State{Namespace: namespace, Name: name, Taken: metav1.Now().Rfc3339Copy()}}
	set, err := r.set(ctx)
	if err != nil || set == nil {
		return r.s, err
	}
	r.s.StatefulSet = set
	r.s.Names, r.s.ProbeNames = diagnose.NamesIn(set), diagnose.ProbeNamesIn(set)
	if err := r.pods(ctx); err != nil {
		return nil, err
	}
	r.all(ctx, r.version, r.claims, r.services, r.slices, r.events, r.quotas, r.budgets, r.policies, r.autoscalers, r.volumes, r.classes, r.nodes, r.leases,
		r.settings, r.dnsDeployments, r.dnsPods, r.dnsServices, r.dnsConfig, r.kubeletConfig)
	r.s.Names = append(r.s.Names, diagnose.ServicesIn(set, r.s.Services)...)
	r.s.WrongPorts = diagnose.WrongPortsIn(set, r.s.Services)
	slices.Sort(r.s.Names)
	r.s.Names = slices.Compact(r.s.Names)
	// What follows depends on what was found.
	var more []func(context.Context) error
	if r.awaitsNode() {
		more = append(more, r.usage)
	}
	if slices.ContainsFunc(r.s.Pods, func(p corev1.Pod) bool { return !ready(&p) }) {
		more = append(more, r.elsewhere)
	}
	if len(r.awaited()) > 0 {
		more = append(more, r.providers, r.providerPods)
	}
	if r.lacking() {
		more = append(more, r.namespace)
	}
	if r.rejected() {
		more = append(more, r.validating, r.mutating)
	}
	if r.refused() {
		more = append(more, r.limits)
	}
	if r.unmounted() || len(r.awaited()) > 0 {
		more = append(more, r.csiNodes)
	}
	if diagnose.LeadsUnasked(set, r.s.Services) {
		more = append(more, r.listens)
	}
	if r.dnsInTrouble() {
		more = append(more, r.dnsEvents)
	}
	r.all(ctx, more...)
	r.all(ctx, r.logs) // after the others, since it changes the pods that they look at
	r.selected()
	r.narrow()
	return r.s, nil
}

// reader reads one state. Its functions return why something could not be read, under the name they noted it by.
type reader struct {
	client kubernetes.Interface
	limit  time.Duration // of each request
	s      *diagnose.State

	mu       sync.Mutex
	everyPod []corev1.Pod // of the cluster, if it was read

	inNamespace []corev1.Pod // the set's namespace's
}

func (r *reader) set(ctx context.Context) (*appsv1.StatefulSet, error) {
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	set, err := r.client.AppsV1().StatefulSets(r.s.Namespace).Get(ctx, r.s.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading statefulset %s/%s: %w", r.s.Namespace, r.s.Name, err)
	}
	return set, nil
}

// pods reads the pods that the set owns, those that its selector matches and those that have a name of its own.
func (r *reader) pods(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	list, err := r.client.CoreV1().Pods(r.s.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("reading the pods of namespace %s: %w", r.s.Namespace, err)
	}
	r.inNamespace = list.Items
	for i := range list.Items {
		if p := &list.Items[i]; r.own(p) {
			r.s.Pods = append(r.s.Pods, *p)
		}
	}
	return nil
}

// own reports whether the set owns a pod, or the pod has a name like its own.
func (r *reader) own(p *corev1.Pod) bool {
	owner := metav1.GetControllerOf(p)
	return (owner != nil && owner.UID == r.s.StatefulSet.UID) || strings.HasPrefix(p.Name, r.s.Name+"-")
}

// selected adds the pods that are not the set's and that its service selects, or one that is meant for it or that it asks for, or that mount a claim
// of the set's pods.
func (r *reader) selected() {
	selector := labels.Nothing()
	at := slices.IndexFunc(r.s.Services, func(s corev1.Service) bool { return s.Name == r.s.StatefulSet.Spec.ServiceName })
	if at >= 0 && len(r.s.Services[at].Spec.Selector) > 0 {
		selector = labels.SelectorFromSet(r.s.Services[at].Spec.Selector)
	}
	claims := map[string]bool{}
	for i := range r.s.Pods {
		for _, name := range diagnose.ClaimNames(&r.s.Pods[i]) {
			claims[name] = true
		}
	}
	clients := []labels.Selector{selector}
	for i := range r.s.Services {
		set := r.s.StatefulSet
		if s := &r.s.Services[i]; len(s.Spec.Selector) > 0 && diagnose.Concerns(s, set.Spec.ServiceName, set.Spec.Template.Labels, r.s.Namespace, r.s.Names) {
			clients = append(clients, labels.SelectorFromSet(s.Spec.Selector))
		}
	}
	for i := range r.inNamespace {
		p := &r.inNamespace[i]
		selects := func(s labels.Selector) bool { return s.Matches(labels.Set(p.Labels)) }
		shares := slices.ContainsFunc(diagnose.ClaimNames(p), func(name string) bool { return claims[name] })
		if !r.own(p) && (shares || slices.ContainsFunc(clients, selects)) {
			r.s.Pods = append(r.s.Pods, *p)
		}
	}
}

// all reads at once, and notes what could not be read.
func (r *reader) all(ctx context.Context, reads ...func(context.Context) error) {
	var done sync.WaitGroup
	for _, read := range reads {
		done.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, r.limit)
			defer cancel()
			_ = read(ctx)
		})
	}
	done.Wait()
}

// note keeps why something could not be read, and returns it. That something does not exist is no failure to read it.
func (r *reader) note(what string, err error) error {
	if err == nil || apierrors.IsNotFound(err) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s.Unread = append(r.s.Unread, diagnose.Unread{What: what, Why: redact.Server(strings.Join(strings.Fields(err.Error()), " "))})
	return err
}

// version is worth having and decides nothing.
func (r *reader) version(ctx context.Context) error {
	found, err := discovery.ToServerVersionInterfaceWithContext(r.client.Discovery()).ServerVersionWithContext(ctx)
	if err == nil {
		r.s.Version = found.GitVersion
	}
	return err
}

func (r *reader) claims(ctx context.Context) error {
	list, err := r.client.CoreV1().PersistentVolumeClaims(r.s.Namespace).List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Claims = list.Items
	}
	return r.note("persistentvolumeclaims", err)
}

func (r *reader) services(ctx context.Context) error {
	list, err := r.client.CoreV1().Services(r.s.Namespace).List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Services = list.Items
	}
	return r.note("services", err)
}

func (r *reader) slices(ctx context.Context) error {
	name := r.s.StatefulSet.Spec.ServiceName
	if name == "" {
		return nil
	}
	list, err := r.client.DiscoveryV1().EndpointSlices(r.s.Namespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + name})
	if err == nil {
		r.s.Slices = list.Items
	}
	return r.note("endpointslices", err)
}

func (r *reader) events(ctx context.Context) error {
	list, err := r.client.CoreV1().Events(r.s.Namespace).List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Events = list.Items
	}
	return r.note("events", err)
}

func (r *reader) quotas(ctx context.Context) error {
	list, err := r.client.CoreV1().ResourceQuotas(r.s.Namespace).List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Quotas = list.Items
	}
	return r.note("resourcequotas", err)
}

func (r *reader) budgets(ctx context.Context) error {
	list, err := r.client.PolicyV1().PodDisruptionBudgets(r.s.Namespace).List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Budgets = list.Items
	}
	return r.note("poddisruptionbudgets", err)
}

func (r *reader) policies(ctx context.Context) error {
	list, err := r.client.NetworkingV1().NetworkPolicies(r.s.Namespace).List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Policies = list.Items
	}
	return r.note("networkpolicies", err)
}

func (r *reader) volumes(ctx context.Context) error {
	list, err := r.client.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Volumes = list.Items
	}
	return r.note("persistentvolumes", err)
}

func (r *reader) classes(ctx context.Context) error {
	list, err := r.client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Classes = list.Items
	}
	return r.note("storageclasses", err)
}

func (r *reader) nodes(ctx context.Context) error {
	list, err := r.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Nodes = list.Items
	}
	return r.note("nodes", err)
}

func (r *reader) leases(ctx context.Context) error {
	for _, namespace := range []string{metav1.NamespaceSystem, corev1.NamespaceNodeLease} {
		list, err := r.client.CoordinationV1().Leases(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return r.note("leases in "+namespace, err)
		}
		r.s.Leases = append(r.s.Leases, list.Items...)
	}
	return nil
}

func (r *reader) validating(ctx context.Context) error {
	list, err := r.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Validating = list.Items
	}
	return r.note("validatingwebhookconfigurations", err)
}

func (r *reader) mutating(ctx context.Context) error {
	list, err := r.client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err == nil {
		r.s.Mutating = list.Items
	}
	return r.note("mutatingwebhookconfigurations", err)
}

package framework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// GarbageCollector is the controller that deletes what no owner is left of. Pods that it has deleted are for the kubelet.
func (ns *Namespace) GarbageCollector() Controller {
	return Controller{Name: "the garbage collector", Busy: ns.podTerminating, Sign: func(ctx context.Context) error {
		gone := metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "gone", UID: uuid.NewUUID()}
		claim, err := ns.createProbeClaim(ctx, "whose owner does not exist", gone)
		if err != nil {
			return err
		}
		return ns.awaitClaimEnd(ctx, claim, func(e *history.Event) bool { return e.Terminating() })
	}}
}

// ClaimProtection is the controller that lets deleted claims go that no pod uses, and marks those that none uses.
func (ns *Namespace) ClaimProtection() Controller {
	return Controller{Name: "the controller that protects claims", Busy: ns.podTerminating, Sign: func(ctx context.Context) error {
		claim, err := ns.createProbeClaim(ctx, "to delete it again")
		if err != nil {
			return err
		}
		remove := Request{Verb: history.VerbDelete, Resource: history.Claims, Name: claim.Name, UID: claim.UID, Text: "delete claim " + claim.Name}
		if err := ns.Do(remove, func() error {
			return ns.Client.CoreV1().PersistentVolumeClaims(ns.Name).Delete(ctx, claim.Name, metav1.DeleteOptions{})
		}); err != nil {
			return err
		}
		return ns.awaitClaimEnd(ctx, claim, func(*history.Event) bool { return false })
	}}
}

// EndpointSlices is the controller that writes the EndpointSlices of services. One that selects nothing has an empty slice.
func (ns *Namespace) EndpointSlices() Controller {
	return Controller{Name: "the endpoint slice controller", Busy: func() string { return "" }, Sign: func(ctx context.Context) error {
		service, err := ns.CreateProbeService(ctx)
		if err != nil {
			return err
		}
		return ns.Await(ctx, ns.Settings.Limits.DNSFollows, "service "+service.Name+" to have an EndpointSlice", func(st *history.State) string {
			if slices.ContainsFunc(st.List(history.Slices), func(e *history.Event) bool { return e.Slice.Service == service.Name }) {
				return ""
			}
			return "it has none"
		})
	}}
}

// PodGC is the pod garbage collector, which removes pods that no kubelet can end.
func (ns *Namespace) PodGC() Controller {
	return Controller{Name: "the pod garbage collector", Busy: func() string { return "" }, Sign: ns.probePodGC}
}

// probePodGC waits until a deleted pod, which no node has and a finalizer keeps, is marked as failed: whatever becomes of nodes, only the pod garbage
// collector does that (gcUnscheduledTerminating in its gc_controller.go), every 20 seconds.
func (ns *Namespace) probePodGC(ctx context.Context) error {
	pods, name := ns.Client.CoreV1().Pods(ns.Name), ns.free(history.Pods)
	for _, obj := range ns.Decode(ctx, fixtures.DNSClient) {
		pod := obj.(*corev1.Pod)
		pod.Name, pod.Finalizers = name, []string{runconfig.Finalizer}
		pod.Spec.NodeSelector = map[string]string{history.Prefix + "node": "none"}
		ns.Settings.Label(pod)
		create := Request{Verb: history.VerbCreate, Resource: history.Pods, Name: name, Text: "create pod " + name + ", to see whether the pod garbage collector acts"}
		if _, err := Send(ns, create, func() (*corev1.Pod, error) { return pods.Create(ctx, pod, metav1.CreateOptions{}) }); err != nil {
			return err
		}
	}
	remove := Request{Verb: history.VerbDelete, Resource: history.Pods, Name: name, Text: "delete pod " + name}
	if err := ns.Do(remove, func() error { return pods.Delete(ctx, name, metav1.DeleteOptions{}) }); err != nil {
		return err
	}
	marked := ns.Await(ctx, ns.Settings.Limits.PodsTaken, "the pod garbage collector to act for another pod", func(s *history.State) string {
		if e := s.Get(history.Pods, name); e == nil || e.Pod.Phase != corev1.PodFailed {
			return "pod " + name + " is not marked as failed"
		}
		return ""
	})
	if err := ns.RemoveFinalizers(ctx, name); marked == nil && err != nil {
		ns.Note(fmt.Sprintf("the finalizer of pod %s could not be removed: %v", name, err))
	}
	return marked
}

// TaintEviction is the controller that evicts pods from nodes whose taints they do not tolerate, of pods which it is to evict: it writes an Event
// of each before it does. Those that it has deleted are for the kubelet.
func (ns *Namespace) TaintEviction(pods ...*history.Event) Controller {
	return Controller{Name: "the controller that evicts for taints", Busy: ns.podTerminating, Sign: func(ctx context.Context) error {
		events, err := ns.Client.CoreV1().Events(ns.Name).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, e := range events.Items {
			for _, p := range pods {
				if e.Reason == "TaintManagerEviction" && e.InvolvedObject.Name == p.Name && strings.HasPrefix(e.Message, "Marking for deletion") {
					return nil
				}
			}
		}
		return errors.New("no Event with the reason TaintManagerEviction names one of the pods")
	}}
}

// CreateProbeService creates a service with a cluster IP that selects nothing.
func (ns *Namespace) CreateProbeService(ctx context.Context) (*corev1.Service, error) {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: ns.free(history.Services)}, Spec: corev1.ServiceSpec{
		Selector: map[string]string{"app": "nobody"}, Ports: []corev1.ServicePort{{Port: 80}},
	}}
	ns.Settings.Label(service)
	create := Request{Verb: history.VerbCreate, Resource: history.Services, Name: service.Name, Text: "create service " + service.Name + ", to see whether others take notice"}
	return Send(ns, create, func() (*corev1.Service, error) {
		return ns.Client.CoreV1().Services(ns.Name).Create(ctx, service, metav1.CreateOptions{})
	})
}

// createProbeClaim creates a claim that is never bound and that no pod uses.
func (ns *Namespace) createProbeClaim(ctx context.Context, why string, owners ...metav1.OwnerReference) (*corev1.PersistentVolumeClaim, error) {
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: ns.free(history.Claims), OwnerReferences: owners},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: new(NoStorageClass), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(runconfig.SmallestClaim)}},
		},
	}
	ns.Settings.Label(claim)
	create := Request{Verb: history.VerbCreate, Resource: history.Claims, Name: claim.Name, Text: "create claim " + claim.Name + ", " + why}
	return Send(ns, create, func() (*corev1.PersistentVolumeClaim, error) {
		return ns.Client.CoreV1().PersistentVolumeClaims(ns.Name).Create(ctx, claim, metav1.CreateOptions{})
	})
}

// NoStorageClass is the name of a storage class that no cluster has: a claim of that class stays Pending, and nothing outside the spec's
// namespace has to be created or changed for it.
const NoStorageClass = "statefulset-conformance-no-such-class"

// awaitClaimEnd waits until a claim that was created has gone, or ended says so of its newest event. It may have come and gone before the wait begins.
func (ns *Namespace) awaitClaimEnd(ctx context.Context, claim *corev1.PersistentVolumeClaim, ended func(*history.Event) bool) error {
	return ns.Await(ctx, ns.Settings.Limits.Collected, "claim "+claim.Name+" to go", func(s *history.State) string {
		if e := s.Get(history.Claims, claim.Name); s.HasGone(claim.UID) || e != nil && ended(e) {
			return ""
		}
		return "it has not"
	})
}

// free returns a name that no recorded object of a resource has.
func (ns *Namespace) free(r history.Resource) string {
	name := "probe"
	ns.View(func(s *history.State) {
		for n := 2; s.Get(r, name) != nil; n++ {
			name = fmt.Sprintf("probe-%d", n)
		}
	})
	return name
}

// podTerminating names a deleted pod that its kubelet has not ended yet, "" if there is none.
func (ns *Namespace) podTerminating() string {
	var found string
	ns.View(func(s *history.State) {
		for _, p := range s.List(history.Pods) {
			if p.Terminating() {
				found = "pod " + p.Name + " is terminating"
			}
		}
	})
	return found
}

package statefulset

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// Set is a StatefulSet under test, with its headless service.
type Set struct {
	NS      *framework.Namespace
	Name    string
	Service string
	UID     types.UID
	// Selector is the set's selector.matchLabels.
	Selector map[string]string
	// Grace is its template's terminationGracePeriodSeconds.
	Grace int64
	// generation is the last that the spec itself made: waits must not be satisfied by the status of an older one.
	generation int64
}

// Create creates a set from fixtures/set.yaml and the options, and its headless service.
func Create(ctx context.Context, ns *framework.Namespace, options ...Option) *Set {
	GinkgoHelper()
	return CreateFrom(ctx, ns, fixtures.Set, nil, options...)
}

// CreateFrom creates a set and its service from a fixture. service, if not nil, changes the service first.
func CreateFrom(ctx context.Context, ns *framework.Namespace, fixture string, service func(*corev1.Service), options ...Option) *Set {
	GinkgoHelper()
	var set *appsv1.StatefulSet
	var svc *corev1.Service
	for _, obj := range ns.Decode(ctx, fixture) {
		switch o := obj.(type) {
		case *appsv1.StatefulSet:
			for _, option := range options {
				option(o)
			}
			set = o
		case *corev1.Service:
			svc = o
		}
	}
	svc.Name, svc.Spec.Selector = set.Spec.ServiceName, maps.Clone(set.Spec.Selector.MatchLabels)
	ns.Settings.ApplyToClaims(set)
	if service != nil {
		service(svc)
	}
	createService(ctx, ns, svc)
	return create(ctx, ns, set)
}

func createService(ctx context.Context, ns *framework.Namespace, svc *corev1.Service) {
	GinkgoHelper()
	ns.Settings.Label(svc)
	request := framework.Request{Verb: history.VerbCreate, Resource: history.Services, Name: svc.Name, Text: "create service " + svc.Name}
	_, err := framework.Send(ns, request, func() (*corev1.Service, error) {
		return ns.Client.CoreV1().Services(ns.Name).Create(ctx, svc, metav1.CreateOptions{})
	})
	Expect(err).NotTo(HaveOccurred(), "creating the headless service %s", svc.Name)
}

// CreateServiceFor creates a further headless service of that name, which selects those of the set's pods that have a label, as changed by changes.
func (s *Set) CreateServiceFor(ctx context.Context, name, label, value string, changes ...func(*corev1.Service)) {
	GinkgoHelper()
	selector := maps.Clone(s.Selector)
	selector[label] = value
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ServiceSpec{
		ClusterIP: corev1.ClusterIPNone, Selector: selector, Ports: []corev1.ServicePort{{Name: "web", Port: 8080}},
	}}
	for _, change := range changes {
		change(service)
	}
	createService(ctx, s.NS, service)
}

// PublishNotReady has a service publish the addresses of pods that are not ready.
func PublishNotReady(s *corev1.Service) { s.Spec.PublishNotReadyAddresses = true }

// CreateWithoutService creates a set whose service exists already.
func CreateWithoutService(ctx context.Context, ns *framework.Namespace, options ...Option) *Set {
	GinkgoHelper()
	return CreateFromWithoutService(ctx, ns, fixtures.Set, options...)
}

// CreateFromWithoutService is CreateWithoutService from another fixture.
func CreateFromWithoutService(ctx context.Context, ns *framework.Namespace, fixture string, options ...Option) *Set {
	GinkgoHelper()
	return create(ctx, ns, manifestOf(ctx, ns, fixture, options...))
}

func create(ctx context.Context, ns *framework.Namespace, o *appsv1.StatefulSet) *Set {
	GinkgoHelper()
	ns.Settings.Label(o)
	request := framework.Request{Verb: history.VerbCreate, Resource: history.Sets, Name: o.Name, Text: fmt.Sprintf("create set %s, replicas %d", o.Name, *o.Spec.Replicas)}
	created, err := framework.Send(ns, request, func() (*appsv1.StatefulSet, error) {
		return ns.Client.AppsV1().StatefulSets(ns.Name).Create(ctx, o, metav1.CreateOptions{})
	})
	Expect(err).NotTo(HaveOccurred(), "creating the set %s", o.Name)
	return setOf(ns, created)
}

// Existing describes the set of that name, as the API server has it.
func Existing(ctx context.Context, ns *framework.Namespace, name string) (*Set, error) {
	o, err := ns.Client.AppsV1().StatefulSets(ns.Name).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return setOf(ns, o), nil
}

// setOf describes a set that the API server has answered with.
func setOf(ns *framework.Namespace, created *appsv1.StatefulSet) *Set {
	return &Set{
		NS: ns, Name: created.Name, Service: created.Spec.ServiceName, UID: created.UID, Selector: created.Spec.Selector.MatchLabels,
		Grace: *created.Spec.Template.Spec.TerminationGracePeriodSeconds, // defaulted by the API server
	}
}

// Manifest returns a set from fixtures/set.yaml and the options, without creating it.
func Manifest(ctx context.Context, ns *framework.Namespace, options ...Option) *appsv1.StatefulSet {
	GinkgoHelper()
	return manifestOf(ctx, ns, fixtures.Set, options...)
}

// manifestOf is Manifest from a fixture.
func manifestOf(ctx context.Context, ns *framework.Namespace, fixture string, options ...Option) *appsv1.StatefulSet {
	GinkgoHelper()
	for _, obj := range ns.Decode(ctx, fixture) {
		if o, ok := obj.(*appsv1.StatefulSet); ok {
			for _, option := range options {
				option(o)
			}
			ns.Settings.ApplyToClaims(o)
			return o
		}
	}
	Fail("fixtures/" + fixture + " holds no StatefulSet")
	return nil
}

// ExampleImage is the image of the lesson's example, another one than that of fixtures/set.yaml.
func ExampleImage(ctx context.Context, ns *framework.Namespace) string {
	GinkgoHelper()
	return manifestOf(ctx, ns, fixtures.Example).Spec.Template.Spec.Containers[0].Image
}

// of returns the options for waits of this set.
func (s *Set) of(options []framework.WaitOption) []framework.WaitOption {
	return framework.ForSet(s.Name, options)
}

// Pod returns the name of the pod of that ordinal.
func (s *Set) Pod(ordinal int) string { return fmt.Sprintf("%s-%d", s.Name, ordinal) }

// Claim returns the name of the claim that a template gives the pod of that ordinal.
func (s *Set) Claim(template string, ordinal int) string {
	return fmt.Sprintf("%s-%s-%d", template, s.Name, ordinal)
}

// Pods returns the newest recorded versions of the pods of those ordinals.
func (s *Set) Pods(ordinals ...int) []*history.Event {
	GinkgoHelper()
	out := make([]*history.Event, 0, len(ordinals))
	for _, n := range ordinals {
		out = append(out, s.NS.Pod(s.Pod(n)))
	}
	return out
}

// UIDsByOrdinal returns the UIDs of the pods of those ordinals, by ordinal.
func (s *Set) UIDsByOrdinal(ordinals ...int) map[int]types.UID {
	GinkgoHelper()
	out := map[int]types.UID{}
	for i, uid := range s.UIDs(ordinals...) {
		out[ordinals[i]] = uid
	}
	return out
}

// UIDs returns the UIDs of the pods that now have those ordinals, as recorded.
func (s *Set) UIDs(ordinals ...int) []types.UID {
	GinkgoHelper()
	out := make([]types.UID, 0, len(ordinals))
	for _, n := range ordinals {
		out = append(out, s.NS.Pod(s.Pod(n)).UID)
	}
	return out
}

// Addrs returns the addresses of the pods of those ordinals, as recorded.
func (s *Set) Addrs(ordinals ...int) []netip.Addr {
	GinkgoHelper()
	var out []netip.Addr
	for _, n := range ordinals {
		for _, ip := range s.NS.Pod(s.Pod(n)).Pod.IPs {
			addr, err := netip.ParseAddr(ip)
			Expect(err).NotTo(HaveOccurred())
			out = append(out, addr)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// Headless reports whether the set's service has no cluster IP, as recorded.
func (s *Set) Headless() bool {
	headless := false
	s.NS.View(func(st *history.State) {
		if e := st.Get(history.Services, s.Service); e != nil {
			headless = e.Service.Headless()
		}
	})
	return headless
}

// A set may have a thousand of them: five say enough.
func names(events []*history.Event) string {
	const most = 5
	var list []string
	for _, e := range events[:min(most, len(events))] {
		list = append(list, e.Name)
	}
	text := strings.Join(list, ", ")
	if n := len(events) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

package framework

import (
	"context"
	"fmt"
	"maps"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/e2e-framework/klient/k8s"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// Set is a StatefulSet under test, with its headless service.
type Set struct {
	NS      *Namespace
	Name    string
	Service string
	UID     types.UID
	// Selector is the set's selector.matchLabels.
	Selector map[string]string
	// Grace is the grace period that its template asks for, in seconds.
	Grace int64
	// generation is the last that the spec itself brought about: waits must not take an older one for the answer.
	generation int64
}

func (ns *Namespace) set(o *appsv1.StatefulSet) *Set {
	return &Set{
		NS: ns, Name: o.Name, Service: o.Spec.ServiceName, UID: o.UID, Selector: o.Spec.Selector.MatchLabels,
		Grace: *o.Spec.Template.Spec.TerminationGracePeriodSeconds, // the API server fills it in
	}
}

// Option changes a set before it is created.
type Option func(*appsv1.StatefulSet)

// Replicas sets how many pods are wanted.
func Replicas(n int32) Option { return func(s *appsv1.StatefulSet) { s.Spec.Replicas = &n } }

// Parallel makes the pod management policy Parallel.
func Parallel() Option {
	return func(s *appsv1.StatefulSet) { s.Spec.PodManagementPolicy = appsv1.ParallelPodManagement }
}

// OnDelete makes the update strategy OnDelete.
func OnDelete() Option {
	return func(s *appsv1.StatefulSet) { s.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType }
}

// Partition sets the ordinal from which on a rolling update moves pods.
func Partition(n int32) Option { return func(s *appsv1.StatefulSet) { rolling(s).Partition = &n } }

// MaxUnavailable sets how many pods a rolling update may have down at a time.
func MaxUnavailable(n int) Option {
	return func(s *appsv1.StatefulSet) { rolling(s).MaxUnavailable = new(intstr.FromInt32(int32(n))) }
}

func rolling(s *appsv1.StatefulSet) *appsv1.RollingUpdateStatefulSetStrategy {
	s.Spec.UpdateStrategy.Type = appsv1.RollingUpdateStatefulSetStrategyType
	if s.Spec.UpdateStrategy.RollingUpdate == nil {
		s.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{}
	}
	return s.Spec.UpdateStrategy.RollingUpdate
}

// MinReadySeconds sets how long a pod has to be Ready to count as available.
func MinReadySeconds(n int32) Option {
	return func(s *appsv1.StatefulSet) { s.Spec.MinReadySeconds = n }
}

// Start sets the first ordinal.
func Start(n int32) Option {
	return func(s *appsv1.StatefulSet) { s.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: n} }
}

// Retention sets what becomes of claims when the set is deleted and when it is scaled down.
func Retention(whenDeleted, whenScaled appsv1.PersistentVolumeClaimRetentionPolicyType) Option {
	return func(s *appsv1.StatefulSet) {
		s.Spec.PersistentVolumeClaimRetentionPolicy = &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
			WhenDeleted: whenDeleted, WhenScaled: whenScaled,
		}
	}
}

// Claims gives each pod a claim for each name, mounted at "/<name>".
func Claims(names ...string) Option {
	return func(s *appsv1.StatefulSet) {
		c := &s.Spec.Template.Spec.Containers[0]
		for _, name := range names {
			s.Spec.VolumeClaimTemplates = append(s.Spec.VolumeClaimTemplates, corev1.PersistentVolumeClaim{
				// Labels of its own come beside those of the selector.
				ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"template": name}},
				Spec: corev1.PersistentVolumeClaimSpec{
					AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("16Mi")}},
				},
			})
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
		}
	}
}

// Named gives the set, its service and its selector another name than "set", so that a namespace can hold several.
func Named(name string) Option {
	return func(s *appsv1.StatefulSet) {
		s.Name, s.Spec.ServiceName = name, name
		s.Spec.Selector.MatchLabels = map[string]string{"app": name}
		s.Spec.Template.Labels = map[string]string{"app": name}
	}
}

// HoldReadiness gives each pod a readiness gate that stays closed until the spec releases it.
func HoldReadiness() Option {
	return func(s *appsv1.StatefulSet) {
		s.Spec.Template.Spec.ReadinessGates = append(s.Spec.Template.Spec.ReadinessGates, corev1.PodReadinessGate{ConditionType: Gate})
	}
}

// Command replaces what the pods run: a shell script.
func Command(script string) Option {
	return func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.Containers[0].Command = []string{"sh", "-c", script} }
}

// Grace sets the pods' termination grace period in seconds.
func Grace(seconds int64) Option {
	return func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.TerminationGracePeriodSeconds = &seconds }
}

// Create makes a set from fixtures/set.yaml and the options, and its headless service.
func Create(ctx context.Context, ns *Namespace, options ...Option) *Set {
	GinkgoHelper()
	return CreateFrom(ctx, ns, fixtures.Set, nil, options...)
}

// CreateFrom makes a set and its service from a fixture. service, if not nil, changes the service first.
func CreateFrom(ctx context.Context, ns *Namespace, fixture string, service func(*corev1.Service), options ...Option) *Set {
	GinkgoHelper()
	// The set is described first, since its service must carry the names that the options give it.
	var described *appsv1.StatefulSet
	var svc *corev1.Service
	for _, obj := range ns.decode(ctx, fixture) {
		switch o := obj.(type) {
		case *appsv1.StatefulSet:
			for _, option := range options {
				option(o)
			}
			described = o
		case *corev1.Service:
			svc = o
		}
	}
	svc.Name, svc.Spec.Selector = described.Spec.ServiceName, maps.Clone(described.Spec.Selector.MatchLabels)
	ns.useImages(described)
	if service != nil {
		service(svc)
	}
	ns.Settings.Label(svc)
	ns.Settings.Label(described)
	ns.Mark(history.VerbCreate, history.Services, svc.Name, "", "create service "+svc.Name)
	_, err := ns.Client.CoreV1().Services(ns.Name).Create(ctx, svc, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred(), "creating the headless service %s", svc.Name)

	ns.Mark(history.VerbCreate, history.Sets, described.Name, "", fmt.Sprintf("create set %s, replicas %d", described.Name, *described.Spec.Replicas))
	created, err := ns.Client.AppsV1().StatefulSets(ns.Name).Create(ctx, described, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred(), "creating the set %s", described.Name)
	return ns.set(created)
}

// CreateSet makes a set without a service, for specs where that one is there already.
func CreateSet(ctx context.Context, ns *Namespace, options ...Option) *Set {
	GinkgoHelper()
	o := Manifest(ctx, ns, options...)
	ns.Settings.Label(o)
	ns.Mark(history.VerbCreate, history.Sets, o.Name, "", fmt.Sprintf("create set %s, replicas %d", o.Name, *o.Spec.Replicas))
	created, err := ns.Client.AppsV1().StatefulSets(ns.Name).Create(ctx, o, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred(), "creating the set %s", o.Name)
	return ns.set(created)
}

// Manifest returns a set from fixtures/set.yaml and the options, without creating it.
func Manifest(ctx context.Context, ns *Namespace, options ...Option) *appsv1.StatefulSet {
	GinkgoHelper()
	for _, obj := range ns.decode(ctx, fixtures.Set) {
		if o, ok := obj.(*appsv1.StatefulSet); ok {
			for _, option := range options {
				option(o)
			}
			ns.useImages(o)
			return o
		}
	}
	Fail("fixtures/" + fixtures.Set + " holds no StatefulSet")
	return nil
}

// useImages puts the run's images and storage class in place of the fixtures' own.
func (ns *Namespace) useImages(obj k8s.Object) { ns.Settings.Apply(obj) }

// Update changes the set's spec as a person does, again when somebody else changed it meanwhile. what is the mark's text.
func (s *Set) Update(ctx context.Context, what string, change func(*appsv1.StatefulSet)) {
	GinkgoHelper()
	_, err := s.TryUpdate(ctx, what, change)
	Expect(err).NotTo(HaveOccurred(), what)
}

// Scale changes the number of replicas.
func (s *Set) Scale(ctx context.Context, replicas int32) {
	GinkgoHelper()
	what := fmt.Sprintf("scale %s to %d", s.Name, replicas)
	s.NS.Mark(history.VerbScale, history.Sets, s.Name, "", what)
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	live, err := s.NS.Client.AppsV1().StatefulSets(s.NS.Name).Patch(ctx, s.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	Expect(err).NotTo(HaveOccurred(), what)
	s.generation = live.Generation
}

// TemplateKey, of an annotation and a label, and TemplateEnv carry a template's version, so that pods made from two templates differ in
// all that a template is made of.
const (
	TemplateKey = history.Prefix + "template"
	TemplateEnv = "TEMPLATE"
)

// Template returns a change that gives the set's template the version of that name.
func Template(version string) Option {
	return func(o *appsv1.StatefulSet) {
		t := &o.Spec.Template
		metav1.SetMetaDataAnnotation(&t.ObjectMeta, TemplateKey, version)
		metav1.SetMetaDataLabel(&t.ObjectMeta, TemplateKey, version)
		c := &t.Spec.Containers[0]
		c.Env = []corev1.EnvVar{{Name: TemplateEnv, Value: version}}
		c.Args = []string{version} // the name that the shell of the command goes by
	}
}

// NewTemplate gives the set's template the version of that name.
func (s *Set) NewTemplate(ctx context.Context, version string) {
	GinkgoHelper()
	s.Update(ctx, fmt.Sprintf("new template %q for %s", version, s.Name), Template(version))
}

// Restart gives the set's template another annotation and changes nothing else, as kubectl rollout restart does.
func (s *Set) Restart(ctx context.Context) {
	GinkgoHelper()
	s.Update(ctx, "restart "+s.Name, func(o *appsv1.StatefulSet) {
		metav1.SetMetaDataAnnotation(&o.Spec.Template.ObjectMeta, TemplateKey, "restarted")
	})
}

// Delete deletes the set with that propagation policy.
func (s *Set) Delete(ctx context.Context, policy metav1.DeletionPropagation) {
	GinkgoHelper()
	s.NS.Mark(history.VerbDelete, history.Sets, s.Name, s.UID, fmt.Sprintf("delete set %s (%s)", s.Name, policy))
	o := metav1.DeleteOptions{PropagationPolicy: &policy, Preconditions: metav1.NewUIDPreconditions(string(s.UID))}
	Expect(s.NS.Client.AppsV1().StatefulSets(s.NS.Name).Delete(ctx, s.Name, o)).To(Succeed())
}

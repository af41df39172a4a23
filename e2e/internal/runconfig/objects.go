package runconfig

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/e2e-framework/klient/decoder"
	"sigs.k8s.io/e2e-framework/klient/k8s"

	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// ReadFixture returns the objects of a fixture for a namespace, with the run's images, StorageClass and claim size and its patch of pods.
func (s Settings) ReadFixture(ctx context.Context, fixture, namespace string) ([]k8s.Object, error) {
	objects, err := decoder.DecodeAllFiles(ctx, fixtures.Manifests, fixture, decoder.MutateNamespace(namespace))
	if err != nil {
		return nil, fmt.Errorf("reading fixtures/%s: %w", fixture, err)
	}
	for _, o := range objects {
		if err := s.Patch(o); err != nil {
			return nil, err
		}
		s.useImages(o)
		s.ApplyToClaims(o)
	}
	return objects, nil
}

// Patch applies the run's patch of pods to a pod or the template of a StatefulSet. It comes before what a spec wants of them: of a list that is
// not merged, such as tolerations, the patch has its own in place of what is there.
func (s Settings) Patch(obj k8s.Object) error {
	switch o := obj.(type) {
	case *corev1.Pod:
		t := corev1.PodTemplateSpec{ObjectMeta: o.ObjectMeta, Spec: o.Spec}
		if err := s.PodPatch.apply(&t); err != nil {
			return err
		}
		o.ObjectMeta, o.Spec = t.ObjectMeta, t.Spec
	case *appsv1.StatefulSet:
		return s.PodPatch.apply(&o.Spec.Template)
	}
	return nil
}

// useImages replaces the fixtures' images in a pod or a StatefulSet by the run's.
func (s Settings) useImages(obj k8s.Object) {
	var containers []corev1.Container
	switch o := obj.(type) {
	case *corev1.Pod:
		containers = o.Spec.Containers
	case *appsv1.StatefulSet:
		containers = o.Spec.Template.Spec.Containers
	}
	for i := range containers {
		containers[i].Image = s.imageFor(containers[i].Image)
	}
}

// ApplyToClaims sets StorageClass and size of a claim, or of those of a StatefulSet.
func (s Settings) ApplyToClaims(obj k8s.Object) {
	switch o := obj.(type) {
	case *appsv1.StatefulSet:
		for i := range o.Spec.VolumeClaimTemplates {
			s.applyToClaim(&o.Spec.VolumeClaimTemplates[i].Spec)
		}
	case *corev1.PersistentVolumeClaim:
		s.applyToClaim(&o.Spec)
	}
}

// Etcd is the image of the level workload's database, "" where no run has looked for one.
func (s Settings) Etcd() string { return cmp.Or(s.Images.Etcd, s.Facts.EtcdImage) }

// SmallestClaim is what most claims of the suite ask for, and none for less.
const SmallestClaim = "16Mi"

// applyToClaim sets the StorageClass of a claim that has none, and has one that asks for less than the run's claim size ask for that, and as
// much more as it asks for beside SmallestClaim, so that claims that differ go on to differ.
func (s Settings) applyToClaim(spec *corev1.PersistentVolumeClaimSpec) {
	if class := s.StorageClass; class != "" && spec.StorageClassName == nil {
		spec.StorageClassName = &class
	}
	size := spec.Resources.Requests[corev1.ResourceStorage]
	if s.ClaimSize == nil || size.Cmp(*s.ClaimSize) >= 0 {
		return
	}
	size = size.DeepCopy()
	size.Sub(resource.MustParse(SmallestClaim))
	size.Add(*s.ClaimSize)
	spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: size}
}

// imageFor returns the run's image for a fixture's; any other reference stays as it is.
func (s Settings) imageFor(ref string) string {
	name, _, _ := strings.Cut(ref, ":")
	switch name {
	case "nginx":
		return s.Images.Nginx
	case "busybox":
		return s.Images.Busybox
	case "registry.k8s.io/etcd":
		return cmp.Or(s.Etcd(), ref)
	case "docker.io/library/postgres":
		return cmp.Or(s.Images.Postgres, ref)
	}
	return ref
}

// Label sets the run's labels on an object in a namespace of NAMESPACES, and on the templates of a StatefulSet, so that the run finds all
// that it made there, and nothing else, when it removes it. A namespace that the run created is removed itself and needs no such labels.
func (s Settings) Label(obj metav1.Object) {
	if len(s.Namespaces) == 0 {
		return
	}
	s.label(obj)
	if set, ok := obj.(*appsv1.StatefulSet); ok {
		s.label(&set.Spec.Template)
		for i := range set.Spec.VolumeClaimTemplates {
			s.label(&set.Spec.VolumeClaimTemplates[i])
		}
	}
}

func (s Settings) label(obj metav1.Object) {
	// A copy, since the map may also be a selector's.
	labels := maps.Clone(obj.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	labels[ManagedByLabel], labels[RunLabel] = ManagedBy, s.Run
	obj.SetLabels(labels)
}

// OwnNamespaces says in words which namespaces runs make for themselves, for whoever lets a policy leave them out.
func OwnNamespaces() string { return "namespaces with the label " + ManagedByLabel + "=" + ManagedBy }

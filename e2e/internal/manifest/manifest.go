// Package manifest reads the fixtures as a run wants them: with its images and its storage class.
package manifest

import (
	"context"
	"fmt"
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/e2e-framework/klient/decoder"
	"sigs.k8s.io/e2e-framework/klient/k8s"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// Read returns the objects of a fixture for a namespace, as Fit makes them.
func Read(ctx context.Context, fixture, namespace string, s runconfig.Settings) ([]k8s.Object, error) {
	objects, err := decoder.DecodeAllFiles(ctx, fixtures.Manifests, fixture, decoder.MutateNamespace(namespace))
	if err != nil {
		return nil, fmt.Errorf("reading fixtures/%s: %w", fixture, err)
	}
	for _, o := range objects {
		Fit(o, s)
	}
	return objects, nil
}

// Fit puts the run's images and storage class in place of a fixture's own.
func Fit(obj k8s.Object, s runconfig.Settings) {
	var spec *corev1.PodSpec
	switch o := obj.(type) {
	case *corev1.Pod:
		spec = &o.Spec
	case *appsv1.StatefulSet:
		spec = &o.Spec.Template.Spec
		if class := s.StorageClass; class != "" {
			for i := range o.Spec.VolumeClaimTemplates {
				if spec := &o.Spec.VolumeClaimTemplates[i].Spec; spec.StorageClassName == nil {
					spec.StorageClassName = &class
				}
			}
		}
	default:
		return
	}
	for i := range spec.Containers {
		spec.Containers[i].Image = image(spec.Containers[i].Image, s.Images)
	}
}

// image maps a fixture's image to the run's. A reference that is no fixture's stays as it is.
func image(ref string, images runconfig.Images) string {
	name, _, _ := strings.Cut(ref, ":")
	switch name {
	case "nginx":
		return images.Nginx
	case "busybox":
		return images.Busybox
	}
	return ref
}

// PodOf returns the first pod that a set makes, without what only a running controller gives it: its claims' volumes are left out.
func PodOf(set *appsv1.StatefulSet) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: *set.Spec.Template.ObjectMeta.DeepCopy(), Spec: *set.Spec.Template.Spec.DeepCopy()}
	pod.Name, pod.Namespace = set.Name+"-0", set.Namespace
	claimed := map[string]bool{}
	for _, t := range set.Spec.VolumeClaimTemplates {
		claimed[t.Name] = true
	}
	for i := range pod.Spec.Containers {
		var mounts []corev1.VolumeMount
		for _, m := range pod.Spec.Containers[i].VolumeMounts {
			if !claimed[m.Name] {
				mounts = append(mounts, m)
			}
		}
		pod.Spec.Containers[i].VolumeMounts = mounts
	}
	return pod
}

// Own labels what a run makes in a namespace that was given to it, and what a set's controller makes of it, so that the run
// removes that and nothing else. A namespace that the run made needs no such labels.
func Own(obj metav1.Object, s runconfig.Settings) {
	if len(s.Namespaces) == 0 {
		return
	}
	label(obj, s)
	if set, ok := obj.(*appsv1.StatefulSet); ok {
		label(&set.Spec.Template, s)
		for i := range set.Spec.VolumeClaimTemplates {
			label(&set.Spec.VolumeClaimTemplates[i], s)
		}
	}
}

func label(obj metav1.Object, s runconfig.Settings) {
	// The map may be somebody's selector too.
	labels := maps.Clone(obj.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	labels[runconfig.ManagedByLabel], labels[runconfig.RunLabel] = runconfig.ManagedBy, s.Run
	obj.SetLabels(labels)
}

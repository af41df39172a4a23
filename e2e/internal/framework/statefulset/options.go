package statefulset

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Option changes a set before it is created.
type Option func(*appsv1.StatefulSet)

// Options makes one option of several.
func Options(changes ...Option) Option {
	return func(s *appsv1.StatefulSet) {
		for _, change := range changes {
			change(s)
		}
	}
}

// Replicas sets spec.replicas.
func Replicas(n int32) Option { return func(s *appsv1.StatefulSet) { s.Spec.Replicas = &n } }

// Parallel sets the pod management policy Parallel.
func Parallel() Option {
	return func(s *appsv1.StatefulSet) { s.Spec.PodManagementPolicy = appsv1.ParallelPodManagement }
}

// OnDelete sets the update strategy OnDelete.
func OnDelete() Option {
	return func(s *appsv1.StatefulSet) { s.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType }
}

// Partition sets the partition of a rolling update.
func Partition(n int32) Option { return func(s *appsv1.StatefulSet) { rolling(s).Partition = &n } }

// MaxUnavailable sets maxUnavailable of a rolling update.
func MaxUnavailable(n int) Option { return MaxUnavailableOf(intstr.FromInt32(int32(n))) }

// MaxUnavailableOf sets maxUnavailable of a rolling update to a number or a percentage.
func MaxUnavailableOf(value intstr.IntOrString) Option {
	return func(s *appsv1.StatefulSet) { rolling(s).MaxUnavailable = &value }
}

func rolling(s *appsv1.StatefulSet) *appsv1.RollingUpdateStatefulSetStrategy {
	s.Spec.UpdateStrategy.Type = appsv1.RollingUpdateStatefulSetStrategyType
	if s.Spec.UpdateStrategy.RollingUpdate == nil {
		s.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{}
	}
	return s.Spec.UpdateStrategy.RollingUpdate
}

// MinReadySeconds sets minReadySeconds.
func MinReadySeconds(n int32) Option {
	return func(s *appsv1.StatefulSet) { s.Spec.MinReadySeconds = n }
}

// Start sets spec.ordinals.start.
func Start(n int32) Option {
	return func(s *appsv1.StatefulSet) { s.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: n} }
}

// HistoryLimit sets revisionHistoryLimit.
func HistoryLimit(n int32) Option {
	return func(s *appsv1.StatefulSet) { s.Spec.RevisionHistoryLimit = &n }
}

// Retention sets the claim retention policy.
func Retention(whenDeleted, whenScaled appsv1.PersistentVolumeClaimRetentionPolicyType) Option {
	return func(s *appsv1.StatefulSet) {
		s.Spec.PersistentVolumeClaimRetentionPolicy = &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
			WhenDeleted: whenDeleted, WhenScaled: whenScaled,
		}
	}
}

// templateLabel is the label that Claims gives each claim template, with its name.
const templateLabel = "template"

// Claims gives each pod a claim for each name, mounted at "/<name>".
func Claims(names ...string) Option {
	return func(s *appsv1.StatefulSet) {
		c := &s.Spec.Template.Spec.Containers[0]
		for _, name := range names {
			s.Spec.VolumeClaimTemplates = append(s.Spec.VolumeClaimTemplates, corev1.PersistentVolumeClaim{
				// The controller adds the labels of the selector to these.
				ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{templateLabel: name}, Annotations: map[string]string{TemplateKey: name}},
				Spec: corev1.PersistentVolumeClaimSpec{
					AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(runconfig.SmallestClaim)}},
				},
			})
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
		}
	}
}

// ClaimSize sets how large a volume the claims of one template ask for.
func ClaimSize(template, size string) Option {
	return func(s *appsv1.StatefulSet) {
		for i := range s.Spec.VolumeClaimTemplates {
			if t := &s.Spec.VolumeClaimTemplates[i]; t.Name == template {
				t.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}
			}
		}
	}
}

// Unbindable makes the claims of all templates ask for a storage class that does not exist.
func Unbindable() Option {
	return func(s *appsv1.StatefulSet) {
		for i := range s.Spec.VolumeClaimTemplates {
			s.Spec.VolumeClaimTemplates[i].Spec.StorageClassName = new(framework.NoStorageClass)
		}
	}
}

// FurtherClaimFields has the claims of one template ask for a volume that nobody makes and that no label selects: of no class, without a file system, of several
// access modes and as a copy of another one. They are never bound.
func FurtherClaimFields(template string) Option {
	return func(s *appsv1.StatefulSet) {
		for i := range s.Spec.VolumeClaimTemplates {
			t := &s.Spec.VolumeClaimTemplates[i]
			if t.Name != template {
				continue
			}
			t.Spec.StorageClassName = new("")
			t.Spec.VolumeMode = new(corev1.PersistentVolumeBlock)
			t.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadOnlyMany}
			t.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{TemplateKey: "nobody"}}
			t.Spec.DataSource = &corev1.TypedLocalObjectReference{Kind: "PersistentVolumeClaim", Name: "nobody"}
		}
	}
}

// Named gives the set, its service and its selector another name than "set", so that a namespace can hold several.
func Named(name string) Option {
	return func(s *appsv1.StatefulSet) {
		s.Name, s.Spec.ServiceName = name, name
		s.Spec.Selector.MatchLabels = map[string]string{"app": name}
		metav1.SetMetaDataLabel(&s.Spec.Template.ObjectMeta, "app", name)
	}
}

// SelectorOf gives a set the selector of another one.
func SelectorOf(other *Set) Option {
	return func(s *appsv1.StatefulSet) {
		s.Spec.Selector.MatchLabels = other.Selector
		framework.AddLabels(&s.Spec.Template.ObjectMeta, other.Selector)
	}
}

// SelectsUnless has the set's selector, beside what it asks for, leave out pods with that value of a label.
func SelectsUnless(key, value string) Option {
	return func(s *appsv1.StatefulSet) {
		s.Spec.Selector.MatchExpressions = append(s.Spec.Selector.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: key, Operator: metav1.LabelSelectorOpNotIn, Values: []string{value},
		})
	}
}

// TemplateKey, of an annotation and a label, and TemplateEnv carry a template's version, so that two templates differ in annotations, labels
// and containers.
const (
	TemplateKey = history.Prefix + "template"
	TemplateEnv = history.TemplateEnv
)

// Template gives the set's template the version of that name.
func Template(version string) Option {
	return func(o *appsv1.StatefulSet) {
		t := &o.Spec.Template
		metav1.SetMetaDataAnnotation(&t.ObjectMeta, TemplateKey, version)
		metav1.SetMetaDataLabel(&t.ObjectMeta, TemplateKey, version)
		for i := range t.Spec.Containers {
			c := &t.Spec.Containers[i]
			if i > 0 && c.Name != second {
				continue // POD_PATCH's
			}
			c.Env = []corev1.EnvVar{{Name: TemplateEnv, Value: version}}
			c.Args = []string{version} // $0 of the command's shell
		}
	}
}

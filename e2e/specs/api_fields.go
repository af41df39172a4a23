package specs

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
)

// field is a part of a set's spec: a change of it, and whether a spec holds the value that is wanted.
type field struct {
	name   string
	change statefulset.Option
	holds  func(*appsv1.StatefulSetSpec) bool
	// gated says that a cluster may not have the field, ga is the Kubernetes minor from which on each has it, 0 for none.
	gated bool
	ga    uint
}

// known is the field as RequireField asks for it.
func (f field) known() statefulset.Field {
	return statefulset.Field{Name: "spec." + f.name, GA: f.ga, Set: f.change, Kept: func(s *appsv1.StatefulSet) bool { return f.holds(&s.Spec) }}
}

func mutable() []field {
	return []field{
		{name: "template", change: statefulset.Template("other"), holds: func(s *appsv1.StatefulSetSpec) bool {
			return s.Template.Annotations[statefulset.TemplateKey] == "other"
		}},
		{name: "updateStrategy.type", change: func(s *appsv1.StatefulSet) {
			s.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType}
		}, holds: func(s *appsv1.StatefulSetSpec) bool {
			return s.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType
		}},
		{name: "updateStrategy.rollingUpdate.partition", change: statefulset.Partition(1), holds: func(s *appsv1.StatefulSetSpec) bool {
			return partition(s) == 1
		}},
		startOrdinal(),
		retention(appsv1.DeletePersistentVolumeClaimRetentionPolicyType),
		{name: "minReadySeconds", change: statefulset.MinReadySeconds(1), holds: func(s *appsv1.StatefulSetSpec) bool {
			return s.MinReadySeconds == 1
		}},
		{name: "replicas", change: statefulset.Replicas(1), holds: func(s *appsv1.StatefulSetSpec) bool {
			return s.Replicas != nil && *s.Replicas == 1
		}},
	}
}

func startOrdinal() field {
	return field{name: "ordinals", gated: true, ga: 31, change: statefulset.Start(2), holds: func(s *appsv1.StatefulSetSpec) bool {
		return s.Ordinals != nil && s.Ordinals.Start == 2
	}}
}

func immutable() []field {
	return []field{
		{name: "selector", change: func(s *appsv1.StatefulSet) {
			s.Spec.Selector.MatchLabels = map[string]string{"app": "set", "tier": "data"}
		}},
		{name: "serviceName", change: func(s *appsv1.StatefulSet) { s.Spec.ServiceName = "other" }},
		{name: "podManagementPolicy", change: statefulset.Parallel()},
		{name: "volumeClaimTemplates (another name)", change: func(s *appsv1.StatefulSet) {
			s.Spec.VolumeClaimTemplates[0].Name, s.Spec.Template.Spec.Containers[0].VolumeMounts[0].Name = "other", "other"
		}},
		{name: "volumeClaimTemplates (one more)", change: statefulset.Claims("more")},
		{name: "volumeClaimTemplates (none)", change: func(s *appsv1.StatefulSet) {
			s.Spec.VolumeClaimTemplates, s.Spec.Template.Spec.Containers[0].VolumeMounts = nil, nil
		}},
		{name: "volumeClaimTemplates (another size)", change: statefulset.ClaimSize("data", "33Mi")},
		{name: "volumeClaimTemplates (another class)", change: func(s *appsv1.StatefulSet) {
			s.Spec.VolumeClaimTemplates[0].Spec.StorageClassName = new(framework.NoStorageClass)
		}},
		{name: "volumeClaimTemplates (one access mode more)", change: func(s *appsv1.StatefulSet) {
			modes := &s.Spec.VolumeClaimTemplates[0].Spec.AccessModes
			*modes = append(*modes, corev1.ReadOnlyMany)
		}},
		{name: "volumeClaimTemplates (another label)", change: func(s *appsv1.StatefulSet) {
			metav1.SetMetaDataLabel(&s.Spec.VolumeClaimTemplates[0].ObjectMeta, "tier", "data")
		}},
	}
}

// nonsense is a change that makes a set one that the API server has to reject.
type nonsense struct {
	name   string
	change statefulset.Option
	// part is a field of which a cluster that does not have it takes no notice, nil for none.
	part *field
}

func invalid() []nonsense {
	start, policy := startOrdinal(), retention(appsv1.DeletePersistentVolumeClaimRetentionPolicyType)
	return []nonsense{
		{name: "negative replicas", change: statefulset.Replicas(-1)},
		{name: "a negative partition", change: statefulset.Partition(-1)},
		{name: "a negative start ordinal", part: &start, change: statefulset.Start(-1)},
		{name: "negative minReadySeconds", change: statefulset.MinReadySeconds(-1)},
		{name: "a selector that does not match its template", change: func(s *appsv1.StatefulSet) {
			metav1.SetMetaDataLabel(&s.Spec.Template.ObjectMeta, "app", "somebody-else")
		}},
		{name: "a selector that selects all pods", change: func(s *appsv1.StatefulSet) { s.Spec.Selector = &metav1.LabelSelector{} }},
		{name: "a template without containers", change: func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.Containers = nil }},
		{name: "an unknown pod management policy", change: func(s *appsv1.StatefulSet) { s.Spec.PodManagementPolicy = "Backwards" }},
		{name: "an unknown update strategy", change: func(s *appsv1.StatefulSet) { s.Spec.UpdateStrategy.Type = "Backwards" }},
		{name: "an unknown policy for claims of a deleted set", part: &policy, change: statefulset.Retention("Backwards", retain)},
		{name: "an unknown policy for claims of removed pods", part: &policy, change: statefulset.Retention(retain, "Backwards")},
	}
}

// partial is a set of which some fields are left out: what it has, and whether a spec holds that and the defaults of the others.
type partial struct {
	name     string
	change   statefulset.Option
	expected string
	holds    func(*appsv1.StatefulSetSpec) bool
	part     *field // as of nonsense
}

func partials() []partial {
	policy := retention(appsv1.DeletePersistentVolumeClaimRetentionPolicyType)
	retains := func(whenDeleted, whenScaled appsv1.PersistentVolumeClaimRetentionPolicyType) func(*appsv1.StatefulSetSpec) bool {
		return func(s *appsv1.StatefulSetSpec) bool {
			p := s.PersistentVolumeClaimRetentionPolicy
			return p != nil && p.WhenDeleted == whenDeleted && p.WhenScaled == whenScaled
		}
	}
	return []partial{
		{name: "whenScaled: Delete", part: &policy, change: statefulset.Retention("", discard), expected: "whenDeleted: Retain", holds: retains(retain, discard)},
		{name: "whenDeleted: Delete", part: &policy, change: statefulset.Retention(discard, ""), expected: "whenScaled: Retain", holds: retains(discard, retain)},
		{name: "a rolling update of which nothing is said", change: func(s *appsv1.StatefulSet) {
			s.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{
				Type: appsv1.RollingUpdateStatefulSetStrategyType, RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{},
			}
		}, expected: "partition 0", holds: func(s *appsv1.StatefulSetSpec) bool { return partition(s) == 0 }},
		{
			name:   "OnDelete",
			change: strategy(appsv1.OnDeleteStatefulSetStrategyType), expected: "podManagementPolicy OrderedReady, replicas 1 and revisionHistoryLimit 10",
			holds: func(s *appsv1.StatefulSetSpec) bool {
				return s.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType && s.PodManagementPolicy == appsv1.OrderedReadyPodManagement &&
					counts(s, 1, 10)
			},
		},
		{
			name:   "Parallel, replicas 0 and revisionHistoryLimit 0",
			change: statefulset.Options(statefulset.Parallel(), statefulset.Replicas(0), statefulset.HistoryLimit(0)), expected: "these, and RollingUpdate with partition 0",
			holds: func(s *appsv1.StatefulSetSpec) bool {
				return s.PodManagementPolicy == appsv1.ParallelPodManagement && s.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType &&
					partition(s) == 0 && counts(s, 0, 0)
			},
		},
	}
}

// counts reports whether a spec asks for that many replicas and old revisions.
func counts(s *appsv1.StatefulSetSpec, replicas, limit int32) bool {
	return s.Replicas != nil && *s.Replicas == replicas && s.RevisionHistoryLimit != nil && *s.RevisionHistoryLimit == limit
}

func defaults() []field {
	return []field{
		{name: "podManagementPolicy: OrderedReady", holds: func(s *appsv1.StatefulSetSpec) bool {
			return s.PodManagementPolicy == appsv1.OrderedReadyPodManagement
		}},
		{name: "updateStrategy.type: RollingUpdate", holds: func(s *appsv1.StatefulSetSpec) bool {
			return s.UpdateStrategy.Type == appsv1.RollingUpdateStatefulSetStrategyType
		}},
		{name: "updateStrategy.rollingUpdate.partition: 0", holds: func(s *appsv1.StatefulSetSpec) bool { return partition(s) == 0 }},
		{name: "replicas: 1", holds: func(s *appsv1.StatefulSetSpec) bool { return s.Replicas != nil && *s.Replicas == 1 }},
		{name: "revisionHistoryLimit: 10", holds: func(s *appsv1.StatefulSetSpec) bool {
			return s.RevisionHistoryLimit != nil && *s.RevisionHistoryLimit == 10
		}},
		retention(appsv1.RetainPersistentVolumeClaimRetentionPolicyType),
	}
}

const retentionField = "persistentVolumeClaimRetentionPolicy"

func retention(policy appsv1.PersistentVolumeClaimRetentionPolicyType) field {
	return field{name: retentionField, gated: true, ga: 32, change: statefulset.Retention(policy, policy), holds: func(s *appsv1.StatefulSetSpec) bool {
		p := s.PersistentVolumeClaimRetentionPolicy
		return p != nil && p.WhenDeleted == policy && p.WhenScaled == policy
	}}
}

// partition returns the partition of a spec, -1 where none is written.
func partition(s *appsv1.StatefulSetSpec) int32 {
	if r := s.UpdateStrategy.RollingUpdate; r != nil && r.Partition != nil {
		return *r.Partition
	}
	return -1
}

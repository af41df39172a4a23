package diagnose_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// dangerCases are of sets that are well but for something that matters: their nodes, budgets, hooks and claims.
func dangerCases() []built {
	// A set whose pods are Ready, with what its node says of itself.
	says := func(t *testing.T, kind corev1.NodeConditionType, status corev1.ConditionStatus) state {
		t.Helper()
		s := running(t)
		at := pod(s.State, "web-0").Spec.NodeName
		for i := range s.Nodes {
			if s.Nodes[i].Name != at {
				continue
			}
			for j := range s.Nodes[i].Status.Conditions {
				if c := &s.Nodes[i].Status.Conditions[j]; c.Type == kind {
					c.Status, c.Message, c.LastTransitionTime = status, "kubelet has disk pressure", s.ago(time.Minute)
				}
			}
		}
		return s
	}
	budget := func(s state, name, app string, expected int32) {
		b := policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.Namespace}}
		b.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
		b.Status = policyv1.PodDisruptionBudgetStatus{ExpectedPods: expected, DesiredHealthy: 1}
		s.Budgets = append(s.Budgets, b)
	}
	together := func(t *testing.T, other corev1.Node) state {
		t.Helper()
		s := running(t)
		at := pod(s.State, "web-0").Spec.NodeName
		for i := range s.Pods {
			s.Pods[i].Spec.NodeName = at
		}
		var nodes []corev1.Node
		for _, n := range s.Nodes {
			if n.Name == at {
				nodes = append(nodes, n)
			}
		}
		other.Name = "other"
		other.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		nodes = append(nodes, other)
		s.Nodes = nodes
		return s
	}
	// web-0 was ended before, and its hook failed some time after it was told to end.
	ended := func(t *testing.T, after time.Duration) state {
		t.Helper()
		s := running(t)
		grace := int64(5)
		pod(s.State, "web-0").Spec.TerminationGracePeriodSeconds = &grace
		for reason, ago := range map[string]time.Duration{"Killing": 5*time.Minute + after, "FailedPreStopHook": 5 * time.Minute} {
			e := s.said("web-0", reason, map[string]string{"Killing": "Stopping container main", "FailedPreStopHook": "PreStopHook failed"}[reason], ago)
			e.InvolvedObject.UID = types.UID("earlier")
		}
		return s
	}
	gold, silver := "gold", "silver"
	modified := func(t *testing.T, status corev1.PersistentVolumeClaimModifyVolumeStatus) state {
		t.Helper()
		s := running(t)
		c := s.claim("data-web-0")
		c.Spec.VolumeAttributesClassName = &gold
		c.Status.ModifyVolumeStatus = &corev1.ModifyVolumeStatus{TargetVolumeAttributesClassName: gold, Status: status}
		return s
	}
	// A claim that waits, and a volume that was made for it.
	made := func(t *testing.T, change func(*corev1.PersistentVolume)) state {
		t.Helper()
		s := running(t)
		s.only()
		c := s.claim("data-web-0")
		pv := s.Volumes[0].DeepCopy()
		pv.Name, pv.Spec.ClaimRef = "pvc-made", &corev1.ObjectReference{Namespace: s.Namespace, Name: c.Name, UID: c.UID}
		pv.Spec.Capacity, pv.Spec.AccessModes = c.Spec.Resources.Requests, c.Spec.AccessModes
		s.Volumes = []corev1.PersistentVolume{*pv}
		change(&s.Volumes[0])
		c.Status.Phase, c.Spec.VolumeName = corev1.ClaimPending, ""
		class := "standard"
		c.Spec.StorageClassName, c.Spec.VolumeAttributesClassName = &class, &gold
		s.Classes = []storagev1.StorageClass{{ObjectMeta: metav1.ObjectMeta{Name: class}, Provisioner: "disks.example.com"}}
		p := pod(s.State, "web-0")
		p.Status.Phase, p.Spec.NodeName = corev1.PodPending, ""
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims"}}
		p.Status.ContainerStatuses = nil
		return s
	}
	return []built{
		{"a node short of disk while its pods are Ready", func(t *testing.T) state {
			t.Helper()
			return says(t, corev1.NodeDiskPressure, corev1.ConditionTrue)
		}, "node: node/diag-worker is in DiskPressure, with web-0", "node-in-danger"},
		{"twin: it was short of disk and has recovered", func(t *testing.T) state {
			t.Helper()
			return says(t, corev1.NodeDiskPressure, corev1.ConditionFalse)
		}, "", ""},
		{"twin: it is lost", func(t *testing.T) state {
			t.Helper()
			s := says(t, corev1.NodeMemoryPressure, corev1.ConditionTrue)
			at := pod(s.State, "web-0").Spec.NodeName
			for i := range s.Leases {
				if s.Leases[i].Name == at {
					renewed := metav1.NewMicroTime(s.Taken.Add(-2 * time.Minute))
					s.Leases[i].Spec.RenewTime = &renewed
				}
			}
			return s
		}, "node: node/diag-worker has been silent for 2m", "node-lost"},
		{"twin: a pod of it was evicted for it", func(t *testing.T) state {
			t.Helper()
			s := says(t, corev1.NodeDiskPressure, corev1.ConditionTrue)
			for _, uid := range []types.UID{"a", "b"} {
				s.said("web-0", "Evicted", "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi", time.Minute).InvolvedObject.UID = uid
			}
			return s
		}, "node: pod/web-0 was evicted 2 times", "node-pressure"},

		{"two budgets over the same pods", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			budget(s, "one", "web", 3)
			budget(s, "two", "web", 3)
			return s
		}, "disruption: poddisruptionbudget/one shares pods with two: a pod under two budgets cannot be evicted at all", "several-budgets"},
		{"a budget for other labels", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			budget(s, "web", "webb", 0)
			return s
		}, "disruption: poddisruptionbudget/web selects no pod: it asks for app=webb, where the set's pods have web", diagnose.Note},
		{"twin: it is of another set, whose pods it has", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			budget(s, "db", "db", 3)
			return s
		}, "", ""},

		{"all pods on one node", func(t *testing.T) state {
			t.Helper()
			return together(t, corev1.Node{})
		}, "scheduling: statefulset/web has all of its 2 pods on node diag-worker", diagnose.Note},
		{"twin: the other node takes no pods", func(t *testing.T) state {
			t.Helper()
			return together(t, corev1.Node{Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: "node-role.kubernetes.io/control-plane", Effect: corev1.TaintEffectNoSchedule}}}})
		}, "", ""},

		{"a hook that the grace period cuts off", func(t *testing.T) state {
			t.Helper()
			return ended(t, 7*time.Second)
		}, "termination: pod/web-0 had its preStop hook cut off when it was last ended, and will again: it takes longer than the grace period of 5s", diagnose.Note},
		{"twin: a hook that fails at once", func(t *testing.T) state {
			t.Helper()
			return ended(t, time.Second)
		}, "termination: pod/web-0 had its preStop hook fail when it was last ended, and will again", diagnose.Note},

		{"a ConfigMap that was deleted under a Ready pod", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.said("web-0", "FailedMount", `MountVolume.SetUp failed for volume "conf" : configmap "settings" not found`, time.Minute)
			return s
		}, "configuration: configmap/settings does not exist, and volume conf of pod web-0 needs it, which runs on until it is made anew", "config-missing"},
		{"twin: it came late, and the pod became Ready after it", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.said("web-0", "FailedMount", `MountVolume.SetUp failed for volume "conf" : configmap "settings" not found`, 2*time.Minute)
			for i := range pod(s.State, "web-0").Status.Conditions {
				pod(s.State, "web-0").Status.Conditions[i].LastTransitionTime = s.ago(time.Minute)
			}
			return s
		}, "", ""},
		{"twin: it is there again", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.said("web-0", "FailedMount", `MountVolume.SetUp failed for volume "conf" : configmap "settings" not found`, 8*time.Minute)
			return s
		}, "", ""},
		{"a limit of memory that the template does not give", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.crashing("web-0", 137, time.Second).LastTerminationState.Terminated.Reason = "OOMKilled"
			pod(s.State, "web-0").Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("12Mi")}
			s.StatefulSet.Spec.Template.Spec.Containers[0].Resources = corev1.ResourceRequirements{}
			return s
		}, "container: pod/web-0 has container main that uses more memory than its limit 12Mi and is killed (4 restarts); the set's template gives it no limit", "out-of-memory"},

		{"attributes of a class that does not exist", func(t *testing.T) state {
			t.Helper()
			return modified(t, corev1.PersistentVolumeClaimModifyVolumePending)
		}, "storage: persistentvolumeclaim/data-web-0 cannot get the VolumeAttributesClass gold: the class does not exist", "modify-fails"},
		{"twin: attributes that the driver rejects", func(t *testing.T) state {
			t.Helper()
			return modified(t, corev1.PersistentVolumeClaimModifyVolumeInfeasible)
		}, "storage: persistentvolumeclaim/data-web-0 cannot get the VolumeAttributesClass gold: its driver rejects it", "modify-fails"},
		{"twin: attributes that are being given", func(t *testing.T) state {
			t.Helper()
			return modified(t, corev1.PersistentVolumeClaimModifyVolumeInProgress)
		}, "storage: persistentvolumeclaim/data-web-0 is being given the VolumeAttributesClass gold", diagnose.Note},

		{"a volume that was made without the claim's attributes", func(t *testing.T) state {
			t.Helper()
			return made(t, func(*corev1.PersistentVolume) {})
		}, `storage: persistentvolumeclaim/data-web-0 is not bound to the volume pvc-made, which was made for it and has the VolumeAttributesClass "", where the claim asks for "gold"`, "volume-attributes-class"},
		{"twin: with those of another class", func(t *testing.T) state {
			t.Helper()
			return made(t, func(pv *corev1.PersistentVolume) { pv.Spec.VolumeAttributesClassName = &silver })
		}, `storage: persistentvolumeclaim/data-web-0 is not bound to the volume pvc-made, which was made for it and has the VolumeAttributesClass "silver"`, "volume-attributes-class"},
		{"twin: it is another claim's of that name", func(t *testing.T) state {
			t.Helper()
			return made(t, func(pv *corev1.PersistentVolume) { pv.Spec.ClaimRef.UID = "earlier" })
		}, "storage: storageclass/standard has the provisioner disks.example.com, and no pod in the cluster mentions it", "provisioner-down"},
		{"twin: it fits", func(t *testing.T) state {
			t.Helper()
			return made(t, func(pv *corev1.PersistentVolume) { pv.Spec.VolumeAttributesClassName = &gold })
		}, "storage: storageclass/standard has the provisioner disks.example.com, and no pod in the cluster mentions it", "provisioner-down"},
	}
}

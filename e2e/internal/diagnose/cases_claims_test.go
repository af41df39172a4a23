package diagnose_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// claimCases are of claims and volumes that look like one another.
func claimCases() []built {
	failing := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := state{captured(t, "provisioner-down"), t}
			e := s.said("data-web-0", "ProvisioningFailed", "failed to provision volume with StorageClass \"diagnose-nobody\": rpc error: "+message, 20*time.Second)
			e.InvolvedObject.Kind = "PersistentVolumeClaim"
			return s
		}
	}
	// web-1 waits on diag-worker for a volume that is attached to another node.
	attached := func(t *testing.T, message string) state {
		t.Helper()
		s := running(t)
		pod(s.State, "web-1").Status.Phase = corev1.PodPending
		s.waiting("web-1", "ContainerCreating", "")
		s.said("web-1", "FailedAttachVolume", message, 10*time.Second)
		return s
	}
	elsewhere := func(s state, name string) {
		n := s.Nodes[0].DeepCopy()
		n.Name = "other"
		s.Nodes = append(s.Nodes, *n)
		pod(s.State, name).Spec.NodeName = "other"
	}
	lose := func(s state) {
		n := &s.Nodes[1]
		for i := range n.Status.Conditions {
			if c := &n.Status.Conditions[i]; c.Type == corev1.NodeReady {
				c.Status = corev1.ConditionUnknown
			}
		}
	}
	const inUse = `Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) web-0`
	const provisioner = "storage: persistentvolumeclaim/data-web-0 is not served by provisioner disks.example.com/nobody: "
	return []built{
		{"a claim that the template names and nobody makes", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			pod(s.State, "web-0").Spec.Volumes[0].PersistentVolumeClaim.ClaimName = "shared"
			pod(s.State, "web-0").Spec.NodeName = ""
			s.StatefulSet.Spec.VolumeClaimTemplates = nil
			s.waiting("web-0", "", "")
			pod(s.State, "web-0").Status.Phase = corev1.PodPending
			return s
		}, "storage: persistentvolumeclaim/shared does not exist, and nothing makes it: the set's template names it, its volumeClaimTemplates do not", "claim-missing"},
		{"twin: a claim of the claim templates that was deleted", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.Claims = nil
			s.waiting("web-0", "", "")
			pod(s.State, "web-0").Spec.NodeName, pod(s.State, "web-0").Status.Phase = "", corev1.PodPending
			return s
		}, "storage: persistentvolumeclaim/data-web-0 does not exist, and the pod mounts it", "claim-missing"},
		{"a claim of an ephemeral volume", func(t *testing.T) state {
			t.Helper()
			s := static(t)
			c := s.claim("data-web-0")
			c.Name, c.OwnerReferences = "web-0-scratch", []metav1.OwnerReference{*metav1.NewControllerRef(pod(s.State, "web-0"), corev1.SchemeGroupVersion.WithKind("Pod"))}
			pod(s.State, "web-0").Spec.Volumes = []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}}}
			return s
		}, `storage: persistentvolumeclaim/web-0-scratch waits for a volume of class "diagnose-byhand"`, "no-volume"},
		{"claims that all name the same volume", func(t *testing.T) state {
			t.Helper()
			s := static(t)
			s.volume(func(pv *corev1.PersistentVolume) {
				pv.Status.Phase = corev1.VolumeBound
				pv.Spec.ClaimRef = &corev1.ObjectReference{Namespace: s.Namespace, Name: "data-web-1", UID: "1"}
			})
			s.claim("data-web-0").Spec.VolumeName = "by-hand"
			s.StatefulSet.Spec.VolumeClaimTemplates[0].Spec.VolumeName = "by-hand"
			return s
		}, "storage: persistentvolumeclaim/data-web-0 names the volume by-hand, which is Bound, for claim ", "volume-taken"},

		{"a provisioner that has no room", failing("code = ResourceExhausted desc = not enough free space in pool"), "storage: persistentvolumeclaim/data-web-0 asks for 16Mi, which provisioner disks.example.com/nobody cannot provide", "no-capacity"},
		{"twin: a provisioner whose driver does not answer", failing("code = DeadlineExceeded desc = context deadline exceeded"), provisioner + "failed to provision volume", "provisioning-fails"},
		{"twin: a provisioner that may not make disks", failing("code = Internal desc = Could not create volume: UnauthorizedOperation: You are not authorized to perform this operation. insufficient permissions, capacity unknown"), provisioner + "failed to provision volume", "provisioner-refused"},
		{"twin: the provider's quota", failing("code = Internal desc = googleapi: Error 403: Quota 'SSD_TOTAL_GB' exceeded. Limit: 500.0 in region europe-west1., quotaExceeded"), "storage: persistentvolumeclaim/data-web-0 asks for 16Mi, which provisioner disks.example.com/nobody cannot provide", "no-capacity"},

		{"a volume that another pod has on another node", func(t *testing.T) state {
			t.Helper()
			s := attached(t, inUse)
			elsewhere(s, "web-0")
			return s
		}, "storage: pod/web-1 waits for a volume that is still attached to another node: pod web-0 on node other has it", "volume-attached-elsewhere"},
		{"twin: that node is lost", func(t *testing.T) state {
			t.Helper()
			s := attached(t, inUse)
			elsewhere(s, "web-0")
			lose(s)
			return s
		}, "node: node/other has been silent for ", "node-lost"},
		{"twin: nobody is named", func(t *testing.T) state {
			t.Helper()
			return attached(t, `Waiting for detach for volume "pvc-1" Volume is already exclusively attached to one node, waiting on detach before it can be attached to another node`)
		}, "storage: pod/web-1 waits for a volume that is still attached to another node", "volume-attached-elsewhere"},
		{"twin: the driver says so, and not who has it", func(t *testing.T) state {
			t.Helper()
			return attached(t, `AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Internal desc = volume vol-1 is already attached to instance i-1`)
		}, "storage: pod/web-1 waits for a volume that is still attached to another node: AttachVolume.Attach failed", "volume-attached-elsewhere"},
		{"twin: the driver cannot attach it", func(t *testing.T) state {
			t.Helper()
			return attached(t, `AttachVolume.Attach failed for volume "pvc-1" : rpc error: code = Internal desc = the disk is in maintenance`)
		}, "storage: pod/web-1 cannot use a volume: AttachVolume.Attach failed", "volume-mount"},
		{"twin: the pods share a claim that one node at a time can use", func(t *testing.T) state {
			t.Helper()
			s := attached(t, inUse)
			elsewhere(s, "web-0")
			pod(s.State, "web-1").Spec.Volumes[0].PersistentVolumeClaim.ClaimName = "data-web-0"
			return s
		}, "storage: persistentvolumeclaim/data-web-0 can be used on one node at a time (ReadWriteOnce), pod web-0 uses it on node other, and pod web-1 is on node diag-worker", "claim-shared"},

		{"a volume that cannot be made larger, as its claim's status says", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			for i := range s.Claims {
				s.Claims[i].Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("64Ti")
				s.Claims[i].Status.AllocatedResourceStatuses = map[corev1.ResourceName]corev1.ClaimResourceStatus{corev1.ResourceStorage: corev1.PersistentVolumeClaimControllerResizeInfeasible}
			}
			return s
		}, "storage: persistentvolumeclaim/data-web-0 asks for 64Ti and has 16Mi: making its volume larger fails: ControllerResizeInfeasible", "resize-fails"},
		{"twin: it is being made larger", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			for i := range s.Claims {
				s.Claims[i].Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("64Mi")
				s.Claims[i].Status.AllocatedResourceStatuses = map[corev1.ResourceName]corev1.ClaimResourceStatus{corev1.ResourceStorage: corev1.PersistentVolumeClaimNodeResizePending}
			}
			return s
		}, "storage: persistentvolumeclaim/data-web-0 asks for 64Mi and has 16Mi: its volume is being made larger", diagnose.Note},
		{"a volume of which the driver says that it is in use by another pod", func(t *testing.T) state {
			t.Helper()
			s := attached(t, `MountVolume.SetUp failed for volume "pvc-1" : rpc error: volume uses the ReadWriteOncePod access mode and is already in use by another pod`)
			s.Events[len(s.Events)-1].Reason = "FailedMount"
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name == "web-9" })
			return s
		}, "storage: pod/web-1 cannot use a volume: ", "volume-mount"},
	}
}

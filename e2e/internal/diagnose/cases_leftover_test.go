package diagnose_test

import (
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// leftoverCases are of data that are elsewhere than somebody looks for them, while nothing fails, and of volumes made by hand that do not fit.
func leftoverCases() []built {
	unmounted := func(change func(*corev1.PodSpec)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			spec := &s.StatefulSet.Spec.Template.Spec
			for i := range spec.Containers {
				spec.Containers[i].VolumeMounts = nil
			}
			change(spec)
			return s
		}
	}
	// The claim of web-1 is not the first of its name.
	anew := func(change func(state, *corev1.PersistentVolumeClaim)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			c := s.claim("data-web-1")
			c.CreationTimestamp = s.ago(3 * time.Minute)
			change(s, c)
			return s
		}
	}
	event := func(uid types.UID, ago time.Duration) func(state, *corev1.PersistentVolumeClaim) {
		return func(s state, c *corev1.PersistentVolumeClaim) {
			e := s.said(c.Name, "ProvisioningSucceeded", "Successfully provisioned volume pvc-1", ago)
			e.InvolvedObject.Kind, e.Type = "PersistentVolumeClaim", corev1.EventTypeNormal
			if e.InvolvedObject.UID = uid; uid == "" {
				e.InvolvedObject.UID = c.UID
			}
		}
	}
	left := func(name string, change func(state, *corev1.PersistentVolumeClaim)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.StatefulSet.CreationTimestamp = s.ago(8 * time.Minute)
			for i := range s.Claims {
				s.Claims[i].CreationTimestamp = s.ago(7 * time.Minute)
			}
			c := s.claim("data-web-0").DeepCopy()
			c.Name, c.UID, c.Labels, c.CreationTimestamp = name, "old", s.StatefulSet.Spec.Selector.MatchLabels, s.ago(24*time.Hour)
			change(s, c)
			s.Claims = append(s.Claims, *c)
			return s
		}
	}
	none := func(state, *corev1.PersistentVolumeClaim) {}
	byHand := func(claim func(*corev1.PersistentVolumeClaim), volume func(*corev1.PersistentVolume)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := static(t)
			s.Volumes = nil
			claim(s.claim("data-web-0"))
			s.volume(volume)
			return s
		}
	}
	ephemeral := func(owner types.UID) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			p := pod(s.State, "web-0")
			p.Status.Phase, p.Spec.NodeName, p.Status.Conditions = corev1.PodPending, "", []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "PVC was not created for pod",
			}}
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "cache", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}})
			c := s.claim("data-web-0").DeepCopy()
			c.Name, c.OwnerReferences = "web-0-cache", []metav1.OwnerReference{*metav1.NewControllerRef(p, corev1.SchemeGroupVersion.WithKind("Pod"))}
			if owner != "" {
				c.OwnerReferences[0].UID = owner
			}
			s.Claims = append(s.Claims, *c)
			return s
		}
	}
	topology := func(provisioner string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := pending(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't find available persistent volumes to bind")
			name, mode := "zonal", storagev1.VolumeBindingWaitForFirstConsumer
			s.Classes = append(s.Classes, storagev1.StorageClass{
				ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: provisioner, VolumeBindingMode: &mode, AllowedTopologies: []corev1.TopologySelectorTerm{{
					MatchLabelExpressions: []corev1.TopologySelectorLabelRequirement{{Key: "topology.kubernetes.io/zone", Values: []string{"eu-1a"}}},
				}},
			})
			claim := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data-web-2", Namespace: s.Namespace, CreationTimestamp: s.ago(10 * time.Minute)}}
			claim.Spec.StorageClassName, claim.Status.Phase = &name, corev1.ClaimPending
			claim.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
			s.Claims = append(s.Claims, claim)
			if provisioner == "kubernetes.io/no-provisioner" {
				s.volume(func(pv *corev1.PersistentVolume) { pv.Spec.StorageClassName = name })
			}
			p := pod(s.State, "web-2")
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name}}})
			return s
		}
	}
	// web-1 was made when the set was scaled up, and crashes.
	rescaled := func(deleted, said string, claim time.Duration) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			pod(s.State, "web-1").CreationTimestamp = s.ago(4 * time.Minute)
			s.crashing("web-1", 1, time.Second).LastTerminationState.Terminated.Message = said
			e := s.said("web", "SuccessfulDelete", "delete Pod "+deleted+" in StatefulSet web successful", 5*time.Minute)
			e.InvolvedObject.UID = s.StatefulSet.UID
			s.claim("data-web-1").CreationTimestamp = s.ago(claim)
			return s
		}
	}
	const crashes = "container: pod/web-1 has container main that ends again and again (4 restarts, exit code 1), and says: "
	block := corev1.PersistentVolumeBlock
	const waits = `storage: persistentvolumeclaim/data-web-0 waits for a volume of class "diagnose-byhand" that somebody makes by hand, and there is none`
	return []built{
		{"a set that counts from another number than it did", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.StatefulSet.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: 1}
			*s.StatefulSet.Spec.Replicas = 1
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name == "web-0" })
			return s
		}, "storage: statefulset/web counts its pods from 1 (spec.ordinals.start), and claims of pods below it are left: data-web-0", diagnose.Note},
		{"twin: claims of pods above, which it was scaled down from", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			return s
		}, "", ""},
		{"a claim template that no container mounts", unmounted(func(*corev1.PodSpec) {}), "storage: statefulset/web has the claim template data, which none of its containers mounts", diagnose.Note},
		{"twin: an init container mounts it", unmounted(func(spec *corev1.PodSpec) {
			spec.InitContainers = append(spec.InitContainers, corev1.Container{Name: "fill", VolumeMounts: []corev1.VolumeMount{{Name: "data"}}})
		}), "", ""},
		{"twin: a container uses it as a device", unmounted(func(spec *corev1.PodSpec) {
			spec.Containers[0].VolumeDevices = []corev1.VolumeDevice{{Name: "data"}}
		}), "", ""},

		{"a claim that is not the first of its name", anew(event("earlier", 20*time.Minute)), "storage: persistentvolumeclaim/data-web-1 was made anew 3m ago: an earlier claim of its name was deleted, and this one does not have its data", diagnose.Note},
		{"twin: the event is of the same claim", anew(event("", 20*time.Minute)), "", ""},
		{"a claim whose earlier volume is still there", anew(func(s state, c *corev1.PersistentVolumeClaim) {
			s.volume(func(pv *corev1.PersistentVolume) {
				pv.Status.Phase = corev1.VolumeReleased
				pv.Spec.ClaimRef = &corev1.ObjectReference{Namespace: c.Namespace, Name: c.Name, UID: "earlier"}
			})
		}), "storage: persistentvolumeclaim/data-web-1 was made anew 3m ago: an earlier claim of its name was deleted, and this one does not have its data; they are on the volume by-hand, which is Released and still there", diagnose.Note},
		{"a claim that an earlier claim template left", left("old-web-0", none), "storage: persistentvolumeclaim/old-web-0 is used by no pod, has the set's labels and is older than the set", diagnose.Note},
		{"twin: it is of a pod that was scaled away", left("data-web-7", none), "", ""},
		{"twin: its labels are of another set", left("old-web-0", func(_ state, c *corev1.PersistentVolumeClaim) { c.Labels = map[string]string{"app": "other"} }), "", ""},
		{"twin: it is younger than the set", left("old-web-0", func(s state, c *corev1.PersistentVolumeClaim) { c.CreationTimestamp = s.ago(time.Minute) }), "", ""},

		{"a volume by hand without the labels that the claim selects", byHand(func(c *corev1.PersistentVolumeClaim) {
			c.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}}
		}, func(*corev1.PersistentVolume) {}), `storage: persistentvolumeclaim/data-web-0 finds none of the 1 free volume of class "diagnose-byhand" that fits: by-hand does not have the labels that the claim selects`, "volume-selector"},
		{"twin: a volume by hand that is a file system", byHand(func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeMode = &block }, func(*corev1.PersistentVolume) {}), `storage: persistentvolumeclaim/data-web-0 finds none of the 1 free volume of class "diagnose-byhand" that fits: by-hand has another volume mode than Block`, "volume-mode"},
		{"twin: a volume of another class", byHand(func(*corev1.PersistentVolumeClaim) {}, func(pv *corev1.PersistentVolume) { pv.Spec.StorageClassName = "by-hand" }), waits, "no-volume"},

		{"a pod that was scaled away and came back with its old data", rescaled("web-1", "member has been removed", 9*time.Minute), "storage: persistentvolumeclaim/data-web-1 was there before the set was scaled up, so that pod web-1 starts on what it had when it was scaled away, and its container main ends again and again (4 restarts, exit code 1), and says: member has been removed", "earlier-data"},
		{"twin: its claim was made with it", rescaled("web-1", "member has been removed", 4*time.Minute), crashes, "crash-loop"},
		{"twin: somebody else deleted the one before", rescaled("web-2", "member has been removed", 9*time.Minute), crashes, "crash-loop"},
		{"twin: it says that something else is wrong", rescaled("web-1", "unknown flag: --x", 9*time.Minute), crashes, "crash-loop"},
		{"a claim that is not its ephemeral volume's", ephemeral("another"), "storage: persistentvolumeclaim/web-0-cache has the name that the ephemeral volume cache of pod web-0 needs, and was not made for it: it belongs to pod/web-0, uid another", "claim-foreign"},
		{"twin: it is", ephemeral(""), "scheduling: pod/web-0 is given no node, as the scheduler says: PVC was not created for pod", diagnose.Unknown},
		{"a class that lets volumes be made where no node is", topology("disks.example.com"), "storage: storageclass/zonal lets volumes be made only where nodes have topology.kubernetes.io/zone In eu-1a (allowedTopologies), and no node that could take pod web-2 has that", "no-volume-in-reach"},
		{"twin: nobody makes volumes of the class", topology("kubernetes.io/no-provisioner"), `storage: persistentvolumeclaim/data-web-2 finds no volume of class "zonal"`, "no-volume-in-reach"},
	}
}

// TestWhyAClaimWasMadeAnew names the policy that deletes claims, where the set has it.
func TestWhyAClaimWasMadeAnew(t *testing.T) {
	all := leftoverCases()
	s := all[slices.IndexFunc(all, func(b built) bool { return b.name == "a claim that is not the first of its name" })].state(t)
	for _, when := range []appsv1.PersistentVolumeClaimRetentionPolicyType{appsv1.RetainPersistentVolumeClaimRetentionPolicyType, appsv1.DeletePersistentVolumeClaimRetentionPolicyType} {
		s.StatefulSet.Spec.PersistentVolumeClaimRetentionPolicy = &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{WhenScaled: when}
		if got, deletes := diagnose.Diagnose(s.State)[0].Why, "with whenScaled: Delete the claim of a pod that is scaled away goes with it, as documented; or somebody deleted it"; (got == deletes) != (when == appsv1.DeletePersistentVolumeClaimRetentionPolicyType) {
			t.Errorf("%s: %s", when, got)
		}
	}
}

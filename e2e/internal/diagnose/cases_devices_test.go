package diagnose_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// deviceCases are of what a pod asks for beside its place: devices, company, other resources than it was made with, a volume made by hand.
func deviceCases() []built {
	const tail = ". preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
	claims := func(t *testing.T, template bool) state {
		t.Helper()
		s := pending(t, "")
		p, name := pod(s.State, "web-2"), "gpu-template"
		p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: &name}}
		if template {
			p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimTemplateName: &name}}
		}
		p.Status.Conditions = nil
		*s.StatefulSet.Spec.Replicas = 3
		s.Pods = s.Pods[:3]
		s.later(5 * time.Minute)
		return s
	}
	affinity := func(t *testing.T, apart bool, label, said string) state {
		t.Helper()
		s := pending(t, said+tail)
		term := []corev1.PodAffinityTerm{{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": label}}, TopologyKey: "kubernetes.io/hostname"}}
		pod(s.State, "web-2").Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: term}}
		if apart {
			pod(s.State, "web-2").Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: term}}
		}
		return s
	}
	crowded := func(t *testing.T) state {
		t.Helper()
		s := pending(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu"+tail)
		*s.StatefulSet.Spec.Replicas = 3
		s.Pods = s.Pods[:3]
		return s
	}
	resized := func(kind corev1.PodConditionType, reason, message string, since time.Duration) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			p := pod(s.State, "web-1")
			p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: message, LastTransitionTime: s.ago(since)})
			return s
		}
	}
	// Claims and volumes find each other by the name of a class of which there is no object.
	byHand := func(change func(*corev1.PersistentVolume)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := static(t)
			s.Classes = nil
			s.volume(change)
			return s
		}
	}
	return []built{
		{"a template of resource claims that does not exist", func(t *testing.T) state {
			t.Helper()
			s := claims(t, true)
			s.said("web-2", "FailedResourceClaimCreation", `PodResourceClaim gpu: resource claim template "gpu-template" not found`, time.Minute)
			return s
		}, "scheduling: resourceclaimtemplate/gpu-template does not exist, and pod web-2 is to have its resource claim gpu made from it", "resource-claim"},
		{"the same without events", func(t *testing.T) state {
			t.Helper()
			return claims(t, true)
		}, "scheduling: pod/web-2 waits for its resource claim gpu, which has not been made from the template gpu-template", "resource-claim"},
		{"twin: a resource claim of somebody else's", func(t *testing.T) state {
			t.Helper()
			return claims(t, false)
		}, "scheduling: pod/web-2 waits for the resource claim gpu-template: most likely it does not exist", "resource-claim"},
		{"twin: the claim was made, and the scheduler says nothing", func(t *testing.T) state {
			t.Helper()
			s := claims(t, true)
			pod(s.State, "web-2").Status.ResourceClaimStatuses = []corev1.PodResourceClaimStatus{{Name: "gpu"}}
			return s
		}, "scheduling: pod/web-2 has not been looked at by the scheduler, and nothing that was read says why", diagnose.Unknown},
		{"twin: its device class does not exist", func(t *testing.T) state {
			t.Helper()
			return pending(t, "0/3 nodes are available: request gpu: device class gpu.example.com does not exist"+tail)
		}, "scheduling: deviceclass/gpu.example.com does not exist, and a resource claim of pod web-2 asks for it (request gpu)", "device-class-missing"},
		{"twin: no node has such a device left", func(t *testing.T) state {
			t.Helper()
			return pending(t, "0/3 nodes are available: 3 cannot allocate all claims"+tail)
		}, "scheduling: pod/web-2 fits on no node, as the scheduler says: 0/3 nodes are available: 3 cannot allocate all claims", "resource-claim"},

		{"pods that it has to be with", func(t *testing.T) state {
			t.Helper()
			return affinity(t, false, "cache", "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod affinity rules")
		}, "scheduling: pod/web-2 fits on no node, as the scheduler says: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod affinity rules; it has to be with pods with app=cache in the same kubernetes.io/hostname", "pod-affinity"},
		{"twin: pods of others that it keeps away from", func(t *testing.T) state {
			t.Helper()
			return affinity(t, true, "db", "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod anti-affinity rules")
		}, "scheduling: pod/web-2 fits on no node, as the scheduler says: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod anti-affinity rules; it keeps away from pods with app=db in the same kubernetes.io/hostname", "pod-anti-affinity"},

		{"a pod that lacks room since others took its place", func(t *testing.T) state {
			t.Helper()
			s := crowded(t)
			s.said("web-2", "Preempted", "Preempted by pod 7 on node diag-worker", time.Minute).InvolvedObject.UID = "earlier"
			return s
		}, "scheduling: pod/web-2 was ended from outside once, 1m ago: a pod of a higher priority took its place", "preempted"},
		{"twin: it lacks room, and nobody took its place", func(t *testing.T) state {
			t.Helper()
			return crowded(t)
		}, "scheduling: pod/web-2 fits on no node, as the scheduler says: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu", "resources"},

		{"a spread over nodes of which one takes no pod", func(t *testing.T) state {
			t.Helper()
			s := pending(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod topology spread constraints"+tail)
			pod(s.State, "web-2").Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.DoNotSchedule}}
			return s
		}, "scheduling: pod/web-2 fits on no node, as the scheduler says: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod topology spread constraints; it is to spread over all nodes with at most 1 pod of difference (maxSkew), and statefulset-conformance-control-plane counts as one without pods, though its taints keep the pod away", "topology-spread"},

		{"twin: a spread over more nodes than there are", func(t *testing.T) state {
			t.Helper()
			s := pending(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod topology spread constraints"+tail)
			least, honor := int32(4), corev1.NodeInclusionPolicyHonor
			pod(s.State, "web-2").Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 1, MinDomains: &least, NodeTaintsPolicy: &honor, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.DoNotSchedule}}
			return s
		}, "scheduling: pod/web-2 fits on no node, as the scheduler says: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod topology spread constraints; it is to spread over at least 4 domains of kubernetes.io/hostname (minDomains), and there are 2: until there are as many, none may have more than 1 pod (maxSkew)", "topology-spread"},
		{
			"resources that the node can never provide", resized(corev1.PodResizePending, corev1.PodReasonInfeasible, "Node didn't have enough capacity: cpu, requested: 64000, capacity: 2000", time.Minute),
			"node: pod/web-1 was given other resources in place, which node diag-worker can never provide: Node didn't have enough capacity: cpu", "resize-infeasible",
		},
		{
			"twin: resources that the node does not have left", resized(corev1.PodResizePending, corev1.PodReasonDeferred, "Node didn't have enough resource: cpu", 5*time.Minute),
			"node: pod/web-1 was given more resources in place, which node diag-worker does not have left now: Node didn't have enough resource: cpu", "resize-deferred",
		},
		{
			"twin: it has only just asked", resized(corev1.PodResizePending, corev1.PodReasonDeferred, "Node didn't have enough resource: cpu", 5*time.Second),
			"node: pod/web-1 was given more resources in place", diagnose.Note,
		},
		{
			"twin: the kubelet fails to apply them", resized(corev1.PodResizeInProgress, corev1.PodReasonError, "attempting to set memory limit below current usage", time.Minute),
			"node: pod/web-1 was given other resources in place, which node diag-worker fails to apply: attempting to set memory limit below current usage", "resize-fails",
		},
		{"twin: the resize is under way", resized(corev1.PodResizeInProgress, "", "", time.Second), "", ""},

		{"a volume by hand that is released, of a class without an object", byHand(func(pv *corev1.PersistentVolume) {
			pv.Status.Phase = corev1.VolumeReleased
			pv.Spec.ClaimRef = &corev1.ObjectReference{Namespace: "diagnose", Name: "data-web-0", UID: "gone"}
		}), "storage: persistentvolume/by-hand is Released and still belongs to an earlier claim", "volume-released"},
		{"twin: it has another access mode", byHand(func(pv *corev1.PersistentVolume) {
			pv.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadOnlyMany}
		}), `storage: persistentvolumeclaim/data-web-0 asks for ReadWriteOnce, and none of the 1 free volume of class "diagnose-byhand" has that access mode`, "access-mode"},
		{"twin: a provisioner made it, and its class has been deleted since", byHand(func(pv *corev1.PersistentVolume) {
			pv.Annotations = map[string]string{"pv.kubernetes.io/provisioned-by": "disks.example.com"}
			pv.Spec.ClaimRef, pv.Status.Phase = &corev1.ObjectReference{Namespace: "shop", Name: "other", UID: "there"}, corev1.VolumeBound
		}), `storage: persistentvolumeclaim/data-web-0 asks for the StorageClass "diagnose-byhand", which does not exist`, "class-missing"},
	}
}

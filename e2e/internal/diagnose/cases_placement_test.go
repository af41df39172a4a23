package diagnose_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// placementCases are of pods without a node, for reasons that look like one another.
func placementCases() []built {
	// Both workers have a taint; the control plane has its own.
	tainted := func(key string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := pending(t, "0/3 nodes are available: 3 node(s) had untolerated taint(s)")
			for i := range s.Nodes[1:] {
				s.Nodes[i+1].Spec.Taints = []corev1.Taint{{Key: key, Effect: corev1.TaintEffectNoSchedule}}
			}
			return s
		}
	}
	asks := func(name corev1.ResourceName, amount string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := pending(t, "0/3 nodes are available: 3 Insufficient "+string(name))
			s.container("web-2", func(c *corev1.Container) {
				c.Resources.Requests = corev1.ResourceList{name: resource.MustParse(amount)}
			})
			return s
		}
	}
	mounts := func(s state, names ...string) {
		p := pod(s.State, "web-2")
		for _, n := range names {
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: n, VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: n}}})
		}
	}
	// A claim of web-2 that is bound to a volume which nodes with some label can use.
	bound := func(s state, name, key, value string) {
		pv := corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv-" + name}}
		pv.Spec.ClaimRef = &corev1.ObjectReference{Namespace: s.Namespace, Name: name}
		pv.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value}}},
		}}}}
		claim := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.Namespace}}
		claim.Spec.VolumeName, claim.Status.Phase = pv.Name, corev1.ClaimBound
		s.Volumes, s.Claims = append(s.Volumes, pv), append(s.Claims, claim)
		mounts(s, name)
	}
	// A claim of web-2 that waits for its first consumer.
	waits := func(t *testing.T, said string, annotations map[string]string) state {
		t.Helper()
		s := pending(t, said)
		claim := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data-web-2", Namespace: s.Namespace, Annotations: annotations, CreationTimestamp: s.ago(10 * time.Minute)}}
		standard := "standard"
		claim.Spec.StorageClassName, claim.Status.Phase = &standard, corev1.ClaimPending
		s.Claims = append(s.Claims, claim)
		s.CSINodes = []storagev1.CSINode{{ObjectMeta: metav1.ObjectMeta{Name: "statefulset-conformance-worker"}}}
		mounts(s, "data-web-2")
		return s
	}
	const unbindable = "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't find available persistent volumes to bind"
	selected := func(node string) map[string]string {
		return map[string]string{"volume.kubernetes.io/selected-node": node}
	}
	apart := func(t *testing.T, labels map[string]string) state {
		t.Helper()
		s := pending(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod anti-affinity rules. preemption: 0/3 nodes are available")
		pod(s.State, "web-2").Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			LabelSelector: &metav1.LabelSelector{MatchLabels: labels}, TopologyKey: corev1.LabelHostname,
		}}}}
		return s
	}
	// Pods of another namespace, whose rules are for the namespaces with a label or for all.
	kept := func(t *testing.T, labels map[string]string, names ...string) state {
		t.Helper()
		s := pending(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't satisfy existing pods anti-affinity rules")
		for _, name := range names {
			p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "other"}}
			p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
				LabelSelector: &metav1.LabelSelector{MatchLabels: labels}, TopologyKey: corev1.LabelHostname, NamespaceSelector: &metav1.LabelSelector{},
			}}}}
			s.Usage[1].KeepAway = append(s.Usage[1].KeepAway, diagnose.KeepsAway(&p, pod(s.State, "web-2"))...)
			p.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0].NamespaceSelector = nil
			if rules := diagnose.KeepsAway(&p, pod(s.State, "web-2")); len(rules) > 0 {
				t.Errorf("expected a rule without namespaces to be for the pod's own, found %v", rules)
			}
		}
		return s
	}
	const existing = "scheduling: pod/web-2 fits on no node, as the scheduler says: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't satisfy existing pods anti-affinity rules"
	const nowhere = "scheduling: pod/web-2 fits on none of 3 nodes: "
	return []built{
		{"nodes whose disks are full", tainted("node.kubernetes.io/disk-pressure"), "node: node/statefulset-conformance-worker takes no new pod (DiskPressure), and pod web-2 fits on no other: ", "node-condition"},
		{"twin: nodes that are not Ready", tainted("node.kubernetes.io/not-ready"), "node: node/statefulset-conformance-worker takes no new pod (NotReady), and pod web-2 fits on no other: ", "node-condition"},
		{"twin: nodes whose provider has not set them up", tainted("node.cloudprovider.kubernetes.io/uninitialized"), "node: node/statefulset-conformance-worker takes no new pod (not initialized by the cloud provider), and pod web-2 fits on no other: ", "node-condition"},
		{"twin: nodes that are kept for others", tainted("dedicated"), nowhere + "3 with a taint that the pod does not tolerate; the taint is dedicated:NoSchedule", "taint"},
		{"twin: nodes that have just joined", func(t *testing.T) state {
			t.Helper()
			s := tainted("node.kubernetes.io/not-ready")(t)
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name > "web-2" })
			*s.StatefulSet.Spec.Replicas = 3
			for i := range s.Nodes {
				s.Nodes[i].CreationTimestamp = s.ago(20 * time.Second)
			}
			return s
		}, "node: node/statefulset-conformance-worker takes no new pod (NotReady), and pod web-2 fits on no other: ", diagnose.Note},
		{"one node with a full disk, and one without room", func(t *testing.T) state {
			t.Helper()
			s := asks(corev1.ResourceMemory, "20Gi")(t)
			s.Nodes[1].Spec.Taints = []corev1.Taint{{Key: "node.kubernetes.io/disk-pressure", Effect: corev1.TaintEffectNoSchedule}}
			s.Usage[2].Requests[corev1.ResourceMemory] = resource.MustParse("10Gi")
			return s
		}, "node: node/statefulset-conformance-worker takes no new pod (DiskPressure), and pod web-2 fits on no other: ", "node-condition"},

		{"more than is left", func(t *testing.T) state {
			t.Helper()
			s := asks(corev1.ResourceMemory, "20Gi")(t)
			for i := range s.Usage {
				s.Usage[i].Requests[corev1.ResourceMemory] = resource.MustParse("10Gi")
			}
			return s
		}, nowhere + "3 with too little memory left", "resources"},
		{"twin: the autoscaler adds a node", func(t *testing.T) state {
			t.Helper()
			s := asks(corev1.ResourceMemory, "20Gi")(t)
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name > "web-2" })
			*s.StatefulSet.Spec.Replicas = 3
			for i := range s.Usage {
				s.Usage[i].Requests[corev1.ResourceMemory] = resource.MustParse("10Gi")
			}
			s.said("web-2", "TriggeredScaleUp", "pod triggered scale-up: [{pool-1 2->3 (max: 5)}]", time.Minute).Type = corev1.EventTypeNormal
			return s
		}, nowhere + "3 with too little memory left, 1 with a taint that the pod does not tolerate; the autoscaler has been adding a node for 1m", diagnose.Note},
		{"twin: the autoscaler may add no more", func(t *testing.T) state {
			t.Helper()
			s := asks(corev1.ResourceMemory, "20Gi")(t)
			for i := range s.Usage {
				s.Usage[i].Requests[corev1.ResourceMemory] = resource.MustParse("10Gi")
			}
			s.said("web-2", "NotTriggerScaleUp", "pod didn't trigger scale-up: 1 max node group size reached", time.Minute)
			return s
		}, nowhere + "3 with too little memory left", "resources"},
		{"twin: more than any node has", asks(corev1.ResourceMemory, "64Gi"), nowhere + "3 with too little memory left, 1 with a taint that the pod does not tolerate; no node has 64Gi of memory at all, however empty", "resources"},
		{"twin: a device that no node offers", asks("nvidia.com/gpu", "1"), nowhere + "3 with too little nvidia.com/gpu left, 1 with a taint that the pod does not tolerate; no node offers nvidia.com/gpu", "resources"},
		{"a label that no node has", func(t *testing.T) state {
			t.Helper()
			s := pending(t, "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector")
			pod(s.State, "web-2").Spec.NodeSelector = map[string]string{"disktype": "sdd"}
			return s
		}, nowhere + "3 without the labels that the pod's nodeSelector or affinity asks for, 1 with a taint that the pod does not tolerate; it asks for disktype=sdd", "node-affinity"},

		{"two volumes that no node can use both", func(t *testing.T) state {
			t.Helper()
			s := pending(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match PersistentVolume's node affinity")
			bound(s, "data-web-2", corev1.LabelHostname, "statefulset-conformance-worker")
			bound(s, "wal-web-2", corev1.LabelHostname, "statefulset-conformance-worker2")
			return s
		}, "storage: persistentvolume/pv-data-web-2 can be used only on nodes with kubernetes.io/hostname In statefulset-conformance-worker, and volume pv-wal-web-2 of the same pod only on nodes with kubernetes.io/hostname In statefulset-conformance-worker2", "volume-node-affinity"},
		{"a volume in a zone whose nodes have different troubles", func(t *testing.T) state {
			t.Helper()
			s := pending(t, "0/3 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable, 1 node(s) didn't match PersistentVolume's node affinity")
			bound(s, "data-web-2", corev1.LabelTopologyZone, "a")
			s.Nodes[1].Labels[corev1.LabelTopologyZone], s.Nodes[2].Labels[corev1.LabelTopologyZone] = "a", "a"
			s.Nodes = append(s.Nodes, *s.Nodes[2].DeepCopy())
			s.Nodes[3].Name, s.Nodes[3].Labels[corev1.LabelTopologyZone], s.Nodes[3].Labels[corev1.LabelHostname] = "worker3", "b", "worker3"
			s.Nodes[1].Spec.Unschedulable = true
			s.Usage[2].Requests[corev1.ResourceMemory] = resource.MustParse("23Gi")
			pod(s.State, "web-2").Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2Gi")}
			return s
		}, "storage: persistentvolume/pv-data-web-2 can be used only on nodes with topology.kubernetes.io/zone In a, and node statefulset-conformance-worker is cordoned, node statefulset-conformance-worker2 has ", "volume-node-affinity"},

		{"a claim for which a node was chosen that is gone", func(t *testing.T) state {
			t.Helper()
			return waits(t, unbindable, selected("worker-that-is-gone"))
		}, "storage: persistentvolumeclaim/data-web-2 is to have its volume made for node worker-that-is-gone, which does not exist any more: pod web-2 may go nowhere else", "selected-node-gone"},
		{"twin: the node is there, and the provisioner has not made the volume", func(t *testing.T) state {
			t.Helper()
			return waits(t, unbindable, selected("statefulset-conformance-worker2"))
		}, "storage: storageclass/standard has the provisioner rancher.io/local-path, and no pod in the cluster mentions it", "provisioner-down"},
		{"twin: no node was chosen, and none has the storage", func(t *testing.T) state {
			t.Helper()
			return waits(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) did not have enough free storage", nil)
		}, "storage: persistentvolumeclaim/data-web-2 asks for ", "no-capacity"},
		{"twin: no node was chosen, and all are tainted", func(t *testing.T) state {
			t.Helper()
			s := waits(t, "0/3 nodes are available: 3 node(s) had untolerated taint(s)", nil)
			for i := range s.Nodes[1:] {
				s.Nodes[i+1].Spec.Taints = []corev1.Taint{{Key: "dedicated", Effect: corev1.TaintEffectNoSchedule}}
			}
			return s
		}, nowhere + "3 with a taint that the pod does not tolerate", "taint"},
		{"a pod that the scheduler never saw, since its template names the node", func(t *testing.T) state {
			t.Helper()
			s := waits(t, "", nil)
			p := pod(s.State, "web-2")
			p.Spec.NodeName, s.StatefulSet.Spec.Template.Spec.NodeName = "statefulset-conformance-worker", "statefulset-conformance-worker"
			return s
		}, "storage: persistentvolumeclaim/data-web-2 waits until the scheduler chooses a node for its pod, and pod web-2 was given node statefulset-conformance-worker without it (nodeName in the set's template)", "scheduler-bypassed"},

		{"a rule that keeps the set's own pods apart, with fewer nodes than pods", func(t *testing.T) state {
			t.Helper()
			return apart(t, map[string]string{"app": "web"})
		}, "scheduling: pod/web-2 fits on no node, as the scheduler says: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod anti-affinity rules; its rule keeps the set's own pods apart by kubernetes.io/hostname, and web-0 and web-1 have the nodes", "pod-anti-affinity"},
		{"twin: the rule is about other pods", func(t *testing.T) state {
			t.Helper()
			return apart(t, map[string]string{"app": "batch"})
		}, "scheduling: pod/web-2 fits on no node, as the scheduler says: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod anti-affinity rules", "pod-anti-affinity"},
		{"a pod of others that keeps this one away", func(t *testing.T) state {
			t.Helper()
			return kept(t, map[string]string{"app": "web"}, "batch-0", "batch-1")
		}, existing + "; other/batch-0 and other/batch-1 keep pods with app=web away", "existing-anti-affinity"},
		{"twin: one pod", func(t *testing.T) state {
			t.Helper()
			return kept(t, map[string]string{"app": "web"}, "batch-0")
		}, existing + "; other/batch-0 keeps pods with app=web away", "existing-anti-affinity"},
		{"twin: no pod was read that does", func(t *testing.T) state {
			t.Helper()
			return kept(t, map[string]string{"app": "batch"}, "batch-0")
		}, existing, "existing-anti-affinity"},
		{"a driver that no node has, which the scheduler looks at", func(t *testing.T) state {
			t.Helper()
			return pending(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 disks.example.com CSI driver is not installed on the node")
		}, "storage: pod/web-2 fits on no node, as the scheduler says: ", "csi-driver"},

		{"a scheduler that does not exist", func(t *testing.T) state {
			t.Helper()
			s := pending(t, "")
			p := pod(s.State, "web-2")
			p.Spec.SchedulerName, p.Status.Conditions = "volcano", nil
			s.later(5 * time.Minute)
			return s
		}, "scheduling: pod/web-2 names the scheduler volcano, which has not looked at it", "foreign-scheduler"},
		{"twin: it was asked a moment ago", func(t *testing.T) state {
			t.Helper()
			s := pending(t, "")
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name > "web-2" })
			*s.StatefulSet.Spec.Replicas = 3
			p := pod(s.State, "web-2")
			p.Spec.SchedulerName, p.Status.Conditions, p.CreationTimestamp = "volcano", nil, s.ago(3*time.Second)
			return s
		}, "scheduling: pod/web-2 has been under way for 3s", diagnose.Note},
	}
}
